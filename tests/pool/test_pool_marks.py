# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A disk that is not complete carries marks; one that is complete carries none."""

import os
import re
import signal

import pytest

from disk_rig import MIB, noise, raw_file
from program_rig import end, killed_by, wait_until

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def begun(program, pool, disk, *more):
    """An import that stands still at 3 MiB, and the marks of its disk."""
    pool.sim.set_fault(on="import", do="stall", at=3 * MIB)
    process = program.start("copy", disk, pool.sr("nfs"), *pool.login, *more)
    pool.sim.wait_transfer(moved=2 * MIB)
    vdi, = pool.disks.values()
    return process, vdi


def bytes_read(pid):
    with open("/proc/%d/io" % pid, encoding="ascii") as file:
        return int(file.readline().split()[1])


def test_marks_while_it_runs(program, pool, disk):
    process, vdi = begun(program, pool, disk)
    marks = vdi["other_config"]
    process.send_signal(signal.SIGINT)
    end(process, 130)
    assert re.fullmatch(UUID, marks["vhdstream:run"])
    assert re.fullmatch(r"vhdstream \d+\.\d+\.\d+", marks["vhdstream:program"])
    assert marks["vhdstream:host"] == os.uname().nodename
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", marks["vhdstream:start"])


def test_marks_are_there_from_the_first_moment(program, pool, disk):
    """Not added afterwards: a kill between the two would leave a disk that nobody knows."""
    program("copy", disk, pool.sr("nfs"), *pool.login)
    record = pool.sim.rpc_calls("VDI.create")[0]["params"][1]
    assert "vhdstream:run" in record["other_config"]


def test_no_marks_after_success(program, pool, disk):
    uuid = program("copy", disk, pool.sr("nfs"), *pool.login).text.strip()
    assert pool.marks(uuid) == {}


def test_kill_9_leaves_a_disk_with_marks(program, pool, disk):
    process, _ = begun(program, pool, disk)
    process.kill()
    process.communicate(timeout=30)
    assert process.returncode == killed_by("KILL")
    pool.sim.wait_quiet()
    vdi, = pool.disks.values()
    assert "vhdstream:run" in vdi["other_config"]


def test_kill_9_is_seen_by_a_server_that_reads_no_more(program, pool, tmp_path):
    """The pipes to it are full, so an end would wait behind what was sent; a reset does not."""
    full = raw_file(tmp_path / "full.raw", 64 * MIB, [(0, noise("full", 64 * MIB))])
    process, _ = begun(program, pool, full)
    read = [0]

    def stands_still():
        read.append(bytes_read(process.pid))
        return read[-1] == read[-30:][0] > 0
    wait_until(stands_still, "the program to stand still")
    process.kill()
    process.communicate(timeout=30)
    pool.sim.wait_quiet()
    assert pool.transfer()["link"] == "the client left during a stall"


def test_marks_of_a_snapshot(program, pool, disk, tmp_path):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.remember()
    pool.sim.set_fault(on="export", do="stall", at=3 * MIB)
    process = program.start("copy", pool.vdi(uuid), tmp_path / "o.vhd", "--snapshot", *pool.login)
    pool.sim.wait_transfer(moved=2 * MIB)
    snapshot, = [v for u, v in pool.disks.items() if u != uuid]
    process.send_signal(signal.SIGINT)
    end(process, 130)
    assert "vhdstream:run" in snapshot["other_config"]
    assert pool.marks(uuid) == {}
    pool.nothing_left()


def test_mark_that_cannot_be_removed_is_told(program, pool, disk):
    """The disk is complete, and stays; what to do about the mark is said."""
    pool.sim.set_fault(on="rpc", match={"method": "VDI.remove_from_other_config"}, do="error",
                       times=-1, error=["RBAC_PERMISSION_DENIED", "x", "y"])
    result = program("copy", disk, pool.sr("nfs"), *pool.login, status=7)
    uuid, = pool.disks
    assert uuid in result.line and "xe vdi-param-remove" in result.line


@pytest.mark.parametrize("answer", ["reset", "close"])
def test_lost_answer_to_the_making_of_the_disk(program, pool, disk, answer):
    """It was made, but its ref never came: it is found by its mark and destroyed."""
    pool.sim.set_fault(on="rpc", match={"method": "VDI.create"}, do=answer, when="after")
    program("copy", disk, pool.sr("nfs"), *pool.login, status=75)
    pool.nothing_left()


def test_lost_answer_destroys_no_disk_of_others(program, pool, disk):
    theirs = pool.make_disk("nfs", 20 * MIB, label="a")
    pool.remember()
    pool.sim.set_fault(on="rpc", match={"method": "VDI.create"}, do="reset", when="after")
    program("copy", disk, pool.sr("nfs"), *pool.login, status=75)
    assert list(pool.disks) == [theirs]
    pool.nothing_left()
