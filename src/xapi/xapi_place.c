/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_place.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char tls_scheme[] = "xapi://";
static const char plain_scheme[] = "xapi+http://";

static const char the_form[] =
    "a place in a pool is xapi://[USER@]HOST[:PORT]/vdi/REF or .../sr/REF";

static const char *after_scheme(const char *text, bool *tls)
{
    *tls = !strncmp(text, tls_scheme, sizeof(tls_scheme) - 1);
    if (*tls)
        return text + sizeof(tls_scheme) - 1;
    if (!strncmp(text, plain_scheme, sizeof(plain_scheme) - 1))
        return text + sizeof(plain_scheme) - 1;
    return NULL;
}

bool xapi_place_is(const char *text)
{
    bool tls;

    return after_scheme(text, &tls) != NULL;
}

static int parse_user(struct xapi_place *p, const char *text, size_t len,
                      struct err *e)
{
    if (memchr(text, ':', len))
        return err_set(e, ERR_USAGE,
                       "xapi://%s: a password does not belong in a place, "
                       "where the list of processes shows it; use "
                       "--password-file, --password-fd or XENSERVER_PASSWORD",
                       "USER:...@HOST");
    if (!text_decode(p->user, sizeof(p->user), text, len))
        return err_set(e, ERR_USAGE,
                       "the user in front of the @ is no text of at most %d "
                       "bytes: %s",
                       XAPI_USER_SIZE - 1, the_form);
    return 0;
}

/* What follows the scheme up to the path. What is wrong here is not repeated,
 * since a mistyped password might be in it. */
static int parse_authority(struct xapi_place *p, const char *text, size_t len,
                           struct err *e)
{
    char host[ORIGIN_SIZE];
    const char *at = memrchr(text, '@', len);

    if (at) {
        TRY(parse_user(p, text, (size_t)(at - text), e));
        len -= (size_t)(at + 1 - text);
        text = at + 1;
    }
    if (!text_copy_part(host, sizeof(host), text, len) ||
        !host_port_parse(&p->host, host))
        return err_set(e, ERR_USAGE,
                       "no host, or no port from 1 to 65535, between %s and "
                       "the path: %s",
                       p->tls ? tls_scheme : plain_scheme, the_form);
    return 0;
}

static int parse_ref(struct xapi_place *p, const char *ref, struct err *e)
{
    if (!*ref)
        return err_set(e, ERR_USAGE,
                       "%s: names no %s: its uuid or name-label is missing%s",
                       p->name, p->kind == XAPI_SR ? "SR" : "VDI",
                       p->kind == XAPI_SR ? " (or `default`)" : "");
    if (!text_decode(p->ref, sizeof(p->ref), ref, strlen(ref)))
        return err_set(e, ERR_USAGE,
                       "%s: what follows /%s/ is no percent-encoded UTF-8 "
                       "text of at most %d bytes",
                       p->name, p->kind == XAPI_SR ? "sr" : "vdi",
                       XAPI_LABEL_SIZE - 1);
    return 0;
}

static int parse_path(struct xapi_place *p, const char *path, struct err *e)
{
    if (!*path || !strcmp(path, "/")) {
        p->kind = XAPI_POOL;
        return 0;
    }
    if (!strncmp(path, "/sr/", 4)) {
        p->kind = XAPI_SR;
        return parse_ref(p, path + 4, e);
    }
    if (!strncmp(path, "/vdi/", 5)) {
        p->kind = XAPI_VDI;
        return parse_ref(p, path + 5, e);
    }
    return err_set(e, ERR_USAGE, "%s: neither /vdi/REF nor /sr/REF: %s",
                   p->name, the_form);
}

int xapi_place_parse(struct xapi_place *out, const char *text, struct err *e)
{
    struct xapi_place p = {0};
    const char *authority = after_scheme(text, &p.tls);
    size_t len;

    if (!authority)
        return err_set(e, ERR_USAGE, "%s: %s", text, the_form);
    len = strcspn(authority, "/");
    TRY(parse_authority(&p, authority, len, e));
    (void)snprintf(p.name, sizeof(p.name), "%s", text);
    TRY(parse_path(&p, authority + len, e));
    *out = p;
    return 0;
}
