# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Findings about blktap's batmap.  It is a hint: none of them stops the disk from being read."""

import struct

from check_blocks import needed_entries
from vhd_fields import BATMAP_COOKIE, SECTOR, bitmap_len, round_up
from vhd_reader import bit_runs, mapped


def check_batmap(c):
    """One finding at most; the first that makes the map worthless."""
    f = c.footer
    if f.creator != b"tap\0" or f.creator_version < 0x00010001:
        return
    at = c.header.table_offset + round_up(4 * c.header.max_entries, SECTOR)
    raw = c.data.at(at, SECTOR)
    if len(raw) < SECTOR or raw[:8] != BATMAP_COOKIE:
        if f.creator_version >= 0x00010002:
            c.add("batmap-missing", at)
        return
    offset, sectors, version, total = struct.unpack_from(">QIII", raw, 8)
    c.end = max(c.end, at + SECTOR)
    needed = (c.header.max_entries + 7) // 8
    if version != 0x00010002:
        c.add("batmap-version", at + 20)
    elif sectors == 0 or sectors * SECTOR < needed or sectors * SECTOR > needed + (1 << 20):
        c.add("batmap-size", at + 16)
    elif _misplaced(c, at, offset, sectors * SECTOR):
        c.add("batmap-place", at + 8)
    else:
        c.end = max(c.end, offset + sectors * SECTOR)
        _check_map(c, at, offset, c.data.at(offset, sectors * SECTOR), total)


def _misplaced(c, at, offset, length):
    end = offset + length
    if end > c.limit or (offset < at + SECTOR and end > at):
        return True
    size = bitmap_len(c.header.block_size) + c.header.block_size
    blocks = ((e * SECTOR, e * SECTOR + size) for _, e in mapped(c.table))
    parts = [(low, high) for _, low, high in c.parts]
    return any(offset < high and end > low for low, high in list(blocks) + parts)


def _check_map(c, at, offset, bits, total):
    """The sum covers the padded map; version 1.1 sums the bytes as signed."""
    sums = set()
    for count in (c.header.max_entries, c.footer.current_size >> 21):
        covered = bits[:max(SECTOR, round_up((count + 7) // 8, SECTOR))]
        sums.add(~sum(covered) & 0xFFFFFFFF)
        if c.footer.creator_version == 0x00010001:
            high = sum(1 for b in covered if b > 127)
            sums.add(~(sum(covered) - 256 * high) & 0xFFFFFFFF)
    if total not in sums:
        c.add("batmap-checksum", at + 24)
        return
    sectors = c.header.block_size // SECTOR
    for first, count in bit_runs(bits, c.header.max_entries):
        for index in range(first, first + count):
            if not _is_full(c, index, sectors):
                c.add("batmap-lies", offset + index // 8)
                return


def _is_full(c, index, sectors):
    entry = c.table[index]
    if entry == 0xFFFFFFFF or index >= needed_entries(c):
        return False
    bitmap = c.data.at(entry * SECTOR, bitmap_len(c.header.block_size))
    return bit_runs(bitmap, sectors) == [(0, sectors)]
