/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_IMPORT_H
#define VHDSTREAM_XAPI_IMPORT_H

#include "io/sink.h"
#include "xapi/xapi_disk.h"
#include "xapi/xapi_transfer.h"

/* More than sockets and proxies hold, where nobody has raised the kernels'
 * bounds (tcp_wmem 4 MiB, tcp_rmem 6 MiB): what was sent so long ago has
 * arrived. And was written: the server's child takes a record, or a block, when
 * it has written the one before (O_DIRECT). Where that does not hold, reading
 * back finds it. */
enum { XAPI_ON_THE_WAY = 32 * 1024 * 1024 };

struct xapi_import {
    enum xapi_format format;
    uint64_t length; /* of the body, exactly: the Content-Length; or
                        XAPI_LENGTH_OPEN */
};

/*
 * Bytes into a VDI (PUT /import_raw_vdi). Returns when the server has answered
 * 200; no byte has been sent then. The sink is append only.
 *
 * sink_finish waits for the end of the server's answer and for its task: only
 * when all bytes went out, the answer ended cleanly and the task says success
 * is it 0. It may take minutes, since XAPI detaches the disk before it says so.
 *
 * The disk stays the caller's, who may open further sinks on it (a transfer
 * that goes on after a break, an overlay), and completes (xapi_disk_complete)
 * or closes it after the last one. Closing an unfinished sink breaks the
 * transfer off and waits for the server to let go. Disk and session must
 * outlive the sink.
 */
int xapi_import_open(struct sink **out, struct xapi_disk *disk,
                     const struct xapi_import *how, struct err *e);

/* The ref of its task. */
const char *xapi_import_task(const struct sink *s);

/* After a failure of such a sink, before it is closed: breaks the transfer off
 * and waits, as long as finish does, until the server has let go of the disk.
 * How many bytes of the body it has surely written then goes to *sure: all but
 * XAPI_ON_THE_WAY, and not more than the task has told of a body whose length
 * is known. Of an open one a task tells nothing; such a body passes no proxy
 * that would keep it, since none could tell where it ends.
 * ERR_UNSETTLED, ERR_CANCELLED. */
int xapi_import_break(struct sink *s, uint64_t *sure, struct err *e);

#endif
