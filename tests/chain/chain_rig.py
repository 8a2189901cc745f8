# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Chain images: the members of a chain by the independent model (tests/corpus/chains.py), packed
by Python in any order."""

import io
import os
import tarfile

import disk_rig                 # noqa: F401  (puts tests/corpus on the path)
from chains import GIB, MIB, SECTOR, ChainModel, made
from sparse_content import Content, noise
from vhd_writer import Disk, write

__all__ = ["Chain", "Content", "Disk", "GIB", "MIB", "SECTOR", "ChainModel", "made", "noise",
           "pack", "shuffled", "write"]


def pack(path, members, mode="w"):
    """An archive of (name, file or bytes), in that order."""
    with tarfile.open(path, mode) as tar:
        for name, data in members:
            if isinstance(data, bytes):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            else:
                tar.add(data, arcname=name)
    return path


class Chain:
    """A model's members as files, leaf first; what the leaf shows."""

    def __init__(self, model, folder):
        self.model = model
        self.folder = str(folder)
        self.paths = model.save(self.folder)
        self.content = model.members[-1].content

    def __len__(self):
        return len(self.paths)

    def image(self, order, name="x.tar", mode="w", extra=()):
        """An image with the members of these numbers, in that order, and then `extra`."""
        members = [("%d.vhd" % i, self.paths[i]) for i in order]
        return pack(os.path.join(self.folder, name), members + list(extra), mode)

    def sha256(self, size=None):
        """Of the disk, with zeros up to `size`."""
        whole = self.content.copy()
        if size is not None:
            whole.resize(size)
        return whole.sha256()


def shuffled(count, seed):
    import random
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return order
