# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The bytes of one VDI, in a sparse raw file that tests can read."""

import ctypes
import os

from .byte_extents import ByteExtents
from .storage_rules import BLOCK

ZEROS = bytearray(BLOCK)            # a bytearray on the left compares like memcmp
GARBAGE = bytes(b"OLD DATA, NEVER WRITTEN BY THE CLIENT - " * 64)[:2048] * (BLOCK // 2048)
PUNCH_HOLE_KEEP_SIZE = 0x02 | 0x01
_libc = ctypes.CDLL(None, use_errno=True)


class PastEnd(Exception):
    """A write or a seek went past the end of the disk."""


def is_zero(view):
    n = len(view)
    return (ZEROS if n == BLOCK else bytearray(n)) == view


def punch(fd, offset, length):
    """Make a hole; False where the filesystem cannot."""
    return _libc.fallocate(fd, PUNCH_HOLE_KEEP_SIZE, ctypes.c_int64(offset),
                           ctypes.c_int64(length)) == 0


def data_extents(fd, size):
    """The parts of a file that are not holes."""
    pos = 0
    while pos < size:
        try:
            start = os.lseek(fd, pos, os.SEEK_DATA)
        except OSError:             # ENXIO: holes to the end
            return
        if start >= size:
            return
        pos = min(os.lseek(fd, start, os.SEEK_HOLE), size)
        yield start, pos


class DiskContent:
    """Random access to the content. One writer at a time (attaching sees to it).

    `dirty` means that the storage did not zero the disk: what was never written
    reads as GARBAGE, without taking space for it.
    """

    def __init__(self, path, size, dirty=False):
        self.path = path
        self.size = size
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        os.ftruncate(self.fd, size)
        self.dirty = dirty
        self.unwritten = ByteExtents([(0, size)] if dirty else ())

    def write(self, view, offset):
        """Write; what lies past the end of the disk is lost and raises PastEnd."""
        room = self.size - offset
        if room < len(view):
            if room > 0:
                self._write(view[:room], offset)
            raise PastEnd("write of %d bytes at %d passes the end of the disk at %d"
                          % (len(view), offset, self.size))
        self._write(view, offset)

    def _write(self, view, offset):
        n = len(view)
        if self.unwritten:
            self.unwritten.remove(offset, offset + n)
        if n >= 4096 and is_zero(view) and punch(self.fd, offset, n):
            return
        while n:
            done = os.pwrite(self.fd, view, offset)
            view, offset, n = view[done:], offset + done, n - done

    def read_into(self, view, offset):
        """Fill view; past the end of the disk come zeros."""
        done = 0
        while done < len(view):
            n = os.preadv(self.fd, [view[done:]], offset + done)
            if n == 0:
                view[done:] = bytes(len(view) - done)
                break
            done += n
        for start, end in self.unwritten.within(offset, offset + len(view)):
            view[start - offset:end - offset] = garbage(start, end)

    def can_send_file(self):
        return not self.unwritten

    def grow(self, size):
        if self.dirty:
            self.unwritten.add(self.size, size)
        os.ftruncate(self.fd, size)
        self.size = size

    def copy_from(self, other):
        """Take over another disk's content, sparsely."""
        self.unwritten = other.unwritten.copy()
        for start, end in data_extents(other.fd, other.size):
            while start < end:
                start += os.copy_file_range(other.fd, self.fd, end - start, start, start)

    def materialise(self):
        """Write the garbage out, so that the file reads as the disk does.

        The ranges stay known as unwritten.
        """
        for start, end in list(self.unwritten):
            while start < end:
                stop = min(end, start + BLOCK)
                os.pwrite(self.fd, garbage(start, stop), start)
                start = stop

    def nonzero_blocks(self, block=BLOCK):
        """Numbers of the blocks that hold anything but zeros."""
        found = set()
        buf = memoryview(bytearray(block))
        spans = list(data_extents(self.fd, self.size)) + list(self.unwritten)
        for start, end in spans:
            for index in range(start // block, (end + block - 1) // block):
                if index not in found:
                    self.read_into(buf, index * block)
                    if not is_zero(buf):
                        found.add(index)
        return found

    def close(self, unlink=True):
        os.close(self.fd)
        self.fd = -1
        if unlink:
            os.unlink(self.path)


def garbage(start, end):
    """The old data of [start, end); at most one block of it."""
    first = start % 2048
    return GARBAGE[first:first + end - start] if first + end - start <= BLOCK \
        else (GARBAGE + GARBAGE)[first:first + end - start]
