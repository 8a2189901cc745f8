/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_ANALYZER_H
#define VHDSTREAM_ANALYZER_H

/* Included before everything else when clang-tidy or gcc -fanalyzer reads a
 * file. They cannot look into err.c, so they would follow paths on which an
 * error is no error. */

#include "base/err.h"

int err_set_somewhere(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int err_errno_somewhere(struct err *e, int num, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define err_set(e, code, ...) (err_set_somewhere(e, code, __VA_ARGS__), (code))
#define err_errno(e, num, ...)                                                 \
    (err_errno_somewhere(e, num, __VA_ARGS__), ERR_FAILED)

#endif
