/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_VDI_H
#define VHDSTREAM_XAPI_VDI_H

/* Virtual disk images: what one is, and single calls on it. What a run makes
 * and has to remove again is in xapi_disk.h. */

#include "xapi/xapi_marks.h"
#include "xapi/xapi_sr.h"

struct xapi_vdi {
    char ref[XAPI_OPAQUE_SIZE];
    char uuid[XAPI_UUID_SIZE];
    char label[XAPI_LABEL_SIZE]; /* name-label, cut */
    uint64_t size;               /* virtual size, bytes */
    uint64_t used;               /* what it takes of the SR, bytes */
    bool read_only;
    bool is_snapshot;
    char digest[XAPI_LABEL_SIZE]; /* what XAPI_NOTE_DIGEST says; "": nothing */
    char image[XAPI_UUID_SIZE];   /* the VHD of XAPI_NOTE_IMAGE, where the note
                                     is the disk's own; else "" */
    bool has_vm; /* it is a disk of a VM, running or not, or just attached */
    bool unfinished; /* has the marks of a run that has not completed it */
    bool takes_vhd;  /* an import as VHD; else every byte has to be written */
    struct xapi_sr sr;
};

/* The VDI called `name`: a uuid, or a name-label that only one VDI has (a
 * snapshot has that of its disk). Errors as xapi_sr_find. */
int xapi_vdi_find(struct xapi *x, const char *name, struct xapi_vdi *out,
                  struct err *e);

/* The VDI of a ref. */
int xapi_vdi_read(struct xapi *x, const char *ref, struct xapi_vdi *out,
                  struct err *e);

/* The same, with the whole record, the caller's, in *record. */
int xapi_vdi_record(struct xapi *x, const char *ref, json_t **record,
                    struct xapi_vdi *out, struct err *e);

/* Whether the pool still has it. XAPI_CLEANUP mode. ERR_...: not known. */
int xapi_vdi_exists(struct xapi *x, const char *ref, bool *out, struct err *e);

/* Destroys it and sees that it is gone, trying again while it is in use, with
 * growing pauses, until the session's settle time has passed. One that is gone
 * already is a success. Cannot be stopped. */
int xapi_vdi_destroy(struct xapi *x, const char *ref, struct err *e);

/* The same for one that may be another run's: it can be stopped, and may(ctx)
 * is asked before each attempt. 1: may(ctx) gave 0, and nothing was done. */
typedef int xapi_may_fn(void *ctx, struct err *e);
int xapi_vdi_destroy_if(struct xapi *x, const char *ref, xapi_may_fn *may,
                        void *ctx, struct err *e);

/* Makes it `size` bytes at least, and reads it anew into *vdi. Waits while it
 * is in use, as xapi_vdi_destroy does. It must not be attached to a VM. */
int xapi_vdi_resize(struct xapi *x, struct xapi_vdi *vdi, uint64_t size,
                    struct err *e);

/* Names it. Cannot be stopped. */
int xapi_vdi_set_label(struct xapi *x, const char *ref, const char *label,
                       struct err *e);

/* --- marks (xapi_marks.h) ------------------------------------------------- */

/* Adds those of a snapshot to a VDI that exists, takes any away. Cannot be
 * stopped. */
int xapi_vdi_mark(struct xapi *x, const char *ref, const char *disk,
                  struct err *e);
int xapi_vdi_unmark(struct xapi *x, const char *ref, struct err *e);

/* --- the digest --------------------------------------------------------------
 * A note in other_config that stays: what the content was when it was copied
 * there. No mark: it says nothing of whether the disk is whole. Clones and
 * snapshots inherit it, and a guest's writes make it stale. */

#define XAPI_NOTE_DIGEST "vhdstream:digest"

/* Another such note, by which a delta knows its base: "VHD/VDI", the uuid of
 * the VHD that was copied there, and that of the VDI itself; one that is
 * inherited says nothing of the disk that has it. */
#define XAPI_NOTE_IMAGE "vhdstream:vhd-uuid"

/* Writes one, in place of what was there. Cannot be stopped. */
int xapi_vdi_note(struct xapi *x, const char *ref, const char *key,
                  const char *value, struct err *e);

/* Takes one away: before the content changes. Cannot be stopped. */
int xapi_vdi_drop_note(struct xapi *x, const char *ref, const char *key,
                       struct err *e);

#endif
