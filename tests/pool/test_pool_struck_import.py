# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Imports that are struck: the right status, a telling sentence, and nothing left over there."""

import re

import pytest

from disk_rig import BLOCK, MIB, noise, raw_file, vhd_file

# A VHD of 20 MiB with 5 blocks: head, BAT, first block, inside, footer.
HEAD, TABLE, BITMAP, INSIDE, FOOTER, LAST = 700, 1540, 2100, 5 * MIB, -300, -1
PLACES = [0, HEAD, TABLE, BITMAP, INSIDE, FOOTER, LAST]
SRS = ["nfs", "rawlv"]
BYTES = noise("silence", 8 * MIB)
FULL = ["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""]


def struck(program, pool, disk, ends, sr="nfs", args=(), **fault):
    """A copy whose import is struck; what it said."""
    pool.sim.set_fault(on="import", **fault)
    result = program("copy", disk, pool.sr(sr), *pool.login, *args, status=ends)
    assert result.status != 0
    assert result.out == b"" and len(result.lines) == 1
    pool.nothing_left()
    return result.line


@pytest.mark.parametrize("sr", SRS)
@pytest.mark.parametrize("at", PLACES + ["end"])
def test_late_failure_of_the_server(program, pool, disk, sr, at):
    line = struck(program, pool, disk, 1, sr, do="error", at=at,
                  error=["VDI_IO_ERROR", "Device I/O errors"])
    assert "VDI_IO_ERROR" in line


@pytest.mark.parametrize("do", ["close", "reset"])
@pytest.mark.parametrize("sr", SRS)
@pytest.mark.parametrize("at", PLACES)
def test_connection_that_ends_early(program, pool, disk, do, sr, at):
    struck(program, pool, disk, 75, sr, do=do, at=at)


def test_blocks_of_a_break_are_told(program, pool, tmp_path):
    """Of a disk that is larger than what the buffers of both systems hold."""
    path = raw_file(tmp_path / "a.raw", 96 * MIB, [(i * 8 * MIB, BYTES) for i in range(12)])
    line = struck(program, pool, path, 75, do="reset", at=20 * MIB)
    told = re.search(r"; (\d+) of 48 blocks were through", line)
    assert 9 <= int(told[1]) < 48


@pytest.mark.parametrize("do", ["close", "reset"])
def test_connection_that_ends_before_the_answer(program, pool, disk, do):
    struck(program, pool, disk, 75, do=do, at="head")


def test_connection_that_is_cut_without_farewell(program, pool, disk):
    pool.sim.set_fault(on="import", do="close", notify=False, at=INSIDE)
    program("copy", disk, pool.sr("nfs", tls=True), "--cacert", pool.sim.ca_bundle, *pool.login,
            status=75)
    pool.nothing_left()


@pytest.mark.parametrize("do", ["close", "reset"])
def test_connection_that_ends_after_the_last_byte(program, pool, disk, do):
    """The server noticed nothing and has the whole disk: its task decides."""
    pool.sim.set_fault(on="import", do=do, at="end")
    result = program("copy", disk, pool.sr("nfs"), *pool.login, status=None)
    if result.status:
        pool.nothing_left()
    else:
        assert list(pool.disks) == [result.text.strip()]


@pytest.mark.parametrize("at", ["head", 0, 20 * MIB])
def test_silence(program, pool, tmp_path, at):
    """A disk that is larger than what waits unseen in the buffers of both systems."""
    path = raw_file(tmp_path / "a.raw", 96 * MIB, [(i * 8 * MIB, BYTES) for i in range(12)])
    line = struck(program, pool, path, 75, do="stall", at=at, seconds=250, args=["--timeout", "1"])
    assert " 1 s" in line, line


def test_server_that_takes_its_time_after_the_last_byte(program, pool, disk):
    """Detaching may last minutes: that is no silence to give up at."""
    pool.sim.set_fault(on="import", do="stall", at="end", seconds=250)
    program("copy", disk, pool.sr("nfs"), *pool.login, "--timeout", "1")


@pytest.mark.parametrize("error, status", [
    (FULL, 6), (["VDI_TOO_LARGE", "x", "1"], 6),
    (["VDI_IN_USE", "x", "attach"], 75), (["HANDLE_INVALID", "VDI", "x"], 4),
    (["RBAC_PERMISSION_DENIED", "x", "y"], 5), (["INTERNAL_ERROR", "Failure(\"x\")"], 1),
    (["SR_BACKEND_FAILURE_181", "", "odd", ""], 1), (["X" * 3000, "y"], 1)])
@pytest.mark.parametrize("inband", [True, False], ids=["in-band", "clean-close"])
def test_task_that_failed(program, pool, disk, error, status, inband):
    line = struck(program, pool, disk, status, do="verdict", task="failure", error=error,
                  inband=inband)
    assert error[0][:40] in line


@pytest.mark.parametrize("inband, status", [(True, 1), (False, 75)], ids=["in-band", "no-word"])
def test_task_that_was_cancelled(program, pool, disk, inband, status):
    """Without a word in the answer its host was started anew: that may pass."""
    line = struck(program, pool, disk, status, do="verdict", task="cancelled", inband=inband,
                  error=["TASK_CANCELLED", "OpaqueRef:x"])
    assert "TASK_CANCELLED" in line


def test_task_that_is_gone(program, pool, disk):
    """Nobody can know any more whether the disk is whole: it is not given away as such."""
    struck(program, pool, disk, 7, do="verdict", task="gone")


def test_failed_task_of_a_transfer_that_looked_well(program, pool, disk):
    line = struck(program, pool, disk, 1, do="verdict", task="failure",
                  error=["VDI_IO_ERROR", "Device I/O errors"], inband=True)
    assert "all " in line and "VDI_IO_ERROR" in line


def test_failed_task_without_a_word_in_the_answer(program, pool, disk):
    """XAPI always says it there, too; so the way was cut, and the failure is its consequence."""
    line = struck(program, pool, disk, 75, do="verdict", task="failure",
                  error=["VDI_IO_ERROR", "Device I/O errors"], inband=False)
    assert "not confirmed" in line and "VDI_IO_ERROR" in line


def test_second_answer_though_the_task_is_a_success(program, pool, disk):
    """The two contradict each other: no success."""
    struck(program, pool, disk, 1, do="verdict", task="success", inband=True,
           error=["VDI_IO_ERROR", "x"])


@pytest.mark.parametrize("code, status", [(400, 1), (401, 5), (403, 5), (404, 3), (408, 75),
                                          (431, 1), (500, None), (501, 1), (503, 75), (599, 75)])
def test_answer_that_is_no_200(program, pool, disk, code, status):
    line = struck(program, pool, disk, status, do="status", status=code)
    assert str(code) in line


@pytest.mark.parametrize("text", [
    "HTTP/1.1 200 OK\r\nX: " + "y" * 200000 + "\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n",
    "HTTP/1.1 two OK\r\n\r\n", "\x00\x01\x02\r\n\r\n", "hello\n", "HTTP/1.1 200 OK\r\n"],
    ids=["long", "version", "word", "binary", "text", "half"])
def test_answer_that_is_none(program, pool, disk, text):
    struck(program, pool, disk, None, do="raw", text=text, args=["--timeout", "2"])


def test_endless_head(program, pool, disk):
    """Bounded memory, bounded time."""
    struck(program, pool, disk, None, do="raw", text="HTTP/1.1 200 OK\r\n" + "X-A: b\r\n" * 1000,
           repeat=2000, args=["--timeout", "2"])


def test_answer_goes_on_and_on_after_the_200(program, pool, disk):
    line = struck(program, pool, disk, 1, do="insert", at="end", text="<p>x" * 2000000)
    assert len(line) < 2000


def test_session_that_ends_in_the_middle(program, pool, disk):
    """A new one is opened for what is still to be asked; the disk is complete or gone."""
    pool.sim.set_fault(on="import", do="slow", rate=40 * MIB)
    process = program.start("copy", disk, pool.sr("nfs"), *pool.login)
    pool.sim.wait_transfer(moved=2 * MIB)
    pool.sim.remove_all_sessions()
    out, err = process.communicate(timeout=60)
    if process.returncode == 0:
        assert list(pool.disks) == [out.decode().strip()] and err == b""
    else:
        pool.nothing_left()
    assert pool.sim.state()["sessions"] == [] and pool.sim.state()["tasks"] == {}


def test_session_that_is_refused_at_the_upload(program, pool, disk):
    assert "401" in struck(program, pool, disk, 5, do="status", status=401)


# -- no room over there -----------------------------------------------------------


def small_sr(own_pool, kind, **more):
    return own_pool({"tls": False, "srs": [{"name": "small", "type": kind, "capacity": 6 * MIB,
                                            **more}]})


def test_thick_sr_without_room(program, own_pool, disk):
    pool = small_sr(own_pool, "lvmoiscsi", use_vhd=True)
    result = program("copy", disk, pool.sr("small"), *pool.login, status=6)
    assert "SR_BACKEND_FAILURE_44" in result.line
    pool.nothing_left()


def test_raw_sr_without_room(program, own_pool, disk):
    pool = small_sr(own_pool, "lvm")
    program("copy", disk, pool.sr("small"), *pool.login, status=6)
    pool.nothing_left()


def test_thin_sr_that_fills_up(program, own_pool, disk):
    """XAPI itself says nothing but VDI_IO_ERROR then."""
    pool = small_sr(own_pool, "nfs")
    result = program("copy", disk, pool.sr("small"), *pool.login, status=None)
    assert result.status in (1, 6) and "VDI_IO_ERROR" in result.line
    pool.nothing_left()


# -- cleaning up ------------------------------------------------------------------


def test_vdi_that_stays_in_use_for_a_while(program, pool, disk):
    """Detaching lags behind; destroying is tried again."""
    pool.sim.set_fault(on="rpc", match={"method": "VDI.destroy"}, do="error", times=3,
                       error=["VDI_IN_USE", "OpaqueRef:x", "destroy"])
    struck(program, pool, disk, 1, do="error", at=INSIDE)
    assert len(pool.sim.rpc_calls("VDI.destroy")) >= 4


def test_lost_answer_of_the_destruction(program, pool, disk):
    pool.sim.set_fault(on="rpc", match={"method": "VDI.destroy"}, do="reset", when="after")
    struck(program, pool, disk, 1, do="error", at=INSIDE)


def test_vdi_that_cannot_be_destroyed_is_told(program, pool, disk):
    pool.sim.set_fault(on="rpc", match={"method": "VDI.destroy"}, do="error", times=-1,
                       error=["SR_BACKEND_FAILURE_181", "", "cannot", ""])
    pool.sim.set_fault(on="import", do="error", at=INSIDE)
    result = program("copy", disk, pool.sr("nfs"), *pool.login, status=7)
    uuid, = pool.disks
    assert "VDI_IO_ERROR" in result.line and "xe vdi-destroy uuid=" + uuid in result.line


def test_detach_that_lags(program, own_pool, disk):
    pool = own_pool({"tls": False, "detach_lag": 100})      # one second
    pool.sim.set_fault(on="import", do="error", at=INSIDE)
    program("copy", disk, pool.sr("nfs"), *pool.login, status=1)
    pool.nothing_left()


def test_guest_who_may_only_look(program, pool, disk, tmp_path):
    (tmp_path / "guest").write_text("guest\nnur-schauen\n")
    result = program("copy", disk, pool.sr("nfs"), "--password-file", tmp_path / "guest", status=5)
    assert "RBAC_PERMISSION_DENIED" in result.line
    pool.nothing_left()


# -- both sides at once -----------------------------------------------------------


def test_first_failure_is_the_one_that_is_told(program, pool, tmp_path):
    """A bad block in the source ends the upload: the upload's end is a consequence."""
    path = vhd_file(tmp_path / "a.vhd", 20 * MIB, {i: noise(i, BLOCK) for i in range(10)})
    data = path.read_bytes()
    result = program("copy", "-", pool.sr("nfs"), *pool.login, stdin=data[:12 * MIB], status=3)
    assert result.line.startswith("standard input: ") and len(result.lines) == 1
    pool.nothing_left()


def test_export_that_fails_while_it_is_imported(program, pool, disk):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.remember()
    pool.sim.set_fault(on="export", do="error", at=5 * MIB, error=["VDI_IO_ERROR", "bad disk"])
    result = program("copy", pool.vdi(uuid), pool.sr("lvhd"), *pool.login, status=1)
    assert "bad disk" in result.line
    pool.nothing_left()


def test_import_that_fails_while_it_is_exported(program, pool, disk):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.remember()
    pool.sim.set_fault(on="import", do="error", at=5 * MIB, error=FULL)
    result = program("copy", pool.vdi(uuid), pool.sr("lvhd"), *pool.login, status=6)
    assert "SR_BACKEND_FAILURE_44" in result.line
    pool.nothing_left()
