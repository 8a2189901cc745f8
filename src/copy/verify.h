/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VERIFY_H
#define VHDSTREAM_VERIFY_H

/* A copy that is read back. */

#include "copy/hashing.h"
#include "copy/output.h"
#include "copy/pool/pool_read_back.h"

/* With v->verify: reads what output_finish has left at the destination, and
 * compares its first `size` bytes, those of the source's disk, with the digest
 * that was taken on the way there; what the destination has more must be zeros.
 * ERR_CORRUPT where it is another disk, with the first 64 KiB that differ where
 * the hashes of them all could be kept. Of a delta that was laid over a base
 * only the sectors that it has are compared. Nothing without it. */
int verify_copy(struct vhdstream *v, struct output *out,
                const struct hashing *h, uint64_t size, struct err *e);

/* The same of a disk in a pool that is no output, whatever v->verify says. */
int verify_disk(struct vhdstream *v, const struct pool_written *disk,
                const struct hashing *h, uint64_t size, struct err *e);

#endif
