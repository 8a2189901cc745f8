# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Differencing disks: overlay by sectors, every way to name a parent, raw parents."""

import os

from corpus_case import Good, block, sectors, whole
from valid_blktap import child_of
from vhd_fields import DIFFERENCING, FIXED, KIB, MIB, SECTOR
from vhd_writer import Block, Disk, Locator

BASE = [whole(0), block(1, 1000, 2000), block(4, 0, 64), block(8, 4000, 96)]


def wide(text):
    return text.encode("utf-16-le", "surrogatepass")


def relative(name):
    return [Locator(b"W2ru", wide(".\\%s.vhd" % name))]


def child(name, parent="diff-base", blocks=None, size=20 * MIB, header=(), quick=False,
          parents=None, warns=(), pipe="read", edit=None, args=(), **more):
    """A child that finds its parent by a relative locator unless told otherwise."""
    if blocks is None:
        blocks = [Block(1, [(1001, sectors((name, 1), 3))]), block(5, 9, 2)]
    more.setdefault("locators", relative(parent))
    disk = Disk(size=size, type=DIFFERENCING, blocks=blocks,
                header={**child_of(parent), **dict(header)}, **more)
    return Good("diff-" + name, disk, parents=parents or (parent,), quick=quick, warns=warns,
                pipe=pipe, edit=edit, args=args)


def cases():
    for group in (_bases, _overlays, _sizes, _ends, _locators, _names, _odd_locators, _raw,
                  _chains):
        yield from group()


def _bases():
    yield Good("diff-base", Disk(size=20 * MIB, blocks=BASE), quick=True)
    yield Good("diff-base-small", Disk(size=9 * MIB, blocks=BASE[:3]))
    yield Good("diff-base-512k", Disk(size=20 * MIB, block_size=512 * KIB, blocks=[
        block(i, i % 7, 100) for i in range(0, 40, 3)]))
    yield Good("diff-base-fixed", Disk(size=20 * MIB, type=FIXED, runs=[
        (0, sectors("fx", 600)), (40000, sectors("fy", 960))]), pipe="pipe-fixed")
    yield Good("diff-base-511", Disk(size=20 * MIB, blocks=BASE, tail_len=511))


def _overlays():
    scattered = [(s, sectors(("s", s), 1)) for s in (0, 7, 8, 9, 15, 16, 63, 64, 2047, 4095)]
    yield child("one-block", quick=True)
    yield child("empty", blocks=[])
    yield child("bits-scattered", blocks=[Block(0, scattered)], quick=True)
    yield child("bits-alternating", blocks=[Block(0, [
        (s, sectors(("a", s), 1)) for s in range(1, 4096, 2)])])
    yield child("bits-inside-a-byte", blocks=[Block(0, [(9, sectors("b", 3)),
                                                        (21, sectors("c", 1))])])
    yield child("bits-none", blocks=[Block(0), Block(5)])
    yield child("bits-all", blocks=[Block(0, [(5, sectors("f", 5))], bits="all"),
                                    Block(6, bits="all")])
    yield child("zeros-over-data", blocks=[Block(0, bits=[(0, 100), (3000, 7)]),
                                           Block(1, bits=[(1500, 1)])], quick=True)
    yield child("junk-under-clear-bits", blocks=[Block(
        0, scattered, junk=[(0, sectors("junk", 4096))])], quick=True)
    yield child("shuffled", blocks=[block(i, i * 11, 40) for i in (9, 1, 4, 0, 7)])
    yield child("blocks-before-bat", layout=("header", "blocks", "bat", "locators"),
                pipe="pipe-order")


def _sizes():
    yield child("larger", size=41 * MIB, blocks=[block(20, 0, 5), block(1, 1, 1)], quick=True)
    yield child("larger-over-512k", "diff-base-512k", size=21 * MIB + SECTOR)
    yield child("smaller", size=9 * MIB, blocks=[block(4, 3, 5)])
    yield child("odd-size", size=9 * MIB + SECTOR, blocks=[Block(
        4, [(2048, sectors("o", 1))])])
    yield child("over-small", "diff-base-small")
    yield child("block-512k-over-2m", block_size=512 * KIB, blocks=[
        Block(4, [(0, sectors("k", 2)), (1000, sectors("l", 24))]), block(39, 5, 5)])
    yield child("block-2m-over-512k", "diff-base-512k")
    yield child("block-16m-over-2m", block_size=16 * MIB, blocks=[
        Block(0, [(5000, sectors("m", 9)), (32767, sectors("n", 1))])])
    yield child("block-4k-over-2m", block_size=4 * KIB, blocks=[
        Block(i, [(i % 8, sectors(("4k", i), 1))]) for i in range(0, 1000, 9)])
    yield child("over-fixed", "diff-base-fixed")
    yield child("over-511", "diff-base-511")
    yield child("shrunk", size=9 * MIB, entries=10, blocks=[block(9), block(0, 4, 4)],
                footer={"original_size": 20 * MIB})


def _ends():
    yield child("511", tail_len=511)
    yield child("padding", tail_pad=3 * KIB, tail_junk="pad")
    yield child("tail-missing", tail=None, warns=("trailing-footer-missing",),
                pipe="trailing-footer-missing")
    yield child("copy-missing", copy=None, warns=("footer-copy-missing",),
                pipe="footer-copy-missing")
    yield child("hidden", footer={"hidden": 1})


def _locators():
    for name, code, data in (
            ("w2ru", b"W2ru", wide("diff-base.vhd")),
            ("w2ru-backslash", b"W2ru", wide(".\\diff-base.vhd")),
            ("w2ru-slash", b"W2ru", wide("./diff-base.vhd")),
            ("w2ru-nul", b"W2ru", wide(".\\diff-base.vhd\0")),
            ("w2ru-detour", b"W2ru", wide(".\\.\\.\\diff-base.vhd")),
            ("w2ku-relative", b"W2ku", wide("./diff-base.vhd")),
            ("w2ku-drive", b"W2ku", wide("E:\\disks\\diff-base.vhd")),
            ("w2ku-unc", b"W2ku", wide("\\\\server\\share\\diff-base.vhd")),
            ("w2ku-unix", b"W2ku", wide("/srv/vm/diff-base.vhd")),
            ("macx", b"MacX", b"file://./diff-base.vhd"),
            ("macx-percent", b"MacX", b"file://./diff%2Dbase%2evhd"),
            ("macx-absolute", b"MacX", b"file:///srv/vm/diff-base.vhd"),
            ("wi2r", b"Wi2r", b".\\diff-base.vhd"),
            ("wi2k", b"Wi2k", b"C:\\diff-base.vhd")):
        yield child("by-" + name, locators=[Locator(code, data)], quick=name == "macx",
                    header={"parent_name": bytes(512)})
    yield child("by-name-only", locators=[], quick=True)
    yield child("by-space-in-sectors", locators=[Locator(
        b"W2ru", wide("diff-base.vhd"), unit="sectors")])
    yield child("by-space-1024", locators=[Locator(b"W2ru", wide("diff-base.vhd"), room=1024)])
    yield child("by-space-255-sectors", locators=[Locator(
        b"W2ru", wide("diff-base.vhd"), unit="sectors", room=255 * SECTOR)])
    yield child("by-second", locators=[Locator(b"W2ru", wide("gone.vhd")),
                                       Locator(b"MacX", b"file://./diff-base.vhd")])
    yield child("by-eighth", locators=[Locator(b"W2ru", wide("gone-%d.vhd" % i))
                                       for i in range(7)] + relative("diff-base"))


def _names():
    def name(text):
        return {"parent_name": text.encode("utf-16-be", "surrogatepass").ljust(512, b"\0")}

    def link(target):
        def edit(e):
            path = os.path.join(e.folder, target)
            if not os.path.lexists(path):
                os.makedirs(os.path.dirname(path), exist_ok=True)
                os.symlink(os.path.relpath(os.path.join(e.folder, "diff-base.vhd"),
                                           os.path.dirname(path)), path)
        return edit

    yield child("name-windows-path", locators=[], header=name("C:\\vm\\diff-base.vhd"))
    yield child("name-unterminated", header={"parent_name": "n".encode("utf-16-be") * 256})
    yield child("name-lone-surrogate", header=name("\ud800name.vhd"),
                warns=("parent-name-text",))
    yield child("name-control-characters", header=name("a\x1b[2Jb.vhd"),
                warns=("parent-name-text",))
    yield child("name-beyond-bmp", locators=[], header=name("disk-\U0001F4BE-\u00e9.vhd"),
                edit=link("disk-\U0001F4BE-\u00e9.vhd"))
    yield child("in-subfolder", locators=[Locator(b"W2ru", wide("sub\\a b\\base.vhd"))],
                edit=link("sub/a b/base.vhd"))
    yield child("macx-spaces", locators=[Locator(b"MacX", b"file://./sub/a%20b/base.vhd")],
                edit=link("sub/a b/base.vhd"))
    yield child("name-of-another", header=name("valid-but-not-there.vhd"))


def _odd_locators():
    parent = ("--parent", "valid/diff-base.vhd")
    good = relative("diff-base")
    bare = {"parent_name": bytes(512)}
    yield child("locators-after-blocks", layout=("header", "bat", "blocks", "locators"))
    yield child("locators-before-bat", layout=("header", "locators", "bat", "blocks"))
    yield child("locator-far", locators=[Locator(b"W2ru", wide("diff-base.vhd"), at=6 * MIB)],
                tail_at=7 * MIB)
    yield child("locator-none-named", locators=[], header=bare, args=parent)
    yield child("locator-blank", locators=[Locator(b"MacX", bytes(40))], header=bare, args=parent)
    yield child("locator-parent-folder", header=bare, args=parent, locators=[
        Locator(b"W2ru", wide("..\\elsewhere\\other-name.vhd"))])
    yield child("locator-mac-alias", locators=[Locator(b"Mac ", sectors("al", 1)[:300])] + good)
    for name, locator, warning in (
            ("code-unknown", Locator(b"abcd", b"what?"), "locator-code"),
            ("space-1000", Locator(b"W2ru", wide("x.vhd"), space=1000), "locator-space"),
            ("space-0", Locator(b"W2ru", wide("x.vhd"), space=0), "locator-length"),
            ("longer-than-space", Locator(b"W2ru", wide("x.vhd"), length=513),
             "locator-length"),
            ("length-all-ones", Locator(b"W2ru", wide("x.vhd"), length=0xFFFFFFFF),
             "locator-length"),
            ("odd-length", Locator(b"W2ru", wide("x.vhd") + b"y"), "locator-text"),
            ("nul-inside", Locator(b"W2ru", wide("x\0y.vhd")), "locator-text"),
            ("lone-surrogate", Locator(b"W2ru", b"\0\xd8x\0"), "locator-text"),
            ("escape-sequence", Locator(b"W2ru", wide("\x1b]0;x\x07.vhd")), "locator-text"),
            ("no-url", Locator(b"MacX", b"http://example.org/x.vhd"), "locator-text"),
            ("bad-utf8", Locator(b"MacX", b"file://./\xff\xfe.vhd"), "locator-text")):
        yield child("locator-" + name, locators=[locator] + good, warns=(warning,),
                    quick=name == "length-all-ones")


def _raw():
    def beside(size):
        def edit(e):
            with open(os.path.join(e.folder, "diff-raw-%d.raw" % size), "wb") as out:
                out.write(sectors(("raw", size), 64)[:size])
                out.truncate(size)
        return edit

    null = {"parent_uuid": bytes(16)}
    for name, size in (("over-raw", 20 * MIB), ("over-raw-short", 6 * MIB),
                       ("over-raw-odd", 1000)):
        raw = "diff-raw-%d.raw" % size
        yield Good("diff-" + name, Disk(
            size=20 * MIB, type=DIFFERENCING, blocks=[block(0, 0, 1), block(7, 3, 3)],
            header={**child_of(raw[:-4]), **null,
                    "parent_name": raw.encode("utf-16-be").ljust(512, b"\0")},
            locators=[Locator(b"MacX", ("file://./" + raw).encode())]),
            parents=(raw,), edit=beside(size), quick=name == "over-raw")


def _chains():
    yield child("mid", blocks=[Block(0, [(100, sectors("m", 50))]), Block(
        4, bits=[(0, 32)]), block(7)], quick=True)
    yield child("leaf", "diff-mid", blocks=[Block(0, [(120, sectors("l", 5))]), Block(
        1, bits=[(1000, 50)]), Block(7, [(2, sectors("n", 1))])],
        parents=("diff-mid", "diff-base"), quick=True)
    yield child("leaf-larger", "diff-mid", size=30 * MIB, blocks=[block(12)],
                parents=("diff-mid", "diff-base"))
    yield child("leaf-over-smaller", "diff-smaller", size=20 * MIB, blocks=[block(3)],
                parents=("diff-smaller", "diff-base"))
