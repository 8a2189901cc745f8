# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""--level, as far as the command line goes; tests/interop and the unit tests have the rest."""

import random

import pytest

from disk_rig import MIB, noise, raw_file


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A raw disk: words, random bytes, zeros."""
    path = tmp_path_factory.mktemp("level") / "a.raw"
    words = [noise(i, 4).hex().encode()[:3 + i % 6] for i in range(3000)]
    text = b" ".join(random.Random(1).choices(words, k=500000))
    raw_file(path, 16 * MIB, [(0, text), (6 * MIB, noise("x", 2 * MIB))])
    return path


def test_the_default_is_level_2(program, disk, tmp_path):
    program("copy", disk, tmp_path / "a.vhd")
    packed = {level: program("copy", tmp_path / "a.vhd", "-", "--to=tgz", *level).out
              for level in ((), ("--level=1",), ("--level=2",), ("--level=9",))}
    assert packed[()] == packed[("--level=2",)]
    assert len(packed[("--level=9",)]) < len(packed[()]) < len(packed[("--level=1",)])
