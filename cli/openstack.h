/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_OPENSTACK_H
#define VHDSTREAM_OPENSTACK_H

struct arguments;
struct vhdstream;

/* Gives the library what leads into an OpenStack cloud, for the places in
 * Glance: from OS_CLOUD (or --os-cloud) and clouds.yaml, or from the other
 * variables that OpenStack's clients read. The secret ones are overwritten in
 * the environment in any case. 0, or an exit status. */
int openstack_apply(struct vhdstream *v, const struct arguments *a);

#endif
