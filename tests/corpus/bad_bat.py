# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Broken files: entries of the BAT against every part of the file and each other."""

from bad_footer import plain
from corpus_case import Bad, block
from vhd_fields import MAX_SIZE, MIB, SECTOR
from vhd_writer import Disk


def entry(index):
    return lambda edit: edit.bat_at(index)


def cases():
    for group in (_values, _over, _each_other, _absurd):
        yield from group()


def _values():
    for name, value, finds in (
            ("bat-entry-0", 0, "block-over-copy"), ("bat-entry-1", 1, "block-over-header"),
            ("bat-entry-2", 2, "block-over-header"), ("bat-entry-3", 3, "block-over-bat"),
            ("bat-entry-past-end", 200000, "bat-entry-past-end"),
            ("bat-entry-2-31", 0x80000000, "bat-entry-past-end"),
            ("bat-entry-fffffffe", 0xFFFFFFFE, "bat-entry-past-end"),
            ("bat-entry-7fffffff", 0x7FFFFFFF, "bat-entry-past-end"),
            ("bat-entry-in-bytes", 2048 * SECTOR, "bat-entry-past-end"),
            ("bat-entry-little-endian", 0x04000000, "bat-entry-past-end")):
        yield Bad(name, finds, entry(5), disk=plain(), quick=name in (
            "bat-entry-past-end", "bat-entry-0"), edit=lambda e, v=value: e.bat(5, v))
    yield Bad("bat-zeroed", "block-over-copy", entry(0), disk=plain(),
              edit=lambda e: e.put(e.placed.bat, bytes(40)))
    yield Bad("bat-all-text", "bat-entry-past-end", entry(0), disk=plain(),
              edit=lambda e: e.put(e.placed.bat, b"lorem ipsum dolor sit amet, consectetur "[:40]))


def _over():
    def at(pos):
        return lambda e: e.bat(5, pos(e))
    last = lambda e: e.placed.blocks[7]
    length = plain().block_size // SECTOR + 1
    yield Bad("bat-entry-at-footer", "bat-entry-past-end", entry(5), disk=plain(), edit=at(
        lambda e: e.placed.footer // SECTOR))
    yield Bad("bat-entry-runs-into-footer", "block-over-footer", entry(5), disk=plain(), edit=at(
        lambda e: e.placed.footer // SECTOR - 1), quick=True)
    yield Bad("bat-entry-one-sector-into-footer", "block-over-footer", entry(7), disk=plain(),
              edit=lambda e: e.bat(7, last(e) + 1))
    yield Bad("bat-entry-runs-into-511-footer", "block-over-footer", entry(7), disk=plain(
        tail_len=511), edit=lambda e: e.bat(7, last(e) + 1))
    yield Bad("bat-entry-runs-into-header", "block-over-header", entry(5), disk=Disk(
        size=20 * MIB, layout=("blocks", "header", "bat"), blocks=[block(5)]),
        edit=lambda e: e.bat(5, 2), pipe="pipe-order")
    yield Bad("bat-entry-runs-into-bat", "block-over-bat", entry(5), disk=Disk(
        size=20 * MIB, layout=("header", "blocks", "bat"), blocks=[block(5)]),
        edit=lambda e: e.bat(5, 4), pipe="pipe-order")
    yield Bad("bat-entry-in-bat-padding", "block-over-bat", entry(2), disk=Disk(
        size=600 * MIB, blocks=[block(2)]), edit=lambda e: e.bat(2, e.placed.bat // SECTOR + 2))
    yield Bad("bat-entry-past-end-no-tail", "bat-entry-past-end", entry(5), disk=plain(
        tail=None), edit=lambda e: e.bat(5, 3 * length + 4), pipe="trailing-footer-missing")
    yield Bad("bat-surplus-entry-past-end", "bat-entry-past-end", entry(15), disk=plain(
        entries=20), edit=lambda e: e.bat(15, 1 << 24))
    yield Bad("bat-last-entry-past-end", "bat-entry-past-end", entry(9), disk=plain(),
              edit=lambda e: e.bat(9, 0x00FFFFFF))


def _each_other():
    yield Bad("bat-entries-equal", "bat-entries-equal", entry(5), disk=plain(), quick=True,
              edit=lambda e: e.bat(5, e.placed.blocks[2]))
    yield Bad("bat-entries-all-equal", "bat-entries-equal", entry(1), disk=plain(),
              edit=lambda e: [e.bat(i, e.placed.blocks[2]) for i in range(10)])
    yield Bad("bat-surplus-entry-equal", "bat-entries-equal", entry(15), disk=plain(entries=20),
              edit=lambda e: e.bat(15, e.placed.blocks[2]))
    yield Bad("blocks-overlap-by-one-sector", "blocks-overlap", entry(0), disk=plain(),
              edit=lambda e: e.bat(0, e.placed.blocks[0] - 1), quick=True)
    yield Bad("blocks-overlap-by-half", "blocks-overlap", entry(5), disk=plain(),
              edit=lambda e: e.bat(5, e.placed.blocks[2] + 2048))
    yield Bad("blocks-overlap-by-all-but-one", "blocks-overlap", entry(5), disk=plain(),
              edit=lambda e: e.bat(5, e.placed.blocks[2] + 1))
    yield Bad("blocks-overlap-small", "blocks-overlap", entry(6), disk=Disk(
        size=MIB, block_size=4096, blocks=[block(i, 0, 8) for i in range(8)]),
        edit=lambda e: e.bat(6, e.placed.blocks[5] + 8))


def _absurd():
    """A table of the greatest size, without a block behind it or with all in one place."""
    yield Bad("bat-2040g-hole-of-zeros", "block-over-copy", entry(0), disk=Disk(size=MAX_SIZE),
              edit=lambda e: _zero_bat(e))
    yield Bad("bat-2040g-one-past-end", "bat-entry-past-end", entry(1044479), disk=Disk(
        size=MAX_SIZE), edit=lambda e: e.bat(1044479, 1 << 20))
    yield Bad("bat-sparse-of-zeros", "block-over-copy", entry(0), disk=Disk(
        size=20 * MIB, block_size=4096, layout=("header", "blocks", "bat")),
        edit=_sparse_bat)
    yield Bad("entries-one-too-many", "entries-many", lambda e: e.placed.header + 28, disk=Disk(
        size=20 * MIB, block_size=4096), edit=lambda e: _sparse_bat(e, (4 << 20) + 512))
    yield Bad("entries-many-needed", "entries-many", lambda e: e.placed.header + 28, disk=Disk(
        size=20 * MIB, block_size=4096), edit=lambda e: (
            e.footer(current_size=20 << 30), _sparse_bat(e, 5 << 20)))


def _zero_bat(edit):
    tail = edit.read(edit.placed.footer, 512)
    edit.cut(edit.placed.bat)
    edit.put(edit.placed.footer, tail)


def _sparse_bat(edit, count=4 << 20):
    """A table of entries that are all 0, in a hole."""
    tail = edit.read(edit.placed.footer, 512)
    edit.header(max_entries=count, block_size=4096)
    edit.cut(edit.placed.bat)
    edit.put(edit.placed.bat + 4 * count, tail)
