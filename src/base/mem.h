/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_MEM_H
#define VHDSTREAM_MEM_H

/* Memory: every allocation of this project's own code goes through here, so
 * that it is checked, bounded by its caller, and can be made to fail in turn by
 * the fault sweep (base/fault.h). */

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Stores `size` zeroed bytes in *out, to be freed with free(). `what` names
 * them in the error (ERR_NO_SPACE). */
int mem_alloc(void *out, size_t size, const char *what, struct err *e);

/* The same for `count` elements of `size` bytes; the product is checked. */
int mem_alloc_array(void *out, uint64_t count, size_t size, const char *what,
                    struct err *e);

/* Stores `size` bytes aligned to 4096 in *out, not zeroed; for I/O buffers. */
int mem_alloc_buffer(uint8_t **out, size_t size, struct err *e);

/* Stores a copy of `text` in *out. */
int mem_copy_text(char **out, const char *text, struct err *e);

/* A printf into a fresh string in *out. */
int mem_format(char **out, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* free(*p) and *p = NULL; for the cleanup attribute. */
void mem_cleanup(void *p);

/* Overwrites a string of secrets, then frees it; NULL is fine. */
void mem_free_secret(char *text);

/* A local that is closed when it goes out of scope: CLEANUP(source) calls
 * source_cleanup(&local). The FREE one is for plain memory. */
#define CLEANUP(kind) __attribute__((cleanup(kind##_cleanup)))
#define FREE          CLEANUP(mem)

#endif
