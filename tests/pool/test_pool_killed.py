# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""SIGKILL anywhere in an import: `clean` leaves nothing of it, and --resume makes it whole.

Where is counted in calls and bytes at the pool. $VHDSTREAM_KILLS says how many places are drawn;
./dev soak sets it.
"""

import hashlib
import os
import random

import pytest

from program_rig import end, wait_until

MIB = 1 << 20
DAY = 86400
KILLS = range(int(os.environ.get("VHDSTREAM_KILLS", "4")))
CALLS = 26      # about as many as a run makes


def draw_place(draw):
    """A call, before it is carried out or when its answer is lost, or a byte of the body."""
    if draw.random() < 0.4:
        return {"on": "import", "at": draw.randrange(8 * MIB)}
    return {"on": "rpc", "nth": draw.randrange(1, CALLS),
            "when": draw.choice(["before", "after"])}


def run_killed(program, pool, place, *words):
    """Runs it up to there; nobody logs out, and a pool forgets sessions in time."""
    fault = pool.sim.set_fault(do="stall", **place)
    process = program.start("copy", *words, *pool.login)
    if "nth" in place:
        wait_until(lambda: process.poll() is not None or pool.sim.faults()[0]["fired"],
                   "the call %s (%s)" % (place, fault))
    else:
        pool.sim.wait_transfer(moved=place["at"])
    process.kill()
    process.communicate(timeout=30)
    pool.sim.clear_faults()
    pool.sim.wait_quiet()
    days_go_by(pool)


def days_go_by(pool):
    """The pool ends sessions that nobody uses, and tasks that get no further."""
    pool.sim.remove_all_sessions()
    for _ in range(3):
        pool.sim.advance_clock(seconds=DAY)


def clean(program, pool, *words):
    return program("clean", pool.place("").rstrip("/"), *pool.password, *words)


def is_left(vdi):
    return "vhdstream:run" in vdi["other_config"]


def clean_all(program, pool, *words):
    """A request that was on its way when the run was killed may hold the disk for a moment."""
    def is_clean():
        clean(program, pool, *words)
        return not any(is_left(vdi) for vdi in pool.disks.values())
    wait_until(is_clean, "clean leaves nothing")


def take_whole(pool, disk):
    """Disks that were complete when the run was killed have all of the content."""
    for uuid, vdi in list(pool.disks.items()):
        if not is_left(vdi):
            assert pool.digest(uuid) == hashlib.sha256(disk.read_bytes()).hexdigest()
            pool.sim.destroy_vdi(vdi=uuid)


@pytest.mark.parametrize("seed", KILLS)
def test_clean_leaves_nothing(program, pool, disk, seed):
    draw = random.Random(seed)
    run_killed(program, pool, draw_place(draw), disk, pool.sr(draw.choice(["nfs", "rawlv"])))
    clean_all(program, pool)
    take_whole(pool, disk)
    days_go_by(pool)
    pool.nothing_left()


@pytest.mark.parametrize("seed", KILLS)
def test_with_a_state_file(program, pool, disk, tmp_path, seed):
    """`clean` spares it; --resume makes it whole, unless it was. What was made before there was
    a state file goes by --force."""
    draw = random.Random("state %d" % seed)
    words = [disk, pool.sr(draw.choice(["nfs", "rawlv"])), "--state", tmp_path / "state"]
    run_killed(program, pool, draw_place(draw), *words)
    before = pool.disks
    whole = [uuid for uuid, vdi in before.items() if not is_left(vdi)]
    clean(program, pool)
    assert set(pool.disks) == set(before)
    resumed = program("copy", *words, "--resume", *pool.login, status=None)
    if whole and resumed.status:
        assert "is complete" in resumed.lines[-1]
    else:
        assert resumed.status == 0, resumed.err
        assert not is_left(pool.disks[resumed.text.strip()])
        assert not (tmp_path / "state").exists()
    take_whole(pool, disk)
    clean_all(program, pool, "--force", "--older-than", "0m")
    days_go_by(pool)
    pool.nothing_left()


def test_clean_while_a_resume_runs(program, pool, disk, tmp_path):
    words = [disk, pool.sr("nfs"), "--state", tmp_path / "state"]
    run_killed(program, pool, {"on": "import", "at": 5 * MIB}, *words)
    pool.sim.set_fault(on="import", do="stall", at=4 * MIB, seconds=3600)
    process = program.start("copy", *words, "--resume", *pool.login)
    pool.sim.wait_transfer(moved=4 * MIB)
    for more in ([], ["--force"]):
        clean(program, pool, "--older-than", "0m", *more)
        assert len(pool.disks) == 1 and len(pool.sim.state()["tasks"]) == 1
    pool.sim.advance_clock(seconds=3600)
    end(process, 0)
    take_whole(pool, disk)
    pool.nothing_left()
