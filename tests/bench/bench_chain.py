# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The chain of snapshots that ./dev bench moves: the same writes as VHDs, as overlays of
qemu-img's, and as the raw disk that they end in."""

import os
import random
import subprocess
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "corpus"))

from vhd_fields import DIFFERENCING, DYNAMIC                    # noqa: E402
from vhd_writer import Block, Disk, write                       # noqa: E402

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SECTOR, PAGE, BLOCK = 512, 4 * KIB, 2 * MIB
# Overlays whose unit is the page that the guest writes, so that none is filled from below.
OVERLAY = ("-f", "qcow2", "-o", "cluster_size=128k,extended_l2=on")


def _writes(dice, size, hot, writes):
    """{offset: bytes} of one snapshot: pages in `hot` blocks, and a run of two blocks."""
    blocks = dice.sample(range(size // BLOCK), hot)
    found = {}
    for _ in range(writes):
        at = dice.choice(blocks) * BLOCK + dice.randrange(BLOCK // PAGE - 16) * PAGE
        found[at] = dice.randbytes(PAGE * dice.randint(1, 16))
    found[dice.randrange(size // BLOCK - 4) * BLOCK] = dice.randbytes(2 * BLOCK)
    return found


def _blocks(writes, whole):
    """Blocks of a VHD with these writes, each page once; `whole`: with all bits set."""
    pages = {}
    for at, data in writes.items():
        for skip in range(0, len(data), PAGE):
            pages[at + skip] = data[skip:skip + PAGE]
    found = {}
    for at in sorted(pages):
        block = found.setdefault(at // BLOCK, Block(at // BLOCK, bits="all" if whole else "runs"))
        _append(block.runs, at % BLOCK // SECTOR, pages[at])
    return list(found.values())


def _append(runs, first, page):
    """One more page of a block, joined to the run before it where that goes on."""
    if runs and runs[-1][0] + len(runs[-1][1]) // SECTOR == first:
        first, data = runs.pop()
        page = data + page
    runs.append((first, page))


class BenchChain:
    """`links` disks over each other, `data` bytes in the first. Paths go from the base on."""

    def __init__(self, folder, links, data, size=2 * GIB, hot=32, writes=400):
        self.folder = os.path.join(folder, "chain-%d" % links)
        self.name, self.size, self.links = os.path.basename(self.folder), size, links
        self.form = "%d VHDs" % links
        self.raw = self._path("disk.raw")
        self.vhds = [self._path("%d.vhd" % (links - 1 - i)) for i in range(links)]
        self.overlays = [self._path("%d.qcow2" % (links - 1 - i)) for i in range(links)]
        os.makedirs(self.folder)
        with open(self.raw, "wb") as file:
            file.truncate(size)
        dice = random.Random(links)
        step = size // (data // MIB)
        self._add(0, {step * i // MIB * MIB: dice.randbytes(MIB // 2) * 2
                      for i in range(data // MIB)})
        for link in range(1, links):
            self._add(link, _writes(dice, size, hot, writes))
        self.bytes = sum(map(os.path.getsize, self.vhds))

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _add(self, link, writes):
        """The next disk of the chain, which has these writes."""
        with open(self.raw, "r+b") as file:
            for at, data in writes.items():
                file.seek(at)
                file.write(data)
        self._add_vhd(link, writes)
        self._add_overlay(link, writes)

    def _add_vhd(self, link, writes):
        header = {}
        if link:
            name = os.path.basename(self.vhds[link - 1]).encode("utf-16-be")
            header = {"parent_uuid": _uuid(link - 1), "parent_name": name.ljust(512, b"\0")}
        write(Disk(size=self.size, type=DIFFERENCING if link else DYNAMIC,
                   blocks=_blocks(writes, not link), footer={"uuid": _uuid(link)},
                   header=header), self.vhds[link])

    def _add_overlay(self, link, writes):
        path = self.overlays[link]
        below = ["-b", self.overlays[link - 1], "-F", "qcow2"] if link else []
        _quiet(["qemu-img", "create", "-q", *OVERLAY, *below, path, str(self.size)])
        commands = []
        for number, (at, data) in enumerate(writes.items()):
            part = self._path("write-%d" % number)
            with open(part, "wb") as file:
                file.write(data)
            commands.append("write -q -s %s %d %d" % (part, at, len(data)))
        _quiet(["qemu-io", "-f", "qcow2", "-t", "unsafe", path], "\n".join(commands) + "\n")
        for number in range(len(writes)):
            os.remove(self._path("write-%d" % number))

    def image(self, path):
        """An image with all of them by Python and zlib, level 1, the leaf first."""
        with tarfile.open(path, "w:gz", compresslevel=1) as tar:
            for vhd in self.vhds[::-1]:
                tar.add(vhd, arcname=os.path.basename(vhd))
        return path


def _uuid(link):
    return bytes([link]) * 15 + b"\1"


def _quiet(command, given=""):
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode or "fail" in done.stdout.lower():
        raise RuntimeError("%s: %s" % (command[0], done.stdout.strip()))
