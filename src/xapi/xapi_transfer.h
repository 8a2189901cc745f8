/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_TRANSFER_H
#define VHDSTREAM_XAPI_TRANSFER_H

/*
 * What the export source and the import sink have in common: a task, a host
 * that has the SR plugged, a request to it, and the words of the failure.
 *
 * XAPI answers 200 before it touches the disk, so the status of the request
 * says little; what happens later is known from the task, and from a second
 * head ("HTTP/1.1 500") that the server puts into the same body.
 */

#include "io/http.h"
#include "xapi/xapi_keep.h"
#include "xapi/xapi_task.h"
#include "xapi/xapi_vdi.h"

enum xapi_format {
    XAPI_RAW,
    XAPI_CHUNKED, /* import only: records of offset, length, data */
    XAPI_VHD,
};

struct xapi_transfer {
    struct xapi *x;
    struct xapi_task task;
    struct xapi_keep keep;
    struct http_config http;
    struct wait wait;           /* of the stream */
    struct http_stream *stream; /* NULL: closed */
    bool taken;   /* the server answered 200: it will complete the task */
    bool waited;  /* for the task, in vain */
    bool settled; /* the task is no longer pending: `verdict` is its word */
    struct xapi_verdict verdict;
    double reached; /* of the task, the most that was seen before it ended;
                       below 0: nothing was */
};

/* The body's own end marker is its end; for XAPI_CHUNKED. */
#define XAPI_LENGTH_OPEN UINT64_MAX

struct xapi_request {
    bool import; /* PUT, else GET */
    enum xapi_format format;
    const char *base; /* export: ref or uuid of a VDI to diff against; NULL */
    uint64_t length;  /* import: bytes of the body, or XAPI_LENGTH_OPEN */
};

/* Creates the task and opens the stream; 302 is followed. *t is zeroed memory
 * that must not move from then on; on failure everything is undone. */
int xapi_transfer_open(struct xapi_transfer *t, struct xapi *x,
                       const struct xapi_vdi *vdi,
                       const struct xapi_request *req, struct err *e);

/* Waits for the task, as the session's settle time allows, and stores its word
 * in t->verdict; 0, ERR_UNSETTLED or ERR_CANCELLED. */
int xapi_transfer_settle(struct xapi_transfer *t, struct err *e);

/* The stream broke (*e says how): closes it, looks for up to a minute what the
 * task says of it, and adds that to *e. Returns e->code, which is the task's
 * where that is more telling. ERR_CANCELLED stays as it is. */
int xapi_transfer_explain(struct xapi_transfer *t, struct err *e);

/* The error code for a task that did not succeed. XAPI tells its failures in
 * the answer, too: where it did not (`told` false), an "I/O error" of its child
 * is most likely a connection that was cut on the way, and a cancelled task
 * that of a host whose toolstack was started anew, since task.cancel does not
 * reach these transfers: ERR_TEMPORARY. */
int xapi_transfer_blame(const struct xapi_transfer *t, bool told);

/* Breaks off what is still under way and waits, as the session's settle time
 * allows, until the server has let go of the disk. ERR_UNSETTLED,
 * ERR_CANCELLED. */
int xapi_transfer_break(struct xapi_transfer *t, struct err *e);

/* Breaks off what is still under way and waits up to a minute for the server to
 * see that, destroys the task. Cannot be stopped. For zeroed memory, too. */
void xapi_transfer_end(struct xapi_transfer *t);

/* Reads the failure out of the HTML that XAPI puts into its answers, made plain
 * (text_from_html); false: none is in there. */
bool xapi_fault_in_note(struct xapi_fault *out, const char *note);

#endif
