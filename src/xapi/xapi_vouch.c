/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_vouch.h"

#include "base/mem.h"
#include "xapi/xapi_inner.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { CONDITION_SIZE = HOST_TEXT_SIZE + 32 };

/* The records of a class whose field has this value, as a map by ref; NULL
 * where the pool has no such class, or refuses. */
static int list(struct xapi *x, const char *method, const char *field,
                const char *value, json_t **out, struct err *e)
{
    char condition[CONDITION_SIZE];
    struct xapi_fault fault;
    int code;

    (void)snprintf(condition, sizeof(condition), "field \"%s\" = \"%s\"", field,
                   value);
    code = xapi_ask(x, XAPI_NORMAL, method, json_pack("[s]", condition), out,
                    &fault, e);
    TRY(code);
    if (code == 1)
        *out = NULL;
    return 0;
}

/* Those of other kinds are shown to others, or are CAs. */
static bool is_for_clients(const json_t *certificate)
{
    const char *type = json_string_value(json_object_get(certificate, "type"));

    return !type || !strcmp(type, "host");
}

/* XAPI writes "AB:CD:...", as a pin may be. */
static const char *sum_of(const json_t *certificate)
{
    const char *sum =
        json_string_value(json_object_get(certificate, "fingerprint_sha256"));

    if (sum && *sum)
        return sum;
    sum = json_string_value(json_object_get(certificate, "fingerprint"));
    return sum ? sum : "";
}

/* What is no sum is passed over. */
static void add(struct xapi *x, const char *host, const char *sum)
{
    char text[HOST_TEXT_SIZE + 128];
    struct http_pin pin;
    int len = snprintf(text, sizeof(text), "%s=sha256:%s", host, sum);
    struct err ignored;

    if (len < 0 || (size_t)len >= sizeof(text) ||
        http_pin_parse(&pin, text, &ignored) < 0)
        return;
    pthread_mutex_lock(&x->lock);
    if (x->trust.nvouched < XAPI_VOUCHED_MAX)
        x->vouched[x->trust.nvouched++] = pin;
    pthread_mutex_unlock(&x->lock);
}

static int add_all_of(struct xapi *x, const char *name, const char *host_ref,
                      struct err *e)
{
    CLEANUP(json) json_t *certificates = NULL;
    const char *ref;
    json_t *one;

    if (!xapi_ref_is(host_ref))
        return 0;
    TRY(list(x, "Certificate.get_all_records_where", "host", host_ref,
             &certificates, e));
    json_object_foreach(certificates, ref, one)
    {
        if (is_for_clients(one))
            add(x, name, sum_of(one));
    }
    return 0;
}

static bool is_known(const struct xapi *x, const char *name)
{
    for (unsigned i = 0; i < x->trust.nvouched; i++)
        if (!strcasecmp(x->vouched[i].host, name))
            return true;
    return false;
}

int xapi_vouch(struct xapi *x, const struct host_port *host, struct err *e)
{
    CLEANUP(json) json_t *hosts = NULL;
    struct host_port ours;
    const char *ref;
    json_t *one;

    xapi_session_host(x, &ours);
    if (!x->tls || x->trust.insecure || !strcasecmp(ours.name, host->name) ||
        is_known(x, host->name))
        return 0;
    TRY(list(x, "host.get_all_records_where", "address", host->name, &hosts,
             e));
    json_object_foreach(hosts, ref, one)
    {
        TRY(add_all_of(x, host->name, ref, e));
    }
    return 0;
}
