/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"

#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const char *what, size_t size, struct err *e)
{
    return err_set(e, ERR_NO_SPACE, "out of memory: %zu bytes for %s", size,
                   what);
}

int mem_alloc(void *out, size_t size, const char *what, struct err *e)
{
    void *p = fault_strikes(FAULT_MEMORY) ? NULL : calloc(1, size ? size : 1);

    if (!p)
        return refuse(what, size, e);
    memcpy(out, &p, sizeof(p));
    return 0;
}

int mem_alloc_array(void *out, uint64_t count, size_t size, const char *what,
                    struct err *e)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return refuse(what, SIZE_MAX, e);
    return mem_alloc(out, bytes, what, e);
}

int mem_alloc_buffer(uint8_t **out, size_t size, struct err *e)
{
    void *p = NULL;

    if (fault_strikes(FAULT_MEMORY) || posix_memalign(&p, 4096, size))
        return refuse("a buffer", size, e);
    *out = p;
    return 0;
}

int mem_copy_text(char **out, const char *text, struct err *e)
{
    size_t size = strlen(text) + 1;

    TRY(mem_alloc(out, size, "a text", e));
    memcpy(*out, text, size);
    return 0;
}

int mem_format(char **out, struct err *e, const char *fmt, ...)
{
    va_list args;
    char *text = NULL;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0)
        return err_set(e, ERR_FAILED, "a text could not be formatted");
    TRY(mem_alloc(&text, (size_t)len + 1, "a text", e));
    va_start(args, fmt);
    (void)vsnprintf(text, (size_t)len + 1, fmt, args);
    va_end(args);
    *out = text;
    return 0;
}

void mem_cleanup(void *p)
{
    static void *const nothing;
    void *memory;

    memcpy(&memory, p, sizeof(memory));
    free(memory);
    memcpy(p, &nothing, sizeof(nothing));
}

void mem_free_secret(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}
