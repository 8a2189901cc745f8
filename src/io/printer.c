/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/printer.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUFFER = 64 * 1024 };

struct printer {
    struct sink *sink;
    size_t used;
    char buffer[BUFFER];
};

int printer_open(struct printer **out, struct sink *s, struct err *e)
{
    struct printer *p = NULL;

    TRY(mem_alloc(&p, sizeof(*p), "a text", e));
    p->sink = s;
    *out = p;
    return 0;
}

void printer_close(struct printer *p)
{
    free(p);
}

void printer_cleanup(struct printer **p)
{
    printer_close(*p);
    *p = NULL;
}

int printer_flush(struct printer *p, struct err *e)
{
    if (p->used)
        TRY(sink_write(p->sink, p->buffer, p->used, e));
    p->used = 0;
    return 0;
}

int printer_print(struct printer *p, struct err *e, const char *fmt, ...)
{
    va_list args;
    int len;

    if (p->used + PRINT_MAX > BUFFER)
        TRY(printer_flush(p, e));
    va_start(args, fmt);
    len = vsnprintf(p->buffer + p->used, PRINT_MAX, fmt, args);
    va_end(args);
    if (len < 0 || len >= PRINT_MAX)
        return err_set(e, ERR_FAILED, "%s: a text that is too long",
                       p->sink->name);
    p->used += (size_t)len;
    return 0;
}
