# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What a guest sees on a disk, kept sparsely, and the digests of it.

Only pages that hold a byte other than zero are kept, so a disk of 2040 GiB costs what
was written to it.  A page is as long as the digest's block: 64 KiB.
"""

import hashlib
import struct

PAGE = 64 * 1024
_ZERO_PAGE = bytes(PAGE)
_ZERO_DIGEST = hashlib.sha256(_ZERO_PAGE).digest()
_MANY = 32768


def is_zero(data):
    return data.count(0) == len(data)


def noise(key, length):
    """Bytes that look random and depend on the key alone; no all-zero sector in practice."""
    return hashlib.shake_128(str(key).encode()).digest(length)


class Content:
    """A disk of `size` bytes, zero until written."""

    def __init__(self, size):
        self.size = size
        self.pages = {}

    def copy(self):
        other = Content(self.size)
        other.pages = dict(self.pages)
        return other

    def write(self, pos, data):
        """Put bytes in place; what lies past the end of the disk is dropped."""
        data = memoryview(data)[:max(0, self.size - pos)]
        done = 0
        while done < len(data):
            number, skip = divmod(pos + done, PAGE)
            part = data[done:done + PAGE - skip]
            self._put(number, skip, part)
            done += len(part)

    def _put(self, number, skip, part):
        old = self.pages.get(number, _ZERO_PAGE)
        new = b"".join((old[:skip], part, old[skip + len(part):]))
        if new == _ZERO_PAGE:
            self.pages.pop(number, None)
        else:
            self.pages[number] = new

    def zero(self, pos, length):
        """Zero a range of any length; only pages that exist cost time."""
        end = min(pos + length, self.size)
        touched = range(pos // PAGE, (end + PAGE - 1) // PAGE)
        some = touched if len(touched) < len(self.pages) else list(self.pages)
        for number in [n for n in some if n in self.pages and n in touched]:
            low = max(pos - number * PAGE, 0)
            high = min(end - number * PAGE, PAGE)
            self._put(number, low, bytes(high - low))

    def resize(self, size):
        """Cut or grow; what a cut removed does not come back."""
        if size < self.size:
            self.zero(size, self.size - size)
        self.size = size

    def read(self, pos, length):
        length = max(0, min(length, self.size - pos))
        parts = []
        while length > 0:
            number, skip = divmod(pos, PAGE)
            part = self.pages.get(number, _ZERO_PAGE)[skip:skip + length]
            parts.append(part)
            pos += len(part)
            length -= len(part)
        return b"".join(parts)

    def runs(self):
        """Sorted (start, length) of the ranges, in whole pages, that are not all zero."""
        out = []
        for number in sorted(self.pages):
            start = number * PAGE
            length = min(PAGE, self.size - start)
            if out and sum(out[-1]) == start:
                out[-1] = (out[-1][0], out[-1][1] + length)
            else:
                out.append((start, length))
        return out

    def __eq__(self, other):
        return self.size == other.size and self.pages == other.pages

    def first_difference(self, other):
        """Byte offset of the first difference, None when there is none."""
        for number in sorted(set(self.pages) | set(other.pages)):
            a = self.pages.get(number, _ZERO_PAGE)
            b = other.pages.get(number, _ZERO_PAGE)
            if a != b:
                return number * PAGE + next(i for i in range(PAGE) if a[i] != b[i])
        return None if self.size == other.size else min(self.size, other.size)

    def digest(self):
        """The blkhash construction with SHA-256, as `blksum` prints it."""
        outer = hashlib.sha256()
        whole, rest = divmod(self.size, PAGE)
        done = 0
        for number in sorted(n for n in self.pages if n < whole):
            _update_zero_blocks(outer, number - done)
            outer.update(hashlib.sha256(self.pages[number]).digest())
            done = number + 1
        _update_zero_blocks(outer, whole - done)
        if rest:
            outer.update(hashlib.sha256(self.read(whole * PAGE, rest)).digest())
        outer.update(struct.pack("<Q", self.size))
        return outer.hexdigest()

    def sha256(self):
        """Plain SHA-256 of all bytes: only for disks that are small."""
        plain = hashlib.sha256()
        for pos in range(0, self.size, PAGE):
            plain.update(self.read(pos, PAGE))
        return plain.hexdigest()

    def save(self, path):
        """A sparse raw file of the content."""
        with open(path, "wb") as out:
            out.truncate(self.size)
            for start, length in self.runs():
                out.seek(start)
                out.write(self.read(start, length))


def _update_zero_blocks(outer, count):
    while count > 0:
        step = min(count, _MANY)
        outer.update(_ZERO_DIGEST * step)
        count -= step
