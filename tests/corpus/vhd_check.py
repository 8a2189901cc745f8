# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""All findings of one file: the footers, the header, and what they lead to.

check(path) judges a seekable file, check(path, pipe=True) the same bytes as a stream, and
check(path, chain=True) a differencing disk that is to be read together with its parents.
"""

import time

from check_batmap import check_batmap
from check_blocks import check_bat, check_blocks
from check_parent import check_locators, check_parent
from vhd_fields import (DIFFERENCING, EPOCH_2000, FIXED, FOOTER_COOKIE, HEADER_COOKIE,
                        HEADER_LEN, KIB, MAX_SIZE, MIB, NO_OFFSET, POISON_COOKIE, SECTOR, TIB,
                        Footer, Header, chs, footer_sum_ok, header_sum_ok)
from vhd_findings import Finding, severity_of
from vhd_reader import Bytes, choose_footer, find_ends, read_bat, tail_is_guests

CREATORS = {b"vpc ", b"vs  ", b"win ", b"d2v\0", b"d2v ", b"qemu", b"qem2", b"tap\0", b"CTXS",
            b"vbox", b"wa\0\0", b"caml", b"xo  "}
TRUSTED_BY_QEMU = {b"win ", b"qem2", b"d2v ", b"tap\0", b"CTXS"}
MOST_PER_ID = 8
MOST_ENTRIES = 4 << 20


class Check:
    """The state of one check; parts are added as they are found sound."""

    def __init__(self, path, pipe=False, chain=False, parent=None):
        self.path, self.pipe, self.chain, self.parent = path, pipe, chain, parent
        self.data = Bytes(path)
        self.ends = self.footer = self.header = self.table = None
        self.base = 0           # where the footer in force stands
        self.limit = 0          # where data must end: the trailing footer or the end of file
        self.has_tail = False
        self.parts = []         # (name, start, end) that no block may touch
        self.end = 0            # end of the last part
        self.findings = set()
        self.counts = {}
        self.errors = 0

    def add(self, name, offset):
        severity = severity_of(name, self.pipe, self.chain)
        self.errors += severity == "error"
        self.counts[name] = self.counts.get(name, 0) + 1
        if self.counts[name] <= MOST_PER_ID:
            self.findings.add(Finding(name, offset, severity))

    @property
    def failed(self):
        return self.errors > 0


def check(path, pipe=False, chain=False, parent=None):
    """Sorted findings; a file with an error among them is refused.

    parent: the file that the user named as the nearest parent, instead of a search for it.
    """
    c = Check(path, pipe, chain, parent)
    try:
        _check_all(c)
    finally:
        c.data.close()
    return sorted(c.findings, key=lambda f: (f.offset, f.id))


def check_alone(path):
    """The Check of a file without its parents; the caller walks on from it."""
    c = Check(path)
    _check_all(c, parents=False)
    return c


def _check_all(c, parents=True):
    if not _find_footer(c):
        return
    _check_footer(c)
    if c.footer.type == FIXED:
        _check_fixed(c)
        return
    if any(f.id == "disk-type" for f in c.findings):
        return
    if not _find_header(c):
        return
    _check_header(c)
    if not _place_bat(c):
        return
    c.table = read_bat(c.data, c.header)
    if c.footer.type == DIFFERENCING:
        check_locators(c)
    check_bat(c)
    if not c.failed:
        check_batmap(c)
        check_blocks(c)
        _check_padding(c)
        if c.footer.type == DIFFERENCING and not c.pipe and parents:
            check_parent(c)


def _find_footer(c):
    """Sets footer and base; False when there is none to go on with."""
    ends = c.ends = find_ends(c.data)
    if c.pipe:
        return _find_first_footer(c)
    cookies = [(ends.copy, 0), (ends.tail, ends.tail_at)]
    if len(ends.copy) < 512 or not any(_has_cookie(raw) for raw, _ in cookies):
        c.add("not-a-vhd", 0)
        return False
    poisoned = [at for raw, at in cookies if raw[:8] == POISON_COOKIE]
    if poisoned:
        for at in poisoned:
            c.add("poisoned", at)
        return False
    used = choose_footer(c.data, ends)
    if used is None:
        for raw, at in dict((at, (raw, at)) for raw, at in cookies).values():
            if raw[:8] == FOOTER_COOKIE and not footer_sum_ok(raw):
                c.add("footer-checksum", at + 64)
        if not c.findings:
            c.add("not-a-vhd", 0)
        return False
    _compare_ends(c, used)
    return True


def _has_cookie(raw):
    return raw[:8] in (FOOTER_COOKIE, POISON_COOKIE)


def _find_first_footer(c):
    """On a pipe: the footer at 0 leads, the end of the stream has to agree with it."""
    ends = c.ends
    if len(ends.copy) < 512:
        c.add("not-a-vhd", 0)
    elif ends.copy[:8] == POISON_COOKIE:
        c.add("poisoned", 0)
    elif ends.copy[:8] != FOOTER_COOKIE:
        c.add("footer-copy-missing", 0)
        if ends.tail_ok and Footer.unpack(ends.tail).type == FIXED:
            c.add("pipe-fixed", 0)
        elif not _has_cookie(ends.tail):
            c.add("not-a-vhd", 0)
    elif not ends.copy_ok:
        c.add("footer-copy-checksum", 64)
    else:
        c.footer = Footer.unpack(ends.copy)
        if footer_sum_ok(ends.copy) == "hidden":
            c.add("footer-sum-hidden", 64)
        _judge_last_footer(c)
        return True
    return False


def _judge_last_footer(c):
    ends, tail = c.ends, c.ends.tail
    c.limit = ends.tail_at
    guests = tail_is_guests(c.data, ends)
    if not _has_cookie(tail) or guests:
        c.limit = c.data.size
        c.add("trailing-footer-missing", c.data.size)
    elif tail[:8] == POISON_COOKIE:
        c.add("poisoned", ends.tail_at)
    elif not ends.tail_ok:
        c.add("trailing-footer-checksum", ends.tail_at + 64)
    else:
        c.has_tail = True
        if c.data.size - ends.tail_at == 511:
            c.add("trailing-footer-511", ends.tail_at)
        last = Footer.unpack(tail)
        if last.type == FIXED and last.current_size <= ends.tail_at:
            c.add("guest-vhd-head", 0)
        elif ends.copy != tail:
            _compare_fields(c)
            _judge_last_fields(c, Footer.unpack(ends.copy), last)


def _judge_last_fields(c, first, last):
    """What a file would be refused for, and a stream's first footer did not say."""
    if last.version != first.version and last.version != 0x00010000:
        c.add("footer-version" if last.version >> 16 != 1 else "footer-version-minor",
              c.ends.tail_at + 12)
    if _is_tap_01(last) and not _is_tap_01(first):
        c.add("bitmaps-tap-01", c.ends.tail_at + 32)


def _is_tap_01(footer):
    return footer.creator == b"tap\0" and footer.creator_version == 1 and footer.type != FIXED


def _compare_ends(c, used):
    ends = c.ends
    c.has_tail = used == "tail"
    c.limit = ends.tail_at if c.has_tail else c.data.size
    raw = ends.tail if used == "tail" else ends.copy
    c.base = ends.tail_at if used == "tail" else 0
    c.footer = Footer.unpack(raw)
    if footer_sum_ok(raw) == "hidden":
        c.add("footer-sum-hidden", c.base + 64)
    if used == "copy":
        # a sound footer that was not chosen is a sector of the guest's
        bad_sum = ends.tail[:8] == FOOTER_COOKIE and not ends.tail_ok
        if bad_sum:
            c.add("trailing-footer-checksum", ends.tail_at + 64)
            c.limit = ends.tail_at
        else:
            c.add("trailing-footer-missing", c.data.size)
        return
    if c.data.size - ends.tail_at == 511:
        c.add("trailing-footer-511", ends.tail_at)
    if c.footer.type == FIXED and (c.footer.current_size <= ends.tail_at or not ends.copy_ok):
        if ends.copy_ok and ends.tail_at > 0:
            c.add("guest-vhd-head", 0)
    elif not ends.copy_ok:
        has = ends.copy[:8] == FOOTER_COOKIE
        c.add("footer-copy-checksum" if has else "footer-copy-missing", 64 if has else 0)
    elif ends.copy != ends.tail:
        _compare_fields(c)


def _compare_fields(c):
    """Both footers are sound and not the same bytes."""
    a, b = c.ends.copy, c.ends.tail
    free = {24, 25, 26, 27, 64, 65, 66, 67, 84, 85} | {8, 9, 10, 11}
    differ = [i for i in range(512) if a[i] != b[i]]
    serious = [i for i in differ if i not in free]
    conflict = [i for i in serious if 16 <= i < 24 or 48 <= i < 56 or 60 <= i < 64]
    name = ("footers-conflict" if conflict else
            "footers-differ" if serious else "footers-differ-state")
    c.add(name, c.ends.tail_at + (conflict or serious or differ)[0])


def _check_footer(c):
    f, at = c.footer, c.base
    known = (FIXED, 3, DIFFERENCING)
    for wrong, name, skip in (
            (f.features & ~3 or not f.features & 2, "features", 8),
            (f.features & 1, "features-temporary", 8),
            (f.version >> 16 != 1, "footer-version", 12),
            (f.version >> 16 == 1 and f.version & 0xFFFF, "footer-version-minor", 12),
            (f.timestamp > time.time() - EPOCH_2000 + 86400, "timestamp-future", 24),
            (f.creator not in CREATORS, "creator-unknown", 28),
            (_is_tap_01(f), "bitmaps-tap-01", 32),
            (f.original_size != f.current_size, "resized", 40),
            (f.type not in known, "disk-type", 60),
            (f.uuid == bytes(16), "uuid-null", 68),
            (f.saved_state, "saved-state", 84),
            (f.hidden, "hidden", 85),
            (any(f.reserved), "footer-reserved", 86)):
        if wrong:
            c.add(name, at + skip)
    _check_size(c)
    _check_geometry(c)


def _check_size(c):
    size = c.footer.current_size
    if size == 0:
        c.add("size-zero", c.base + 48)
    if size % SECTOR:
        c.add("size-unaligned", c.base + 48)
    if size > MAX_SIZE:
        c.add("size-limit-fixed" if c.footer.type == FIXED else "size-limit", c.base + 48)


def _check_geometry(c):
    f, at = c.footer, c.base + 56
    if f.geometry != chs(f.current_size):
        c.add("geometry", at)
    if 0 in f.geometry and f.geometry != chs(f.current_size):
        c.add("geometry-zero", at)
    largest = f.geometry == (65535, 16, 255)
    if f.chs_size > f.current_size and not largest:
        c.add("geometry-large", at)
    if f.chs_size != f.current_size and not largest and f.creator not in TRUSTED_BY_QEMU:
        c.add("geometry-cuts", at)


def _check_fixed(c):
    size = c.footer.current_size
    if c.pipe:
        c.add("pipe-fixed", 0)
        return
    if c.footer.data_offset != NO_OFFSET:
        c.add("fixed-data-offset", c.base + 16)
    if size > c.limit:
        c.add("fixed-cut", c.base + 48)
    elif size < c.limit:
        c.add("fixed-slack", size)


def _find_header(c):
    at = c.footer.data_offset
    if at < SECTOR or at >= c.limit:
        c.add("data-offset", c.base + 16)
        return False
    if at + HEADER_LEN > c.limit:
        c.add("header-past-end", c.base + 16)
        if not c.pipe or at + HEADER_LEN > c.data.size:
            return False
    if at % SECTOR:
        c.add("header-unaligned", c.base + 16)
    raw = c.data.at(at, HEADER_LEN)
    if raw[:8] != HEADER_COOKIE:
        c.add("header-cookie", at)
        return False
    if not header_sum_ok(raw):
        c.add("header-checksum", at + 36)
        return False
    c.header = Header.unpack(raw)
    c.parts = [("copy", 0, SECTOR), ("header", at, at + HEADER_LEN)]
    return True


def _check_header(c):
    h, at = c.header, c.footer.data_offset
    power = h.block_size >= SECTOR and h.block_size & (h.block_size - 1) == 0
    named = h.parent_uuid != bytes(16) or any(e.code != bytes(4) for e in h.locators)
    reserved = 60 if h.reserved1 else 768
    for wrong, name, skip in (
            (h.data_offset != NO_OFFSET, "header-data-offset", 8),
            (h.version >> 16 != 1, "header-version", 24),
            (h.version >> 16 == 1 and h.version & 0xFFFF, "header-version-minor", 24),
            (not power, "block-size", 32),
            (power and h.block_size < 4 * KIB, "block-size-small", 32),
            (power and h.block_size > 256 * MIB, "block-size-large", 32),
            (power and h.block_size != 2 * MIB, "block-size-uncommon", 32),
            (h.reserved1 or any(h.reserved2), "header-reserved", reserved),
            (c.footer.type != DIFFERENCING and named, "parent-fields-unused", 40)):
        if wrong:
            c.add(name, at + skip)
    if power:
        _check_entries(c, at)


def _check_entries(c, at):
    needed = -(-c.footer.current_size // c.header.block_size)
    count = c.header.max_entries
    if count < needed:
        c.add("entries-few", at + 28)
    elif count > max(needed, 2 * TIB // c.header.block_size):
        c.add("entries-absurd", at + 28)
        return
    elif needed < count <= MOST_ENTRIES:
        c.add("entries-more", at + 28)
    if count > MOST_ENTRIES:
        c.add("entries-many", at + 28)


def _place_bat(c):
    """False when the table cannot be read; nothing is allocated before this."""
    at, header_at = c.header.table_offset, c.footer.data_offset
    end = at + 4 * c.header.max_entries
    # a pipe is known to end only when it does: what it has of the table is read
    known = end > c.data.size or not c.pipe
    if at < SECTOR or at >= c.limit:
        c.add("table-offset", header_at + 16)
        if at < SECTOR or known:
            return False
    elif end > c.limit:
        c.add("bat-past-end", header_at + 16)
        if known:
            return False
    if at < header_at + HEADER_LEN and end > header_at:
        c.add("bat-over-header", header_at + 16)
    if at % SECTOR:
        c.add("bat-unaligned", header_at + 16)
    if c.pipe and at < header_at:
        c.add("pipe-order", header_at + 16)
    if c.pipe and at < header_at + HEADER_LEN:
        return False
    c.parts.append(("bat", at, at + -(-4 * c.header.max_entries // SECTOR) * SECTOR))
    names = {f.id for f in c.findings if f.severity == "error"}
    return not names & {"block-size", "entries-absurd", "entries-many", "size-limit"}


def _check_padding(c):
    end = max([c.end] + [part[2] for part in c.parts])
    if c.has_tail and end < c.limit:
        c.add("trailing-padding", end)
