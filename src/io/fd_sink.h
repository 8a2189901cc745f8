/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_FD_SINK_H
#define VHDSTREAM_FD_SINK_H

#include "io/sink.h"

/* A FIFO, a terminal or another character device, written in place. Waits until
 * a FIFO has a reader. */
int sink_open_stream(struct sink **out, const char *path,
                     const struct wait *wait, struct err *e);

#endif
