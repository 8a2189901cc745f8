# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A transfer that another run goes on with: --state, --resume."""

import hashlib
import json
import random
import signal

import pytest

from disk_rig import MIB, noise, raw_file
from program_rig import end, wait_until

SIZE = 128 * MIB


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A raw disk of 128 MiB, all but its last block full."""
    return raw_file(tmp_path_factory.mktemp("large") / "large.raw", SIZE,
                    [(0, noise("large", 126 * MIB))])


@pytest.fixture
def state(tmp_path):
    return tmp_path / "transfer.state"


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def marks(pool):
    vdi, = pool.disks.values()
    return vdi["other_config"]


def begun(program, pool, large, state, sr="nfs", at=120 * MIB):
    """An import that stands still there."""
    pool.sim.set_fault(on="import", do="stall", at=at)
    process = program.start("copy", large, pool.sr(sr), "--state", state, *pool.login)
    pool.sim.wait_transfer(moved=at)
    return process


def kill(process, pool):
    """Nobody logs out; a pool forgets the session in time."""
    process.kill()
    process.communicate(timeout=30)
    pool.sim.wait_quiet()
    pool.sim.remove_all_sessions()


def resume(program, pool, large, state, sr="nfs"):
    """The same command with --resume brings the disk to its end."""
    uuid, = pool.disks
    result = program("copy", large, pool.sr(sr), "--state", state, "--resume", *pool.login)
    assert result.text.split() == [uuid] == list(pool.disks)
    assert pool.digest(uuid) == sha256(large)
    assert set(marks(pool)) <= {"vhdstream:digest"}
    assert not state.exists()
    pool.sim.destroy_vdi(vdi=uuid)
    pool.nothing_left()


@pytest.mark.parametrize("sr", ["nfs", "rawlv"])
def test_killed_and_gone_on_with(program, pool, large, state, sr):
    process = begun(program, pool, large, state, sr)
    wait_until(lambda: json.loads(state.read_text())["blocks"] > 0, "a checkpoint")
    kill(process, pool)
    resume(program, pool, large, state, sr)
    first, second = pool.transfers()
    assert second["body_in"] < SIZE - 28 * MIB


def test_what_was_gone_on_with_is_read_back(program, pool, large, state):
    """Somebody has written to the disk in between."""
    process = begun(program, pool, large, state)
    process.send_signal(signal.SIGTERM)
    end(process, 143)
    uuid, = pool.disks
    pool.sim.write_vdi(vdi=uuid, offset=4 * MIB, length=4096, seed=1)
    result = program("copy", large, pool.sr("nfs"), "--state", state, "--resume", *pool.login,
                     status=3)
    assert "what is read back is not what was written" in result.line
    assert "4194304" in result.line
    assert not state.exists()
    pool.nothing_left()


@pytest.mark.parametrize("seed", range(3))
def test_killed_anywhere(program, pool, large, state, seed):
    """Each run is killed somewhere behind where the last one was, and the next goes on."""
    draw = random.Random(seed)
    sr = draw.choice(["nfs", "rawlv"])
    for at in sorted(draw.randrange(126 * MIB) for _ in range(2)):
        pool.sim.set_fault(on="import", do="stall", at=at // 2)
        process = program.start("copy", large, pool.sr(sr), "--state", state, "--resume",
                                *pool.login)
        pool.sim.wait_transfer(moved=at // 2)
        kill(process, pool)
        pool.sim.clear_faults()
    resume(program, pool, large, state, sr)


def test_killed_before_the_first_checkpoint(program, pool, large, state):
    process = begun(program, pool, large, state, at=3 * MIB)
    kill(process, pool)
    resume(program, pool, large, state)


@pytest.mark.parametrize("number, status", [("INT", 130), ("TERM", 143)])
def test_a_signal_keeps_the_disk(program, pool, large, state, number, status):
    process = begun(program, pool, large, state)
    process.send_signal(getattr(signal, "SIG" + number))
    result = end(process, status)
    uuid, = pool.disks
    assert "VDI %s is kept: the same command with --resume goes on" % uuid in result.lines[-1]
    assert marks(pool)["vhdstream:state"] == str(state)
    resume(program, pool, large, state)


def test_tries_used_up_keep_the_disk(program, pool, large, state):
    pool.sim.set_fault(on="import", do="reset", at=120 * MIB)
    result = program("copy", large, pool.sr("nfs"), "--state", state, *pool.login, status=75)
    assert "is kept" in result.line
    assert json.loads(state.read_text())["blocks"] >= 40
    resume(program, pool, large, state)


def test_what_cannot_pass_keeps_nothing(program, pool, large, state):
    pool.sim.set_fault(on="import", do="verdict", task="failure",
                       error=["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""])
    program("copy", large, pool.sr("nfs"), "--state", state, *pool.login, status=6)
    assert not state.exists()
    pool.nothing_left()


def test_success_leaves_no_state(program, pool, large, state):
    program("copy", large, pool.sr("nfs"), "--state", state, *pool.login)
    assert not state.exists() and marks(pool) == {}


def test_nothing_to_go_on_with(program, pool, large, state):
    result = program("copy", large, pool.sr("nfs"), "--state", state, "--resume", *pool.login)
    assert "there is no such file, so the transfer begins at its beginning" in result.line


# --- what is refused; the disk stays for whoever has it right ------------------------------


@pytest.fixture
def left(program, pool, large, state):
    """A disk that waits to be gone on with."""
    process = begun(program, pool, large, state)
    process.send_signal(signal.SIGTERM)
    end(process, 143)
    uuid, = pool.disks
    return uuid


def test_state_without_resume(program, pool, large, state, left):
    result = program("copy", large, pool.sr("nfs"), "--state", state, *pool.login, status=2)
    assert "remove the file to begin another" in result.err
    assert list(pool.disks) == [left] and state.exists()


def test_resume_without_state(program, pool, large):
    result = program("copy", large, pool.sr("nfs"), "--resume", *pool.login, status=2)
    assert "--resume needs --state FILE" in result.err


def test_another_destination(program, pool, large, state, left):
    result = program("copy", large, pool.sr("lvhd"), "--state", state, "--resume", *pool.login,
                     status=2)
    assert pool.sr("nfs") in result.err and list(pool.disks) == [left]


def test_another_source(program, pool, disk, state, left):
    result = program("copy", disk, pool.sr("nfs"), "--state", state, "--resume", *pool.login,
                     status=1)
    assert "has changed since" in result.line and "is kept" in result.line
    assert list(pool.disks) == [left] and state.exists()


def test_disk_that_is_gone(program, pool, large, state, left):
    pool.sim.destroy_vdi(vdi=left)
    result = program("copy", large, pool.sr("nfs"), "--state", state, "--resume", *pool.login,
                     status=4)
    assert left in result.line


def test_disk_that_was_completed_otherwise(program, pool, large, state, left):
    text = json.loads(state.read_text())
    text["run"] = "00000000-0000-4000-8000-000000000000"
    state.write_text(json.dumps(text))
    result = program("copy", large, pool.sr("nfs"), "--state", state, "--resume", *pool.login,
                     status=1)
    assert "no longer that of the run" in result.line and list(pool.disks) == [left]


@pytest.mark.parametrize("text", [
    "", "{}", "[" * 5000, "x" * 100000, '{"vhdstream_state": 2}', "\0\0\0\0"])
def test_no_state(program, pool, large, state, text):
    state.write_text(text)
    result = program("copy", large, pool.sr("nfs"), "--state", state, "--resume", *pool.login,
                     status=3)
    assert "not the state of a transfer" in result.line
    pool.nothing_left()


def test_more_blocks_than_there_are(program, pool, large, state, left):
    text = json.loads(state.read_text())
    text["blocks"] = 64
    state.write_text(json.dumps(text))
    result = program("copy", large, pool.sr("nfs"), "--state", state, "--resume", *pool.login,
                     status=3)
    assert "64 blocks have arrived, of a disk that has 63" in result.line


def test_state_that_cannot_be_written(program, pool, large):
    program("copy", large, pool.sr("nfs"), "--state", "/proc/no/file", *pool.login, status=4)
    pool.nothing_left()


def test_state_is_for_pools(program, large, tmp_path, state):
    result = program("copy", large, tmp_path / "o.vhd", "--state", state, status=2)
    assert "only a transfer into a pool" in result.err
