/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_PRINTER_H
#define VHDSTREAM_PRINTER_H

/* Text into a sink, by printf and through a buffer. */

#include "io/sink.h"

struct printer;

/* The sink stays the caller's. */
int printer_open(struct printer **out, struct sink *s, struct err *e);
void printer_close(struct printer *p);
void printer_cleanup(struct printer **p);

/* At most PRINT_MAX bytes at once, else ERR_FAILED. */
enum { PRINT_MAX = 4096 };
int printer_print(struct printer *p, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Hands what is in the buffer to the sink: last. */
int printer_flush(struct printer *p, struct err *e);

#endif
