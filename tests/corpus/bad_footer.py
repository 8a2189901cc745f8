# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Broken files: footers, fixed disks, and what is no VHD at all."""

from corpus_case import Bad, block, sectors
from vhd_fields import FIXED, MAX_SIZE, MIB, NO_OFFSET, SECTOR
from vhd_writer import Disk


def plain(**more):
    """A small sound disk to be damaged."""
    base = dict(size=20 * MIB, blocks=[block(2, 5, 9), block(0, 1, 2), block(7, 4000, 96)])
    return Disk(**{**base, **more})


def fixed(**more):
    base = dict(size=MIB, type=FIXED, runs=[(0, sectors("boot", 4)), (2040, sectors("end", 8))])
    return Disk(**{**base, **more})


def tail(skip):
    return lambda edit: edit.placed.footer + skip


def cases():
    for group in (_no_vhd, _sums, _fields, _sizes, _data_offsets, _fixed, _two):
        yield from group()


def _make(data):
    def make(path):
        with open(path, "wb") as file:
            file.write(data)
    return make


def _no_vhd():
    zero = lambda edit: 0
    for name, data in (("empty-file", b""), ("one-byte", b"c"), ("cookie-only", b"conectix"),
                       ("511-bytes-of-nothing", bytes(511)), ("text", b"not a disk\n" * 100),
                       ("zeros-mib", bytes(MIB)), ("gzip-head", b"\x1f\x8b\x08" + bytes(997)),
                       ("qcow2-head", b"QFI\xfb\0\0\0\x03" + bytes(65528)),
                       ("vhdx-head", b"vhdxfile" + bytes(65528)),
                       ("cookie-lower-half", b"conecti\0" + bytes(1016))):
        yield Bad("not-a-vhd-" + name, "not-a-vhd", zero, make=_make(data),
                  quick=name in ("empty-file", "text"))
    yield Bad("both-footers-zeroed", "not-a-vhd", zero, disk=plain(), edit=lambda e: (
        e.put(0, bytes(512)), e.put(e.placed.footer, bytes(512))))
    yield Bad("head-511-bytes", "not-a-vhd", zero, disk=plain(), edit=lambda e: e.cut(511),
              quick=True)


def _sums():
    first = dict(pipe="footer-copy-checksum")
    yield Bad("footer-checksum", "footer-checksum", tail(64), disk=plain(), **first, quick=True,
              edit=lambda e: (e.flip(30), e.flip(e.placed.footer + 30)))
    yield Bad("footer-checksum-zero", "footer-checksum", tail(64), disk=plain(), **first,
              edit=lambda e: e.footer(checksum=0))
    yield Bad("footer-checksum-in-reserved", "footer-checksum", tail(64), disk=plain(), **first,
              edit=lambda e: (e.flip(500), e.flip(e.placed.footer + 500)))
    yield Bad("footer-copy-checksum-and-no-tail", "footer-checksum", lambda e: 64, **first,
              disk=plain(tail=None), edit=lambda e: e.flip(30))
    yield Bad("fixed-footer-checksum", "footer-checksum", tail(64), disk=fixed(),
              edit=lambda e: e.flip(e.placed.footer + 50), pipe="footer-copy-missing")
    yield Bad("footer-hidden-without-sum", "footer-checksum", tail(64), disk=plain(), **first,
              edit=lambda e: (e.put(85, b"\1"), e.put(e.placed.footer + 85, b"\1")))
    yield Bad("tap-13-hidden-without-sum", "footer-checksum", tail(64), **first, disk=plain(
        footer={"creator": b"tap\0", "creator_version": 0x00010003}),
        edit=lambda e: (e.put(85, b"\1"), e.put(e.placed.footer + 85, b"\1")))
    for name, which in (("poisoned", "footer"), ("poisoned-tail-only", "tail")):
        yield Bad(name, "poisoned", tail(0), disk=plain(), quick=name == "poisoned",
                  edit=lambda e, which=which: getattr(e, which)(cookie=b"v_poison"))
    yield Bad("poisoned-copy-only", "poisoned", lambda e: 0, disk=plain(),
              edit=lambda e: e.copy(cookie=b"v_poison"))


def _fields():
    for name, fields, finds, skip in (
            ("version-2-0", {"version": 0x00020000}, "footer-version", 12),
            ("version-0-0", {"version": 0}, "footer-version", 12),
            ("version-little-endian", {"version": 0x00000100}, "footer-version", 12),
            ("version-all-ones", {"version": 0xFFFFFFFF}, "footer-version", 12),
            ("type-0-none", {"type": 0}, "disk-type", 60),
            ("type-1-reserved", {"type": 1}, "disk-type", 60),
            ("type-5-reserved", {"type": 5}, "disk-type", 60),
            ("type-6-reserved", {"type": 6}, "disk-type", 60),
            ("type-7", {"type": 7}, "disk-type", 60),
            ("type-little-endian", {"type": 0x03000000}, "disk-type", 60),
            ("type-all-ones", {"type": 0xFFFFFFFF}, "disk-type", 60),
            ("tap-01-bitmaps", {"creator": b"tap\0", "creator_version": 1},
             "bitmaps-tap-01", 32)):
        yield Bad(name, finds, tail(skip), disk=plain(footer=fields),
                  quick=name == "type-0-none")


def _sizes():
    for name, size, finds in (
            ("size-zero", 0, "size-zero"), ("size-one-byte", 1, "size-unaligned"),
            ("size-not-sectors", 20 * MIB - 100, "size-unaligned"),
            ("size-2040g-and-a-sector", MAX_SIZE + SECTOR, "size-limit"),
            ("size-16e-less-512", NO_OFFSET - 511, "size-limit"),
            ("size-all-ones", NO_OFFSET, "size-limit"), ("size-2-63", 1 << 63, "size-limit"),
            ("size-above-the-bat", 20 * MIB + SECTOR, "entries-few")):
        at = tail(48) if finds != "entries-few" else lambda e: e.placed.header + 28
        yield Bad(name, finds, at, disk=plain(footer={"current_size": size}),
                  quick=name == "size-zero")


def _data_offsets():
    for name, offset, finds in (
            ("data-offset-0", 0, "data-offset"), ("data-offset-511", 511, "data-offset"),
            ("data-offset-all-ones", NO_OFFSET, "data-offset"),
            ("data-offset-2-63", 1 << 63, "data-offset"),
            ("data-offset-overflows", NO_OFFSET - 1000, "data-offset"),
            ("data-offset-past-end", 100 * MIB, "data-offset")):
        yield Bad(name, finds, tail(16), disk=plain(footer={"data_offset": offset}),
                  quick=name == "data-offset-overflows")
    yield Bad("data-offset-at-the-bat", "header-cookie", lambda e: e.placed.bat, disk=plain(
        footer={"data_offset": 1536}))
    yield Bad("data-offset-in-a-block", "header-cookie", lambda e: 4096, disk=plain(
        footer={"data_offset": 4096}))
    yield Bad("data-offset-at-the-footer", "data-offset", tail(16), disk=plain(),
              edit=lambda e: e.footer(data_offset=e.placed.footer))
    yield Bad("header-runs-into-footer", "header-past-end", tail(16), disk=plain(),
              edit=lambda e: e.footer(data_offset=e.placed.footer - 512))


def _fixed():
    pipe = dict(pipe="pipe-fixed")
    yield Bad("fixed-size-above-file", "fixed-cut", tail(48), quick=True, **pipe, disk=fixed(
        footer={"current_size": MIB + SECTOR}))
    yield Bad("fixed-size-2-63", "fixed-cut", tail(48), **pipe, disk=fixed(
        footer={"current_size": (1 << 63) - 512}))
    yield Bad("fixed-head-lost", "fixed-cut", lambda e: e.size - 512 + 48, **pipe, disk=fixed(),
              edit=lambda e: _drop_head(e, 4096))
    yield Bad("fixed-size-zero", "size-zero", tail(48), **pipe, disk=fixed(
        footer={"current_size": 0}))
    yield Bad("fixed-size-not-sectors", "size-unaligned", tail(48), **pipe, disk=fixed(
        footer={"current_size": MIB - 1}))
    yield Bad("fixed-footer-cut", "not-a-vhd", lambda e: 0, disk=fixed(), edit=lambda e: e.cut(
        e.size - 100))
    yield Bad("fixed-footer-lost", "not-a-vhd", lambda e: 0, disk=fixed(), edit=lambda e: e.cut(
        MIB))
    yield Bad("fixed-footer-at-0-only", "not-a-vhd", lambda e: 0, disk=fixed(), edit=lambda e: (
        e.put(0, e.read(MIB, 512)), e.cut(MIB)), pipe="pipe-fixed")
    yield Bad("fixed-version-3", "footer-version", tail(12), **pipe, disk=fixed(
        footer={"version": 0x00030000}))


def _drop_head(edit, count):
    rest = edit.read(count, edit.size)
    edit.put(0, rest)
    edit.cut(len(rest))


def _two():
    """A dynamic disk whose trailing footer tells of something else."""
    yield Bad("footers-tail-says-fixed", "fixed-cut", tail(48), disk=plain(),
              edit=lambda e: e.tail(type=FIXED, data_offset=NO_OFFSET), pipe="footers-conflict")
    yield Bad("footers-tail-data-offset", "header-cookie", lambda e: 1536, disk=plain(),
              edit=lambda e: e.tail(data_offset=1536), pipe="footers-conflict")
    yield Bad("footers-tail-size-above-the-bat", "entries-few", lambda e: 512 + 28,
              disk=plain(), edit=lambda e: e.tail(current_size=60 * MIB),
              pipe="footers-conflict")
    yield Bad("footers-tail-size-zero", "size-zero", tail(48), disk=plain(),
              edit=lambda e: e.tail(current_size=0), pipe="footers-conflict")
    yield Bad("footers-tail-version-2", "footer-version", tail(12), disk=plain(), quick=True,
              edit=lambda e: e.tail(version=0x00020000))
    yield Bad("footers-tail-tap-01", "bitmaps-tap-01", tail(32), disk=plain(), quick=True,
              edit=lambda e: e.tail(creator=b"tap\0", creator_version=1))
