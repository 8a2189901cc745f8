/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_CHECK_CHAIN_H
#define VHDSTREAM_CHECK_CHAIN_H

/* The check of an image that holds a chain: each member as a disk of its own,
 * and whether they are one chain. One pass, in whatever order they come. */

#include "copy/input.h"
#include "image/vhd/vhd_check.h"

#include <jansson.h>

struct check_chain;

/* Whether the first disk's name says that others may come, and the user does
 * not say that it is alone. */
bool check_chain_may_come(const struct vhdstream *v, const struct input *in);

/* Checks the first disk, *src, and all that come behind it: 1, and *out says
 * what was found. 0 where none came behind it and it may be alone: *r is of it,
 * unless it is a raw one. The archive was read to its verified end. */
int check_chain_run(struct vhdstream *v, struct input *in, struct source **src,
                    enum disk disk, struct vhd_report *r,
                    struct check_chain **out, struct err *e);

/* The result, as of check.c, with a "member" for each finding, what is known of
 * each of the "members", and "chain_broken" where they are not a chain: what it
 * says is an error then, as any error in a member is. */
int check_chain_tell(struct check_chain *c, const char *name, json_t **result,
                     struct err *e);

void check_chain_close(struct check_chain *c);
void check_chain_cleanup(struct check_chain **c);

#endif
