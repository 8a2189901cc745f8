/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/side_options.h"

#include "base/mem.h"
#include "copy/option_value.h"

#include <stdlib.h>
#include <string.h>

void side_free(struct side *s)
{
    free(s->user);
    mem_free_secret(s->password);
    mem_free_secret(s->session);
    free(s->cacert);
    mem_free_secret(s->proxy);
    free(s->no_proxy);
    cloud_free(&s->cloud);
}

static int set_cacert(struct side *s, const char *value, struct err *e)
{
    TRY(option_text(&s->cacert, value, e));
    s->trust.cacert = s->cacert;
    return 0;
}

static int set_side(struct side *s, const char *name, const char *value,
                    struct err *e)
{
    if (!strcmp(name, "user"))
        return option_text(&s->user, value, e);
    if (!strcmp(name, "password"))
        return option_text(&s->password, value, e);
    if (!strcmp(name, "session"))
        return option_text(&s->session, value, e);
    if (!strcmp(name, "cacert"))
        return set_cacert(s, value, e);
    if (!strcmp(name, "proxy"))
        return option_text(&s->proxy, value, e);
    if (!strcmp(name, "no-proxy"))
        return option_text(&s->no_proxy, value, e);
    if (!strcmp(name, "pin"))
        return http_trust_pin(&s->trust, value, e);
    s->trust.insecure = true;
    return 0;
}

static const char *const side_options[] = {"user",   "password", "session",
                                           "cacert", "proxy",    "no-proxy",
                                           "pin",    "insecure"};

static const char *find_side_option(const char *name)
{
    for (size_t i = 0; i < sizeof(side_options) / sizeof(*side_options); i++)
        if (!strcmp(side_options[i], name))
            return side_options[i];
    return NULL;
}

/* Those of a cloud, which struct cloud has a table of. */
static int try_cloud(struct options *o, const char *name, const char *value,
                     struct err *e)
{
    bool src = strncmp(name, "dst-", 4) != 0;
    bool dst = strncmp(name, "src-", 4) != 0;
    const char *plain = src && dst ? name : name + 4;
    int done = 0;

    if (src)
        TRY(done = cloud_set(&o->src.cloud, plain, value, e));
    if (dst)
        TRY(done = cloud_set(&o->dst.cloud, plain, value, e));
    return done;
}

int side_options_set(struct options *o, const char *name, const char *value,
                     struct err *e)
{
    bool src = strncmp(name, "dst-", 4) != 0;
    bool dst = strncmp(name, "src-", 4) != 0;
    const char *plain = find_side_option(src && dst ? name : name + 4);

    if (!plain)
        return try_cloud(o, name, value, e);
    TRY(option_check_value(name, value, strcmp(plain, "insecure") != 0, e));
    if (src)
        TRY(set_side(&o->src, plain, value, e));
    if (dst)
        TRY(set_side(&o->dst, plain, value, e));
    return 1;
}
