#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A chain of any depth: deep_chain.py DIR COUNT

0.vhd is the leaf and (COUNT-1).vhd the base, each 64 KiB of disk with one block of 4 KiB,
about 6 KiB a file.  Member i wrote sector i of its disk, modulo 128, so the content of any
depth is known: the youngest write of each sector counts.
"""

import os
import sys

from corpus_case import sectors, uuid_of
from sparse_content import Content
from valid_blktap import tap_locators
from vhd_fields import DIFFERENCING, DYNAMIC, KIB, SECTOR
from vhd_writer import Block, Disk, write

SIZE = 64 * KIB
PER_BLOCK = 8


def disk(number, count):
    base = number == count - 1
    name = "%d.vhd" % (number + 1)
    sector = number % (SIZE // SECTOR)
    block = Block(sector // PER_BLOCK, [(sector % PER_BLOCK, sectors(("deep", number), 1))])
    header = {} if base else {"parent_uuid": uuid_of(("deep", number + 1)),
                              "parent_name": name.encode("utf-16-be").ljust(512, b"\0")}
    return Disk(size=SIZE, type=DYNAMIC if base else DIFFERENCING, block_size=4 * KIB,
                blocks=[block], footer={"uuid": uuid_of(("deep", number))}, header=header,
                locators=[] if base else tap_locators(name)[:1])


def content(count):
    """What the leaf of such a chain reads as."""
    out = Content(SIZE)
    for number in range(min(count, SIZE // SECTOR) - 1, -1, -1):
        out.write(number % (SIZE // SECTOR) * SECTOR, sectors(("deep", number), 1))
    return out


def build(folder, count):
    os.makedirs(folder, exist_ok=True)
    for number in range(count):
        write(disk(number, count), os.path.join(folder, "%d.vhd" % number))
    return os.path.join(folder, "0.vhd")


ENTRY = {"name": "chain-10000-deep", "command": ["deep_chain.py", "DIR", "10000"],
         "path": "0.vhd", "expect": {"id": "chain-too-deep", "offset": 552},
         "readable_at": {"count": 1000, "virtual_size": SIZE}}


def entries():
    """Chains that are described and not made: too many files for every run."""
    readable = dict(ENTRY["readable_at"], digest=content(1000).digest())
    return [dict(ENTRY, readable_at=readable)]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: deep_chain.py DIR COUNT")
    print(build(sys.argv[1], int(sys.argv[2])))
