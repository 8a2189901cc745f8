# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A sparse disk of 100 GiB: nothing may take as long, or as much memory, as it is large."""

import os
import subprocess
import sys

import pytest

from disk_rig import MIB, noise, raw_file, read_raw

GIB = 1 << 30
SIZE = 100 * GIB
MEMORY = 64 * MIB


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    parts = [(i * 13 * GIB + i * 512, noise(("large", i), 300000)) for i in range(7)]
    return raw_file(tmp_path_factory.mktemp("large") / "a.raw", SIZE,
                    parts + [(SIZE - 4096, noise("end", 4096))])


@pytest.fixture(scope="module")
def digest(large):
    return read_raw(large).digest()


@pytest.mark.parametrize("form", ["raw", "vhd", "tar", "tgz"])
def test_there_and_back(program, large, digest, tmp_path, form):
    there = tmp_path / ("o." + form)
    program("copy", large, there)
    assert os.stat(there).st_blocks * 512 < 40 * MIB
    program("copy", there, tmp_path / "back.raw")
    assert read_raw(tmp_path / "back.raw").digest() == digest
    assert os.stat(tmp_path / "back.raw").st_blocks * 512 < 40 * MIB


def test_by_qemu(program, large, tmp_path):
    program("copy", large, tmp_path / "o.vhd")
    subprocess.run(["qemu-img", "compare", "-q", "-f", "vpc", "-F", "raw", tmp_path / "o.vhd",
                    large], check=True)


@pytest.mark.parametrize("sr", ["nfs", "lvhd", "luns"])
def test_through_a_pool(program, pool, large, digest, tmp_path, sr):
    uuid = program("copy", large, pool.sr(sr), *pool.login).text.strip()
    if sr == "luns":
        assert read_raw(pool.raw_path(uuid)).digest() == digest
        return
    program("copy", pool.vdi(uuid), tmp_path / "o.vhd", *pool.login)
    program("copy", tmp_path / "o.vhd", tmp_path / "back.raw")
    assert read_raw(tmp_path / "back.raw").digest() == digest


MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak(program, *args):
    """The most memory that the run had at one time, by a small parent: a child's count begins
    with what its parent has."""
    done = subprocess.run([sys.executable, "-S", "-c", MEASURE] + program.command(args),
                          env=program.environment(), check=True, capture_output=True)
    return int(done.stdout) * 1024


@pytest.mark.parametrize("target", ["vhd", "tgz", "nfs"])
def test_memory_is_bounded(program, pool, large, tmp_path, target):
    if program.is_sanitized:
        pytest.skip("the sanitizers' own memory would be counted")
    where = pool.sr(target) if target == "nfs" else tmp_path / ("o." + target)
    assert peak(program, "copy", large, where, *pool.login, "--threads=2") < MEMORY
    back = pool.vdi(list(pool.disks)[0]) if target == "nfs" else where
    assert peak(program, "copy", back, tmp_path / "back.raw", *pool.login,
                "--threads=2") < MEMORY
