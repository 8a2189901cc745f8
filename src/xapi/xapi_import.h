/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_IMPORT_H
#define VHDSTREAM_XAPI_IMPORT_H

#include "io/sink.h"
#include "xapi/xapi_disk.h"
#include "xapi/xapi_transfer.h"

struct xapi_import {
    enum xapi_format format;
    uint64_t length; /* of the body, exactly: the Content-Length */
    bool part;       /* one of several transfers into the same VDI: see below */
};

/*
 * Bytes into a VDI (PUT /import_raw_vdi). Returns when the server has answered
 * 200; no byte has been sent then. The sink is append only.
 *
 * sink_finish waits for the end of the server's answer and for its task: only
 * when all bytes went out, the answer ended cleanly and the task says success
 * is it 0. It may take minutes, since XAPI detaches the disk before it says so.
 *
 * The sink takes *disk over (*disk is NULL then; on failure it is still the
 * caller's): finish completes it (xapi_disk_complete), and closing an
 * unfinished sink breaks the transfer off, waits for the server to let go and
 * destroys the VDI where it is ours. With `part` the disk stays the caller's,
 * who opens further sinks on it (an overlay, a resumed transfer), and completes
 * or closes it after the last one.
 *
 * The session must outlive the sink.
 */
int xapi_import_open(struct sink **out, struct xapi_disk **disk,
                     const struct xapi_import *how, struct err *e);

#endif
