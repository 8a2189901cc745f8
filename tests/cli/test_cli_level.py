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


@pytest.mark.parametrize("threads", [0, 1, 2, 5])
def test_auto_keeps_the_content(program, disk, tmp_path, threads):
    program("copy", disk, tmp_path / "a.tgz", "--level=auto", "--threads", threads)
    program("compare", disk, tmp_path / "a.tgz")


def test_auto_is_of_gzip(program, disk, tmp_path):
    result = program("copy", disk, tmp_path / "a.tzst", "--to=tzst", "--level=auto", status=2)
    assert "--level auto is for tgz" in result.err and not (tmp_path / "a.tzst").exists()
