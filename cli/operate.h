/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_OPERATE_H
#define VHDSTREAM_OPERATE_H

struct arguments;
struct vhdstream;

/* One call of the library: its status. */
typedef int operation(struct vhdstream *v, const struct arguments *a);

/* Runs it while signals and progress are watched. Notices are said, and the
 * failure. Returns the exit status. */
int operate(struct vhdstream *v, const struct arguments *a, operation *call);

#endif
