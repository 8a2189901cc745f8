/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_CLOUDS_FILE_H
#define VHDSTREAM_CLOUDS_FILE_H

/* One cloud of clouds.yaml, and of the secure.yaml beside it, which are looked
 * for where OpenStack's clients do: OS_CLIENT_CONFIG_FILE (and
 * OS_CLIENT_SECURE_FILE), else the first of ./, $XDG_CONFIG_HOME/openstack/
 * (~/.config/openstack/) and /etc/openstack/. */
struct clouds;

/* 0, or an exit status after having said what is wrong. */
int clouds_open(struct clouds **out, const char *name);

/* A text of the cloud itself or of its "auth", valid until clouds_close; NULL
 * where there is none. What secure.yaml says goes first. */
const char *clouds_get(const struct clouds *c, const char *key);

/* The first name in a list of the cloud, likewise. */
const char *clouds_first(const struct clouds *c, const char *key);

/* Overwrites what was read; NULL is fine. */
void clouds_close(struct clouds *c);

#endif
