/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void make_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
}

static void append_format(struct err *e, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

static void append_format(struct err *e, const char *fmt, va_list args)
{
    size_t used = strlen(e->text);

    (void)vsnprintf(e->text + used, sizeof(e->text) - used, fmt, args);
    make_printable(e->text + used);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    int saved = errno;
    va_list args;

    if (!e)
        return code;
    e->code = code;
    e->text[0] = '\0';
    e->said[0] = '\0';
    va_start(args, fmt);
    append_format(e, fmt, args);
    va_end(args);
    errno = saved;
    return code;
}

static int code_of_errno(int num)
{
    switch (num) {
    case ENOENT:
    case ENOTDIR:
    case ENXIO:
        return ERR_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
        return ERR_NO_SPACE;
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ETIMEDOUT:
        return ERR_TEMPORARY;
    default:
        return ERR_FAILED;
    }
}

int err_errno(struct err *e, int num, const char *fmt, ...)
{
    int code = code_of_errno(num);
    char reason[128];
    va_list args;

    if (!e)
        return code;
    e->code = code;
    e->text[0] = '\0';
    e->said[0] = '\0';
    va_start(args, fmt);
    append_format(e, fmt, args);
    va_end(args);
    err_append(e, ": %s", strerror_r(num, reason, sizeof(reason)));
    errno = num;
    return code;
}

int err_append(struct err *e, const char *fmt, ...)
{
    va_list args;

    if (!e)
        return ERR_FAILED;
    va_start(args, fmt);
    append_format(e, fmt, args);
    va_end(args);
    return e->code;
}

int err_exit(int code)
{
    switch (code) {
    case ERR_USAGE:
        return 2;
    case ERR_CORRUPT:
    case ERR_UNSUPPORTED:
        return 3;
    case ERR_NOT_FOUND:
        return 4;
    case ERR_AUTH:
        return 5;
    case ERR_NO_SPACE:
        return 6;
    case ERR_UNSETTLED:
        return 7;
    case ERR_TEMPORARY:
        return 75;
    case ERR_CANCELLED:
        return 130;
    default:
        return code < 0 ? 1 : 0;
    }
}
