# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Broken and hostile differencing disks: locators, parents, loops.

What stands beside them to be (not) opened is named beside-* in the same folder.
"""

import os
import socket

from corpus_case import Bad, block, sectors, uuid_of
from valid_blktap import child_of
from valid_diff import wide
from vhd_edit import Edit
from vhd_fields import DIFFERENCING, FIXED, MIB, NO_OFFSET
from vhd_writer import Disk, Locator, write


def child(parent="beside-base", locators=None, header=(), **more):
    if locators is None:
        locators = [Locator(b"W2ru", wide(".\\%s.vhd" % parent))]
    more.setdefault("blocks", [block(1, 9, 5), block(5, 0, 64)])
    return Disk(size=20 * MIB, type=DIFFERENCING, locators=locators,
                header={**child_of(parent), "parent_name": bytes(512), **dict(header)}, **more)


def at_parent(edit):
    return edit.placed.header + 40


def beside(edit, name, disk=None, damage=None):
    """A disk next to the child, made once; damaged the same way each time."""
    path = os.path.join(edit.folder, name + ".vhd")
    disk = disk or Disk(size=20 * MIB, blocks=[block(0, 3, 9), block(5, 32, 64)])
    disk.footer = {"uuid": uuid_of(name), **disk.footer}
    placed = write(disk, path)
    if damage:
        damage(Edit(path, placed))


def cases():
    for group in (_locators, _foreign, _loops, _no_disks, _broken, _outside, _raw):
        yield from group()


def _locators():
    def one(name, finds, **fields):
        return Bad("locator-" + name, finds, lambda e: e.locator_at(0) + 16, disk=child(),
                   edit=lambda e: (beside(e, "beside-base"), e.locator(0, **fields)),
                   quick=name == "past-end")
    yield one("past-end", "locator-past-end", offset=1 << 40)
    yield one("offset-all-ones", "locator-past-end", offset=NO_OFFSET)
    yield one("offset-overflows", "locator-past-end", offset=NO_OFFSET - 100)
    yield one("offset-2-63", "locator-past-end", offset=1 << 63)
    yield one("space-past-end", "locator-past-end", space=0x7FFFFE00)
    yield one("space-all-but", "locator-past-end", space=0xFFFFFE00)
    yield one("over-copy", "locator-overlap", offset=0)
    yield one("over-header", "locator-overlap", offset=1024)
    yield one("over-header-last-sector", "locator-overlap", offset=1100)
    yield one("over-bat", "locator-overlap", offset=1536)
    yield Bad("locator-over-footer", "locator-past-end", lambda e: e.locator_at(0) + 16,
              disk=child(), edit=lambda e: e.locator(0, offset=e.placed.footer))
    yield Bad("locator-over-block", "block-over-locator", lambda e: e.bat_at(5), disk=child(),
              edit=lambda e: e.locator(0, offset=e.placed.blocks[5] * 512 + 4096), quick=True)
    yield Bad("locator-eighth-past-end", "locator-past-end", lambda e: e.locator_at(7) + 16,
              disk=child(locators=[Locator(b"W2ru", wide("x%d.vhd" % i)) for i in range(8)]),
              edit=lambda e: e.locator(7, offset=1 << 50))


def _foreign():
    yield Bad("parent-foreign", "parent-foreign", at_parent, disk=child(header={
        "parent_uuid": uuid_of("somebody else")}), quick=True, pipe="read",
        edit=lambda e: beside(e, "beside-base"))
    yield Bad("parent-foreign-fixed", "parent-foreign", at_parent, pipe="read",
              disk=child("beside-fixed", header={"parent_uuid": uuid_of("x")}),
              edit=lambda e: beside(e, "beside-fixed", Disk(size=MIB, type=FIXED)))
    yield Bad("parent-foreign-is-self", "parent-foreign", at_parent, pipe="read",
              disk=child("parent-foreign-is-self", header={"parent_uuid": uuid_of("x")}))
    yield Bad("parent-foreign-one-bit", "parent-foreign", at_parent, pipe="read", disk=child(
        header={"parent_uuid": bytes([uuid_of("beside-base")[0] ^ 1])
                + uuid_of("beside-base")[1:]}), edit=lambda e: beside(e, "beside-base"))
    yield Bad("grandparent-foreign", "parent-foreign", at_parent, pipe="read",
              disk=child("beside-mid-foreign"), edit=lambda e: (
                  beside(e, "beside-base"), beside(e, "beside-mid-foreign", child(
                      header={"parent_uuid": uuid_of("x")}))))


def _loops():
    yield Bad("parent-loop-self", "parent-loop", at_parent, disk=child("parent-loop-self"),
              pipe="read", quick=True)
    yield Bad("parent-loop-two", "parent-loop", at_parent, disk=child("beside-loop-two"),
              pipe="read", edit=lambda e: beside(e, "beside-loop-two", child("parent-loop-two")),
              quick=True)
    yield Bad("parent-loop-three", "parent-loop", at_parent, disk=child("beside-loop-three-b"),
              pipe="read", edit=lambda e: (
                  beside(e, "beside-loop-three-b", child("beside-loop-three-c")),
                  beside(e, "beside-loop-three-c", child("parent-loop-three"))))
    yield Bad("parent-loop-below", "parent-loop", at_parent, disk=child("beside-loop-low-b"),
              pipe="read", edit=lambda e: (
                  beside(e, "beside-loop-low-b", child("beside-loop-low-c")),
                  beside(e, "beside-loop-low-c", child("beside-loop-low-b"))))
    yield Bad("parent-loop-by-link", "parent-loop", at_parent, pipe="read", disk=child(
        "parent-loop-by-link", locators=[Locator(b"W2ru", wide("beside-link.vhd"))]),
        edit=lambda e: _link(e, "beside-link.vhd", "parent-loop-by-link.vhd"))


def _fresh(edit, name):
    path = os.path.join(edit.folder, name)
    if os.path.lexists(path):
        os.remove(path)
    return path


def _link(edit, name, target):
    os.symlink(target, _fresh(edit, name))


def _socket(edit, name):
    """A bound socket's name is kept short by going there."""
    here = os.getcwd()
    path = _fresh(edit, name)
    os.chdir(os.path.dirname(path))
    try:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(name)
    finally:
        os.chdir(here)


def _plain_file(edit, name, data):
    with open(os.path.join(edit.folder, name), "wb") as out:
        out.write(data)


def _no_disks():
    makers = {
        "fifo": lambda e, n: os.mkfifo(_fresh(e, n)),
        "folder": lambda e, n: os.makedirs(os.path.join(e.folder, n), exist_ok=True),
        "socket": _socket,
        "link-to-dev-zero": lambda e, n: _link(e, n, "/dev/zero"),
        "link-to-dev-null": lambda e, n: _link(e, n, "/dev/null"),
        "link-to-itself": lambda e, n: _link(e, n, n),
        "text": lambda e, n: _plain_file(e, n, b"no disk at all\n" * 90),
        "empty": lambda e, n: _plain_file(e, n, b""),
        "short": lambda e, n: _plain_file(e, n, b"conectix")}
    for name, make in makers.items():
        other = "beside-" + name
        finds = "parent-broken" if name == "short" else "parent-not-a-disk"
        yield Bad("parent-is-" + name, finds, at_parent, pipe="read", quick=name == "fifo",
                  disk=child(locators=[Locator(b"W2ru", wide(other))]),
                  edit=lambda e, make=make, other=other: make(e, other))
    yield Bad("parent-is-dot", "parent-not-at-hand", at_parent, pipe="read", chain_only=True,
              disk=child(locators=[Locator(b"W2ru", wide("."))]))


def _broken():
    for name, damage in (
            ("header-checksum", lambda e: e.flip(520)),
            ("footer-checksum", lambda e: (e.flip(30), e.flip(e.placed.footer + 30))),
            ("poisoned", lambda e: e.footer(cookie=b"v_poison")),
            ("entry-past-end", lambda e: e.bat(3, 1 << 25)),
            ("cut", lambda e: e.cut(MIB))):
        other = "beside-broken-" + name
        yield Bad("parent-" + name, "parent-broken", at_parent, pipe="read", disk=child(other),
                  edit=lambda e, o=other, d=damage: beside(e, o, damage=d),
                  quick=name == "header-checksum")
    yield Bad("grandparent-broken", "parent-broken", at_parent, pipe="read",
              disk=child("beside-mid-broken"), edit=lambda e: (
                  beside(e, "beside-broken-low", damage=lambda d: d.flip(520)),
                  beside(e, "beside-mid-broken", child("beside-broken-low"))))


def _outside():
    """Sound alone; to be read with a parent that nobody may open unasked, or that is gone."""
    long = "d/" * 3000 + "x.vhd"
    for name, locators in (
            ("gone", [Locator(b"W2ru", wide(".\\nowhere.vhd"))]), ("unnamed", []),
            ("dev-zero", [Locator(b"W2ku", wide("/dev/zero"))]),
            ("dev-tty-url", [Locator(b"MacX", b"file:///dev/tty")]),
            ("etc-passwd", [Locator(b"W2ru", wide("/etc/passwd"))]),
            ("proc-mem", [Locator(b"W2ku", wide("/proc/self/mem"))]),
            ("climbs", [Locator(b"W2ru", wide("../../../../../../etc/passwd"))]),
            ("climbs-backslash", [Locator(b"W2ru", wide("..\\..\\..\\etc\\passwd"))]),
            ("climbs-percent", [Locator(b"MacX", b"file://./%2e%2e/%2e%2e/etc/passwd")]),
            ("climbs-inside", [Locator(b"W2ru", wide("a/b/../../../valid/diff-base.vhd"))]),
            ("url-of-a-host", [Locator(b"MacX", b"file://example.org/x.vhd")]),
            ("long-path", [Locator(b"W2ru", wide(long))]),
            ("long-name", [Locator(b"W2ru", wide("n" * 5000))]),
            ("eight-times-64k", [Locator(b"W2ru", wide("n" * 32000))] * 8),
            ("format-characters", [Locator(b"W2ru", wide("%s%n%s%n.vhd"))])):
        yield Bad("parent-" + name, "parent-not-at-hand", at_parent, pipe="read",
                  chain_only=True, disk=child("nobody", locators=locators),
                  quick=name in ("gone", "dev-zero"))
    yield Bad("grandparent-gone", "parent-not-at-hand", at_parent, pipe="read", chain_only=True,
              disk=child("beside-orphan"), edit=lambda e: beside(
                  e, "beside-orphan", child("nobody")))


def _raw():
    null = {"parent_uuid": bytes(16)}
    yield Bad("raw-parent-is-a-vhd", "parent-ambiguous", at_parent, pipe="read", quick=True,
              disk=child(header=null), edit=lambda e: beside(e, "beside-base"))
    yield Bad("raw-parent-fifo", "parent-not-a-disk", at_parent, pipe="read", disk=child(
        header=null, locators=[Locator(b"W2ru", wide("beside-fifo.raw"))]),
        edit=lambda e: os.mkfifo(_fresh(e, "beside-fifo.raw")))
    yield Bad("raw-parent-gone", "parent-not-at-hand", at_parent, pipe="read", chain_only=True,
              disk=child("nobody", header=null))
    yield Bad("raw-parent-elsewhere", "parent-not-at-hand", at_parent, pipe="read",
              chain_only=True, disk=child(header=null, locators=[
                  Locator(b"W2ku", wide("/srv/beside-raw.raw"))]),
              edit=lambda e: _plain_file(e, "beside-raw.raw", sectors("r", 4)))
