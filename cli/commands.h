/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_COMMANDS_H
#define VHDSTREAM_COMMANDS_H

/* The verbs. Each returns the exit status, after having said what there is to
 * say. */

struct arguments;
struct vhdstream;

int cmd_check(struct vhdstream *v, struct arguments *a);
int cmd_clean(struct vhdstream *v, struct arguments *a);
int cmd_compare(struct vhdstream *v, struct arguments *a);
int cmd_copy(struct vhdstream *v, struct arguments *a);
int cmd_digest(struct vhdstream *v, struct arguments *a);
/* What copy and merge have in common: runs `call` and prints what became of the
 * disk. */
int move_disk(struct vhdstream *v, struct arguments *a,
              int (*call)(struct vhdstream *v, const struct arguments *a));

int cmd_merge(struct vhdstream *v, struct arguments *a);
int cmd_map(struct vhdstream *v, struct arguments *a);
int cmd_info(struct vhdstream *v, struct arguments *a);
int cmd_repair(struct vhdstream *v, struct arguments *a);

#endif
