# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Broken files: the dynamic header, and files that are cut off."""

from bad_footer import plain
from corpus_case import Bad, block
from vhd_fields import MIB, NO_OFFSET
from vhd_writer import Disk


def head(skip):
    return lambda edit: edit.placed.header + skip


def cases():
    for group in (_intact, _fields, _tables, _entries, _cuts):
        yield from group()


def _intact():
    yield Bad("header-cookie", "header-cookie", head(0), disk=plain(
        header={"cookie": b"cxsparsf"}), quick=True)
    yield Bad("header-zeroed", "header-cookie", head(0), disk=plain(),
              edit=lambda e: e.put(e.placed.header, bytes(1024)))
    yield Bad("header-checksum", "header-checksum", head(36), disk=plain(), quick=True,
              edit=lambda e: e.flip(e.placed.header + 20))
    yield Bad("header-checksum-in-reserved", "header-checksum", head(36), disk=plain(),
              edit=lambda e: e.flip(e.placed.header + 1000))
    yield Bad("header-checksum-in-locator", "header-checksum", head(36), disk=plain(),
              edit=lambda e: e.flip(e.placed.header + 600))
    yield Bad("header-checksum-zero", "header-checksum", head(36), disk=plain(
        header={"checksum": 0}))


def _fields():
    for name, fields, finds, skip in (
            ("header-version-2", {"version": 0x00020000}, "header-version", 24),
            ("header-version-0", {"version": 0}, "header-version", 24),
            ("block-size-0", {"block_size": 0}, "block-size", 32),
            ("block-size-1", {"block_size": 1}, "block-size", 32),
            ("block-size-256", {"block_size": 256}, "block-size", 32),
            ("block-size-512", {"block_size": 512}, "block-size-small", 32),
            ("block-size-2048", {"block_size": 2048}, "block-size-small", 32),
            ("block-size-3-mib", {"block_size": 3 * MIB}, "block-size", 32),
            ("block-size-2m-less-1", {"block_size": 2 * MIB - 1}, "block-size", 32),
            ("block-size-2m-plus-512", {"block_size": 2 * MIB + 512}, "block-size", 32),
            ("block-size-512-mib", {"block_size": 512 * MIB}, "block-size-large", 32),
            ("block-size-2-31", {"block_size": 1 << 31}, "block-size-large", 32),
            ("block-size-all-ones", {"block_size": 0xFFFFFFFF}, "block-size", 32),
            ("block-size-little-endian", {"block_size": 0x00002000}, "entries-few", 28)):
        yield Bad(name, finds, head(skip), disk=plain(header=fields),
                  quick=name in ("block-size-0", "block-size-2-31"))


def _tables():
    for name, offset, finds in (
            ("table-offset-0", 0, "table-offset"), ("table-offset-511", 511, "table-offset"),
            ("table-offset-all-ones", NO_OFFSET, "table-offset"),
            ("table-offset-overflows", NO_OFFSET - 20, "table-offset"),
            ("table-offset-2-63", 1 << 63, "table-offset"),
            ("table-offset-past-end", 1 << 40, "table-offset"),
            ("table-offset-in-header", 1024, "bat-over-header"),
            ("table-offset-at-header", 512, "bat-over-header"),
            ("table-offset-last-header-byte", 1535, "bat-over-header")):
        yield Bad(name, finds, head(16), disk=plain(header={"table_offset": offset}),
                  quick=name == "table-offset-overflows")
    yield Bad("table-offset-at-padding", "bat-entry-past-end", lambda e: 1576, disk=plain(
        bat_pad=0x7F, header={"table_offset": 1576}))
    yield Bad("table-offset-at-footer", "table-offset", head(16), disk=plain(),
              edit=lambda e: e.header(table_offset=e.placed.footer))
    yield Bad("bat-runs-into-footer", "bat-past-end", head(16), disk=plain(),
              edit=lambda e: e.header(table_offset=e.placed.footer - 36))


def _entries():
    for name, count, finds in (
            ("entries-0", 0, "entries-few"), ("entries-one-too-few", 9, "entries-few"),
            ("entries-above-2tib", (1 << 20) + 1, "entries-absurd"),
            ("entries-2-31", 1 << 31, "entries-absurd"),
            ("entries-all-ones", 0xFFFFFFFF, "entries-absurd"),
            ("entries-little-endian", 0x0A000000, "entries-absurd")):
        yield Bad(name, finds, head(28), disk=plain(header={"max_entries": count}),
                  quick=name == "entries-all-ones")
    yield Bad("entries-past-the-file", "bat-past-end", head(16), disk=Disk(
        size=20 * MIB, header={"max_entries": 100000}))
    yield Bad("entries-over-the-block", "block-over-bat", None, disk=Disk(
        size=20 * MIB, blocks=[block(0)], header={"max_entries": 1000}))


def _cuts():
    """The file ends early.  On a pipe every one of them lacks its trailing footer too."""
    for name, size, finds in (
            ("cut-after-copy", 512, "data-offset"), ("cut-in-header", 1000, "header-past-end"),
            ("cut-one-byte-before-bat", 1535, "header-past-end"),
            ("cut-after-header", 1536, "table-offset"), ("cut-in-bat", 1556, "bat-past-end"),
            ("cut-after-bat", 2048, "bat-entry-past-end"), ("cut-in-bitmap", 2300, "block-cut"),
            ("cut-after-bitmap", 2560, "block-cut"), ("cut-in-block", MIB, "block-cut"),
            ("cut-in-second-bitmap", 2048 + 2097664 + 9, "block-cut"),
            ("cut-in-last-block", 2048 + 3 * 2097664 - 512, "block-cut"),
            ("cut-last-byte-of-data", 2048 + 3 * 2097664 - 1, "block-cut")):
        yield Bad(name, finds, None, disk=plain(), edit=lambda e, size=size: e.cut(size),
                  quick=name in ("cut-in-block", "cut-in-bat"))
    yield Bad("cut-in-the-middle", "block-over-footer", None, disk=plain(),
              edit=lambda e: _cut_out(e, 3 * MIB, 512))
    yield Bad("cut-head", "not-a-vhd", lambda e: 0, disk=plain(tail=None),
              edit=lambda e: _cut_out(e, 0, 512))


def _cut_out(edit, pos, count):
    rest = edit.read(pos + count, edit.size)
    size = edit.size - count
    edit.put(pos, rest)
    edit.cut(size)
