/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_MANY_H
#define VHDSTREAM_MANY_H

/*
 * Several copies at once: each is an operation of its own, with the options of
 * the whole, in one of --jobs threads. They share the pool of threads, the
 * limit of rate and the request to stop; a failure of one is its own.
 */

#include "copy/operation.h"

enum { MANY_MAX = 1024 };

/* Finds out where each source goes, before anything is moved. `destination` is
 * a folder or a pool's SR. */
int many_open(struct many **out, struct vhdstream *whole,
              const char *const *sources, unsigned count,
              const char *destination, struct err *e);
void many_close(struct many *m);

/* Copies all. *result tells of each; the failure is the worst. */
int many_run(struct many *m, json_t **result, struct err *e);

/* The sum over all copies, from any thread. */
void many_progress(const struct many *m, struct vhdstream_progress *out);

#endif
