/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_sr.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PBDS_MAX = 256 }; /* XAPI's pools have 64 hosts at most */

/* --- what it takes ---------------------------------------------------------*/

static bool type_is(const char *type, const char *const *names)
{
    for (; *names; names++)
        if (!strcasecmp(type, *names))
            return true;
    return false;
}

/* A value of a map, names and values compared as XAPI does for these SRs. */
static bool config_says(const json_t *map, const char *key, const char *value)
{
    return !strcasecmp(xapi_json_in_map(map, key), value);
}

static bool is_lvm(const char *type)
{
    static const char *const lvm[] = {"lvm", "lvmoiscsi", "lvmohba", NULL};

    return type_is(type, lvm);
}

bool xapi_sr_takes_vhd(const char *type, const json_t *sr_config)
{
    if (is_lvm(type))
        return config_says(sr_config, "use_vhd", "true");
    if (!strcasecmp(type, "equal"))
        return config_says(sr_config, "allocation", "thin");
    return strcasecmp(type, "cslg") != 0;
}

bool xapi_sr_vdi_takes_vhd(const struct xapi_sr *sr, const json_t *vdi_config)
{
    return sr->takes_vhd &&
           !(is_lvm(sr->type) && config_says(vdi_config, "type", "raw"));
}

/* --- finding ---------------------------------------------------------------*/

/* The pool's record; a pool has exactly one. */
static int get_pool(struct xapi *x, enum xapi_mode mode, json_t **pools,
                    const json_t **out, struct err *e)
{
    static const char method[] = "pool.get_all_records";
    char what[XAPI_WHAT_SIZE];
    const json_t *map;

    TRY(xapi_call(x, mode, pools, e, method, ""));
    TRY(xapi_json_map(*pools, NULL, xapi_what(x, method, what), &map, e));
    *out = json_object_iter_value(json_object_iter((json_t *)map));
    if (!*out)
        return err_set(e, ERR_CORRUPT, "%s: the server has no pool", what);
    return 0;
}

int xapi_pool_ref(struct xapi *x, enum xapi_mode mode, const char *field,
                  char out[XAPI_OPAQUE_SIZE], struct err *e)
{
    CLEANUP(json) json_t *pools = NULL;
    const json_t *pool;
    char what[XAPI_WHAT_SIZE];

    TRY(get_pool(x, mode, &pools, &pool, e));
    return xapi_json_ref(pool, field, xapi_what(x, "pool.get_record", what),
                         out, e);
}

static int find_default(struct xapi *x, char out[XAPI_OPAQUE_SIZE],
                        struct err *e)
{
    TRY(xapi_pool_ref(x, XAPI_NORMAL, "default_SR", out, e));
    if (xapi_ref_is_some(out))
        return 0;
    return err_set(e, ERR_NOT_FOUND,
                   "%s: the pool has no default SR; name one by its uuid or "
                   "name-label, or set one with xe pool-param-set default-SR=",
                   xapi_name(x));
}

int xapi_sr_read(struct xapi *x, const char *ref, struct xapi_sr *out,
                 struct err *e)
{
    static const char method[] = "SR.get_record";
    CLEANUP(json) json_t *record = NULL;
    char what[XAPI_WHAT_SIZE];
    const json_t *config;
    struct xapi_sr sr = {0};

    TRY(xapi_call(x, XAPI_NORMAL, &record, e, method, "s", ref));
    (void)xapi_what(x, method, what);
    (void)snprintf(sr.ref, sizeof(sr.ref), "%s", ref);
    TRY(xapi_json_word(record, "uuid", what, sr.uuid, sizeof(sr.uuid), e));
    TRY(xapi_json_label(record, "name_label", what, sr.label, sizeof(sr.label),
                        e));
    TRY(xapi_json_word(record, "type", what, sr.type, sizeof(sr.type), e));
    TRY(xapi_json_map(record, "sm_config", what, &config, e));
    sr.takes_vhd = xapi_sr_takes_vhd(sr.type, config);
    *out = sr;
    return 0;
}

int xapi_sr_find(struct xapi *x, const char *name, struct xapi_sr *out,
                 struct err *e)
{
    char ref[XAPI_OPAQUE_SIZE];

    if (!strcmp(name, "default"))
        TRY(find_default(x, ref, e));
    else
        TRY(xapi_find(x, "SR", name, ref, e));
    return xapi_sr_read(x, ref, out, e);
}

/* --- the host --------------------------------------------------------------*/

/* The host of a PBD, when it is plugged: 1; else 0. */
static int plugged_host(struct xapi *x, const json_t *pbd,
                        char host[XAPI_OPAQUE_SIZE], struct err *e)
{
    static const char method[] = "PBD.get_record";
    CLEANUP(json) json_t *record = NULL;
    char what[XAPI_WHAT_SIZE];
    char ref[XAPI_OPAQUE_SIZE];
    bool attached;

    TRY(xapi_json_ref(pbd, NULL, xapi_what(x, "SR.get_PBDs", what), ref, e));
    TRY(xapi_call(x, XAPI_NORMAL, &record, e, method, "s", ref));
    (void)xapi_what(x, method, what);
    TRY(xapi_json_bool(record, "currently_attached", what, &attached, e));
    TRY(xapi_json_ref(record, "host", what, host, e));
    return attached;
}

/* Whether its metrics say so; where there are none, they do. */
static bool is_live(struct xapi *x, const json_t *host)
{
    CLEANUP(json) json_t *live = NULL;
    const char *metrics = json_string_value(json_object_get(host, "metrics"));
    struct err ignored;

    if (!metrics || !xapi_ref_is_some(metrics))
        return true;
    if (xapi_call(x, XAPI_NORMAL, &live, &ignored, "host_metrics.get_live", "s",
                  metrics) < 0)
        return true;
    return !json_is_false(live);
}

/* The host's address; 1 when it can be used, 0 when it is down or disabled. */
static int read_host(struct xapi *x, const char *ref, struct host_port *out,
                     struct err *e)
{
    static const char method[] = "host.get_record";
    CLEANUP(json) json_t *record = NULL;
    char what[XAPI_WHAT_SIZE];
    char address[HOST_TEXT_SIZE];

    TRY(xapi_call(x, XAPI_NORMAL, &record, e, method, "s", ref));
    TRY(xapi_json_word(record, "address", xapi_what(x, method, what), address,
                       sizeof(address), e));
    if (!xapi_other_host(x, address, out))
        return err_set(e, ERR_CORRUPT, "%s: \"%s\" is no address of a host",
                       what, address);
    return !json_is_false(json_object_get(record, "enabled")) &&
           is_live(x, record);
}

/* Takes `host` when it is the first, or better than what was found. */
static int consider(struct xapi *x, const char *host, const char *master,
                    int *quality, struct host_port *out, struct err *e)
{
    struct host_port found;
    int usable;

    if (!strcmp(host, master)) {
        xapi_session_host(x, out);
        *quality = 3;
        return 0;
    }
    if (*quality >= 2)
        return 0;
    usable = read_host(x, host, &found, e);
    TRY(usable);
    if (usable + 1 > *quality) {
        *quality = usable + 1;
        *out = found;
    }
    return 0;
}

int xapi_sr_find_host(struct xapi *x, const char *sr_ref, struct host_port *out,
                      struct err *e)
{
    static const char method[] = "SR.get_PBDs";
    CLEANUP(json) json_t *result = NULL;
    char master[XAPI_OPAQUE_SIZE];
    char host[XAPI_OPAQUE_SIZE];
    char what[XAPI_WHAT_SIZE];
    const json_t *pbds;
    int quality = 0;

    TRY(xapi_pool_ref(x, XAPI_NORMAL, "master", master, e));
    TRY(xapi_call(x, XAPI_NORMAL, &result, e, method, "s", sr_ref));
    TRY(xapi_json_list(result, NULL, xapi_what(x, method, what), &pbds, e));
    for (size_t i = 0; i < json_array_size(pbds) && i < PBDS_MAX; i++) {
        int plugged = plugged_host(x, json_array_get(pbds, i), host, e);

        TRY(plugged);
        if (plugged && quality < 3)
            TRY(consider(x, host, master, &quality, out, e));
    }
    if (quality)
        return 0;
    return err_set(e, ERR_TEMPORARY,
                   "%s: no host of the pool has the SR plugged (xe pbd-plug)",
                   xapi_name(x));
}
