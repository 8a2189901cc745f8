# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Fixed disks, and files that are hurt and yet can be read with certainty."""

from corpus_case import Good, block, sectors, whole
from vhd_fields import FIXED, GIB, MAX_SIZE, MIB, SECTOR
from vhd_writer import Block, Disk, make_footer, write

STREAM = dict(pipe="pipe-fixed")


def fixed(size, runs=(), **more):
    return Disk(size=size, type=FIXED, runs=list(runs), **more)


def cases():
    for group in (_fixed, _fixed_holding, _copy_lost, _tail_lost, _two_truths):
        yield from group()


def _fixed():
    boot = [(0, sectors("boot", 3))]
    for name, size in (("one-sector", 512), ("2m", 2 * MIB), ("odd", 30001 * SECTOR),
                       ("10m", 10 * MIB)):
        runs = [(0, sectors(name, 1)), (size // SECTOR - 1, sectors("end", 1))]
        yield Good("fixed-" + name, fixed(size, runs), quick=name in ("one-sector", "odd"),
                   **STREAM)
    yield Good("fixed-zeros", fixed(5 * MIB), **STREAM)
    yield Good("fixed-full", fixed(3 * MIB, [(0, sectors("full", 6144))]), **STREAM)
    yield Good("fixed-511", fixed(5 * MIB, boot, tail_len=511), quick=True, **STREAM)
    yield Good("fixed-2040g", fixed(MAX_SIZE, boot + [(0xFEFFFFFF, sectors("far", 1))]),
               **STREAM)
    yield Good("fixed-4095g", fixed(4095 * GIB, boot), warns=("size-limit-fixed",), **STREAM)
    yield Good("fixed-data-offset-0", fixed(MIB, boot, footer={"data_offset": 0}),
               warns=("fixed-data-offset",), **STREAM)
    yield Good("fixed-data-offset-512", fixed(MIB, boot, footer={"data_offset": 512}),
               warns=("fixed-data-offset",), **STREAM)
    yield Good("fixed-slack", fixed(MIB, boot, tail_pad=64 * 1024, tail_junk="slack"),
               warns=("fixed-slack",), **STREAM)
    yield Good("fixed-shrunk", fixed(MIB, boot, footer={"original_size": 3 * MIB}), **STREAM)
    yield Good("fixed-grown", fixed(3 * MIB, boot, footer={"original_size": MIB}), **STREAM)
    yield Good("fixed-azure", fixed(4 * MIB, boot, footer={
        "creator": b"wa\0\0", "creator_version": 0x00070000}), quick=True, **STREAM)
    yield Good("fixed-vpc-chs-short", fixed(5 * MIB, boot, footer={
        "creator": b"vpc ", "creator_version": 0x00050003, "geometry": (150, 4, 17)}), **STREAM)


def _fixed_holding():
    """The guest's own bytes look like a VHD: at its start, at its end, at both."""
    inner = make_footer(Disk(size=20 * MIB, footer={"data_offset": 512})).pack()
    tail = make_footer(fixed(MIB)).pack()
    guest = "guest-vhd-head"

    def nested(path):
        """The whole of a dynamic VHD written over the start of the raw disk."""
        disk = fixed(8 * MIB, [(16383, sectors("z", 1))])
        write(Disk(size=20 * MIB, blocks=[block(3), block(1, 7, 30)]), path)
        with open(path, "rb") as file:
            inside = file.read()
        assert len(inside) < disk.size
        disk.runs.append((0, inside))
        write(disk, path)

    yield Good("fixed-holds-dynamic", make=nested, pipe=guest, quick=True)
    yield Good("fixed-holds-dynamic-footer-only", fixed(5 * MIB, [(0, inner)]), pipe=guest)
    yield Good("fixed-holds-fixed-footer", fixed(MIB, [(0, tail)]), pipe=guest)
    yield Good("fixed-ends-in-a-footer", fixed(MIB, [(2047, tail)]), **STREAM)
    yield Good("fixed-ends-in-a-511-footer", fixed(MIB, [(2047, tail[:511] + b"\1")]), **STREAM)
    yield Good("fixed-holds-both", fixed(MIB, [(0, inner), (2047, inner)]), pipe=guest)


def _base(**more):
    base = dict(size=20 * MIB, blocks=[block(2, 5, 9), block(0, 1, 2), block(8, 4000, 96)])
    return Disk(**{**base, **more})


def _copy_lost():
    lost = dict(warns=("footer-copy-missing",), pipe="footer-copy-missing")
    wrong = dict(warns=("footer-copy-checksum",), pipe="footer-copy-checksum")
    yield Good("hurt-copy-zeroed", _base(copy=None), quick=True, **lost)
    yield Good("hurt-copy-junk", _base(), edit=lambda e: e.put(0, sectors("junk", 1)), **lost)
    yield Good("hurt-copy-first-byte", _base(), edit=lambda e: e.put(0, b"C"), **lost)
    yield Good("hurt-copy-zeroed-511", _base(copy=None, tail_len=511), **lost)
    yield Good("hurt-copy-zeroed-empty", Disk(size=20 * MIB, copy=None), **lost)
    yield Good("hurt-copy-checksum", _base(), edit=lambda e: e.flip(50), quick=True, **wrong)
    yield Good("hurt-copy-checksum-in-reserved", _base(), edit=lambda e: e.flip(511), **wrong)


def _tail_lost():
    lost = dict(warns=("trailing-footer-missing",), pipe="trailing-footer-missing")
    wrong = dict(warns=("trailing-footer-checksum",), pipe="trailing-footer-checksum")
    yield Good("hurt-tail-missing", _base(tail=None), quick=True, **lost)
    yield Good("hurt-tail-missing-empty", Disk(size=20 * MIB, tail=None), **lost)
    yield Good("hurt-tail-missing-full", Disk(size=2 * MIB, blocks=[whole(0)], tail=None), **lost)
    for count in (1, 100, 510):
        yield Good("hurt-tail-cut-to-%d" % count, _base(tail_len=count),
                   quick=count == 100, **lost)
    yield Good("hurt-tail-zeroed", _base(), **lost,
               edit=lambda e: e.put(e.placed.footer, bytes(512)))
    yield Good("hurt-tail-then-junk", _base(after=sectors("more", 1)), **lost)
    yield Good("hurt-tail-then-one-byte", _base(after=b"\n"), **lost)
    yield Good("hurt-tail-then-zeros-mib", _base(after=bytes(MIB)), **lost)
    yield Good("hurt-tail-checksum", _base(), quick=True, **wrong,
               edit=lambda e: e.flip(e.placed.footer + 50))
    yield Good("hurt-tail-511-checksum", _base(tail_len=511), **wrong,
               edit=lambda e: e.flip(e.placed.footer + 50))
    foreign = make_footer(Disk(size=6 * MIB, footer={"uuid": sectors("f", 1)[:16]}))
    yield Good("hurt-tail-missing-guest-footer-last", Disk(
        size=20 * MIB, tail=None, blocks=[block(1), Block(4, [(4095, foreign.pack())])]), **lost)
    small = make_footer(fixed(MIB, footer={"uuid": sectors("g", 1)[:16]}))
    yield Good("hurt-tail-missing-guest-fixed-footer-last", Disk(
        size=20 * MIB, tail=None, blocks=[block(1), Block(4, [(4095, small.pack())])]), **lost)


def _two_truths():
    yield Good("hurt-footers-differ-size", _base(entries=30, tail={"current_size": 24 * MIB}),
               warns=("footers-conflict",), pipe="footers-conflict", intended=False)
    yield Good("hurt-footers-differ-uuid", _base(copy={"uuid": sectors("other", 1)[:16]}),
               warns=("footers-differ",))
    yield Good("hurt-footers-differ-creator", _base(copy={"creator": b"vs  "}),
               warns=("footers-differ",))
    yield Good("hurt-copy-hidden-only", _base(copy={"hidden": 1}))
    yield Good("hurt-tail-hidden-only", _base(tail={"hidden": 1}))
