/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_DISK_H
#define VHDSTREAM_XAPI_DISK_H

/*
 * A VDI in the hands of a run. One that the run made (a new disk, a snapshot)
 * is destroyed at close, unless it was completed; one that was there before is
 * never destroyed. The session must outlive it. Used by one thread at a time.
 * Unlike elsewhere, `e` must not be NULL here.
 */

#include "xapi/xapi_heart.h"
#include "xapi/xapi_vdi.h"

struct xapi_disk {
    struct xapi *x;
    struct xapi_vdi vdi;
    bool ours;    /* made by this run, and not yet complete */
    bool touched; /* bytes of a transfer have been sent to it */
    bool kept;    /* for another run to go on with: close leaves it as it is */
    struct xapi_beat beat; /* of one that is ours */
};

/* What a new VDI shall be. */
struct xapi_new {
    const struct xapi_sr *sr;
    uint64_t size;           /* bytes; the SR may round it up: see vdi.size */
    const char *label;       /* name-label; NULL: "" */
    const char *description; /* NULL: "" */
    json_t *other_config;    /* texts to add to it, an object; NULL: none */
    const char *state; /* file of the run that can go on with it; NULL: none */
};

/* VDI.create, marked and kept alive. Cannot be stopped half way; where the
 * answer is lost, the VDI is looked for by its mark and removed. ERR_NO_SPACE
 * ... */
int xapi_disk_create(struct xapi_disk **out, struct xapi *x,
                     const struct xapi_new *how, struct err *e);

/* An existing VDI, by uuid or name-label: to be read, or overwritten. */
int xapi_disk_open(struct xapi_disk **out, struct xapi *x, const char *name,
                   struct err *e);

/* The unfinished VDI that an earlier run has left, to go on with; it is ours
 * then. `run` is that one's, which it must be marked with: ERR_NOT_FOUND where
 * there is no such VDI, ERR_FAILED for another's, or one that is complete. */
int xapi_disk_adopt(struct xapi_disk **out, struct xapi *x, const char *uuid,
                    const char *run, struct err *e);

/* VDI.snapshot of `of`, marked and kept alive: for a disk in use. */
int xapi_disk_snapshot(struct xapi_disk **out, struct xapi *x,
                       const struct xapi_vdi *of, struct err *e);

/* VDI.snapshot of a disk of ours that is not whole yet: a point in time of it.
 * Where the SR has no snapshots (*whole then) a VDI.copy stands in for it. As
 * xapi_disk_snapshot otherwise. */
int xapi_disk_freeze(struct xapi_disk **out, struct xapi_disk *d, bool *whole,
                     struct err *e);

/* Grows it to `size` at least; d->vdi.size tells. */
int xapi_disk_grow(struct xapi_disk *d, uint64_t size, struct err *e);

/* A disk with the content of `of` in how->sr, of at least how->size: by
 * VDI.clone where that is the SR of `of`, and by VDI.copy elsewhere and where
 * the SR has no clones. Marked and kept alive; the notes that `of` has are not
 * its own. */
int xapi_disk_clone(struct xapi_disk **out, struct xapi *x,
                    const struct xapi_vdi *of, const struct xapi_new *how,
                    struct err *e);

/* The disk is whole: takes the marks away, and from now on it stays. On failure
 * it stays as well (ERR_UNSETTLED, with the command that takes them away). */
int xapi_disk_complete(struct xapi_disk *d, struct err *e);

/* Destroys what is ours and not complete; frees. NULL is fine. What could not
 * be removed is appended to *why, with the command that does it, and makes it
 * ERR_UNSETTLED; a *why without a failure becomes one. `why` may be NULL. */
void xapi_disk_close(struct xapi_disk *d, struct err *why);
void xapi_disk_cleanup(struct xapi_disk **d);

#endif
