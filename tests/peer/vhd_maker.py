# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A tiny VHD writer for the simulator's own tests; every oddity can be asked for."""

import struct

SECTOR = 512
MIB = 1 << 20
ALL = b"\xff" * SECTOR


def ones_sum(data):
    return ~sum(data) & 0xFFFFFFFF


def footer(size, disk_type=3, data_offset=512, uuid=b"U" * 16, version=0x10000):
    head = struct.pack(">8sIIQI4sII", b"conectix", 2, version, data_offset, 0,
                       b"test", 0, 0)
    body = head + struct.pack(">QQHBBI", size, size, 0, 0, 0, disk_type)
    rest = uuid + bytes(SECTOR - 84)
    return body + struct.pack(">I", ones_sum(body + rest)) + rest


def header(entries, table=1536, block=2 * MIB, locator=0):
    body = struct.pack(">8sQQIII", b"cxsparse", 2**64 - 1, table, 0x10000, entries, block)
    rest = bytearray(1024 - 40)
    struct.pack_into(">I", rest, 576 - 40, locator)
    return body + struct.pack(">I", ones_sum(body + rest)) + bytes(rest)


def vhd(size, blocks, disk_type=3, block=2 * MIB, order=None, gap=0, locator=0,
        last_footer=None, entries=None):
    """blocks: {index: data, or (bitmap, data)}. order: storage order. gap: bytes before each
    block."""
    entries = entries or -(-size // block)
    bitmap_len = max(SECTOR, block // SECTOR // 8)
    table_len = -(-entries * 4 // SECTOR) * SECTOR
    table = [0xFFFFFFFF] * (table_len // 4)
    parts, pos = [], 1536 + table_len
    for index in order or sorted(blocks):
        bits, data = blocks[index] if isinstance(blocks[index], tuple) \
            else (b"\xff" * bitmap_len, blocks[index])
        pos += gap
        table[index] = pos // SECTOR
        parts += [bytes(gap), bits, data.ljust(block, b"\0")]
        pos += bitmap_len + block
    end = footer(size, disk_type)
    return b"".join([end, header(entries, block=block, locator=locator),
                     struct.pack(">%dI" % len(table), *table), *parts,
                     end if last_footer is None else last_footer])


def bits(*sectors):
    """A bitmap of one 2 MiB block with these sectors set."""
    out = bytearray(SECTOR)
    for s in sectors:
        out[s // 8] |= 0x80 >> (s % 8)
    return bytes(out)
