# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Each allocation and each call on a file fails in turn while a disk goes into a pool and comes
out of one: the pool is as before and the message says why, or what is left is listed.

$VHDSTREAM_FAULT_STEP says which share of them is struck, one in so many; ./dev sweep strikes all.
"""

import os
import subprocess

import pytest

from disk_rig import MIB, noise, raw_file
from program_rig import SANITIZER

EVERY = int(os.environ.get("VHDSTREAM_FAULT_STEP", "13"))   # one of so many points; 1: all
SIZE = 4 * MIB


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return raw_file(tmp_path_factory.mktemp("small") / "a.raw", SIZE, [(0, noise("a", MIB))])


def run(program, *args, **env):
    command = [program, "copy", "--threads", "0", *map(str, args)]
    done = subprocess.run(command, timeout=60, env={**os.environ, **env},
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode not in (SANITIZER, -6, -11), (env, done.stderr)
    return done


def points(program, *args, folder):
    """Numbers of the calls that are made to fail, spread over all of them."""
    count = folder / "count"
    assert run(program, *args, VHDSTREAM_FAULT_COUNT=str(count)).returncode == 0
    total = int(count.read_text())
    assert total > 100
    print("%d points" % total)
    return range(1 + total % EVERY, total + 1, EVERY)


def check_said(done, at):
    assert done.stderr.startswith(b"vhdstream: "), (at, done.stderr)


def settle(pool, done, at):
    """After a failure: nothing is there that was not before, or the message lists it."""
    pool.sim.wait_quiet()
    left = pool.sim.leftovers()
    if done.returncode == 7:
        for uuid in left.get("vdis", {}):
            assert uuid.encode() in done.stderr, (at, done.stderr)
    else:
        assert not left.get("vdis") and not left.get("attachments"), (at, done.stderr, left)
    pool.sim.reset()


@pytest.mark.parametrize("sr", ["nfs", "rawlv"])
def test_every_call_of_an_import_fails_once(faults, pool, small, tmp_path, sr):
    args = [small, pool.sr(sr), *pool.login]
    for at in points(faults, *args, folder=tmp_path):
        pool.sim.reset()
        done = run(faults, *args, VHDSTREAM_FAULT_AT=str(at))
        if done.returncode:
            check_said(done, at)
            settle(pool, done, at)
            continue
        uuid = done.stdout.decode().strip()
        with open(pool.raw_path(uuid), "rb") as file:
            assert file.read() == small.read_bytes(), at


@pytest.mark.parametrize("form", ["vhd", "raw", "tgz"])
def test_every_call_of_an_export_fails_once(faults, program, pool, small, tmp_path, form):
    folder = tmp_path / "out"
    folder.mkdir()
    out = folder / ("a." + form)
    uuid = pool.make_disk("nfs", SIZE, small)
    args = [pool.vdi(uuid), out, "--force", *pool.login]
    for at in points(faults, *args, folder=tmp_path):
        out.unlink(missing_ok=True)
        done = run(faults, *args, VHDSTREAM_FAULT_AT=str(at))
        if done.returncode:
            check_said(done, at)
        if done.returncode and b"stands, complete" not in done.stderr:
            assert not os.listdir(folder), (at, done.stderr)
        else:
            program("compare", out, small)
    assert list(pool.disks) == [uuid]
