# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Disks of a simulated pool that are written to, with a model of what is in them.

The model is a bytearray: it knows of no blocks, chains or files. What the program writes is
read by tests/corpus (Python, independent of the C code), what it sends by the simulator.
"""

import json
import random
import struct

from disk_rig import BLOCK, MIB, read_content
from peer.plain_client import PlainClient
from program_rig import PASSWORD
from vhd_fields import (DIFFERENCING, DYNAMIC, FOOTER_LEN, UNALLOCATED, Footer, Header,
                        chs)
from vhd_reader import read_raw

SIZE = 12 * MIB


class Guest:
    """A disk in a pool, and what a guest has written to it."""

    def __init__(self, pool, sr="nfs", size=SIZE, label="a disk", file=None):
        """file: what is in it; without one zeros, or in some SRs what others have left there."""
        self.pool = pool
        self.client = client_of(pool)
        self.uuid = pool.make_disk(sr, size, file, label=label)
        self.ref = self.client.call("VDI.get_by_uuid", self.uuid)
        self.model = bytearray(size)

    def write(self, offset, length, seed):
        self.pool.sim.write_vdi(vdi=self.uuid, offset=offset, length=length, seed=seed)
        self.model[offset:offset + length] = random.Random(seed).randbytes(length)

    def write_at_random(self, rng, writes=3):
        """Sectors here and there."""
        for _ in range(writes):
            count = rng.choice([1, 8, 100, 300])
            sector = rng.randrange(len(self.model) // 512 - count)
            self.write(sector * 512, count * 512, rng.randrange(1 << 30))

    def snapshot(self, label=None):
        """A snapshot's uuid; what is in it is bytes(self.model) as of now."""
        ref = self.client.call("VDI.snapshot", self.ref)
        if label:
            self.client.call("VDI.set_name_label", ref, label)
        return self.client.uuid(ref)


def client_of(pool):
    """A client of the pool beside the program; its session is there until the pool is reset."""
    pool.has_other_clients = True
    if not hasattr(pool, "client"):
        pool.client = PlainClient(pool.sim, password=PASSWORD)
    return pool.client


def ref_of(pool, uuid):
    return client_of(pool).call("VDI.get_by_uuid", uuid)


def record_of(pool, uuid):
    return client_of(pool).call("VDI.get_record", ref_of(pool, uuid))


def content_of_vdi(pool, uuid):
    """What a guest would see in it."""
    with open(pool.raw_path(uuid), "rb") as file:
        return file.read()


def chain_content(*paths):
    """The disk in VHDs laid over each other, leaf first."""
    content = read_content([str(path) for path in paths])
    return content.read(0, content.size)


def raw_content(path):
    content = read_raw(str(path))
    return content.read(0, content.size)


def head_of(path):
    """Footer and header of a VHD."""
    with open(path, "rb") as file:
        foot = Footer.unpack(file.read(FOOTER_LEN))
        return foot, Header.unpack(file.read(1024))


def result_of(run):
    return json.loads(run.out)


class Layers:
    """A base and deltas as VHD files, of random sectors and zeros over data; models[i] is the
    disk after the i-th."""

    def __init__(self, folder, rng, sizes):
        self.paths, self.models, self.writes = [], [], []
        self.uuids = [rng.randbytes(16) for _ in sizes]
        content = bytearray(sizes[0])
        for i, size in enumerate(sizes):
            content.extend(bytes(size - len(content)))
            self.writes.append(self._writes(rng, size))
            self.lay(i, content)
            self.models.append(bytes(content))
            self.paths.append(folder / ("layer%d.vhd" % i))
            self.paths[i].write_bytes(self._file(i, size))

    @staticmethod
    def _writes(rng, size):
        """{sector: its 512 bytes}"""
        out = {}
        for _ in range(4):
            count = rng.choice([1, 7, 64, 200])
            first = rng.randrange(size // 512 - count)
            fill = rng.choice([rng.randbytes, rng.randbytes, bytes])
            out.update((first + k, fill(512)) for k in range(count))
        return out

    def lay(self, i, content):
        """Does what the i-th one says to a bytearray."""
        for sector, data in self.writes[i].items():
            content[sector * 512:sector * 512 + 512] = data

    def _file(self, i, size, block_size=BLOCK, order=None):
        blocks = {}
        for sector, data in self.writes[i].items():
            bitmap, block = blocks.setdefault(sector * 512 // block_size,
                                              (bytearray(512), bytearray(block_size)))
            at = sector % (block_size // 512)
            bitmap[at // 8] |= 0x80 >> at % 8
            block[at * 512:at * 512 + 512] = data
        blocks = {index: blocks[index] for index in sorted(blocks, key=order)} if order else blocks
        return delta_vhd(size, blocks, self.uuids[i], self.uuids[i - 1] if i else None, block_size)

    def small_blocks(self, i, path):
        """The i-th one with blocks of 64 KiB, none beside its neighbour."""
        path.write_bytes(self._file(i, len(self.models[i]), 1 << 16,
                                    order=lambda index: (index % 8, index)))
        return path


def delta_vhd(size, blocks, own, parent=None, block_size=BLOCK):
    """The bytes of a VHD: {index: (bitmap, data)}, its uuid and its parent's (None: whole)."""
    entries = -(-size // block_size)
    padded = -(-4 * entries // 512) * 512
    table, body, at = [UNALLOCATED] * (padded // 4), [], (1536 + padded) // 512
    for index, (bitmap, data) in blocks.items():
        table[index] = at
        body.append(bytes(bitmap) + bytes(data))
        at += (512 + block_size) // 512
    foot = Footer(uuid=own, original_size=size, current_size=size, geometry=chs(size),
                  type=DIFFERENCING if parent else DYNAMIC).pack()
    head = Header(max_entries=entries, block_size=block_size,
                  parent_uuid=parent or bytes(16)).pack()
    return b"".join([foot, head, struct.pack(">%dI" % len(table), *table), *body, foot])
