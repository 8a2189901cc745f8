# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Strictly forward VHD reader: takes and refuses what XAPI's reader does."""

import re
import struct
from array import array

from .storage_rules import BLOCK
from .xapi_error import ClientFault, DataError

SECTOR = 512
UNUSED = 0xFFFFFFFF
ALL_ONES = bytearray(b"\xff" * SECTOR)
NO_BITS = bytearray(SECTOR)
PLATFORM_CODES = (0, 0x57693272, 0x5769326B, 0x57327275, 0x57326B75, 0x4D616320, 0x4D616358)
DISK_TYPES = (2, 3, 4)
MAX_BAT = 1 << 26               # entries; more than any disk has


def checksum(data, at):
    """Ones' complement of the byte sum, the checksum's own four bytes taken as 0."""
    return ~(sum(data) - sum(data[at:at + 4])) & 0xFFFFFFFF


def check_footer(data, where):
    """Raise DataError unless these 512 bytes are a footer; returns data_offset."""
    if data[:8] != b"conectix":
        raise DataError("%s: unsupported footer cookie" % where)
    version, offset = struct.unpack_from(">IQ", data, 12)
    disk_type, stored = struct.unpack_from(">II", data, 60)
    if version != 0x00010000:
        raise DataError("%s: unsupported footer version 0x%08x" % (where, version))
    if stored != checksum(data, 64):
        raise DataError("%s: bad footer checksum" % where)
    if disk_type not in DISK_TYPES:
        raise DataError("%s: unknown disk type %d" % (where, disk_type))
    return offset


def check_header(data):
    """Raise DataError unless these 1024 bytes are a dynamic header."""
    cookie, unused, table, version, entries, block, stored = \
        struct.unpack_from(">8sQQIIII", data)
    if cookie != b"cxsparse":
        raise DataError("header: bad cookie")
    if unused != 0xFFFFFFFFFFFFFFFF:
        raise DataError("header: data_offset is not all ones")
    if version != 0x00010000:
        raise DataError("header: unsupported version 0x%08x" % version)
    if stored != checksum(data, 36):
        raise DataError("header: bad checksum")
    if block < SECTOR or block & (block - 1):
        raise DataError("header: block size %d is no power of two" % block)
    for i in range(8):
        code, = struct.unpack_from(">I", data, 576 + 24 * i)
        if code not in PLATFORM_CODES:
            raise DataError("header: unknown platform code 0x%08x" % code)
    return table, entries, block


def bit_runs(bitmap):
    """Runs of set bits as (first, past) sector numbers; most significant bit first."""
    bits = format(int.from_bytes(bitmap, "big"), "0%db" % (len(bitmap) * 8))
    return [m.span() for m in re.finditer("1+", bits)]


class VhdReader:
    """Reads a VHD from a wire into a VDI. `size` is the Content-Length or None."""

    def __init__(self, wire, vdi, size, progress):
        self.wire = wire
        self.vdi = vdi
        self.progress = progress
        # Without a length the real reader takes the disk's own size instead.
        self.size = size if size is not None else vdi.virtual_size
        self.pos = 0
        self.blocks_read = 0
        self.sectors_written = 0

    def run(self):
        footer = self._read(SECTOR, "first footer")
        header_at = check_footer(footer, "first footer")
        self._skip_to(header_at, "header")
        table_at, entries, block = check_header(self._read(1024, "header"))
        self._check_sizes(entries, block)
        self._skip_to(table_at, "BAT")
        bat = self._read_bat(entries)
        self._read_blocks(bat, block)
        self._read_trailer()

    def _check_sizes(self, entries, block):
        if block < BLOCK:
            raise ClientFault("VHD with %d byte blocks: a real server stores shifted data"
                              % block)
        if entries > MAX_BAT:
            raise DataError("header: %d BAT entries" % entries)

    # -- the stream --------------------------------------------------------

    def _read(self, n, what):
        buf = bytearray(n)
        self._fill(memoryview(buf), what)
        return buf

    def _fill(self, view, what):
        got = self.wire.fill(view)
        self.pos += got
        if got < len(view):
            raise DataError("%s: end of stream at byte %d" % (what, self.pos))

    def _skip_to(self, offset, what):
        if offset < self.pos:
            raise DataError("%s at byte %d lies before the current position %d"
                            % (what, offset, self.pos))
        scratch = None
        while self.pos < offset:
            n = min(offset - self.pos, BLOCK)
            scratch = scratch or memoryview(bytearray(n))
            self._fill(scratch[:n], "gap before " + what)

    # -- the parts ---------------------------------------------------------

    def _read_bat(self, entries):
        raw = self._read((entries * 4 + SECTOR - 1) // SECTOR * SECTOR, "BAT")
        bat = array("I")
        bat.frombytes(raw[:entries * 4])
        bat.byteswap()
        return bat

    def _read_blocks(self, bat, block):
        order = sorted((sector, i) for i, sector in enumerate(bat) if sector != UNUSED)
        for (one, a), (two, b) in zip(order, order[1:]):
            if one == two:
                raise ClientFault("BAT entries %d and %d name the same place (sector %d):"
                                  " a real server stores wrong data" % (a, b, one))
        buf = bytearray(block // SECTOR // 8 + min(block, BLOCK))
        for sector, index in order:
            self._skip_to(sector * SECTOR, "block %d" % index)
            self._read_block(index, block, memoryview(buf))
            self.blocks_read += 1
            self.progress(self.blocks_read, len(order))

    def _read_block(self, index, block, buf):
        bits = block // SECTOR // 8
        what = "block %d" % index
        self._fill(buf, what)               # the bitmap and the first 2 MiB in one go
        bitmap = bytes(buf[:bits])
        for piece in range(block // BLOCK):
            data = buf[bits:]
            if piece:
                self._fill(data, what)
            self._write_piece(bitmap[piece * SECTOR:(piece + 1) * SECTOR], data,
                              index * block + piece * BLOCK)

    def _write_piece(self, bitmap, data, offset):
        if ALL_ONES == bitmap:
            runs = [(0, BLOCK // SECTOR)]
        elif NO_BITS == bitmap:
            return
        else:
            runs = bit_runs(bitmap)
        for first, past in runs:
            self.vdi.store(data[first * SECTOR:past * SECTOR], offset + first * SECTOR)
            self.sectors_written += past - first

    def _read_trailer(self):
        """The last sector below the stated length; a cut one is padded with zeros."""
        at = (self.size - 1) // SECTOR * SECTOR
        self._skip_to(at, "trailing footer")
        footer = bytearray(SECTOR)
        got = self.wire.fill(memoryview(footer))
        self.pos += got
        if got == 0:
            raise DataError("trailing footer: end of stream at byte %d" % self.pos)
        check_footer(footer, "trailing footer")
