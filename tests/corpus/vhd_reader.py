# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Reads a VHD as VHD.md says it is to be read; shares only the field layouts with the writer.

It trusts nothing it does not have to, and raises Refused where the file gives no one answer.
Which defects are errors, warnings or notes is told by vhd_check; this module only decodes.
"""

import os
import re
import sys
from array import array
from dataclasses import dataclass

from sparse_content import Content, is_zero
from vhd_fields import (DIFFERENCING, DYNAMIC, FIXED, FOOTER_COOKIE, HEADER_COOKIE, HEADER_LEN,
                        POISON_COOKIE, SECTOR, UNALLOCATED, Footer, Header, bitmap_len,
                        footer_sum_ok, header_sum_ok)

_STEP = 4 * 1024 * 1024


class Refused(Exception):
    """There is no one right way to read this file."""


class Bytes:
    """A file's bytes by position; reading past the end gives fewer bytes."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "rb")
        self.size = os.fstat(self.file.fileno()).st_size

    def at(self, pos, length):
        if pos < 0 or pos >= self.size or length <= 0:
            return b""
        return os.pread(self.file.fileno(), min(length, self.size - pos), pos)

    def close(self):
        self.file.close()

    def data_runs(self, pos, length):
        """(pos, length) of the parts that the file system does not know as holes."""
        end = min(pos + length, self.size)
        while pos < end:
            try:
                start = os.lseek(self.file.fileno(), pos, os.SEEK_DATA)
            except OSError:
                return
            if start >= end:
                return
            stop = min(os.lseek(self.file.fileno(), start, os.SEEK_HOLE), end)
            yield start, stop - start
            pos = stop


@dataclass
class Ends:
    """Both footers as found: raw bytes and whether each is sound."""
    copy: bytes
    copy_ok: object
    tail: bytes
    tail_ok: object
    tail_at: int


def _sound(raw):
    return len(raw) == 512 and raw[:8] == FOOTER_COOKIE and footer_sum_ok(raw)


def find_ends(data):
    copy = data.at(0, 512)
    tail_at = data.size - 512
    tail = data.at(tail_at, 512)
    if data.size % SECTOR == 511 and tail[:8] not in (FOOTER_COOKIE, POISON_COOKIE):
        short = data.at(data.size - 511, 511) + b"\0"
        if short[:8] in (FOOTER_COOKIE, POISON_COOKIE):
            tail, tail_at = short, data.size - 511
    return Ends(copy, _sound(copy), tail, _sound(tail), tail_at)


def choose_footer(data, ends):
    """'tail' or 'copy': the footer in force, by the rules of README.md, or None."""
    if not ends.tail_ok:
        # no fixed disk has a footer at 0: there it is the guest's
        return "copy" if ends.copy_ok and Footer.unpack(ends.copy).type != FIXED else None
    tail = Footer.unpack(ends.tail)
    if tail.type == FIXED and tail.current_size == ends.tail_at:
        return "tail"
    return "copy" if tail_is_guests(data, ends) else "tail"


def tail_is_guests(data, ends):
    """A footer of another disk where a block lies by the copy's own table."""
    if not (ends.copy_ok and ends.tail_ok):
        return False
    copy = Footer.unpack(ends.copy)
    return (copy.uuid != Footer.unpack(ends.tail).uuid
            and _block_covers(data, copy, data.size - 1))


def read_header(data, footer):
    raw = data.at(footer.data_offset, HEADER_LEN)
    if len(raw) < HEADER_LEN or raw[:8] != HEADER_COOKIE:
        raise Refused("no dynamic header")
    if not header_sum_ok(raw):
        raise Refused("checksum of the dynamic header")
    return Header.unpack(raw)


def read_bat(data, header):
    length = 4 * header.max_entries
    if header.table_offset + length > data.size:
        raise Refused("BAT past the end")
    table = array("I")
    table.frombytes(data.at(header.table_offset, length))
    if sys.byteorder == "little":
        table.byteswap()
    return table


def _block_covers(data, footer, pos):
    """Does a block, by the table this footer leads to, own the byte at pos?"""
    if footer.type not in (DYNAMIC, DIFFERENCING):
        return False
    try:
        header = read_header(data, footer)
        length = bitmap_len(header.block_size) + header.block_size
        return any(0 <= pos - entry * SECTOR < length for _, entry in mapped(
            read_bat(data, header)))
    except Refused:
        return False


def mapped(table):
    """(index, entry) of the allocated entries; fast over long empty stretches."""
    raw = table.tobytes()
    for base in range(0, len(raw), _STEP):
        part = raw[base:base + _STEP]
        if part.count(0xFF) == len(part):
            continue
        first = base // 4
        for index in range(first, first + len(part) // 4):
            if table[index] != UNALLOCATED:
                yield index, table[index]


def bit_runs(bitmap, sectors):
    """(first, count) of the runs of set bits among the first `sectors` bits."""
    if is_zero(bitmap):
        return []
    text = format(int.from_bytes(bitmap, "big"), "0%db" % (8 * len(bitmap)))[:sectors]
    return [(m.start(), m.end() - m.start()) for m in re.finditer("1+", text)]


class Vhd:
    """One opened file; size_from 'current' or 'chs'."""

    def __init__(self, path, size_from="current"):
        self.data = Bytes(path)
        self.ends = find_ends(self.data)
        self.used = choose_footer(self.data, self.ends)
        if self.used is None:
            raise Refused("no sound footer")
        self.footer = Footer.unpack(getattr(self.ends, self.used))
        self.size = self.footer.current_size
        if size_from == "chs":
            self.size = self.footer.chs_size
        self.header = self.table = None
        if self.footer.type != FIXED:
            self.header = read_header(self.data, self.footer)
            self.table = read_bat(self.data, self.header)

    @property
    def needed(self):
        size = self.header.block_size
        return (self.size + size - 1) // size

    def blocks(self):
        """(index, entry) inside the disk, in the order of the table."""
        return ((i, e) for i, e in mapped(self.table) if i < self.needed)

    def bitmap(self, entry):
        length = bitmap_len(self.header.block_size)
        raw = self.data.at(entry * SECTOR, length)
        if len(raw) < length:
            raise Refused("bitmap past the end")
        return raw

    def overlay(self, content):
        """Lay what this file holds over content, which has this disk's size already."""
        if self.footer.type == FIXED:
            self._copy(content, 0, 0, self.size)
            return
        size = self.header.block_size
        for index, entry in self.blocks():
            start = entry * SECTOR + bitmap_len(size)
            if start + size > self.data.size:
                raise Refused("block past the end")
            for first, count in bit_runs(self.bitmap(entry), size // SECTOR):
                skip = first * SECTOR
                self._copy(content, index * size + skip, start + skip, count * SECTOR)

    def _copy(self, content, to, pos, length):
        content.zero(to, length)
        for start, run in self.data.data_runs(pos, length):
            for at in range(start, start + run, _STEP):
                piece = self.data.at(at, min(_STEP, start + run - at))
                content.write(to + at - pos, piece)

    def close(self):
        self.data.close()


def read_content(chain, size_from="current"):
    """The content of chain[0]; chain[1:] are its parents, nearest first.

    A parent whose child names none (a null uuid in a differencing disk) is raw bytes.
    """
    return _read(list(chain), size_from, raw=False)


def _read(chain, size_from, raw):
    if raw:
        return read_raw(chain[0])
    disk = Vhd(chain[0], size_from)
    try:
        below = Content(disk.size)
        if disk.footer.type == DIFFERENCING:
            if len(chain) < 2:
                raise Refused("no parent given")
            below = _read(chain[1:], "current", disk.header.parent_uuid == bytes(16))
            below.resize(disk.size)
        disk.overlay(below)
        return below
    finally:
        disk.close()


def read_raw(path):
    data = Bytes(path)
    content = Content(data.size)
    for start, length in data.data_runs(0, data.size):
        for at in range(start, start + length, _STEP):
            content.write(at, data.at(at, min(_STEP, start + length - at)))
    data.close()
    return content
