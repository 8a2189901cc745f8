# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Raw bodies: one run of bytes, or the chunked framing."""

import struct

from .storage_rules import BLOCK
from .xapi_error import DataError

SECTOR = 512


class RawReader:
    """Exactly `size` bytes from offset 0, through one 2 MiB buffer that is used again."""

    def __init__(self, wire, vdi, size, progress):
        self.wire = wire
        self.vdi = vdi
        self.size = size if size is not None else vdi.virtual_size
        self.progress = progress
        self.pos = 0
        self.stale_tail = 0         # bytes of old buffer content taken for data

    def run(self):
        buf = memoryview(bytearray(BLOCK))
        while self.pos < self.size:
            part = buf[:min(BLOCK, self.size - self.pos)]
            got = self.wire.fill(part)
            if got == 0:
                raise DataError("raw: end of stream at byte %d of %d"
                                % (self.pos, self.size))
            # Like the real server, a short read passes: the rest is what the buffer
            # held before. Only the read after it meets the end of the stream.
            self.stale_tail = len(part) - got
            self.vdi.store(part, self.pos)
            self.pos += len(part)
            self.progress(self.pos, self.size)


class ChunkedReader:
    """Records of offset u64 LE, length u32 LE and data; offset 0, length 0 ends."""

    def __init__(self, wire, vdi, size, progress):
        self.wire = wire
        self.vdi = vdi
        self.size = size
        self.progress = progress
        self.moved = 0
        self.records = 0

    def run(self):
        buf = memoryview(bytearray(BLOCK))
        while True:
            offset, length = struct.unpack("<QI", self._read(memoryview(bytearray(12))))
            if offset == 0 and length == 0:
                return
            if offset % SECTOR or length % SECTOR:
                raise DataError("chunk at %d, length %d: not whole sectors"
                                % (offset, length))
            self._read_record(offset, length, buf)
            self.records += 1

    def _read_record(self, offset, length, buf):
        while length:
            part = buf[:min(BLOCK, length)]
            self._read(part)
            self.vdi.store(part, offset)
            offset += len(part)
            length -= len(part)
            self.moved += len(part)
            self.progress(self.moved, self.vdi.virtual_size)

    def _read(self, view):
        if self.wire.fill(view) < len(view):
            raise DataError("chunked: end of stream after %d bytes of data" % self.moved)
        return view
