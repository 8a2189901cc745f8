# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Writes a VHD byte by byte from a description, right or wrong as the description says.

A `Disk` names every choice that the format leaves open; `write()` first gives each part its
place, then puts the bytes there, and returns the places, so that a test can damage exactly
one of them.  Zeros are never written: the files are sparse.
"""

import os
import struct
from dataclasses import dataclass, field, replace

from sparse_content import Content, is_zero, noise
from vhd_fields import (BATMAP_COOKIE, DYNAMIC, FIXED, MIB, NO_OFFSET, SECTOR, Footer, Header,
                        LocatorEntry, bitmap_len, chs, round_up)


@dataclass
class Block:
    """One block in storage order.

    runs: (first sector of the block, bytes) under set bits
    bits: 'runs' = exactly the sectors of the runs, 'all' = every sector, or a list of
          (first sector, count)
    junk: like runs, for bytes that lie in the block whatever its bits say
    at:   absolute sector of the bitmap; None = next free place
    gap:  sectors left free before it
    """
    index: int
    runs: list = field(default_factory=list)
    bits: object = "runs"
    junk: list = field(default_factory=list)
    at: int = None
    gap: int = 0

    def bit_runs(self, sectors):
        if self.bits == "all":
            return [(0, sectors)]
        if self.bits == "runs":
            return [(first, len(data) // SECTOR) for first, data in self.runs]
        return self.bits


@dataclass
class Locator:
    """One parent locator; unit 'bytes' or 'sectors' is how data_space is written."""
    code: bytes
    data: bytes
    unit: str = "bytes"
    space: int = None
    length: int = None
    at: int = None
    room: int = None

    def room_bytes(self):
        return self.room or max(SECTOR, round_up(len(self.data), SECTOR))


@dataclass
class Batmap:
    """blktap's map of full blocks; bits 'true' = as the bitmaps are, else bytes."""
    bits: object = "true"
    cookie: bytes = BATMAP_COOKIE
    version: int = 0x00010002
    signed: bool = False
    offset: int = None
    sectors: int = None
    checksum: int = None
    marker: int = 0


@dataclass
class Disk:
    size: int
    type: int = DYNAMIC
    block_size: int = 2 * MIB
    blocks: list = field(default_factory=list)
    footer: dict = field(default_factory=dict)
    header: dict = field(default_factory=dict)
    copy: object = field(default_factory=dict)    # overrides of the copy at 0; None = no copy
    tail: object = field(default_factory=dict)    # overrides of the trailing one; None = none
    tail_len: int = SECTOR                        # 511 for the old form, less when cut
    tail_pad: int = 0                             # bytes between the last part and the footer
    tail_junk: str = None                         # key of the noise that fills the padding
    tail_at: int = None
    after: bytes = b""                            # bytes behind the trailing footer
    layout: tuple = ("header", "bat", "locators", "batmap", "blocks")
    header_at: int = None
    bat_at: int = None
    entries: int = None                           # None = as many as the size needs
    bat_pad: int = 0xFF
    surplus: dict = field(default_factory=dict)   # BAT entries given by hand
    data_align: int = 1                           # sectors
    locators: list = field(default_factory=list)
    batmap: Batmap = None
    runs: list = field(default_factory=list)      # fixed disks: (sector, bytes)

    @property
    def needed(self):
        return (self.size + self.block_size - 1) // self.block_size


@dataclass
class Placed:
    """Where everything went, in bytes; blocks: index to absolute sector of the bitmap."""
    header: int = None
    bat: int = None
    entries: int = 0
    locators: list = field(default_factory=list)
    batmap: int = None
    blocks: dict = field(default_factory=dict)
    block_len: int = 0
    end: int = 0
    footer: int = None
    size: int = 0


def make_footer(disk):
    base = Footer(data_offset=NO_OFFSET if disk.type == FIXED else 512,
                  timestamp=757382400, creator=b"win ", creator_version=0x000A0000,
                  host_os=b"Wi2k", original_size=disk.size, current_size=disk.size,
                  geometry=chs(disk.size), type=disk.type,
                  uuid=noise(("uuid", disk.size, disk.type), 16))
    return replace(base, **disk.footer)


class _Out:
    """Positioned writes that leave zeros as holes."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)

    def put(self, pos, data):
        if not is_zero(data):
            os.pwrite(self.fd, data, pos)

    def close(self, size):
        os.ftruncate(self.fd, size)
        os.close(self.fd)


def write(disk, path):
    """Build the file; returns Placed."""
    out = _Out(path)
    placed = _write_fixed(disk, out) if disk.type == FIXED else _write_sparse(disk, out)
    out.close(placed.size)
    return placed


def _write_fixed(disk, out):
    for sector, data in disk.runs:
        out.put(sector * SECTOR, data)
    placed = Placed(end=disk.size)
    _write_tail(disk, out, placed, make_footer(disk))
    return placed


def _write_sparse(disk, out):
    placed = _place(disk)
    footer = replace(make_footer(disk), **({} if "data_offset" in disk.footer else
                                           {"data_offset": placed.header}))
    if disk.copy is not None:
        out.put(0, replace(footer, **disk.copy).pack())
    out.put(placed.header, _header(disk, placed).pack())
    out.put(placed.bat, _bat(disk, placed))
    for at, loc in zip(placed.locators, disk.locators):
        out.put(at, loc.data)
    if disk.batmap:
        out.put(placed.batmap, _batmap(disk, placed))
    for block in disk.blocks:
        _write_block(disk, out, placed, block)
    _write_tail(disk, out, placed, footer)
    return placed


def _entries(disk):
    return disk.needed if disk.entries is None else disk.entries


def _place(disk):
    placed = Placed(entries=_entries(disk),
                    block_len=bitmap_len(disk.block_size) + disk.block_size)
    cursor = SECTOR
    for part in disk.layout:
        cursor = _PLACE[part](disk, placed, cursor)
        placed.end = max(placed.end, cursor)
    return placed


def _place_header(disk, placed, cursor):
    placed.header = cursor if disk.header_at is None else disk.header_at
    return placed.header + 1024


def _place_bat(disk, placed, cursor):
    placed.bat = cursor if disk.bat_at is None else disk.bat_at
    return placed.bat + round_up(4 * placed.entries, SECTOR)


def _place_locators(disk, placed, cursor):
    for loc in disk.locators:
        at = cursor if loc.at is None else loc.at
        placed.locators.append(at)
        cursor = max(cursor, at + loc.room_bytes()) if loc.at is None else cursor
    return cursor


def _place_batmap(disk, placed, cursor):
    if not disk.batmap:
        return cursor
    placed.batmap = cursor
    return cursor + SECTOR + _map_len(disk)


def _place_blocks(disk, placed, cursor):
    bitmap = bitmap_len(disk.block_size) // SECTOR
    sector = round_up(cursor, SECTOR) // SECTOR
    last = sector
    for block in disk.blocks:
        here = sector + block.gap
        here += -(here + bitmap) % disk.data_align
        if block.at is not None:
            here = block.at
        else:
            sector = here + placed.block_len // SECTOR
        placed.blocks[block.index] = here
        last = max(last, here + placed.block_len // SECTOR)
    return last * SECTOR


_PLACE = {"header": _place_header, "bat": _place_bat, "locators": _place_locators,
          "batmap": _place_batmap, "blocks": _place_blocks}


def _header(disk, placed):
    base = Header(table_offset=placed.bat, max_entries=placed.entries,
                  block_size=disk.block_size,
                  locators=[_locator_entry(loc, at)
                            for loc, at in zip(disk.locators, placed.locators)])
    return replace(base, **disk.header)


def _locator_entry(loc, at):
    room = loc.room_bytes()
    space = loc.space
    if space is None:
        space = room if loc.unit == "bytes" else room // SECTOR
    length = len(loc.data) if loc.length is None else loc.length
    return LocatorEntry(loc.code, space, length, 0, at)


def _bat(disk, placed):
    raw = bytearray(b"\xff" * (4 * placed.entries))
    for index, sector in {**placed.blocks, **disk.surplus}.items():
        struct.pack_into(">I", raw, 4 * index, sector)
    return bytes(raw) + bytes([disk.bat_pad]) * (-len(raw) % SECTOR)


def _map_len(disk):
    return max(SECTOR, round_up((_entries(disk) + 7) // 8, SECTOR))


def _batmap(disk, placed):
    bm, bits = disk.batmap, disk.batmap.bits
    if bits == "true":
        bits = _full_bits(disk)
    bits = bits.ljust(_map_len(disk), b"\0")
    total = sum(b - 256 if bm.signed and b > 127 else b for b in bits)
    total = ~total & 0xFFFFFFFF if bm.checksum is None else bm.checksum
    offset = placed.batmap + SECTOR if bm.offset is None else bm.offset
    sectors = len(bits) // SECTOR if bm.sectors is None else bm.sectors
    head = struct.pack(">8sQIIIB", bm.cookie, offset, sectors, bm.version, total, bm.marker)
    return head.ljust(SECTOR, b"\0") + bits


def _full_bits(disk):
    sectors = disk.block_size // SECTOR
    bits = bytearray(_map_len(disk))
    for block in disk.blocks:
        if sum(count for _, count in block.bit_runs(sectors)) == sectors:
            bits[block.index // 8] |= 0x80 >> block.index % 8
    return bytes(bits)


def make_bitmap(runs, length):
    """Bytes of a sector bitmap, most significant bit first, from (first, count) runs."""
    value, width = 0, length * 8
    for first, count in runs:
        value |= ((1 << count) - 1) << (width - first - count)
    return value.to_bytes(length, "big")


def _write_block(disk, out, placed, block):
    length = bitmap_len(disk.block_size)
    base = placed.blocks[block.index] * SECTOR
    bits = make_bitmap(block.bit_runs(disk.block_size // SECTOR), length)
    if base == 0 or block.bits == "hole":
        return
    out.put(base, bits)
    for first, data in list(block.junk) + list(block.runs):
        out.put(base + length + first * SECTOR, data)


def _write_tail(disk, out, placed, footer):
    start = placed.end + disk.tail_pad if disk.tail_at is None else disk.tail_at
    placed.size = start
    if disk.tail_junk and start > placed.end:
        out.put(placed.end, noise(disk.tail_junk, start - placed.end))
    if disk.tail is None:
        out.put(start, disk.after)
        placed.size = start + len(disk.after)
        return
    raw = replace(footer, **disk.tail).pack()[:disk.tail_len] + disk.after
    placed.footer = start
    out.put(start, raw)
    placed.size = start + len(raw)


def intended(disk, parent=None):
    """The content that the description means, computed without reading the file."""
    content = Content(disk.size)
    if parent is not None:
        content = parent.copy()
        content.resize(disk.size)
    if disk.type == FIXED:
        for sector, data in disk.runs:
            content.write(sector * SECTOR, data)
        return content
    for block in disk.blocks:
        if block.index < disk.needed:
            _intend_block(disk, content, block)
    return content


def _intend_block(disk, content, block):
    base = block.index * disk.block_size
    for first, count in block.bit_runs(disk.block_size // SECTOR):
        content.zero(base + first * SECTOR, count * SECTOR)
    for first, data in block.runs:
        content.write(base + first * SECTOR, data)
