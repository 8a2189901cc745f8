/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_SECRET_H
#define VHDSTREAM_SECRET_H

struct arguments;
struct vhdstream;

/* Gives the library users and passwords for the places that need them: from
 * --password-file (xe's two lines, too), --password-fd, XENSERVER_USER and
 * XENSERVER_PASSWORD (which is overwritten in the environment), or asked for on
 * the terminal. 0, or an exit status. */
int secret_gather(struct vhdstream *v, struct arguments *a);

/* No core file that would hold a password. */
void secret_no_core_dumps(void);

#endif
