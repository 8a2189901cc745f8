/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "xapi/xapi_clock.h"

#include "xapi/xapi_sr.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- texts -----------------------------------------------------------------*/

void xapi_time_format(int64_t time, char out[XAPI_TIME_SIZE])
{
    time_t seconds = (time_t)time;
    struct tm utc;

    out[0] = '\0';
    if (gmtime_r(&seconds, &utc))
        (void)strftime(out, XAPI_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* Whether `text` has the shape, in which a 0 stands for any digit. */
static bool has_shape(const char *text, const char *shape)
{
    for (; *shape; text++, shape++)
        if (*shape == '0' ? !isdigit((unsigned char)*text) : *text != *shape)
            return false;
    return !*text;
}

static int take_digits(const char **at, int count)
{
    int value = 0;

    while (!isdigit((unsigned char)**at))
        (*at)++;
    for (; count; count--)
        value = value * 10 + *(*at)++ - '0';
    return value;
}

bool xapi_time_parse(const char *text, int64_t *out)
{
    struct tm utc = {0};
    struct tm day;
    time_t seconds;

    if (!has_shape(text, "0000-00-00T00:00:00Z") &&
        !has_shape(text, "00000000T00:00:00Z"))
        return false;
    utc.tm_year = take_digits(&text, 4) - 1900;
    utc.tm_mon = take_digits(&text, 2) - 1;
    utc.tm_mday = take_digits(&text, 2);
    utc.tm_hour = take_digits(&text, 2);
    utc.tm_min = take_digits(&text, 2);
    utc.tm_sec = take_digits(&text, 2);
    day = utc;
    seconds = timegm(&day);
    /* What there is not, the 31st of June say, comes back as another day. */
    if (seconds < 0 || day.tm_mon != utc.tm_mon || day.tm_mday != utc.tm_mday ||
        day.tm_hour != utc.tm_hour || day.tm_min != utc.tm_min)
        return false;
    *out = seconds;
    return true;
}

/* --- asking ----------------------------------------------------------------*/

static bool is_not_offered(const struct xapi_fault *fault)
{
    return xapi_fault_kind(fault) == ERR_UNSUPPORTED ||
           xapi_fault_is(fault, "RBAC_PERMISSION_DENIED");
}

static int take_answer(const json_t *answer, const char *what, int64_t *out,
                       struct err *e)
{
    char text[64];

    TRY(xapi_json_word(answer, NULL, what, text, sizeof(text), e));
    if (!xapi_time_parse(text, out))
        return err_set(e, ERR_CORRUPT, "%s: \"%s\" is no time", what, text);
    return 0;
}

int xapi_clock(struct xapi *x, enum xapi_mode mode, int64_t *out, bool *own,
               struct err *e)
{
    static const char method[] = "host.get_servertime";
    CLEANUP(json) json_t *result = NULL;
    char master[XAPI_OPAQUE_SIZE];
    struct xapi_fault fault;
    char what[XAPI_WHAT_SIZE];
    int code;

    if (own)
        *own = false;
    TRY(xapi_pool_ref(x, mode, "master", master, e));
    code =
        xapi_ask(x, mode, method, json_pack("[s]", master), &result, &fault, e);
    if (code == 1 && is_not_offered(&fault)) {
        *out = time(NULL);
        if (own)
            *own = true;
        return 0;
    }
    if (code == 1)
        return xapi_refuse(x, &fault, method, e);
    TRY(code);
    return take_answer(result, xapi_what(x, method, what), out, e);
}
