/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* For tests/xapi: the functions of src/xapi one by one, on a pool.
 *
 *     xapitool [OPTION...] facts PLACE
 *     xapitool [OPTION...] export PLACE raw|vhd [BASE]       > body
 *     xapitool [OPTION...] import PLACE raw|chunked|vhd SIZE < body
 *     xapitool [OPTION...] parts PLACE vhd SIZE FILE...
 *     xapitool [OPTION...] clean PLACE SECONDS               > uuid: fate
 *
 * import writes to a new VDI of SIZE bytes, or over the VDI that PLACE names.
 * The password is in $XAPITOOL_PASSWORD. Exits with the status of the error,
 * its text on stderr. SIGINT stops it. */

#include "base/mem.h"
#include "xapi/xapi_clean.h"
#include "xapi/xapi_export.h"
#include "xapi/xapi_import.h"

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_MAX = 64 << 20, SEEN_US = 200 * 1000 };

struct options {
    struct http_trust trust;
    struct wait wait;
    const char *user;
    const char *session;
    const char *label;
    struct xapi_times times;
    size_t chunk;    /* bytes of one read or write */
    int64_t promise; /* Content-Length; -1: the body's */
    int64_t stop_at; /* leave the transfer after so many bytes; -1: never */
    bool snapshot;
    bool pause; /* after each part, until a line comes */
};

static struct cancel *stop;

static void on_signal(int signal)
{
    (void)signal;
    cancel_request(stop);
}

/* --- export ----------------------------------------------------------------*/

static int put_out(const uint8_t *bytes, size_t len, struct err *e)
{
    if (fwrite(bytes, 1, len, stdout) != len)
        return err_set(e, ERR_FAILED, "stdout does not take it");
    return 0;
}

static int pump(struct source *s, const struct options *o, struct err *e)
{
    FREE uint8_t *buf = NULL;

    TRY(mem_alloc(&buf, o->chunk, "a buffer", e));
    for (;;) {
        int64_t got = source_read(s, buf, o->chunk, e);

        if (got <= 0)
            return (int)got;
        TRY(put_out(buf, (size_t)got, e));
        if (o->stop_at >= 0 && s->pos >= (uint64_t)o->stop_at)
            return 0;
    }
}

static int run_export(struct xapi *x, const struct xapi_place *place,
                      const struct options *o, char **args, struct err *e)
{
    bool raw = !strcmp(args[0], "raw");
    struct xapi_disk *d = NULL;
    struct source *s = NULL;
    struct xapi_vdi vdi;
    int code;

    TRY(xapi_vdi_find(x, place->ref, &vdi, e));
    if (o->snapshot) {
        TRY(xapi_disk_snapshot(&d, x, &vdi, e));
        vdi = d->vdi;
    }
    code = xapi_export_open(&s, x, &vdi, raw ? XAPI_RAW : XAPI_VHD, args[1], e);
    if (!code)
        code = pump(s, o, e);
    source_close(s);
    xapi_disk_close(d, e);
    return e->code ? e->code : code;
}

/* --- import ----------------------------------------------------------------*/

static enum xapi_format format_of(const char *name)
{
    return !strcmp(name, "vhd")       ? XAPI_VHD
           : !strcmp(name, "chunked") ? XAPI_CHUNKED
                                      : XAPI_RAW;
}

static int read_body(int fd, uint8_t **out, size_t *len, struct err *e)
{
    uint8_t *body = NULL;
    ssize_t got;

    TRY(mem_alloc(&body, BODY_MAX, "a body", e));
    *len = 0;
    while ((got = read(fd, body + *len, BODY_MAX - *len)) > 0)
        *len += (size_t)got;
    *out = body;
    return 0;
}

static int send_body(struct sink *s, const struct options *o,
                     const uint8_t *body, size_t len, struct err *e)
{
    for (size_t at = 0; at < len;) {
        size_t now = len - at < o->chunk ? len - at : o->chunk;

        if (o->stop_at >= 0 && at >= (size_t)o->stop_at)
            return err_set(e, ERR_FAILED, "left at byte %zu", at);
        TRY(sink_write(s, body + at, now, e));
        at += now;
    }
    return sink_finish(s, e);
}

static int one_import(struct xapi_disk *d, const struct xapi_import *how,
                      const struct options *o, const uint8_t *body, size_t len,
                      struct err *e)
{
    struct sink *s = NULL;
    int code;

    TRY(xapi_import_open(&s, d, how, e));
    code = send_body(s, o, body, len, e);
    sink_close(s, code < 0 ? e : NULL);
    return code < 0 ? e->code : 0;
}

static int open_target(struct xapi_disk **out, struct xapi *x,
                       const struct xapi_place *place, const struct options *o,
                       const char *size, struct err *e)
{
    struct xapi_sr sr;
    struct xapi_new how = {.sr = &sr,
                           .label = o->label,
                           .description = "of a test",
                           .size = strtoull(size, NULL, 10)};

    if (place->kind == XAPI_VDI)
        return xapi_disk_open(out, x, place->ref, e);
    TRY(xapi_sr_find(x, place->ref, &sr, e));
    return xapi_disk_create(out, x, &how, e);
}

static int run_import(struct xapi *x, const struct xapi_place *place,
                      const struct options *o, char **args, struct err *e)
{
    struct xapi_import how = {.format = format_of(args[0])};
    FREE uint8_t *body = NULL;
    struct xapi_disk *d = NULL;
    char uuid[XAPI_UUID_SIZE];
    size_t len;

    TRY(read_body(STDIN_FILENO, &body, &len, e));
    TRY(open_target(&d, x, place, o, args[1], e));
    memcpy(uuid, d->vdi.uuid, sizeof(uuid));
    how.length = o->promise >= 0 ? (uint64_t)o->promise : len;
    if (!one_import(d, &how, o, body, len, e))
        (void)xapi_disk_complete(d, e);
    xapi_disk_close(d, e->code ? e : NULL);
    if (!e->code)
        puts(uuid);
    return e->code;
}

/* One VDI from several bodies, as chains and transfers that break are sent:
 * between two of them all that waits is stopped, as between two tries. */
static int run_parts(struct xapi *x, const struct xapi_place *place,
                     const struct options *o, char **args, struct err *e)
{
    struct xapi_disk *d = NULL;

    TRY(open_target(&d, x, place, o, args[1], e));
    for (char **file = args + 2; *file && !e->code; file++) {
        struct xapi_import how = {.format = format_of(args[0])};
        FREE uint8_t *body = NULL;
        int fd = open(*file, O_RDONLY | O_CLOEXEC);
        size_t len = 0;

        if (read_body(fd, &body, &len, e) < 0)
            break;
        close(fd);
        how.length = len;
        (void)one_import(d, &how, o, body, len, e);
        cancel_request(stop);
        (void)usleep(SEEN_US);
        cancel_withdraw(stop);
        xapi_beat_resume(x);
        if (o->pause)
            (void)getchar();
    }
    if (!e->code && !xapi_disk_complete(d, e))
        puts(d->vdi.uuid);
    xapi_disk_close(d, e->code ? e : NULL);
    return e->code;
}

/* --- facts -----------------------------------------------------------------*/

static int run_facts(struct xapi *x, const struct xapi_place *place,
                     struct err *e)
{
    struct xapi_vdi vdi = {0};
    struct host_port host;
    char origin[ORIGIN_SIZE];

    if (place->kind == XAPI_VDI)
        TRY(xapi_vdi_find(x, place->ref, &vdi, e));
    else
        TRY(xapi_sr_find(x, place->ref, &vdi.sr, e));
    TRY(xapi_sr_find_host(x, vdi.sr.ref, &host, e));
    host_port_origin(&host, xapi_is_tls(x), origin);
    printf("sr %s %s %s takes_vhd=%d\nhost %s\n", vdi.sr.uuid, vdi.sr.label,
           vdi.sr.type, vdi.sr.takes_vhd, origin);
    if (place->kind == XAPI_VDI)
        printf("vdi %s %s size=%" PRIu64 " snapshot=%d takes_vhd=%d\n",
               vdi.uuid, vdi.label, vdi.size, vdi.is_snapshot, vdi.takes_vhd);
    return 0;
}

/* --- clean -----------------------------------------------------------------*/

static int print_fate(void *ctx, const struct xapi_remnant *r, struct err *e)
{
    static const char *const names[] = {"removed", "removable", "spared",
                                        "not removed"};

    (void)ctx, (void)e;
    printf("%s: %s: %s\n", r->uuid, names[r->fate], r->why);
    return 0;
}

static int run_clean(struct xapi *x, char **args, struct err *e)
{
    const struct xapi_clean how = {.older_than_s = strtoull(args[0], NULL, 10)};

    return xapi_clean(x, &how, NULL, print_fate, NULL, e);
}

/* --- the program -----------------------------------------------------------*/

static int run(struct xapi *x, const struct xapi_place *place,
               const struct options *o, char **args, struct err *e)
{
    if (!strcmp(args[0], "facts"))
        return run_facts(x, place, e);
    if (!strcmp(args[0], "export"))
        return run_export(x, place, o, args + 2, e);
    if (!strcmp(args[0], "import"))
        return run_import(x, place, o, args + 2, e);
    if (!strcmp(args[0], "parts"))
        return run_parts(x, place, o, args + 2, e);
    if (!strcmp(args[0], "clean"))
        return run_clean(x, args + 2, e);
    return err_set(e, ERR_USAGE, "no command %s", args[0]);
}

static int with_session(const struct options *o, char **args, struct err *e)
{
    struct xapi_place place;
    CLEANUP(xapi) struct xapi *x = NULL;
    struct xapi_config cfg = {.place = &place,
                              .user = o->user,
                              .password = getenv("XAPITOOL_PASSWORD"),
                              .session = o->session,
                              .trust = &o->trust,
                              .wait = &o->wait,
                              .times = o->times};

    TRY(xapi_place_parse(&place, args[1], e));
    TRY(xapi_open(&x, &cfg, e));
    return run(x, &place, o, args, e);
}

static int take_option(struct options *o, int letter, struct err *e)
{
    switch (letter) {
    case 'c':
        o->trust.cacert = optarg;
        return 0;
    case 'p':
        return http_trust_pin(&o->trust, optarg, e);
    case 'u':
        o->user = optarg;
        return 0;
    case 's':
        o->session = optarg;
        return 0;
    case 'n':
        o->label = optarg;
        return 0;
    case 't':
        o->wait.timeout_s = (unsigned)strtoul(optarg, NULL, 10);
        return 0;
    case 'w':
        o->times.settle_s = (unsigned)strtoul(optarg, NULL, 10);
        return 0;
    case 'K':
        o->times.keep_s = (unsigned)strtoul(optarg, NULL, 10);
        return 0;
    case 'o':
        o->times.task_old_s = (unsigned)strtoul(optarg, NULL, 10);
        return 0;
    case 'k':
        o->times.beat_s = (unsigned)strtoul(optarg, NULL, 10);
        return 0;
    case 'b':
        o->chunk = strtoul(optarg, NULL, 10);
        return 0;
    case 'l':
        o->promise = (int64_t)strtoll(optarg, NULL, 10);
        return 0;
    case 'x':
        o->stop_at = (int64_t)strtoll(optarg, NULL, 10);
        return 0;
    case 'P':
        o->pause = true;
        return 0;
    case 'S':
        o->snapshot = true;
        return 0;
    default:
        return err_set(e, ERR_USAGE, "usage: see the head of xapitool.c");
    }
}

int main(int argc, char **argv)
{
    struct options o = {
        .wait.timeout_s = 20, .chunk = 1 << 20, .promise = -1, .stop_at = -1};
    struct err e = {0};
    int letter;

    if (cancel_open(&stop, &e) < 0)
        return 1;
    o.wait.cancel = stop;
    (void)signal(SIGINT, on_signal);
    while ((letter = getopt(argc, argv, "c:p:u:s:n:t:w:k:K:o:b:l:x:SP")) > 0)
        if (take_option(&o, letter, &e) < 0)
            break;
    if (!e.code && argc - optind < 2)
        (void)err_set(&e, ERR_USAGE, "usage: see the head of xapitool.c");
    if (!e.code)
        (void)with_session(&o, argv + optind, &e);
    cancel_close(stop);
    if (!e.code && !fflush(stdout))
        return 0;
    (void)fprintf(stderr, "%s\n", e.text);
    return err_exit(e.code);
}
