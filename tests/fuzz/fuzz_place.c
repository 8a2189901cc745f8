/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* Places and addresses: what is taken can be asked for and shown, what is
 * refused does not give away a password. */

#include "base/text.h"
#include "fuzzing.h"
#include "io/http_inner.h"
#include "xapi/xapi_place.h"

#include <stdlib.h>
#include <string.h>

static void check_host(const struct host_port *h)
{
    char text[ORIGIN_SIZE];
    struct host_port again;

    demand(h->port <= 65535);
    host_port_origin(h, true, text);
    demand(!strncmp(text, "https://", 8));
    demand(host_port_parse(&again, text + 8));
    demand(again.port == h->port && !strcmp(again.name, h->name));
}

static void parse_pool(const char *text)
{
    struct xapi_place p;
    struct host_port h;
    struct err e = {0};

    if (host_port_parse(&h, text))
        check_host(&h);
    if (xapi_place_parse(&p, text, &e)) {
        demand(e.code == ERR_USAGE && e.text[0]);
        return;
    }
    demand(xapi_place_is(text));
    check_host(&p.host);
    demand(text_is_utf8(p.user, strlen(p.user)));
    demand(text_is_utf8(p.ref, strlen(p.ref)));
    demand((p.kind == XAPI_POOL) == !p.ref[0]);
}

/* With a password in it: it is refused, and not repeated. */
static void parse_with_password(const char *text)
{
    static const char word[] = "hunter2hunter2";
    char url[600] = "xapi://u:hunter2hunter2";
    struct xapi_place p;
    struct err e = {0};
    size_t used = strlen(url), len = strlen(text);

    if (!memchr(text, '@', strcspn(text, "/")) || len > 500)
        return;
    memcpy(url + used, text, len + 1);
    demand(xapi_place_parse(&p, url, &e) == ERR_USAGE);
    demand(!strstr(e.text, word));
}

static void parse_url(const char *base, const char *to)
{
    char out[2048], name[NAME_SIZE], host[HTTP_HOST_SIZE];

    http_url_redact(to, name, sizeof(name));
    demand(strlen(name) < sizeof(name) && !strpbrk(name, "?#"));
    if (http_url_host(to, host, sizeof(host)))
        demand(*host && !strpbrk(host, "@/ "));
    (void)http_url_same_origin(to, base);
    if (http_url_join(base, to, out, sizeof(out))) {
        demand(!strncasecmp(out, "http://", 7) || http_url_is_tls(out));
        /* A host that is too long for a name is nobody's. */
        demand(!http_url_host(out, host, sizeof(host)) ||
               http_url_same_origin(out, out));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1);

    demand(text);
    memcpy(text, data, len);
    text[len] = '\0';
    parse_pool(text);
    parse_with_password(text);
    parse_url("https://h.example/a/b?c", text);
    parse_url("http://[::1]:8080/", text);
    free(text);
    return 0;
}
