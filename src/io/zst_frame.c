/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/zst_frame.h"

#include "base/bytes.h"

#include <inttypes.h>
#include <zstd_errors.h>

enum { MARKER_MAGIC = 0x184D2A50, MAGIC_SIZE = 4 };

void zst_marker_encode(uint8_t raw[ZST_MARKER_SIZE], uint32_t size)
{
    put_le32(raw, MARKER_MAGIC);
    put_le32(raw + 4, ZST_MARKER_SIZE - ZST_SKIP_HEAD);
    put_le32(raw + 8, size);
}

bool zst_marker_decode(const uint8_t raw[ZST_MARKER_SIZE], uint32_t *size)
{
    if (get_le32(raw) != MARKER_MAGIC ||
        get_le32(raw + 4) != ZST_MARKER_SIZE - ZST_SKIP_HEAD)
        return false;
    *size = get_le32(raw + 8);
    return true;
}

enum zst_kind zst_kind_of(const uint8_t *bytes, size_t len)
{
    static const uint8_t data[MAGIC_SIZE] = {0x28, 0xb5, 0x2f, 0xfd};
    static const uint8_t skippable[MAGIC_SIZE] = {0x50, 0x2a, 0x4d, 0x18};
    bool is_data = true, is_skippable = true;

    for (size_t i = 0; i < MAGIC_SIZE && i < len; i++) {
        uint8_t byte = i ? bytes[i] : bytes[i] & 0xf0; /* any of sixteen */

        is_data = is_data && bytes[i] == data[i];
        is_skippable = is_skippable && byte == skippable[i];
    }
    if (!is_data && !is_skippable)
        return ZST_FOREIGN;
    if (len < MAGIC_SIZE)
        return ZST_UNDECIDED;
    return is_data ? ZST_DATA : ZST_SKIPPABLE;
}

int zst_fail(const char *name, uint64_t at, size_t result, struct err *e)
{
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
        return err_set(e, ERR_NO_SPACE,
                       "%s: out of memory for the zstd frame at byte %" PRIu64,
                       name, at);
    case ZSTD_error_frameParameter_windowTooLarge:
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: the zstd frame at byte %" PRIu64
                       " needs a window of more than %d MiB; unpack it with "
                       "zstd -d --long=31",
                       name, at, 1 << (ZST_WINDOW_LOG_MAX - 20));
    case ZSTD_error_dictionary_wrong:
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: the zstd frame at byte %" PRIu64
                       " needs a dictionary; unpack it with zstd -d -D",
                       name, at);
    case ZSTD_error_checksum_wrong:
        return err_set(e, ERR_CORRUPT,
                       "%s: the content's sum is wrong in the zstd frame at "
                       "byte %" PRIu64,
                       name, at);
    default:
        return err_set(e, ERR_CORRUPT,
                       "%s: broken zstd data in the frame at byte %" PRIu64
                       ": %s",
                       name, at, ZSTD_getErrorName(result));
    }
}
