/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_STRANGER_H
#define VHDSTREAM_STRANGER_H

/* Trust on first use: certificates that nobody vouches for are looked up in the
 * user's list, and asked about on the terminal. */

struct vhdstream_certificate;

/* vhdstream_on_certificate's; ctx is the operation's struct watch, or NULL. */
int stranger_judge(void *ctx, const struct vhdstream_certificate *c);

#endif
