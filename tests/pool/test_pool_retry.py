# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What may pass is tried again; a transfer that broke goes on where it was."""

import hashlib
import os
import signal

import pytest

from disk_rig import MIB, noise, qemu_compare, raw_file, vhd_file
from program_rig import end, wait_until

SIZE = 96 * MIB
AGAIN = ["--retries", "3", "--retry-delay", "0"]
BREAKS = ["reset", "close"]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A raw disk of 96 MiB: 70 of them full, then a hole, and its last sector."""
    return raw_file(tmp_path_factory.mktemp("large") / "large.raw", SIZE,
                    [(0, noise("large", 70 * MIB)), (SIZE - 512, noise("last", 512))])


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory):
    """The same size as a VHD whose blocks come in no order."""
    blocks = {n: noise("block %d" % n, 2 * MIB) for n in
              [40, 3, 17, 2, 30, 5, 29, 11, 47, 8, 1, 33, 22, 14, 9, 38, 25, 6, 45, 19, 0, 35]}
    return vhd_file(tmp_path_factory.mktemp("shuffled") / "shuffled.vhd", SIZE, blocks)


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sent(pool):
    """How many bytes of the body each import took."""
    return [e["body_in"] for e in pool.transfers()]


@pytest.mark.parametrize("do", BREAKS)
@pytest.mark.parametrize("sr", ["nfs", "lvhd", "rawlv"])
def test_import_goes_on_after_a_break(program, pool, large, sr, do):
    pool.sim.set_fault(on="import", do=do, at=60 * MIB)
    uuid, = program("copy", large, pool.sr(sr), *pool.login, *AGAIN).text.split()
    assert list(pool.disks) == [uuid]
    assert pool.digest(uuid) == sha256(large)
    first, second = sent(pool)
    assert first == 60 * MIB and second < SIZE - 20 * MIB
    pool.sim.destroy_vdi(vdi=uuid)
    pool.nothing_left()


def test_import_that_went_on_is_verified(program, pool, large):
    pool.sim.set_fault(on="import", do="reset", at=60 * MIB)
    result = program("copy", large, pool.sr("nfs"), "--json", *pool.login, *AGAIN)
    assert result.json["verified"] is True
    assert len(pool.transfers("export")) == 1


def test_two_breaks_and_the_second_goes_further(program, pool, large):
    # What is on the way when the first one breaks leaves the second 44 MiB to send.
    pool.sim.set_fault(on="import", do="reset", at=34 * MIB)
    pool.sim.set_fault(on="import", do="reset", at=44 * MIB, nth=2)
    uuid, = program("copy", large, pool.sr("nfs"), *pool.login, *AGAIN).text.split()
    assert pool.digest(uuid) == sha256(large)
    first, second, third = [int(e["content_length"]) for e in pool.transfers()]
    assert third < second < first


@pytest.mark.parametrize("sr, most", [("nfs", 44 * MIB), ("rawlv", SIZE)])
def test_blocks_in_no_order_go_on(program, pool, shuffled, sr, most, tmp_path):
    pool.sim.set_fault(on="import", do="reset", at=41 * MIB)
    uuid, = program("copy", shuffled, pool.sr(sr), *pool.login, *AGAIN).text.split()
    raw = tmp_path / "a.raw"
    program("copy", shuffled, raw)
    assert pool.digest(uuid) == sha256(raw)
    assert sent(pool)[1] < most - 6 * MIB


def test_existing_disk_goes_on(program, pool, large):
    old = raw_file(str(large) + ".old", SIZE, [(0, noise("old", SIZE))])
    uuid = pool.make_disk("nfs", SIZE, old)
    pool.remember()
    pool.sim.set_fault(on="import", do="reset", at=90 * MIB)
    program("copy", large, pool.vdi(uuid), "--force", *pool.login, *AGAIN)
    assert pool.digest(uuid) == sha256(large)
    assert sent(pool)[1] < 60 * MIB
    pool.nothing_left()


def test_failed_task_after_the_last_byte(program, pool, large):
    """All was sent, and yet the server says that its child saw an error."""
    pool.sim.set_fault(on="import", do="reset", at="end", task="failure",
                       error=["VDI_IO_ERROR", "Device I/O errors"])
    uuid, = program("copy", large, pool.sr("nfs"), *pool.login, *AGAIN).text.split()
    assert pool.digest(uuid) == sha256(large)


def test_tries_are_counted_and_nothing_stays(program, pool, disk):
    pool.sim.set_fault(on="import", do="reset", at=3 * MIB, times=-1)
    result = program("copy", disk, pool.sr("nfs"), *pool.login, *AGAIN, status=75)
    assert len(pool.transfers()) == 4
    assert [l.rpartition("; ")[2] for l in result.lines] == [
        "trying again in 0 s (1 of 3)", "trying again in 0 s (2 of 3)",
        "trying again in 0 s (3 of 3)", "tried 4 times"]
    pool.nothing_left()


def test_what_does_not_pass_is_not_tried_again(program, pool, disk):
    pool.sim.set_fault(on="import", do="status", status=403, times=-1)
    program("copy", disk, pool.sr("nfs"), *pool.login, *AGAIN, status=5)
    assert len(pool.transfers()) == 1


def test_a_pipe_is_not_read_twice(program, pool, disk):
    pool.sim.set_fault(on="import", do="reset", at=3 * MIB)
    with open(disk, "rb") as file:
        result = program("copy", "-", pool.sr("nfs"), "--from", "raw", "--size", 20 * MIB,
                         *pool.login, *AGAIN, stdin=file.read(), status=75)
    assert "not tried again, since a pipe cannot be read twice" in result.line
    pool.nothing_left()


def test_a_pipe_waits_for_a_pool_that_is_not_there_yet(program, pool, disk):
    """Nothing of it was read, so nothing is lost."""
    pool.sim.set_fault(on="rpc", match={"method": "session.login.*"}, do="reset")
    with open(disk, "rb") as file:
        program("copy", "-", pool.sr("nfs"), "--from", "raw", "--size", 20 * MIB,
                *pool.login, *AGAIN, stdin=file.read())


def test_pause_can_be_stopped(program, pool, disk):
    pool.sim.set_fault(on="import", do="reset", at=3 * MIB, times=-1)
    process = program.start("copy", disk, pool.sr("nfs"), *pool.login, "--retries", "3",
                            "--retry-delay", "3600")
    wait_until(lambda: len(pool.sim.rpc_calls("task.destroy")) == 1, "the end of the first try")
    process.send_signal(signal.SIGINT)
    end(process, 130)
    pool.nothing_left()


def test_a_pool_that_is_waited_for_is_told(program, pool, disk):
    """All was sent, and nobody says whether it was taken: that may take a quarter of an hour."""
    pool.sim.set_fault(on="rpc", match={"method": "task.get_record"}, do="close", times=-1)
    process = program.start("copy", disk, pool.sr("nfs"), *pool.login)
    line = process.stderr.readline().decode()
    assert "the verdict of the server's task is waited for, 900 seconds at most" in line
    pool.sim.clear_faults()
    end(process, 0)
    pool.remember()


def test_changed_source_is_not_mixed(program, pool, large, tmp_path):
    """Between two tries the file was written anew: what was sent is of no use."""
    path = tmp_path / "a.raw"
    path.write_bytes(large.read_bytes())
    pool.sim.set_fault(on="import", do="stall", at=60 * MIB)
    process = program.start("copy", path, pool.sr("nfs"), *pool.login, *AGAIN)
    pool.sim.wait_transfer(moved=60 * MIB)
    raw_file(path, SIZE, [(10 * MIB, noise("other", MIB))])
    pool.sim.drop_connections(host="one")
    assert "has changed since" in end(process, 1).lines[-1]
    pool.nothing_left()


@pytest.mark.parametrize("do", BREAKS)
@pytest.mark.parametrize("at", [100, 1000, 30 * MIB, -1])
def test_export_goes_on_after_a_break(program, pool, large, tmp_path, do, at):
    uuid = pool.make_disk("nfs", SIZE, large)
    pool.remember()
    pool.sim.set_fault(on="export", do=do, at=at)
    out = tmp_path / "out.vhd"
    program("copy", pool.vdi(uuid), out, *pool.login, *AGAIN)
    qemu_compare(str(out), str(large))
    assert len(pool.transfers("export")) == 2
    pool.nothing_left()


def test_export_to_a_pipe_goes_on(program, pool, large):
    """What was written to it is not written again."""
    uuid = pool.make_disk("nfs", SIZE, large)
    pool.sim.set_fault(on="export", do="reset", at=30 * MIB)
    out = program("copy", pool.vdi(uuid), "-", "--to", "raw", *pool.login, *AGAIN).out
    assert out == large.read_bytes()


def test_export_of_a_snapshot_goes_on_with_that_snapshot(program, pool, large, tmp_path):
    uuid = pool.make_disk("nfs", SIZE, large)
    pool.remember()
    pool.sim.set_fault(on="export", do="reset", at=30 * MIB)
    program("copy", pool.vdi(uuid), tmp_path / "o.raw", "--snapshot", *pool.login, *AGAIN)
    assert len(pool.sim.rpc_calls("VDI.snapshot")) == 1
    assert sha256(tmp_path / "o.raw") == sha256(large)
    pool.nothing_left()


def test_export_of_a_disk_that_changed_is_not_mixed(program, pool, large, tmp_path):
    uuid = pool.make_disk("nfs", SIZE, large)
    pool.sim.set_fault(on="export", do="stall", at=60 * MIB)
    process = program.start("copy", pool.vdi(uuid), tmp_path / "o.raw", *pool.login, *AGAIN)
    pool.sim.wait_transfer(moved=50 * MIB)
    pool.sim.write_vdi(vdi=uuid, offset=4 * MIB, length=4096, seed=1)
    pool.sim.drop_connections(host="one")
    assert "has changed while it was read" in end(process, 1).lines[-1]
    assert not (tmp_path / "o.raw").exists()


def test_pool_to_pool_with_breaks_on_both_sides(program, pool, large):
    uuid = pool.make_disk("nfs", SIZE, large)
    pool.sim.set_fault(on="export", do="reset", at=30 * MIB)
    pool.sim.set_fault(on="import", do="reset", at=50 * MIB)
    new, = program("copy", pool.vdi(uuid), pool.sr("lvhd"), *pool.login, *AGAIN).text.split()
    assert pool.digest(new) == sha256(large)


def test_host_that_is_away_for_a_while(program, pool, disk):
    pool.sim.host_down(host="one")
    process = program.start("copy", disk, pool.sr("nfs"), *pool.login, "--retries", "1000",
                            "--retry-delay", "0")
    wait_until(lambda: b"1 of" in process.stderr.readline(), "a failed try")
    pool.sim.host_up(host="one")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert list(pool.disks) == out.decode().split()


@pytest.mark.parametrize("hearts", [1, 2], ids=["import", "snapshot"])
def test_the_heart_beats_while_it_waits_for_the_next_try(program, pool, large, hearts):
    """Its thread is there, beside those of the program and of its signals; a
    snapshot of the source has a heart of its own."""
    source = [large]
    if hearts == 2:
        source = [pool.vdi(pool.make_disk("nfs", SIZE, large)), "--snapshot"]
    pool.sim.set_fault(on="import", do="reset", at=8 * MIB)
    pool.remember()
    process = program.start("copy", *source, pool.sr("nfs"), *pool.login, "--retries=1",
                            "--retry-delay=3600")
    assert b"trying again in 3600 s" in process.stderr.readline()
    wait_until(lambda: len(os.listdir("/proc/%d/task" % process.pid)) == 2 + hearts, "its hearts")
    process.send_signal(signal.SIGINT)
    end(process, 130)
    pool.nothing_left()


# -- a session that is lost between a call and the request of a disk ------------------


def forgotten_at_the_request(program, pool, on, *words, nth=1, **more):
    """The pool forgets all sessions while the request stands before its door."""
    pool.sim.set_fault(on=on, do="stall", at="head", seconds=3600, nth=nth)
    process = program.start("copy", *pool.login, *words, **more)
    wait_until(lambda: pool.sim.faults()[-1]["fired"], "the request")
    pool.sim.remove_all_sessions()
    pool.sim.advance_clock(seconds=3600)
    return process


def test_an_import_logs_in_again(program, pool, large):
    with open(large, "rb") as file:
        process = forgotten_at_the_request(program, pool, "import", "-", pool.sr("nfs"),
                                           "--size", str(SIZE), "--from=raw", "--retries=0",
                                           stdin=file)
        result = end(process, 0)
    uuid, = result.text.split()
    assert pool.digest(uuid) == sha256(large)
    pool.sim.destroy_vdi(vdi=uuid)
    pool.nothing_left()


def test_an_export_that_is_opened_again_logs_in_again(program, pool, large, tmp_path):
    uuid = pool.make_disk("nfs", SIZE, large)
    pool.remember()
    pool.sim.set_fault(on="export", do="reset", at=30 * MIB)
    process = forgotten_at_the_request(program, pool, "export", pool.vdi(uuid), tmp_path / "o.raw",
                                       *AGAIN, nth=2)
    end(process, 0)
    assert sha256(tmp_path / "o.raw") == sha256(large)
    pool.nothing_left()


def test_a_password_that_no_longer_holds(program, pool, large):
    """Logging in again is refused: that cannot pass, and what the run made stays."""
    pool.sim.set_fault(on="rpc", do="answer", nth=2, times=-1,
                       match={"method": "session.login_with_password"},
                       text='{"jsonrpc":"2.0","id":1,"error":{"code":1,'
                            '"message":"SESSION_AUTHENTICATION_FAILED","data":["root",""]}}')
    process = forgotten_at_the_request(program, pool, "import", large, pool.sr("nfs"), *AGAIN)
    result = end(process, 7)
    assert "401" in result.lines[-1] and "left behind: VDI" in result.lines[-1]
    assert len(pool.transfers()) == 1
