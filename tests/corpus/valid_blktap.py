# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Disks as blktap (XenServer's file SRs), LVHD and XAPI make them."""

from corpus_case import Good, block, sectors, uuid_of, whole
from vhd_fields import DIFFERENCING, MIB, SECTOR
from vhd_writer import Batmap, Block, Disk, Locator, make_footer


def tap(size, blocks=(), version=0x00010003, footer=(), **more):
    """Data on 4 KiB, BAT padded with zeros, batmap from version 1.2 on."""
    more.setdefault("batmap", Batmap() if version >= 0x00010002 else None)
    return Disk(size=size, blocks=list(blocks), bat_pad=0, data_align=8,
                footer={"creator": b"tap\0", "creator_version": version,
                        "host_os": bytes(4), **dict(footer)}, **more)


def tap_locators(name):
    """The three that blktap writes, all relative, each padded to a sector."""
    wide = ("./" + name).encode("utf-16-le")
    return [Locator(b"MacX", ("file://./" + name).encode()), Locator(b"W2ku", wide),
            Locator(b"W2ru", wide)]


def child_of(parent, **header):
    name = (parent + ".vhd").encode("utf-16-be")
    return {"parent_uuid": uuid_of(parent), "parent_time": 757382000,
            "parent_name": name.ljust(512, b"\0"), **header}


def cases():
    for group in (_blktap, _batmaps, _children, _lvhd, _xapi):
        yield from group()


def _blktap():
    some = [block(3), block(0, 8, 64), block(5, 4000, 96)]
    yield Good("blktap-file", tap(20 * MIB, some), quick=True)
    yield Good("blktap-empty", tap(20 * MIB))
    yield Good("blktap-full", tap(6 * MIB, [whole(i) for i in range(3)]))
    yield Good("blktap-version-1-2", tap(20 * MIB, some, 0x00010002))
    yield Good("blktap-version-1-1", tap(20 * MIB, some, 0x00010001))
    yield Good("blktap-hidden", tap(20 * MIB, some, footer={"hidden": 1}), quick=True)
    yield Good("blktap-live", tap(20 * MIB, some, tail=None), quick=True,
               warns=("trailing-footer-missing",), pipe="trailing-footer-missing")
    yield Good("blktap-uuid-null", tap(20 * MIB, some, footer={"uuid": bytes(16)}))
    for version, label in ((0x00000001, "0-1"), (0x00010001, "1-1")):
        if version == 0x00010001:
            yield Good("blktap-hidden-old-sum-" + label, tap(20 * MIB, some, version),
                       edit=lambda e: e.put(85, b"\1"))
    yield Good("blktap-hidden-old-sum-both", tap(20 * MIB, some, 0x00010001), edit=lambda e: (
        e.put(85, b"\1"), e.put(e.placed.footer + 85, b"\1")))
    yield Good("blktap-fixed-0-1", Disk(size=MIB, type=2, runs=[(3, sectors("f", 3))], footer={
        "creator": b"tap\0", "creator_version": 1}), pipe="pipe-fixed")
    # a finished journaled growth: first blocks moved to the end, a hole where they were
    yield Good("blktap-resized", tap(40 * MIB, [
        block(2, gap=8200), block(9), block(0), block(1)], footer={"original_size": 20 * MIB}),
        quick=True)
    yield Good("blktap-preallocated-bat", tap(20 * MIB, some, entries=1000))


def _batmaps():
    some = [whole(2), block(0, 8, 64), block(5, 4000, 96)]

    def one(name, warning=None, version=0x00010003, edit=None, **batmap):
        return Good("blktap-batmap-" + name, tap(20 * MIB, some, version,
                                                 batmap=Batmap(**batmap)),
                    warns=(warning,) if warning else (), edit=edit,
                    quick=name in ("lies", "size-all-ones"))
    yield one("marker", marker=0x7F)
    yield one("on-1-1", version=0x00010001)
    yield one("on-1-1-signed", version=0x00010001, signed=True)
    yield one("all-clear", bits=bytes(512))
    yield one("lies", "batmap-lies", bits=b"\xe0" + bytes(511))
    yield one("lies-about-nothing", "batmap-lies", bits=b"\x20\x40" + bytes(510))
    yield one("checksum", "batmap-checksum", checksum=0x12345678)
    yield one("version-1-1", "batmap-version", **{"signed": False}, edit=lambda e: e.put(
        e.placed.batmap + 20, b"\0\1\0\1"))
    yield one("size-0", "batmap-size", sectors=0)
    yield one("size-all-ones", "batmap-size", sectors=0xFFFFFFFF)
    yield one("offset-all-ones", "batmap-place", offset=0xFFFFFFFFFFFFFFFF)
    yield one("offset-overflows", "batmap-place", offset=0xFFFFFFFFFFFFFFFF - 511)
    yield one("offset-past-end", "batmap-place", offset=1 << 40)
    yield one("offset-0", "batmap-place", offset=0)
    yield one("over-bat", "batmap-place", offset=1536)
    yield one("over-block", "batmap-place", offset=MIB)
    yield one("cookie", "batmap-missing", cookie=b"tdbatmaq")
    yield Good("blktap-batmap-absent", tap(20 * MIB, some, batmap=None),
               warns=("batmap-missing",))
    yield Good("blktap-batmap-under-block", tap(20 * MIB, [block(1, at=4)], batmap=None),
               warns=("batmap-missing",))


def _children():
    scattered = [(s, sectors(s, 2)) for s in (0, 9, 100, 4094)]
    yield Good("blktap-child", tap(20 * MIB, [Block(3, scattered), block(7, 3, 1)],
                                   type=DIFFERENCING, locators=tap_locators("blktap-hidden.vhd"),
                                   header=child_of("blktap-hidden"),
                                   layout=("header", "bat", "batmap", "locators", "blocks")),
               parents=("blktap-hidden",), quick=True)
    yield Good("blktap-child-empty", tap(
        20 * MIB, type=DIFFERENCING, locators=tap_locators("blktap-hidden.vhd"),
        header=child_of("blktap-hidden"),
        layout=("header", "bat", "batmap", "locators", "blocks")), parents=("blktap-hidden",))
    yield Good("blktap-grandchild", tap(
        24 * MIB, [Block(3, [(8, sectors("g", 5))]), block(11)], type=DIFFERENCING,
        locators=tap_locators("blktap-child.vhd"), header=child_of("blktap-child"),
        layout=("header", "bat", "batmap", "locators", "blocks")),
        parents=("blktap-child", "blktap-hidden"))


def _lvhd():
    some = [block(3), block(0, 8, 64)]
    old = make_footer(Disk(size=16 * MIB, footer={"data_offset": 512})).pack()
    yield Good("lvhd-device", tap(20 * MIB, some, tail_at=8 * MIB - SECTOR, tail_junk="old"),
               quick=True)
    yield Good("lvhd-device-zeros", tap(20 * MIB, some, tail_at=8 * MIB - SECTOR))
    yield Good("lvhd-empty", tap(20 * MIB, tail_at=4 * MIB - SECTOR, tail_junk="old"))
    yield Good("lvhd-grown", tap(20 * MIB, some, tail_at=16 * MIB - SECTOR),
               edit=lambda e: e.put(8 * MIB - SECTOR, old))
    yield Good("lvhd-crashed", tap(20 * MIB, some, tail=None, after=sectors("lv", 4096)),
               warns=("trailing-footer-missing",), pipe="trailing-footer-missing")
    yield Good("lvhd-child", tap(
        20 * MIB, [Block(3, [(1, sectors("c", 2))])], type=DIFFERENCING,
        tail_at=8 * MIB - SECTOR, tail_junk="old", locators=tap_locators("lvhd-device.vhd"),
        header=child_of("lvhd-device"), layout=("header", "bat", "batmap", "locators", "blocks")),
        parents=("lvhd-device",))


def xapi(size, blocks=(), footer=(), **more):
    """XAPI.md 7.1: BAT at 2048, blocks ascending, all bits set, everything caml 0.1."""
    return Disk(size=size, blocks=[Block(i, runs, bits="all") for i, runs in blocks],
                bat_at=2048, footer={"creator": b"caml", "creator_version": 1, "timestamp": 0,
                                     "host_os": bytes(4), **dict(footer)}, **more)


def _xapi():
    some = [(0, [(0, sectors("x0", 9))]), (3, [(8, sectors("x3", 64))]),
            (7, [(4000, sectors("x7", 96))])]
    yield Good("xapi-full", xapi(16 * MIB, some), quick=True)
    yield Good("xapi-empty", xapi(16 * MIB))
    yield Good("xapi-every-block", xapi(6 * MIB, [(i, [(i, sectors(i, 3))]) for i in range(3)]))
    yield Good("xapi-zero-block", xapi(16 * MIB, some[:1] + [(5, [])]))
    yield Good("xapi-odd-size", xapi(15 * MIB + SECTOR, some))
    yield Good("xapi-hybrid-4m-blocks", xapi(32 * MIB, some, block_size=4 * MIB))
    yield Good("xapi-rounded-up", xapi(18 * MIB, some, footer={"original_size": 18 * MIB}))
    host = "/var/run/sr-mount/0f3d/5c1e8a72-base.vhd"
    delta = Locator(b"MacX", bytes(len("file://" + host)), unit="sectors", at=1536)
    yield Good("xapi-delta", xapi(
        16 * MIB, [(3, [(0, sectors("d3", 300))]), (5, [(0, sectors("d5", 4096))])],
        type=DIFFERENCING, locators=[delta], header=child_of(
            "xapi-full", parent_name=host.encode("utf-16-be").ljust(512, b"\0"))),
        parents=("xapi-full",), args=("--parent", "valid/xapi-full.vhd"), quick=True)
