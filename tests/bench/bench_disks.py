# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The disks that ./dev bench moves. Kept between runs; the same but for /usr."""

import os
import random
import shutil
import subprocess
import tempfile

import real_disk
from real_disk import MIB

GIB = 1 << 30
TABLE_STEP = 256 * MIB       # 128 blocks
ROOM = 12 * GIB


def scratch_root():
    """In memory where there is plenty of it, so that no disk is measured."""
    stat = os.statvfs("/dev/shm")
    if stat.f_bavail * stat.f_frsize >= ROOM:
        return "/dev/shm"
    return tempfile.gettempdir()


class Disk:
    """One content, in the forms that jobs start from."""

    def __init__(self, folder, name, size):
        self.name = name
        self.size = size
        self.raw = os.path.join(folder, name + ".raw")
        self.vhd = os.path.join(folder, name + ".vhd")
        self.tgz = os.path.join(folder, name + ".tgz")      # by tarfile and zlib, level 6

    def finish(self, raw):
        """The other forms, and last the name that says it is complete."""
        real_disk.make_vhd(self.vhd, raw)
        real_disk.make_tgz(self.tgz, self.vhd)
        os.rename(raw, self.raw)


def mixed_disk(folder, data):
    """`data` bytes on a disk of four times that: random, files of /usr, an aged ext4."""
    # os-xenapi gets the size of the file right where the table fills whole sectors.
    size = (data * 4 // TABLE_STEP + 1) * TABLE_STEP
    disk = Disk(folder, "mixed-%d" % (data // MIB), size)
    if os.path.exists(disk.raw):
        return disk
    third = data // 3 // (2 * MIB) * (2 * MIB)
    part = disk.raw + ".part"
    with open(part, "wb") as file:
        file.truncate(disk.size)
        _random(file, third)
        file.seek(third + 64 * MIB)
        _files(file, third)
    _aged_ext4(folder, third)
    _paste(os.path.join(folder, "aged.ext4"), part, 2 * third + 128 * MIB)
    disk.finish(part)
    return disk


def sparse_disk(folder, size, data):
    """`data` bytes in pieces of 1 MiB, spread evenly over `size`."""
    disk = Disk(folder, "sparse-%d" % (size // GIB), size)
    if os.path.exists(disk.raw):
        return disk
    part, dice = disk.raw + ".part", random.Random(2)
    with open(part, "wb") as file:
        file.truncate(size)
        for i in range(data // MIB):
            file.seek(size // (data // MIB) * i // MIB * MIB)
            file.write(dice.randbytes(MIB // 2) * 2)
    disk.finish(part)
    return disk


def filled_disk(folder, name, size, data):
    """`data` bytes in pieces of 2 MiB, spread evenly over `size`: a third random, else /usr."""
    disk, dice, piece = Disk(folder, name, size), random.Random(4), 2 * MIB
    files, part = os.path.join(folder, "some-files"), disk.raw + ".part"
    if not os.path.exists(files):
        with open(files, "wb") as file:
            _files(file, 512 * MIB)
    with open(part, "wb") as file, open(files, "rb") as given:
        file.truncate(size)
        for i in range(data // piece):
            file.seek(size // (data // piece) * i // piece * piece)
            file.write(dice.randbytes(piece) if i % 3 == 0 else given.read(piece))
            if given.tell() >= 500 * MIB:
                given.seek(0)
    real_disk.make_vhd(disk.vhd, part)
    os.rename(part, disk.raw)
    return disk


def _random(file, size):
    dice = random.Random(1)
    for _ in range(size // MIB):
        file.write(dice.randbytes(MIB))


def _files(file, size):
    """The contents of files of /usr, one after the other."""
    left = size
    for where, names, files in os.walk("/usr"):
        names.sort()
        for name in sorted(files):
            try:
                with open(os.path.join(where, name), "rb") as part:
                    left -= file.write(part.read(min(left, size // 16)))
            except OSError:
                continue
            if not left:
                return


def _aged_ext4(folder, size):
    """aged.ext4: filled, a part deleted, filled again, three times over."""
    path, files = os.path.join(folder, "aged.ext4"), os.path.join(folder, "files")
    shutil.rmtree(files, ignore_errors=True)
    real_disk.gather_files(files, size * 6 // 10)
    real_disk.make_ext4(path, size, files)
    dice = random.Random(3)
    names = [os.path.relpath(os.path.join(where, name), files)
             for where, _, found in os.walk(files) for name in sorted(found)]
    names = [n for n in sorted(names) if not any(c in n for c in ' "\\')]
    for _ in range(3):
        gone = dice.sample(names, len(names) // 3)
        commands = ["rm /" + name for name in gone]
        dice.shuffle(gone)
        commands += ["write %s /%s" % (os.path.join(files, name), name) for name in gone]
        subprocess.run(["debugfs", "-w", "-f", "-", path], input="\n".join(commands), text=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    shutil.rmtree(files)


def _paste(source, target, offset):
    with open(source, "rb") as file, open(target, "r+b") as disk:
        disk.seek(offset)
        shutil.copyfileobj(file, disk, MIB)
    os.remove(source)
