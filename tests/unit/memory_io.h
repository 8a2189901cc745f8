/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_MEMORY_IO_H
#define VHDSTREAM_MEMORY_IO_H

/* Sources and sinks in memory, for tests: a stream or seekable, handing out
 * as little at a time as the test wants. */

#include "io/sink.h"
#include "io/source.h"

/* Hands out data[0 .. len), at most `chunk` bytes a read. The data must outlive
 * it. Seekable ones know their size, streams do not. */
struct source *memory_source(const uint8_t *data, size_t len, size_t chunk,
                             bool seekable);

/* Collects into *data, *len (the test frees *data). */
struct sink *memory_sink(uint8_t **data, size_t *len, bool seekable);

#endif
