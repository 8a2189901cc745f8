/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_POOL_LOGIN_H
#define VHDSTREAM_POOL_LOGIN_H

#include "copy/operation.h"
#include "copy/place.h"
#include "xapi/xapi_session.h"

/* A session with the pool of a place: that of the option "session", which then
 * is not opened anew when the pool has forgotten it, else one of its own with
 * the credentials of that side. */
int pool_login(struct vhdstream *v, int side, const struct place *p,
               struct xapi **out, struct err *e);

#endif
