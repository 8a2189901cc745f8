# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Signals: the first SIGINT or SIGTERM stops and cleans up, the second quits at once."""

import os
import re
import signal
import subprocess

import pytest

from disk_rig import MIB, noise, raw_file
from program_rig import end, wait_until

DATA = noise("signals", 8 * MIB)
STOPPING = "stopping: cleaning up (once more to quit at once)"
BOTH = pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


@pytest.fixture
def disk(tmp_path):
    os.mkdir(tmp_path / "in")
    return raw_file(tmp_path / "in" / "a.raw", len(DATA), [(0, DATA)])


def waits_for_input(program, *args, **more):
    """A copy that has read some megabytes of standard input and waits for more."""
    process = program.start("copy", "-", *args, "--from=raw", "--size=%d" % len(DATA),
                            stdin=subprocess.PIPE, **more)
    process.stdin.write(DATA[:5 * MIB])
    process.stdin.flush()
    return process


def stopped(process, status):
    process.wait(timeout=60)        # with its input still open: an end of that is another thing
    result = end(process, status)
    assert result.lines[0] == STOPPING
    return result


@BOTH
@pytest.mark.parametrize("name", ["o.raw", "o.vhd", "o.tgz"])
def test_stopped_while_it_waits_for_input(program, tmp_path, number, status, name):
    process = waits_for_input(program, tmp_path / name)
    process.send_signal(number)
    result = stopped(process, status)
    assert len(result.lines) == 2 and os.listdir(tmp_path) == []


@BOTH
def test_stopped_while_nobody_reads_its_output(program, disk, number, status):
    process = program.start("copy", disk, "-", "--to=raw")
    process.stdout.read(1)
    process.send_signal(number)
    stopped(process, status)


@BOTH
def test_stopped_while_a_fifo_has_no_other_end(program, tmp_path, number, status):
    os.mkfifo(tmp_path / "fifo")
    process = program.start("copy", tmp_path / "fifo", tmp_path / "o.vhd", "--from=vhd")
    wait_until(lambda: len(os.listdir("/proc/%d/task" % process.pid)) > 1, "the watcher")
    process.send_signal(number)
    stopped(process, status)
    assert os.listdir(tmp_path) == ["fifo"]


@BOTH
def test_stopped_import(program, pool, disk, number, status):
    pool.sim.set_fault(on="import", do="stall", at=3 * MIB)
    process = program.start("copy", disk, pool.sr("nfs"), *pool.login)
    pool.sim.wait_transfer(moved=2 * MIB)
    process.send_signal(number)
    result = stopped(process, status)
    assert result.out == b""
    pool.nothing_left()


@BOTH
def test_stopped_export(program, pool, disk, tmp_path, number, status):
    uuid = pool.make_disk("nfs", len(DATA), disk)
    pool.remember()
    pool.sim.set_fault(on="export", do="stall", at=3 * MIB)
    process = program.start("copy", pool.vdi(uuid), tmp_path / "o.tgz", *pool.login)
    pool.sim.wait_transfer(moved=2 * MIB)
    process.send_signal(number)
    stopped(process, status)
    pool.nothing_left()
    assert os.listdir(tmp_path / "in") == ["a.raw"] and not (tmp_path / "o.tgz").exists()


def test_stopped_while_the_task_is_pending(program, pool, disk):
    """All bytes are through and the server detaches: the disk is not given away as complete."""
    pool.sim.set_fault(on="import", do="stall", at="end")
    process = program.start("copy", disk, pool.sr("nfs"), *pool.login)
    pool.sim.wait_transfer(moved=len(DATA))
    process.send_signal(signal.SIGINT)
    stopped(process, 130)
    pool.nothing_left()


def test_stopped_copy_from_pool_to_pool(program, pool, disk):
    uuid = pool.make_disk("nfs", len(DATA), disk)
    pool.remember()
    pool.sim.set_fault(on="import", do="stall", at=3 * MIB)
    process = program.start("copy", pool.vdi(uuid), pool.sr("lvhd"), *pool.login)
    pool.sim.wait_transfer(moved=3 * MIB)
    process.send_signal(signal.SIGTERM)
    stopped(process, 143)
    pool.nothing_left()


def test_second_signal_quits_at_once(program, pool, disk):
    """While cleaning up waits for a disk that stays in use."""
    pool.sim.set_fault(on="import", do="stall", at=3 * MIB)
    pool.sim.set_fault(on="rpc", match={"method": "VDI.destroy"}, do="error", times=-1,
                       error=["VDI_IN_USE", "x", "destroy"])
    process = program.start("copy", disk, pool.sr("nfs"), *pool.login)
    pool.sim.wait_transfer(moved=3 * MIB)
    process.send_signal(signal.SIGINT)
    wait_until(lambda: pool.sim.rpc_calls("VDI.destroy"), "an attempt to destroy")
    process.send_signal(signal.SIGINT)
    result = end(process, 130)
    assert result.lines == [STOPPING]
    assert len(pool.disks) == 1


def test_stopped_copy_says_so_even_if_quiet(program, tmp_path):
    process = waits_for_input(program, tmp_path / "o.raw", "-q")
    process.send_signal(signal.SIGINT)
    stopped(process, 130)


def test_ignored_interrupts_stay_ignored(program, tmp_path):
    """As nohup and background jobs of a shell want it."""
    ignore = lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)       # noqa: E731
    process = waits_for_input(program, tmp_path / "o.raw", preexec_fn=ignore)
    process.send_signal(signal.SIGINT)
    process.stdin.write(DATA[5 * MIB:])
    end(process, 0)
    assert (tmp_path / "o.raw").read_bytes() == DATA


def test_sigusr1_prints_a_line(program, tmp_path):
    process = waits_for_input(program, tmp_path / "o.raw")
    wait_until(lambda: usr1_is_taken(process.pid), "SIGUSR1 to be taken")
    process.send_signal(signal.SIGUSR1)
    line = process.stderr.readline().decode()
    assert re.fullmatch(r"vhdstream: +\d+\.\d %  [\d.]+ [kM]?B read, [\d.]+ [kM]?B written, "
                        r"[\d.]+ [kMG]?B/s, [-\d:]+ left, [\d.]+ [kM]?B empty\n", line), line
    process.stdin.write(DATA[5 * MIB:])
    end(process, 0)
    assert (tmp_path / "o.raw").read_bytes() == DATA


def usr1_is_taken(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        blocked = re.search(r"SigBlk:\s*(\w+)", file.read()).group(1)
    return int(blocked, 16) >> (signal.SIGUSR1 - 1) & 1


def test_stopped_and_continued(program, tmp_path):
    """Ctrl-Z and fg."""
    process = waits_for_input(program, tmp_path / "o.raw")
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGCONT)
    process.stdin.write(DATA[5 * MIB:])
    end(process, 0)
    assert (tmp_path / "o.raw").read_bytes() == DATA
