# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Several sources in one copy: into a folder, into an SR."""

import json
import os
import signal

import pytest

from disk_rig import MIB, noise, raw_file, read_content
from program_rig import end, wait_until

SIZE = 4 * MIB


@pytest.fixture(scope="module")
def disks(tmp_path_factory):
    """Five raw disks, each with a content of its own."""
    folder = tmp_path_factory.mktemp("many")
    return [raw_file(folder / ("d%d.raw" % i), SIZE, [(0, noise(i, MIB + 512 * i))])
            for i in range(5)]


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def content(path):
    return read_content([str(path)]).read(0, SIZE)


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_folder_gets_all_of_them(program, disks, out, jobs, threads):
    result = program("copy", "--jobs", jobs, "--threads", threads, *disks, out)
    assert result.out == b"" and result.err == ""
    assert sorted(os.listdir(out)) == ["d%d.vhd" % i for i in range(5)]
    for i, disk in enumerate(disks):
        assert content(out / ("d%d.vhd" % i)) == disk.read_bytes()


@pytest.mark.parametrize("to, suffix", [("raw", "raw"), ("vhd-fixed", "vhd"), ("tgz", "tgz"),
                                        ("tzst", "tzst")])
def test_suffix_is_that_of_the_form(program, disks, out, to, suffix):
    program("copy", "--to", to, *disks[:2], str(out) + "/")
    assert sorted(os.listdir(out)) == ["d0." + suffix, "d1." + suffix]


def test_one_source_into_a_folder(program, disks, out):
    program("copy", disks[0], out)
    assert os.listdir(out) == ["d0.vhd"]


def test_failure_of_one_leaves_the_others(program, disks, out, tmp_path):
    (tmp_path / "bad.vhd").write_bytes(b"conectix" + bytes(3000))
    result = program("copy", disks[0], tmp_path / "none.raw", tmp_path / "bad.vhd", disks[1], out,
                     "--json", status=3)
    assert sorted(os.listdir(out)) == ["d0.vhd", "d1.vhd"]
    lines = [json.loads(line) for line in result.text.splitlines()]
    assert [line["status"] for line in lines] == [0, 4, 3, 0, 3]
    assert lines[-1] == {"count": 4, "failed": 2, "status": 3}
    assert "none.raw" in lines[1]["error"] and lines[0]["virtual_size"] == SIZE
    assert "2 of 4 copies failed" in result.err


def test_each_failure_is_said_once(program, disks, out, tmp_path):
    lost = [tmp_path / "none.raw", tmp_path / "nor.raw"]
    result = program("copy", lost[0], disks[0], lost[1], out, status=4)
    assert [result.err.count(str(path) + ": No such file") for path in lost] == [1, 1]
    assert [result.err.count("not copied: %s" % path) for path in lost] == [1, 1]


def test_clash_is_found_before_anything_is_moved(program, disks, out, tmp_path):
    raw_file(tmp_path / "d1.raw", SIZE)
    result = program("copy", *disks[:2], tmp_path / "d1.raw", out, "--force", status=2)
    assert "would both become %s/d1.vhd" % out in result.line
    assert os.listdir(out) == []


def test_name_that_is_taken_is_found_before_anything_is_moved(program, disks, out):
    (out / "d1.vhd").write_text("mine")
    result = program("copy", *disks[:2], out, status=2)
    assert "d1.vhd: is there already" in result.line
    assert os.listdir(out) == ["d1.vhd"] and (out / "d1.vhd").read_text() == "mine"
    program("copy", *disks[:2], out, "--force")
    assert content(out / "d1.vhd") == disks[1].read_bytes()


@pytest.mark.parametrize("options, says", [
    (["--state", "s"], "--state is for one disk"), (["--blocks", "b"], "--blocks is for one disk"),
    (["--jobs", "0"], "from 1 to 64"),
])
def test_what_is_for_one_disk_is_refused(program, disks, out, options, says):
    assert says in program("copy", *options, *disks[:2], out, status=2).err
    assert os.listdir(out) == []


def test_places_that_do_not_go(program, disks, out, tmp_path):
    assert "a folder that is there" in program("copy", *disks[:2], tmp_path / "no/", status=2).err
    assert "a folder that is there" in program("copy", *disks, status=2).err
    assert "copied alone" in program("copy", disks[0], "-", out, status=2, stdin=b"").err


def test_sr_gets_all_and_says_their_uuids_in_order(program, pool, disks):
    uuids = program("copy", "--jobs", "3", *disks, pool.sr("nfs"), *pool.login).text.split()
    assert sorted(uuids) == sorted(pool.disks)
    for uuid, disk in zip(uuids, disks):
        with open(pool.raw_path(uuid), "rb") as file:
            assert file.read() == disk.read_bytes()
        assert pool.disks[uuid]["name_label"] == disk.stem


def test_failed_copy_into_an_sr_has_its_line(program, pool, disks, tmp_path):
    out = program("copy", disks[0], tmp_path / "none.raw", disks[1], pool.sr("nfs"), *pool.login,
                  status=4).text.split()
    assert out[1] == "-" and sorted([out[0], out[2]]) == sorted(pool.disks)


def test_disks_of_a_pool_are_called_as_they_were_named(program, pool, disks, out):
    uuids = [pool.make_disk("nfs", SIZE, disk) for disk in disks[:2]]
    program("copy", *map(pool.vdi, uuids), out, *pool.login)
    assert sorted(os.listdir(out)) == sorted(uuid + ".vhd" for uuid in uuids)


def test_a_signal_stops_all_and_leaves_nothing(program, pool, tmp_path):
    paths = [raw_file(tmp_path / ("l%d.raw" % i), 16 * MIB, [(0, noise(i, 16 * MIB))])
             for i in range(3)]
    pool.remember()
    process = program.start("copy", "--jobs", "2", "--limit-rate", "1M", *map(str, paths),
                            pool.sr("nfs"), *pool.login)
    wait_until(lambda: len(pool.disks) == 2, "two disks")
    process.send_signal(signal.SIGINT)
    end(process, 130)
    pool.nothing_left()


def test_password_in_a_url_is_in_no_message(program, disks, out, tmp_path):
    url = "http://user:s3cret@127.0.0.1:1/%s.raw"
    result = program("copy", disks[0], url % "x", out, "--retries=0", "--json", status=None)
    assert "127.0.0.1:1/x.raw" in result.text and "s3cret" not in result.text + result.err
    result = program("copy", url % "x", url % "x", out, status=2)
    assert "would both become" in result.err and "s3cret" not in result.err


def test_name_that_is_no_text_has_its_line(program, out, tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff.raw"
    result = program("copy", name, tmp_path / "none.raw", out, "--json", status=4)
    assert [json.loads(line)["status"] for line in result.text.splitlines()] == [4, 4, 4]
