# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Disks as Microsoft's programs, VirtualBox, Xen Orchestra, disk2vhd and others make them.

What each does differently stands in VHD.md; here it is written byte by byte, because none of
these programs can be installed from Debian.
"""

from corpus_case import Good, block, sectors
from valid_blktap import child_of
from vhd_fields import DIFFERENCING, FIXED, KIB, MIB, SECTOR, chs
from vhd_writer import Block, Disk, Locator

WINDOWS = {"creator": b"win ", "creator_version": 0x000A0000, "host_os": b"Wi2k"}
VBOX = {"creator": b"vbox", "creator_version": 0x00070000, "host_os": b"Wi2k"}
SOME = [block(3), block(0, 8, 64), block(6, 4000, 96)]


def cases():
    for group in (_hyperv, _virtual_pc, _azure_and_others, _vbox, _orchestra, _qemu_like):
        yield from group()


def windows_locators(name):
    """W2ru begins with a dot and a backslash; W2ku is where it was on that machine."""
    return [Locator(b"W2ru", (".\\" + name).encode("utf-16-le")),
            Locator(b"W2ku", ("C:\\VMs\\" + name).encode("utf-16-le"))]


def _hyperv():
    yield Good("hyperv-dynamic", Disk(size=20 * MIB, footer=WINDOWS, blocks=SOME), quick=True)
    yield Good("hyperv-aligned", Disk(size=20 * MIB, footer=WINDOWS, blocks=SOME, data_align=8))
    yield Good("hyperv-512k-blocks", Disk(
        size=20 * MIB, footer=WINDOWS, block_size=512 * KIB,
        blocks=[block(i, i, 30) for i in (9, 3, 20, 39)]))
    yield Good("hyperv-full-bits", Disk(size=20 * MIB, footer=WINDOWS, blocks=[
        Block(b.index, b.runs, bits="all") for b in SOME]))
    yield Good("hyperv-compacted", Disk(size=20 * MIB, footer=WINDOWS, blocks=[
        block(6, gap=4097 * 2), block(1), block(2, gap=4097)]))
    yield Good("hyperv-expanded", Disk(size=30 * MIB, blocks=SOME, footer={
        **WINDOWS, "original_size": 20 * MIB}))
    for name, parent, more in (
            ("hyperv-child", "hyperv-dynamic", {}),
            ("hyperv-child-aligned", "hyperv-aligned", {"data_align": 8}),
            ("hyperv-child-empty", "hyperv-dynamic", {"blocks": []})):
        fields = dict(size=20 * MIB, type=DIFFERENCING, footer=dict(WINDOWS), blocks=[
            Block(3, [(2, sectors("h", 3)), (77, sectors("i", 1))]), block(9, 4001, 7)])
        yield Good(name, Disk(**{**fields, **more}, header=child_of(parent),
                              locators=windows_locators(parent + ".vhd")),
                   parents=(parent,), quick=name == "hyperv-child")
    yield Good("hyperv-fixed", Disk(size=5 * MIB, type=FIXED, footer=WINDOWS,
                                    runs=[(0, sectors("hf", 5))]), pipe="pipe-fixed")


def _virtual_pc():
    vpc = {"creator": b"vpc ", "creator_version": 0x00050003, "host_os": b"Wi2k"}
    old = {"creator": b"vpc ", "creator_version": 0x00050000, "host_os": b"Mac "}
    yield Good("vpc-2007", Disk(size=20 * MIB, footer=vpc, blocks=SOME))
    yield Good("vpc-5-mac-511", Disk(size=20 * MIB, footer=old, blocks=SOME, tail_len=511),
               quick=True)
    exact = chs(20 * MIB)
    size = exact[0] * exact[1] * exact[2] * SECTOR
    yield Good("vpc-exact-chs", Disk(size=size, footer=vpc, blocks=SOME))
    yield Good("vpc-child-space-in-sectors", Disk(
        size=20 * MIB, type=DIFFERENCING, footer=vpc, header=child_of("vpc-2007"),
        blocks=[block(3, 100, 3)], locators=[
            Locator(b"W2ru", ".\\vpc-2007.vhd".encode("utf-16-le"), unit="sectors"),
            Locator(b"W2ku", "D:\\vpc-2007.vhd".encode("utf-16-le"), unit="sectors")]),
        parents=("vpc-2007",))
    yield Good("vpc-child-mac-url", Disk(
        size=20 * MIB, type=DIFFERENCING, footer=old, header=child_of("vpc-2007"),
        blocks=[block(2, 100, 3)], locators=[
            Locator(b"Mac ", sectors("alias", 1)[:200]),
            Locator(b"MacX", b"file://localhost/Users/x/vpc-2007.vhd")]),
        parents=("vpc-2007",))
    yield Good("vs-dynamic", Disk(size=20 * MIB, blocks=SOME, footer={
        "creator": b"vs  ", "creator_version": 0x00010000, "host_os": b"Wi2k"}))


def _azure_and_others():
    azure = {"creator": b"wa\0\0", "creator_version": 0x00070000, "host_os": b"Wi2k"}
    yield Good("azure-fixed", Disk(size=6 * MIB, type=FIXED, footer=azure,
                                   runs=[(0, sectors("az", 9))]), pipe="pipe-fixed")
    yield Good("azure-dynamic", Disk(size=20 * MIB, footer=azure, blocks=SOME))
    for name, creator in (("d2v-nul", b"d2v\0"), ("d2v-space", b"d2v "),
                          ("xenconvert", b"CTXS")):
        yield Good(name + "-dynamic", Disk(size=20 * MIB, blocks=SOME, footer={
            "creator": creator, "creator_version": 0x00010000, "host_os": b"Wi2k"}))


def _vbox_locators(name):
    """1024 bytes each, straight after the BAT, the absolute one first."""
    return [Locator(b"W2ku", ("/srv/vms/" + name).encode("utf-16-le"), room=1024),
            Locator(b"W2ru", name.encode("utf-16-le"), room=1024)]


def _vbox():
    more = dict(footer=VBOX, bat_pad=0)
    yield Good("vbox-dynamic", Disk(size=20 * MIB, blocks=[
        Block(b.index, b.runs, bits="all") for b in SOME], **more), quick=True)
    yield Good("vbox-room-for-locators", Disk(
        size=20 * MIB, blocks=[Block(b.index, b.runs, gap=4 if b.index == 3 else 0)
                               for b in SOME], **more))
    yield Good("vbox-padding", Disk(size=20 * MIB, blocks=SOME, tail_pad=2 * KIB, **more))
    child = dict(size=20 * MIB, type=DIFFERENCING, **more)
    yield Good("vbox-child", Disk(
        **child, blocks=[Block(3, [(2, sectors("v", 3))])], header=child_of("vbox-dynamic"),
        locators=_vbox_locators("vbox-dynamic.vhd")), parents=("vbox-dynamic",), quick=True)
    yield Good("vbox-child-8-bit", Disk(
        **child, blocks=[Block(3, [(2, sectors("v", 3))])], header=child_of("vbox-dynamic"),
        locators=[Locator(b"Wi2k", b"C:\\vm\\vbox-dynamic.vhd", room=1024),
                  Locator(b"Wi2r", b".\\vbox-dynamic.vhd", room=1024)]),
        parents=("vbox-dynamic",))
    yield Good("vbox-child-mistyped-mac", Disk(
        **child, blocks=[Block(3, [(2, sectors("v", 3))])], header=child_of("vbox-dynamic"),
        locators=_vbox_locators("vbox-dynamic.vhd") + [
            Locator(b"M\x16\x32\x58", b"file://./vbox-dynamic.vhd")]),
        parents=("vbox-dynamic",), warns=("locator-code",))
    yield Good("vbox-fixed", Disk(size=5 * MIB, type=FIXED, footer=VBOX,
                                  runs=[(1, sectors("vf", 5))]), pipe="pipe-fixed")


def _orchestra_geometry(size):
    """Cylinders rounded up, so that the product exceeds the size."""
    c, h, s = chs(size)
    return (c + 1, h, s) if c * h * s * SECTOR < size else (c, h, s)


def _orchestra():
    def footer(size):
        return {"creator": b"xo  ", "creator_version": 0, "host_os": bytes(4),
                "timestamp": 1700000000, "geometry": _orchestra_geometry(size)}
    full = [Block(b.index, b.runs, bits="all") for b in SOME]
    yield Good("xo-full", Disk(size=20 * MIB, footer=footer(20 * MIB), blocks=full),
               warns=("geometry-large",), quick=True)
    yield Good("xo-empty", Disk(size=20 * MIB, footer=footer(20 * MIB)),
               warns=("geometry-large",))
    yield Good("xo-delta", Disk(
        size=20 * MIB, type=DIFFERENCING, footer=footer(20 * MIB), header=child_of("xo-full"),
        blocks=[Block(3, [(0, sectors("o", 4096))], bits="all"), Block(1, bits="all")],
        locators=[Locator(b"W2ku", "xo-full.vhd".encode("utf-16-le"))]),
        warns=("geometry-large",), parents=("xo-full",))


def _qemu_like():
    """qemu's own output as it stands in VHD.md; the real ones come from qemu-img itself."""
    largest = (65535, 16, 255)
    yield Good("qemu-like-force-size", Disk(size=20 * MIB + SECTOR, blocks=SOME, footer={
        "creator": b"qem2", "creator_version": 0x00050003, "geometry": largest}))
    shuffled = [Block(i, [(i, sectors(("q", i), 5))], bits="all") for i in (5, 0, 9, 2)]
    yield Good("qemu-like-shuffled", Disk(size=20 * MIB, blocks=shuffled, footer={
        "creator": b"qem2", "creator_version": 0x00050003, "geometry": largest}))
