/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_VDI_H
#define VHDSTREAM_XAPI_VDI_H

/* Virtual disk images: what one is, and single calls on it. What a run makes
 * and has to remove again is in xapi_disk.h. */

#include "xapi/xapi_sr.h"

struct xapi_vdi {
    char ref[XAPI_OPAQUE_SIZE];
    char uuid[XAPI_UUID_SIZE];
    char label[XAPI_LABEL_SIZE]; /* name-label, cut */
    uint64_t size;               /* virtual size, bytes */
    uint64_t used;               /* what it takes of the SR, bytes */
    bool read_only;
    bool is_snapshot;
    bool takes_vhd; /* an import as VHD; else every byte has to be written */
    struct xapi_sr sr;
};

/* The VDI called `name`: a uuid, or a name-label that only one VDI has (a
 * snapshot has that of its disk). Errors as xapi_sr_find. */
int xapi_vdi_find(struct xapi *x, const char *name, struct xapi_vdi *out,
                  struct err *e);

/* The VDI of a ref. */
int xapi_vdi_read(struct xapi *x, const char *ref, struct xapi_vdi *out,
                  struct err *e);

/* Whether the pool still has it. XAPI_CLEANUP mode. ERR_...: not known. */
int xapi_vdi_exists(struct xapi *x, const char *ref, bool *out, struct err *e);

/* Destroys it and sees that it is gone, trying again while it is in use, with
 * growing pauses, until the session's settle time has passed. One that is gone
 * already is a success. Cannot be stopped. */
int xapi_vdi_destroy(struct xapi *x, const char *ref, struct err *e);

/* --- marks -------------------------------------------------------------------
 * What a run makes carries its marks in other_config until it is complete. The
 * one that decides is XAPI_MARK_RUN: where it is, the disk is not whole. */

#define XAPI_MARK_RUN     "vhdstream:run"     /* uuid of the run */
#define XAPI_MARK_DISK    "vhdstream:disk"    /* uuid of this one making */
#define XAPI_MARK_PROGRAM "vhdstream:program" /* name and version */
#define XAPI_MARK_HOST    "vhdstream:host"    /* name of the machine it is on */
#define XAPI_MARK_START   "vhdstream:start"   /* 2026-08-21T02:00:23Z */

/* A map of the marks for other_config; NULL: no memory. `disk` is a fresh uuid
 * by which the VDI can be found when the answer to its making is lost. */
json_t *xapi_marks(const struct xapi *x, const char *disk);

/* Adds them to a VDI that exists, takes them away. Cannot be stopped. */
int xapi_vdi_mark(struct xapi *x, const char *ref, const char *disk,
                  struct err *e);
int xapi_vdi_unmark(struct xapi *x, const char *ref, struct err *e);

#endif
