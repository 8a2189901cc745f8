# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Chains of differencing disks from random writes over generations, with the content of each.

    model = ChainModel("any seed", size=64 * MIB)
    model.write_some(40)            # sector-granular: data, zeros over data, runs across blocks
    model.snapshot()                # what was written since the last one becomes a member
    model.grow(80 * MIB)
    ...
    files = model.save("some/folder")

Member 0 is the leaf and the highest number the base, as in OpenStack's images.
"""

import os
import random
from dataclasses import dataclass

from corpus_case import uuid_of
from sparse_content import Content, noise
from manifest_entry import PLAIN_UP_TO, demand, mode_entry
from valid_blktap import tap_locators
from vhd_fields import DIFFERENCING, DYNAMIC, GIB, MAX_SIZE, MIB, SECTOR
from vhd_reader import read_content
from vhd_writer import Block, Disk, Locator, write


@dataclass
class Member:
    """One generation: its size, the sectors written in it by block, the content after it."""
    size: int
    masks: dict
    content: Content


class ChainModel:
    """style 'sparse': bits of the written sectors alone, locators as blktap writes them;
    'whole': whole blocks merged with the parent's data, all bits set, no usable locator."""

    def __init__(self, seed, size, block_size=2 * MIB, style="sparse", reach=None):
        self.name, self.style, self.block_size = str(seed), style, block_size
        self.random = random.Random(self.name)
        self.content = Content(size)
        self.reach = reach          # writes stay below this many sectors, when given
        self.masks = {}
        self.members = []
        self.count = 0

    def write(self, sector, data):
        """One write of whole sectors, as a guest makes it; zeros are written, too."""
        count = len(data) // SECTOR
        self.content.write(sector * SECTOR, data)
        per_block = self.block_size // SECTOR
        while count > 0:
            index, first = divmod(sector, per_block)
            part = min(count, per_block - first)
            self.masks[index] = self.masks.get(index, 0) | ((1 << part) - 1) << first
            sector, count = sector + part, count - part

    def write_some(self, writes):
        """Mostly small, some long, a fifth of zeros; half of them over what is there."""
        limit = self.content.size // SECTOR
        for _ in range(writes):
            self.count += 1
            length = self.random.choice((1, 1, 2, 3, 7, 8, 9, 64, 300, 3000))
            sector = self._somewhere(min(limit, self.reach or limit))
            length = min(length, limit - sector)
            zeros = self.random.random() < 0.2
            data = bytes(length * SECTOR) if zeros else noise((self.name, self.count),
                                                              length * SECTOR)
            self.write(sector, data)

    def _somewhere(self, limit):
        runs = self.content.runs()
        if runs and self.random.random() < 0.5:
            start, length = self.random.choice(runs)
            return (start + self.random.randrange(length)) // SECTOR
        if self.random.random() < 0.05:
            return self.content.size // SECTOR - 1
        return self.random.randrange(limit)

    def grow(self, size):
        self.content.resize(size)

    def snapshot(self):
        self.members.append(Member(self.content.size, self.masks, self.content.copy()))
        self.masks = {}

    def file_name(self, generation):
        return "%d.vhd" % (len(self.members) - 1 - generation)

    def uuid(self, generation):
        return uuid_of(("chain", self.name, generation))

    def save(self, folder):
        """Writes all members; returns their paths, leaf first."""
        os.makedirs(folder, exist_ok=True)
        paths = []
        for generation in range(len(self.members)):
            path = os.path.join(folder, self.file_name(generation))
            write(self._disk(generation), path)
            paths.insert(0, path)
        return paths

    def _disk(self, generation):
        member = self.members[generation]
        more = {"type": DIFFERENCING, **self._parent(generation)} if generation else {}
        order = sorted(member.masks)
        if self.style == "sparse":
            random.Random((self.name + str(generation))).shuffle(order)
        return Disk(size=member.size, block_size=self.block_size, data_align=8,
                    blocks=[self._block(member, index) for index in order],
                    footer={"uuid": self.uuid(generation), "original_size": self.members[0].size},
                    **{"type": DYNAMIC, **more})

    def _parent(self, generation):
        name = self.file_name(generation - 1)
        header = {"parent_uuid": self.uuid(generation - 1),
                  "parent_name": name.encode("utf-16-be").ljust(512, b"\0")}
        if self.style == "sparse":
            return {"header": header, "locators": tap_locators(name)}
        host = "/var/run/sr-mount/c41d/%s.vhd" % self.uuid(generation - 1).hex()
        header["parent_name"] = host.encode("utf-16-be").ljust(512, b"\0")
        blank = Locator(b"MacX", bytes(len("file://" + host)), unit="sectors", at=1536)
        return {"header": header, "locators": [blank], "bat_at": 2048}

    def _block(self, member, index):
        base = index * self.block_size
        if self.style == "whole":
            data = member.content.read(base, self.block_size)
            return Block(index, [(0, data.ljust(self.block_size, b"\0"))], bits="all")
        runs = list(mask_runs(member.masks[index]))
        return Block(index, [(first, member.content.read(base + first * SECTOR, count * SECTOR))
                             for first, count in runs], bits=runs)


def mask_runs(mask):
    """(first, count) of the runs of ones, lowest bit first."""
    first = 0
    while mask:
        skip = (mask & -mask).bit_length() - 1
        mask >>= skip
        count = (~mask & mask + 1).bit_length() - 1
        yield first + skip, count
        mask >>= count
        first += skip + count


def made(name, size, generations, writes=12, grow=(), **more):
    """A finished model; grow: {generation: size}."""
    model = ChainModel(name, size, **more)
    sizes = dict(grow)
    for generation in range(generations):
        if generation in sizes:
            model.grow(sizes[generation])
        model.write_some(writes)
        model.snapshot()
    return model


def models(quick):
    yield made("chain-2", 20 * MIB, 2)
    yield made("chain-3", 20 * MIB, 3, grow={2: 27 * MIB + SECTOR})
    if quick:
        return
    yield made("chain-2-whole", 20 * MIB, 2, style="whole")
    yield made("chain-3-whole", 16 * MIB, 3, style="whole", writes=4)
    yield made("chain-3-same-size", 20 * MIB, 3, writes=30)
    yield made("chain-3-512k", 9 * MIB, 3, block_size=512 * 1024)
    yield made("chain-3-4m", 33 * MIB, 3, block_size=4 * MIB)
    yield made("chain-30", 40 * MIB, 30, grow={9: 44 * MIB, 17: 45 * MIB + SECTOR,
                                               29: 60 * MIB})
    yield made("chain-30-dense", 4 * MIB, 30, writes=60)
    yield made("chain-3-2040g", 2000 * GIB, 3, grow={1: MAX_SIZE}, writes=20)


def entry(model, root):
    """Saves the chain and proves each generation by the reader model."""
    folder = os.path.join(root, "chains", model.name)
    paths = model.save(folder)
    members = []
    for number, path in enumerate(paths):
        content = read_content(paths[number:])
        meant = model.members[len(paths) - 1 - number].content
        demand(content == meant, model.name, "%s differs at byte %s" % (
            path, content.first_difference(meant)))
        members.append(_member(model, root, paths, number, content))
    return {"name": model.name, "style": model.style, "members": members,
            "block_size": model.block_size}


def _member(model, root, paths, number, content):
    path = paths[number]
    given = paths[number + 1] if model.style == "whole" and number + 1 < len(paths) else None
    # a blank locator at every link: only the nearest parent can be named, so no walk is tried
    walk = given is None
    found = mode_entry(path, chain=walk, parent=given)
    small = content.size <= PLAIN_UP_TO
    return {"path": os.path.relpath(path, root), "virtual_size": content.size,
            "type": "dynamic" if number + 1 == len(paths) else "differencing",
            "uuid": model.uuid(len(paths) - 1 - number).hex(), "digest": content.digest(),
            "sha256": content.sha256() if small else None, "check": found}


def build(root, quick):
    return [entry(model, root) for model in models(quick)]
