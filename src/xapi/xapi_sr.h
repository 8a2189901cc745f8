/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_SR_H
#define VHDSTREAM_XAPI_SR_H

/* Storage repositories: finding one, what it takes, which host reaches it. */

#include "xapi/xapi_session.h"

struct xapi_sr {
    char ref[XAPI_OPAQUE_SIZE];
    char uuid[XAPI_UUID_SIZE];
    char label[XAPI_LABEL_SIZE]; /* name-label, cut */
    char type[64];
    bool takes_vhd; /* an import as VHD, for a VDI without sm_config */
};

/* The SR called `name`: a uuid, a name-label that only one SR has, or
 * "default". ERR_NOT_FOUND; ERR_USAGE when several have the name-label, with
 * their uuids. */
int xapi_sr_find(struct xapi *x, const char *name, struct xapi_sr *out,
                 struct err *e);

/* The SR of a ref. */
int xapi_sr_read(struct xapi *x, const char *ref, struct xapi_sr *out,
                 struct err *e);

/* Whether XAPI takes a VHD for a new VDI on an SR of this type and sm_config.
 * False: the SR does not hand out zeroed disks, and every byte has to be
 * written (XAPI decides so in its sm_fs_ops). */
bool xapi_sr_takes_vhd(const char *type, const json_t *sr_config);

/* The same for a VDI of this sm_config on that SR: it may be a raw volume. */
bool xapi_sr_vdi_takes_vhd(const struct xapi_sr *sr, const json_t *vdi_config);

/* The host that can move the data of this SR's disks: one where it is plugged,
 * the host that answers our calls before others, others enabled and live as far
 * as their records say. ERR_TEMPORARY: it is plugged nowhere. */
int xapi_sr_find_host(struct xapi *x, const char *sr_ref, struct host_port *out,
                      struct err *e);

/* A ref in the pool's record: "master", "default_SR". */
int xapi_pool_ref(struct xapi *x, enum xapi_mode mode, const char *field,
                  char out[XAPI_OPAQUE_SIZE], struct err *e);

/* For SRs and VDIs alike ("SR", "VDI"): the ref of the one called `name`, as
 * xapi_sr_find without "default". */
int xapi_find(struct xapi *x, const char *class, const char *name,
              char out[XAPI_OPAQUE_SIZE], struct err *e);

#endif
