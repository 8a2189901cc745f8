# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Disks that all tests here send and fetch."""

import pytest

from disk_rig import MIB, noise, raw_file

PARTS = [(0, noise("first", 3 * MIB)), (7 * MIB, noise("few", 4096)),
         (16 * MIB, noise("last", MIB + 512))]
SIZE = 20 * MIB


@pytest.fixture(scope="session")
def disk(tmp_path_factory):
    """A raw disk of 20 MiB, five of its ten blocks in use, one of them by 4 KiB."""
    return raw_file(tmp_path_factory.mktemp("disk") / "a.raw", SIZE, PARTS)


@pytest.fixture(scope="session")
def image(disk, program):
    """The same as an image, made by the program."""
    path = disk.parent / "a.tgz"
    program("copy", disk, path)
    return path
