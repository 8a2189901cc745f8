# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Disks made by qemu-img and qemu-io themselves, the one producer that Debian has.

Without qemu-utils these files are left out.  The guestfs tools of Debian call qemu-img for
VHD, so they would add nothing.  Timestamp and uuid are set to fixed values afterwards, so
that the corpus stays the same from run to run.
"""

import os
import shutil
import subprocess
import tempfile

from corpus_case import Good, sectors, uuid_of
from sparse_content import Content
from vhd_edit import Edit
from vhd_fields import FIXED, GIB, KIB, MIB, SECTOR, Footer
from vhd_reader import find_ends, Bytes
from vhd_writer import Placed

DATA = ((0, 3), (4095, 2), (9000, 700), (20000, 1))


def cases():
    if shutil.which("qemu-img"):
        yield from _converted()
        yield from _created()
    if shutil.which("qemu-io"):
        yield from _written()


def _run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def _settle(path, name):
    """Fixed time and uuid in every footer there is."""
    data = Bytes(path)
    ends = find_ends(data)
    data.close()
    edit = Edit(path, Placed(footer=ends.tail_at))
    same = {"timestamp": 757382400, "uuid": uuid_of(name)}
    edit.tail(**same)
    if ends.copy_ok and Footer.unpack(ends.tail).type != FIXED:
        edit.copy(**same)


def _source(size):
    content = Content(size)
    for first, count in DATA:
        content.write(first * SECTOR, sectors(("qemu", first), count))
    return content


def _size_after(path):
    data = Bytes(path)
    size = Footer.unpack(find_ends(data).tail).current_size
    data.close()
    return size


def _options(subformat, force):
    return "subformat=%s,force_size=%s" % (subformat, "on" if force else "off")


def _converted():
    """A raw disk with known data, through qemu-img convert; without force_size it grows."""
    for subformat in ("dynamic", "fixed"):
        for force in (True, False):
            for size in (12 * MIB, 30001 * SECTOR, 127 * MIB + SECTOR):
                name = "qemu-%s-%s-%dk" % (subformat, "exact" if force else "chs", size // KIB)
                yield Good(name, make=_convert(name, subformat, force, size),
                           pipe="read" if subformat == "dynamic" else "pipe-fixed",
                           quick=size == 12 * MIB)


def _convert(name, subformat, force, size):
    def make(path):
        content = _source(size)
        with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as folder:
            raw = os.path.join(folder, "source.raw")
            content.save(raw)
            _run("qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o",
                 _options(subformat, force), raw, path)
        _settle(path, name)
        content.resize(_size_after(path))
        return content
    return make


def _created():
    """Empty disks straight from qemu-img create."""
    for name, size, force in (("qemu-empty-1m", MIB, True), ("qemu-empty-8g", 8 * GIB, True),
                              ("qemu-empty-chs-8g", 8 * GIB, False),
                              ("qemu-empty-2040g", 2040 * GIB, True)):
        yield Good(name, make=_create(name, size, force))


def _create(name, size, force):
    def make(path):
        _run("qemu-img", "create", "-q", "-f", "vpc", "-o", _options("dynamic", force), path,
             str(size))
        _settle(path, name)
        return Content(_size_after(path))
    return make


def _written():
    """Blocks in the order in which a guest happened to write them."""
    yield Good("qemu-written-shuffled", make=_write("qemu-written-shuffled", (
        9 * MIB, 1 * MIB, 19 * MIB + 512, 5 * MIB, 0, 13 * MIB)), quick=True)
    yield Good("qemu-written-last-sector", make=_write("qemu-written-last-sector", (
        20 * MIB - 4096, 2 * MIB)))


def _write(name, places):
    def make(path):
        _run("qemu-img", "create", "-q", "-f", "vpc", "-o", _options("dynamic", True), path,
             str(20 * MIB))
        content = Content(20 * MIB)
        words = ["qemu-io", "-f", "vpc"]
        for number, place in enumerate(places):
            words += ["-c", "write -P %d %d 4096" % (number + 65, place)]
            content.write(place, bytes([number + 65]) * 4096)
        _run(*words, path)
        _settle(path, name)
        return content
    return make
