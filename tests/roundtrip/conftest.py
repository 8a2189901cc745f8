# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Disks that go round, made once; each with its content as the model of tests/corpus sees it."""

import os
import random
import subprocess

import pytest

from disk_rig import BLOCK, MIB, content_of, image_of, noise, raw_file, read_raw


class Sample:
    """A raw disk, its content, and the same disk in other forms, made when first asked for."""

    def __init__(self, program, folder, name):
        self.program = program
        self.folder = folder
        self.raw = str(folder / (name + ".raw"))
        self.name = name
        self._content = None
        self._forms = {"raw": self.raw}

    @property
    def content(self):
        """With the last sector filled up, as every form but raw has it."""
        if self._content is None:
            self._content = read_raw(self.raw)
            self._content.resize(-(-self._content.size // 512) * 512)
        return self._content

    def form(self, name):
        """Path of the disk as raw, vhd, tar, tgz (all ours), or qemu's and Python's."""
        if name not in self._forms:
            path = str(self.folder / ("%s-%s" % (self.name, name)))
            path += {"qemu": ".vhd", "python": ".tgz"}.get(name, "." + name)
            self._make(name, path)
            self._forms[name] = path
        return self._forms[name]

    def _make(self, name, path):
        if name == "qemu":
            subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o", "force_size=on",
                            self.raw, path], check=True)
        elif name == "python":
            with open(self.form("vhd"), "rb") as file, open(path, "wb") as out:
                out.write(image_of(file.read()))
        else:
            self.program("copy", self.raw, path)

    def check(self, path, form, scratch):
        """Asserts that this is the disk, by readers that are not ours."""
        found = content_of(str(path), form, str(scratch))
        if form == "raw" and self.content.size - found.size < 512:
            found.resize(self.content.size)     # the odd bytes of a raw file
        assert found.size == self.content.size
        assert found == self.content, "differs at byte %s" % found.first_difference(self.content)


# -- what is on them ---------------------------------------------------------------


def make_ext4(path):
    """A file system with files of this machine in it."""
    raw_file(path, 24 * MIB)
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    subprocess.run(["mkfs.ext4", "-q", "-d", here, "-E", "root_owner=0:0", path], check=True)


def make_vfat(path):
    raw_file(path, 16 * MIB + 512 * 7)
    subprocess.run(["mkfs.vfat", path], check=True, stdout=subprocess.DEVNULL)


def make_sparse(path):
    rng = random.Random("sparse")
    parts = [(rng.randrange(64 * MIB // 512) * 512, noise(("sparse", i), 512 * (i + 1)))
             for i in range(12)]
    raw_file(path, 64 * MIB, sorted(p for p in parts if p[0] < 63 * MIB))


MAKERS = {
    "empty": lambda path: raw_file(path, 10 * MIB),
    "zeros": lambda path: raw_file(path, 6 * MIB, [(0, bytes(6 * MIB))]),
    "full": lambda path: raw_file(path, 8 * MIB, [(0, noise("full", 8 * MIB))]),
    "sector": lambda path: raw_file(path, 512, [(0, noise("sector", 512))]),
    "odd": lambda path: raw_file(path, 5 * MIB + 1536, [(MIB, noise("odd", 4 * MIB + 1536))]),
    "rounded": lambda path: raw_file(path, 3 * BLOCK - 512, [(2 * BLOCK, noise("r", 4096))]),
    "bytes": lambda path: raw_file(path, 3 * MIB + 77, [(0, noise("bytes", 3 * MIB + 77))]),
    "sparse": make_sparse,
    "ext4": make_ext4,
    "vfat": make_vfat,
}


@pytest.fixture(scope="session")
def samples(program, tmp_path_factory):
    """samples(NAME): one of MAKERS."""
    folder = tmp_path_factory.mktemp("samples")
    made = {}

    def get(name):
        if name not in made:
            made[name] = Sample(program, folder, name)
            MAKERS[name](made[name].raw)
        return made[name]

    return get
