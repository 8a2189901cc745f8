# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The corpus in small: its cases, good and broken, with blocks of 4 KiB."""

import os
import sys
from dataclasses import replace

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "corpus"))

import make_bad                                                 # noqa: E402
import make_valid                                               # noqa: E402
from vhd_model import Edit, write                               # noqa: E402

BLOCK = 4096
FILE_MAX = 20000
PER_FILE = 12       # blocks that are kept


def fitting(runs):
    """What there is of the runs in a block of that size."""
    for first, data in runs:
        room = BLOCK - first % 8 * 512
        yield first % 8, data[:room]


def small_block(block):
    bits = block.bits if isinstance(block.bits, str) else [
        (first % 8, min(count, 8 - first % 8)) for first, count in block.bits]
    return replace(block, runs=list(fitting(block.runs)), junk=list(fitting(block.junk)),
                   bits=bits)


def small_disk(disk):
    size = disk.size
    if disk.type != 2:
        last = min(disk.needed, 4 * PER_FILE)
        size = last * BLOCK if disk.size % disk.block_size == 0 else last * BLOCK - 1024
    return replace(disk, size=size, block_size=BLOCK, footer=dict(disk.footer),
                   blocks=[small_block(b) for b in disk.blocks if b.index < 4 * PER_FILE])


def cases():
    for module in (*make_valid.MODULES, *make_bad.MODULES):
        for case in module.cases():
            if case.disk:
                yield case


def small_files(path):
    """(name, bytes) of each case that can be had in small, written to `path` on the way."""
    for case in cases():
        try:
            edit = Edit(path, write(small_disk(case.disk), path))
            if case.edit:
                case.edit(edit)
            size = os.path.getsize(path)
        except (KeyError, IndexError, ValueError, TypeError, OSError, AssertionError,
                AttributeError):
            continue        # made for one size only
        if size <= FILE_MAX:
            with open(path, "rb") as file:
                yield case.name, file.read()
