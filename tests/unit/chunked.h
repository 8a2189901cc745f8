/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_CHUNKED_H
#define VHDSTREAM_CHUNKED_H

/* Gzip members with markers (io/gzip_marker.h), built piece by piece, so that
 * each can be wrong. After unit.h. */

#include "base/bytes.h"
#include "io/crc32.h"
#include "io/deflate_chunk.h"
#include "io/gzip_marker.h"

enum { GZIP_HEADER = 10, GZIP_END = DEFLATE_END_SIZE + 8 };

struct chunked {
    uint8_t *raw; /* the test's, with room enough */
    size_t len;
    uint32_t crc; /* of the member's content so far, and its length */
    uint32_t content;
    size_t marker; /* where the last one is, and its chunk */
    size_t chunk;
};

static inline void chunked_append(struct chunked *c, const void *raw,
                                  size_t len)
{
    memcpy(c->raw + c->len, raw, len);
    c->len += len;
}

static inline void chunked_begin(struct chunked *c)
{
    static const uint8_t header[GZIP_HEADER] = {0x1f, 0x8b, 8, 0, 0,
                                                0,    0,    0, 0, 3};

    chunked_append(c, header, sizeof(header));
    c->crc = 0;
    c->content = 0;
}

static inline void chunked_count(struct chunked *c, const void *data,
                                 size_t len)
{
    c->crc = crc32_add(c->crc, data, len);
    c->content += (uint32_t)len;
}

/* The marker of the last chunk says something else. */
static inline void chunked_announce(struct chunked *c, uint32_t size)
{
    gzip_marker_encode(c->raw + c->marker, size);
}

static inline void chunked_mark(struct chunked *c, uint32_t size)
{
    c->marker = c->len;
    chunked_announce(c, size);
    c->len += GZIP_MARKER_SIZE;
    c->chunk = c->len;
}

/* A marker, and data[0 .. len) deflated. */
static inline void chunked_add(struct chunked *c, const uint8_t *data,
                               uint32_t len)
{
    struct deflater *d = NULL;
    size_t size;

    chunked_mark(c, 0);
    assert_int_equal(deflater_open(&d, 1, NULL), 0);
    size = deflate_chunk(d, data, len, c->raw + c->len);
    deflater_close(d);
    c->len += size;
    chunked_announce(c, (uint32_t)size);
    chunked_count(c, data, len);
}

static inline void chunked_end(struct chunked *c)
{
    chunked_append(c, deflate_end, DEFLATE_END_SIZE);
    put_le32(c->raw + c->len, c->crc);
    put_le32(c->raw + c->len + 4, c->content);
    c->len += 8;
}

#endif
