# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Exports: the forms asked for, and what happens when the server breaks one off."""

import os

import pytest

from disk_rig import BLOCK, MIB, content_of, noise, read_raw

# An export of 20 MiB with 4 blocks: head, BAT, bitmap, block, footer.
PLACES = [0, 700, 2050, 2570, 5 * MIB, -300, -1]


@pytest.fixture
def exported(program, pool, disk, tmp_path):
    """exported(STATUS, NAME, fault...) copies a VDI to a file in a folder of its own."""
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.remember()
    os.mkdir(tmp_path / "out")

    def run(ends, name="o.vhd", args=(), **fault):
        if fault:
            pool.sim.set_fault(on="export", **fault)
        result = program("copy", pool.vdi(uuid), tmp_path / "out" / name, *pool.login, *args,
                         status=ends)
        pool.nothing_left()
        if result.status or ends is None:
            assert result.status and os.listdir(tmp_path / "out") == [] and len(result.lines) == 1
        return result.line if result.status else tmp_path / "out" / name

    return run


@pytest.mark.parametrize("form", ["raw", "vhd", "tar", "tgz"])
def test_export(exported, disk, tmp_path, form):
    path = exported(0, "o." + form)
    assert content_of(str(path), form, str(tmp_path)) == read_raw(disk)


@pytest.mark.parametrize("sr", ["nfs", "local", "lvhd", "rawlv", "lvm", "luns"])
def test_export_from_every_kind_of_sr(program, pool, tmp_path, sr):
    uuid = pool.make_disk(sr, 24 * MIB, pattern=[[0, 24 * MIB, 3]])
    program("copy", pool.vdi(uuid), tmp_path / "o.raw", *pool.login)
    with open(pool.raw_path(uuid), "rb") as file:
        assert (tmp_path / "o.raw").read_bytes() == file.read()


def test_holes_are_left_out(program, pool, tmp_path):
    uuid = pool.make_disk("nfs", 1 << 30, pattern=[[500 * MIB, 4096, 1]])
    program("copy", pool.vdi(uuid), tmp_path / "o.vhd", *pool.login)
    assert pool.transfer("export")["body_out"] < 4 * MIB
    assert os.path.getsize(tmp_path / "o.vhd") < 4 * MIB


@pytest.mark.parametrize("odd", ["round", "hang"])
def test_size_that_is_no_multiple_of_2_mib(program, own_pool, tmp_path, odd):
    """XAPI rounds such a disk up in a VHD, or hangs over it: it is fetched as it is."""
    pool = own_pool({"tls": False, "srs": [{"name": "luns", "type": "iscsi",
                                            "odd_export": odd}]})
    size = 5 * MIB + 512
    uuid = pool.make_disk("luns", size, pattern=[[0, size, 5]])
    program("copy", pool.vdi(uuid), tmp_path / "o.raw", *pool.login, "--timeout=20")
    with open(pool.raw_path(uuid), "rb") as file:
        assert (tmp_path / "o.raw").read_bytes() == file.read()


@pytest.mark.parametrize("kind", ["hybrid", "nbdhybrid", "raw"])
def test_every_way_xapi_makes_a_vhd(program, own_pool, tmp_path, kind):
    pool = own_pool({"tls": False, "srs": [{"name": "nfs", "type": "nfs", "export_kind": kind}]})
    uuid = pool.make_disk("nfs", 24 * MIB, pattern=[[2 * MIB, 5000, 1], [20 * MIB, 3 * MIB, 2]])
    program("copy", pool.vdi(uuid), tmp_path / "o.raw", *pool.login)
    with open(pool.raw_path(uuid), "rb") as file:
        assert (tmp_path / "o.raw").read_bytes() == file.read()


# -- struck ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["o.vhd", "o.raw", "o.tgz"])
@pytest.mark.parametrize("at", PLACES)
def test_failure_in_the_body(exported, name, at):
    """The server's second answer stands in the middle of the disk, or after it."""
    line = exported(1, name, do="error", at=at, error=["VDI_IO_ERROR", "bad disk"])
    assert "VDI_IO_ERROR" in line and "bad disk" in line


@pytest.mark.parametrize("do", ["close", "reset"])
@pytest.mark.parametrize("at", PLACES)
def test_connection_that_ends_early(exported, do, at):
    exported(75, do=do, at=at)


def test_bytes_and_blocks_of_a_break_are_told(exported):
    """Of five MiB with a head of 2560 bytes; what might be the server's words is kept back."""
    line = exported(75, do="close", at=5 * MIB)
    assert "after 5242880 bytes" in line and "2 of 4 blocks were through" in line


@pytest.mark.parametrize("at", PLACES)
def test_body_that_ends_early_though_the_task_is_a_success(exported, at):
    exported(3, do="cut", at=at)


@pytest.mark.parametrize("text", ["!", "x" * 512, "\0" * 100000],
                         ids=["one", "sector", "zeros"])
def test_bytes_too_many(exported, text):
    exported(None, do="insert", text=text, at="end")


def test_bytes_in_the_middle(exported):
    exported(3, do="insert", text="\0" * 512, at=2 * MIB)


@pytest.mark.parametrize("at", [0, 60, 512, 530, 600, 2048 + 3, -512, -450])
def test_damaged_structure(exported, at):
    """Cookies, checksums, a table that points elsewhere, the last footer."""
    exported(3, do="corrupt", at=at)


@pytest.mark.parametrize("error, status", [(["VDI_TOO_LARGE", "x"], 6),
                                           (["SR_BACKEND_FAILURE_46", "", "gone", ""], 75),
                                           (["HANDLE_INVALID", "VDI", "x"], 4)])
@pytest.mark.parametrize("inband", [True, False], ids=["in-band", "clean-close"])
def test_task_that_failed_though_the_body_is_whole(exported, error, status, inband):
    line = exported(status, do="verdict", task="failure", error=error, inband=inband, at="end")
    assert error[0] in line


@pytest.mark.parametrize("at", ["head", 0, 5 * MIB])
def test_silence(exported, at):
    exported(75, do="stall", at=at, args=["--timeout", "1"])


@pytest.mark.parametrize("code, status", [(401, 5), (403, 5), (404, 3), (500, None), (503, 75)])
def test_answer_that_is_no_200(exported, code, status):
    assert str(code) in exported(status, do="status", status=code)


def test_disk_that_cannot_be_attached(program, pool, disk, tmp_path):
    """The failure is the first thing in the body."""
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.sim.attach_vdi(vdi=uuid)
    pool.remember()
    result = program("copy", pool.vdi(uuid), tmp_path / "o.raw", *pool.login, status=75)
    assert "VDI_IN_USE" in result.line
    pool.nothing_left()


def test_endless_export(exported):
    """A server that sends more and more is not followed for ever."""
    exported(None, do="insert", text="A" * 1000000, repeat=300, at="end", args=["--timeout", "5"])


def test_raw_disk_that_ends_with_what_looks_like_an_answer(program, pool, tmp_path):
    """Guests may write anything; the length and the task decide."""
    text = b"HTTP/1.1 500 Internal Error\r\n\r\nVDI_IO_ERROR: [ x ]"
    path = tmp_path / "guest.raw"
    path.write_bytes(noise("guest", BLOCK - len(text)) + text)
    for sr, name in (("nfs", "a"), ("rawlv", "b"), ("luns", "c")):
        uuid = pool.make_disk(sr, BLOCK, path)
        program("copy", pool.vdi(uuid), tmp_path / name, "--to=raw", *pool.login)
        assert (tmp_path / name).read_bytes()[:BLOCK] == path.read_bytes()
