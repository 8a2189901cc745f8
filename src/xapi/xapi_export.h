/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_EXPORT_H
#define VHDSTREAM_XAPI_EXPORT_H

#include "io/source.h"
#include "xapi/xapi_transfer.h"

/*
 * A VDI as a stream of bytes (GET /export_raw_vdi): XAPI_VHD, or XAPI_RAW with
 * every byte of it. `base` is NULL, or the ref or uuid of a VDI to diff against
 * (XAPI_VHD only).
 *
 * The end is the server's word: read returns 0 only when the body is complete
 * and the task says success. A cut, a failed task, or an answer that the server
 * put into the body is an error that names the cause; such an answer is never
 * handed out as data. The last 4 KiB wait for that word. A VHD's own structure
 * is for its decoder to check; raw is exactly the disk's virtual size.
 *
 * The task is destroyed at close. The session must outlive the source. A disk
 * in use by a running VM cannot be exported: take xapi_disk_snapshot() of it.
 *
 * A VHD's virtual size may exceed vdi->size: XAPI rounds up to 2 MiB on an SR
 * that does not keep VHDs.
 */
int xapi_export_open(struct source **out, struct xapi *x,
                     const struct xapi_vdi *vdi, enum xapi_format format,
                     const char *base, struct err *e);

#endif
