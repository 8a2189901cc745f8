/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "store/glance_place.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const char tls_scheme[] = "glance://";
static const char plain_scheme[] = "glance+http://";

static const char the_form[] =
    "an image in Glance is glance://[HOST[:PORT]]/ID or .../NAME";

static const char *after_glance(const char *text, bool *tls)
{
    *tls = !strncmp(text, tls_scheme, sizeof(tls_scheme) - 1);
    if (*tls)
        return text + sizeof(tls_scheme) - 1;
    if (!strncmp(text, plain_scheme, sizeof(plain_scheme) - 1))
        return text + sizeof(plain_scheme) - 1;
    return NULL;
}

bool glance_place_is(const char *text)
{
    bool tls;

    return after_glance(text, &tls) != NULL;
}

/* What is wrong here is not repeated: somebody may have put a password there.
 */
static int parse_host(struct glance_place *p, const char *text, size_t len,
                      struct err *e)
{
    char host[ORIGIN_SIZE];

    p->has_host = len > 0;
    if (!len)
        return 0;
    if (memchr(text, '@', len))
        return err_set(e, ERR_USAGE,
                       "%s...@...: Glance has no users of its own; credentials "
                       "come from OS_CLOUD, OS_TOKEN or OS_AUTH_URL: %s",
                       p->tls ? tls_scheme : plain_scheme, the_form);
    if (!text_copy_part(host, sizeof(host), text, len) ||
        !host_port_parse(&p->host, host))
        return err_set(e, ERR_USAGE,
                       "no host, or no port from 1 to 65535, between %s and "
                       "the path: %s",
                       p->tls ? tls_scheme : plain_scheme, the_form);
    if (!p->host.port)
        p->host.port = GLANCE_PORT;
    return 0;
}

int glance_place_parse(struct glance_place *out, const char *text,
                       struct err *e)
{
    struct glance_place p = {0};
    const char *authority = after_glance(text, &p.tls), *ref;
    size_t len;

    if (!authority)
        return err_set(e, ERR_USAGE, "%s: %s", text, the_form);
    len = strcspn(authority, "/");
    TRY(parse_host(&p, authority, len, e));
    (void)snprintf(p.name, sizeof(p.name), "%s", text);
    ref = authority + len + (authority[len] == '/');
    if (!text_decode(p.ref, sizeof(p.ref), ref, strlen(ref)))
        return err_set(e, ERR_USAGE,
                       "%s: what follows the host is no percent-encoded UTF-8 "
                       "text of at most %d bytes",
                       p.name, GLANCE_NAME_SIZE - 1);
    *out = p;
    return 0;
}
