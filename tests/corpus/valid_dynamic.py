# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Dynamic disks in every layout that the format allows, whoever makes them."""

from corpus_case import Good, block, sectors, whole
from vhd_fields import GIB, KIB, MAX_SIZE, MIB, SECTOR, TIB, NO_OFFSET
from vhd_writer import Batmap, Block, Disk, Locator

DEEP = dict(pipe="pipe-order")


def cases():
    for group in (_sizes, _orders, _places, _tables, _block_sizes, _bitmaps, _giants, _fields,
                  _ends):
        yield from group()


def _sizes():
    for name, count in (("one-sector", 1), ("two-sectors", 2), ("4095-sectors", 4095),
                        ("4096-sectors", 4096), ("4097-sectors", 4097), ("odd", 30001)):
        blocks = [block(i, 0, min(3, count - i * 4096)) for i in range((count + 4095) // 4096)]
        yield Good("dyn-" + name, Disk(size=count * SECTOR, blocks=blocks),
                   quick=count in (1, 4097))
    yield Good("dyn-empty", Disk(size=10 * MIB), quick=True)
    yield Good("dyn-full", Disk(size=6 * MIB, blocks=[whole(i) for i in range(3)]), quick=True)
    yield Good("dyn-first-block", Disk(size=64 * MIB, blocks=[block(0, 17, 100)]))
    yield Good("dyn-last-block", Disk(size=64 * MIB, blocks=[block(31, 4000, 96)]))
    yield Good("dyn-last-partial-full-bits",
               Disk(size=3 * MIB + 512, blocks=[whole(0), Block(
                   1, [(0, sectors("tail", 2049))], bits="all")]), quick=True)
    yield Good("dyn-last-partial-block-junk",
               Disk(size=3 * MIB, blocks=[whole(1)]))


def _orders():
    ten = dict(size=20 * MIB)
    yield Good("dyn-reversed", Disk(**ten, blocks=[block(i) for i in range(9, -1, -1)]),
               quick=True)
    shuffled = [7, 2, 9, 0, 5, 1, 8, 3, 6, 4]
    yield Good("dyn-shuffled", Disk(**ten, blocks=[block(i, i, 30) for i in shuffled]),
               quick=True)
    many = [i * 37 % 257 for i in range(257)]
    yield Good("dyn-shuffled-257", Disk(size=257 * 64 * KIB, block_size=64 * KIB,
                                        blocks=[block(i, i % 100, 20) for i in many]))
    yield Good("dyn-gaps", Disk(**ten, blocks=[block(i, gap=i + 1) for i in (3, 1, 2)]))
    yield Good("dyn-gap-one-gib", Disk(**ten, blocks=[block(0), block(1, gap=2 * MIB)]))
    yield Good("dyn-hole-first", Disk(**ten, blocks=[block(4, gap=9000), block(5)]))
    yield Good("dyn-aligned-4k", Disk(**ten, data_align=8, blocks=[block(i) for i in (0, 2)]))
    yield Good("dyn-aligned-1m", Disk(**ten, data_align=2048, blocks=[block(1), block(0)]))


def _places():
    base = dict(size=20 * MIB, blocks=[block(2, 5, 9), block(0, 1, 2)])
    yield Good("dyn-bat-2048", Disk(**base, bat_at=2048), quick=True)
    yield Good("dyn-bat-far", Disk(**base, bat_at=MIB))
    yield Good("dyn-header-far", Disk(**base, header_at=8192))
    yield Good("dyn-header-after-blocks",
               Disk(**base, layout=("blocks", "header", "bat")), **DEEP)
    yield Good("dyn-header-last", Disk(**base, layout=("bat", "blocks", "header")), **DEEP)
    yield Good("dyn-bat-after-blocks", Disk(**base, layout=("header", "blocks", "bat")),
               quick=True, **DEEP)
    yield Good("dyn-bat-before-header", Disk(**base, layout=("bat", "header", "blocks")), **DEEP)
    yield Good("dyn-blocks-around-bat", Disk(
        size=20 * MIB, bat_at=3 * MIB, layout=("header", "bat", "blocks"),
        blocks=[block(3, at=3), block(1)]), **DEEP)
    yield Good("dyn-blocks-before-header", Disk(
        size=20 * MIB, header_at=5 * MIB, layout=("header", "bat", "blocks"),
        blocks=[block(3, at=1), block(1)]), **DEEP)
    yield Good("dyn-header-unaligned", Disk(**base, header_at=700, bat_at=2048),
               warns=("header-unaligned",))
    yield Good("dyn-bat-unaligned", Disk(**base, bat_at=1600), warns=("bat-unaligned",))


def _tables():
    for count in (127, 128, 129, 1000):
        yield Good("dyn-entries-%d" % count, Disk(
            size=count * 2 * MIB, blocks=[block(count - 1), block(0)]), quick=count == 129)
    base = dict(size=20 * MIB, blocks=[block(9, 5, 9), block(0, 1, 2)])
    yield Good("dyn-bat-pad-00", Disk(**base, bat_pad=0), quick=True)
    yield Good("dyn-bat-pad-junk", Disk(**base, bat_pad=0x5A))
    yield Good("dyn-bat-oversized", Disk(**base, entries=1000))
    yield Good("dyn-bat-oversized-2tib", Disk(**base, entries=TIB // MIB))
    yield Good("dyn-bat-surplus-zero", Disk(
        **base, entries=200, surplus={i: 0 for i in range(10, 200)}), warns=("surplus-zero",))
    yield Good("dyn-shrunk", Disk(size=5 * MIB, entries=10, blocks=[block(9), block(2), block(4)],
                                  footer={"original_size": 20 * MIB}), quick=True)
    yield Good("dyn-shrunk-inside-block", Disk(
        size=5 * MIB, blocks=[whole(2), block(0)], footer={"original_size": 6 * MIB}))
    yield Good("dyn-grown", Disk(size=40 * MIB, blocks=[block(19), block(2)],
                                 footer={"original_size": 6 * MIB}), quick=True)


def _block_sizes():
    size = 4 * KIB
    while size <= 256 * MIB:
        label = "%dk" % (size // KIB) if size < MIB else "%dm" % (size // MIB)
        count = size // SECTOR
        blocks = [Block(2, [(0, sectors("a", 2)), (count - 3, sectors("b", 3))]),
                  Block(0, [(count // 2, sectors("c", 4))], bits="all"), block(1, 1, 1)]
        yield Good("dyn-block-" + label, Disk(size=size * 3 - 512, block_size=size,
                                              blocks=blocks[:1] + blocks[1:]),
                   quick=label in ("4k", "512k", "32m"))
        size *= 2
    yield Good("dyn-block-4k-many", Disk(size=3 * MIB, block_size=4 * KIB, blocks=[
        block(i, i % 3, 4) for i in range(767, 0, -2)]))
    yield Good("dyn-block-4m-aligned", Disk(size=18 * MIB, block_size=4 * MIB, data_align=8,
                                            blocks=[block(4, 0, 4096), block(1, 8191, 1)]))


def _bitmaps():
    base = dict(size=4 * MIB)
    scattered = [(s, sectors(s, 1)) for s in (0, 7, 8, 9, 15, 16, 63, 64, 2047, 2048, 4095)]
    yield Good("dyn-bits-scattered", Disk(**base, blocks=[Block(1, scattered)]), quick=True)
    yield Good("dyn-bits-alternating", Disk(**base, blocks=[Block(
        0, [(s, sectors(s, 1)) for s in range(0, 4096, 2)])]))
    yield Good("dyn-bits-none", Disk(**base, blocks=[Block(0), block(1)]))
    yield Good("dyn-bits-over-zeros", Disk(**base, blocks=[Block(0, bits="all"), block(1)]))
    yield Good("dyn-bits-junk", Disk(**base, blocks=[Block(
        0, scattered, junk=[(0, sectors("junk", 4096))])]),
        warns=("data-under-clear-bits",), quick=True)
    yield Good("dyn-bits-none-junk", Disk(**base, blocks=[Block(
        1, junk=[(100, sectors("junk", 100))])]), warns=("data-under-clear-bits",))
    yield Good("dyn-bits-past-end", Disk(size=2 * MIB + 5 * SECTOR, blocks=[
        block(0), Block(1, [(0, sectors("x", 4096))], bits="all")]), quick=True)
    yield Good("dyn-block-4m-bits-second-sector", Disk(size=8 * MIB, block_size=4 * MIB, blocks=[
        Block(1, [(4095, sectors("p", 2)), (8190, sectors("q", 2))])]))


def _giants():
    last = MAX_SIZE // (2 * MIB) - 1
    yield Good("dyn-2040g-empty", Disk(size=MAX_SIZE))
    yield Good("dyn-2040g-corners", Disk(size=MAX_SIZE, blocks=[
        block(last, 4000, 96), block(0), block(last // 2, 1, 1)]))
    yield Good("dyn-2040g-block-32m", Disk(size=MAX_SIZE, block_size=32 * MIB, blocks=[
        block(65279, 65000, 100), block(7)]))
    yield Good("dyn-2040g-less-one-sector", Disk(size=MAX_SIZE - SECTOR, blocks=[block(last)]))
    yield Good("dyn-entry-above-2g", Disk(size=2 * GIB, blocks=[
        block(1, at=0x7FFFFFFF), block(0, at=0x80001008), block(5, at=0x90000000)]))
    yield Good("dyn-entry-near-4g", Disk(size=2 * GIB, blocks=[
        block(3), block(9, at=0xFFFFFF00 - 5000)]))
    yield Good("dyn-entry-highest", Disk(size=2 * GIB, blocks=[block(9, at=0xFFFFFFFE)]))
    yield Good("dyn-127g", Disk(size=127 * GIB, blocks=[block(65000), block(12)]))


def _fields():
    base = dict(size=20 * MIB, blocks=[block(2, 5, 9), block(0, 1, 2)])
    for name, fields in (
            ("saved-state", {"saved_state": 1}), ("temporary", {"features": 3}),
            ("uuid-null", {"uuid": bytes(16)}), ("timestamp-0", {"timestamp": 0}),
            ("timestamp-max", {"timestamp": 0xFFFFFFFF}), ("creator-none", {"creator": bytes(4)}),
            ("creator-unknown", {"creator": b"zzzz", "creator_version": 0xFFFFFFFF}),
            ("host-mac", {"host_os": b"Mac "}), ("host-junk", {"host_os": b"\xff\0\x01\x02"}),
            ("reserved-footer", {"reserved": sectors("r", 1)[:426]}),
            ("chs-max", {"geometry": (65535, 16, 255)})):
        yield Good("dyn-" + name, Disk(**base, footer=fields))
    for name, fields, warning in (
            ("features-0", {"features": 0}, "features"),
            ("features-extra", {"features": 0x80000002}, "features"),
            ("version-1-1", {"version": 0x00010001}, "footer-version-minor"),
            ("chs-0", {"geometry": (0, 0, 0)}, "geometry-zero"),
            ("chs-large", {"geometry": (1000, 16, 63)}, "geometry-large")):
        yield Good("dyn-" + name, Disk(**base, footer=fields), warns=(warning,))
    yield Good("dyn-chs-small", Disk(**base, footer={"geometry": (1, 1, 1)}))
    yield Good("dyn-size-from-chs", Disk(
        **base, footer={"creator": b"vpc ", "geometry": (600, 4, 17)}))
    yield Good("dyn-header-offset-32-bit", Disk(**base, header={"data_offset": 0xFFFFFFFF}),
               warns=("header-data-offset",))
    yield Good("dyn-header-offset-0", Disk(**base, header={"data_offset": 0}),
               warns=("header-data-offset",))
    yield Good("dyn-header-version-1-7", Disk(**base, header={"version": 0x00010007}),
               warns=("header-version-minor",))
    yield Good("dyn-reserved-header", Disk(**base, header={
        "reserved1": 7, "reserved2": sectors("h", 1)[:256]}))
    yield Good("dyn-parent-fields", Disk(**base, header={
        "parent_uuid": sectors("u", 1)[:16], "data_offset": NO_OFFSET},
        locators=[Locator(b"W2ru", "gone.vhd".encode("utf-16-le"))]))
    yield Good("dyn-batmap-of-another", Disk(**base, batmap=Batmap(bits=b"\xff" * 512)))


def _ends():
    base = dict(size=20 * MIB, blocks=[block(2, 5, 9), block(0, 1, 2)])
    yield Good("dyn-511", Disk(**base, tail_len=511), quick=True)
    yield Good("dyn-511-empty", Disk(size=20 * MIB, tail_len=511))
    yield Good("dyn-padding-sector", Disk(**base, tail_pad=SECTOR), quick=True)
    yield Good("dyn-padding-mib", Disk(**base, tail_pad=MIB))
    yield Good("dyn-padding-junk", Disk(**base, tail_pad=3 * MIB, tail_junk="old"))
    yield Good("dyn-padding-odd", Disk(**base, tail_pad=100))
    yield Good("dyn-footers-differ-time", Disk(**base, tail={"timestamp": 757382500}))
