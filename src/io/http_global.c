/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/http_inner.h"

#include <openssl/ssl.h>

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/*
 * libcurl copies credentials and request bodies into memory of its own and
 * frees it as it is. So it gets a free() that overwrites first. Where the
 * program has set libcurl up before us, it keeps its own allocator.
 */
static void wiping_free(void *p)
{
    if (!p)
        return;
    explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

static void *wiping_realloc(void *old, size_t size)
{
    size_t had = old ? malloc_usable_size(old) : 0;
    void *p = malloc(size ? size : 1);

    if (!p)
        return NULL;
    if (had)
        memcpy(p, old, had < size ? had : size);
    wiping_free(old);
    return p;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode result;
static int ssl_index;

static void init(void)
{
    result = curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wiping_free,
                                  wiping_realloc, strdup, calloc);
    ssl_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

int http_global_init(struct err *e)
{
    pthread_once(&once, init);
    if (result)
        return err_set(e, ERR_FAILED, "libcurl does not start: %s",
                       curl_easy_strerror(result));
    if (ssl_index < 0)
        return err_set(e, ERR_FAILED, "OpenSSL does not start");
    return 0;
}

int http_ssl_index(void)
{
    return ssl_index;
}
