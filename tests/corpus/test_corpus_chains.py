# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Chains: every generation reads as it was when its member was closed."""

import random

import pytest

from chains import ChainModel, made, mask_runs
from vhd_check import check
from vhd_fields import MIB, SECTOR
from vhd_reader import read_content


def test_mask_runs():
    dice = random.Random("mask")
    for _ in range(100):
        mask = dice.getrandbits(300)
        bits = [i for i in range(300) if mask >> i & 1]
        assert [f + k for f, count in mask_runs(mask) for k in range(count)] == bits
        assert all(not mask >> f + count & 1 for f, count in mask_runs(mask))


@pytest.mark.parametrize("style", ["sparse", "whole"])
@pytest.mark.parametrize("count", [2, 3, 30])
def test_every_generation(tmp_path, count, style):
    model = made("test-%d-%s" % (count, style), 6 * MIB, count, style=style, writes=6,
                 grow={count - 1: 9 * MIB + SECTOR})
    paths = model.save(str(tmp_path))
    for number in range(count):
        member = model.members[count - 1 - number]
        assert read_content(paths[number:]) == member.content
        assert not [f for f in check(paths[number]) if f.severity == "error"]


def test_zeros_over_data_count_as_written(tmp_path):
    model = ChainModel("zeros", 4 * MIB)
    model.write(0, b"x" * 512 * 100)
    model.snapshot()
    model.write(10, bytes(512 * 20))
    model.snapshot()
    content = read_content(model.save(str(tmp_path)))
    assert content.read(0, 512 * 40) == b"x" * 5120 + bytes(10240) + b"x" * 5120


def test_same_seed_same_chain(tmp_path):
    digests = {made("again", 4 * MIB, 3).members[2].content.digest() for _ in range(2)}
    assert len(digests) == 1
