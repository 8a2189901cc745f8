/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_XAPI_VOUCH_H
#define VHDSTREAM_XAPI_VOUCH_H

/* The pool's own list of its members' certificates (XAPI's class Certificate,
 * since 8.2). Whoever believes the host that answers calls may believe it about
 * the others. */

#include "xapi/xapi_session.h"

/* Before a connection to `host`: where that is another member than the one that
 * answers calls, has the certificates that the pool lists for it vouched for in
 * xapi_trust(x). A pool without such a list, or a host that is not in it, is no
 * error: a pin or a CA has to do then. By the thread that opens transfers. */
int xapi_vouch(struct xapi *x, const struct host_port *host, struct err *e);

#endif
