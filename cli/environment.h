/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_ENVIRONMENT_H
#define VHDSTREAM_ENVIRONMENT_H

struct arguments;
struct vhdstream;

/* What the environment adds to the command line: XENSERVER_HOST for a place
 * without a host ("xapi:///sr/default"), and the proxies of plain URLs
 * (https_proxy, http_proxy, all_proxy, no_proxy, as curl reads them) and of
 * Glance, and what openstack.h finds for that. 0, or an exit status. Users and
 * passwords are found by secret.h. */
int environment_apply(struct vhdstream *v, struct arguments *a);

#endif
