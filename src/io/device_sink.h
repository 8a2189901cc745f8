/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_DEVICE_SINK_H
#define VHDSTREAM_DEVICE_SINK_H

#include "io/sink.h"

/* A block device, overwritten in place: only with `force`, and not while it is
 * mounted or in use otherwise. What does not fit is ERR_NO_SPACE. */
int sink_open_device(struct sink **out, const char *path, bool force,
                     const struct wait *wait, struct err *e);

#endif
