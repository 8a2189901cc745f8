# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Places: what names a file, a stream, a disk in a pool, and what names nothing."""

import os

import pytest

from disk_rig import MIB, noise, raw_file

DATA = noise("places", MIB)


@pytest.fixture
def disk(tmp_path):
    path = tmp_path / "a.raw"
    path.write_bytes(DATA)
    return path


def test_file_scheme(program, disk, tmp_path):
    program("copy", "file:%s" % disk, "file:%s/b.raw" % tmp_path)
    assert (tmp_path / "b.raw").read_bytes() == DATA


def test_file_scheme_takes_a_name_with_a_scheme_in_it(program, disk, tmp_path):
    os.mkdir(tmp_path / "glance:")
    program("copy", disk, "file:glance://b.raw", cwd=tmp_path)
    assert (tmp_path / "glance:" / "b.raw").read_bytes() == DATA


def test_name_with_a_colon_is_a_file(program, disk, tmp_path):
    program("copy", disk, "12:30.raw", cwd=tmp_path)
    assert (tmp_path / "12:30.raw").read_bytes() == DATA


@pytest.mark.parametrize("place", ["swift://h/i", "swift://h/c/o", "s3://b/k", "nbd://h",
                                   "ftp://h/x", "XAPI2://h/sr/x"])
def test_unknown_scheme_is_no_file(program, disk, place):
    result = program("copy", disk, place, status=2)
    assert result.lines[0].startswith(place + ": no such kind of place; there are ")


def test_empty_source(program, tmp_path):
    assert program("copy", "", tmp_path / "b", status=2).lines[0] == "the source is empty"


def test_empty_destination(program, disk):
    assert program("copy", disk, "", status=2).lines[0] == "the destination is empty"


def test_source_that_is_not_there(program, tmp_path):
    result = program("copy", tmp_path / "no.raw", tmp_path / "b.raw", status=4)
    assert result.line == "%s/no.raw: No such file or directory" % tmp_path
    assert not os.listdir(tmp_path)


def test_folder_of_the_destination_is_not_there(program, disk, tmp_path):
    result = program("copy", disk, tmp_path / "no" / "b.raw", status=4)
    assert str(tmp_path / "no" / "b.raw") in result.line


def test_directory_as_a_source(program, tmp_path):
    result = program("copy", "--from=raw", tmp_path, tmp_path / "b.raw", status=2)
    assert str(tmp_path) in result.line and "directory" in result.line


def test_directory_as_a_destination(program, disk, tmp_path):
    result = program("copy", "--to=raw", disk, tmp_path, status=2)
    assert str(tmp_path) in result.line and "directory" in result.line


def test_stdin_and_stdout(program):
    result = program("copy", "-", "-", "--from=raw", "--to=raw", "--size=%d" % MIB,
                     stdin=DATA)
    assert result.out == DATA and not result.err


def test_stdin_from_a_file_needs_no_size(program, disk):
    with open(disk, "rb") as file:
        assert program("copy", "-", "-", "--from=raw", "--to=raw", stdin=file).out == DATA


def test_stdin_of_a_file_begins_where_it_stands(program, disk):
    with open(disk, "rb") as file:
        os.lseek(file.fileno(), 4096, os.SEEK_SET)
        result = program("copy", "-", "-", "--from=raw", "--to=raw", stdin=file)
    assert result.out == DATA[4096:]


def test_stdout_to_a_file_goes_on_where_it_stands(program, disk, tmp_path):
    with open(tmp_path / "out", "w+b") as file:
        file.write(b"head")
        file.flush()
        program("copy", disk, "-", "--to=raw", stdout=file)
    assert (tmp_path / "out").read_bytes() == b"head" + DATA


def test_stdout_may_be_appended_to(program, disk, tmp_path):
    (tmp_path / "out").write_bytes(b"head")
    with open(tmp_path / "out", "ab") as file:
        program("copy", disk, "-", "--to=raw", stdout=file)
    assert (tmp_path / "out").read_bytes() == b"head" + DATA


def test_holes_to_a_stdout_that_is_a_file_become_zeros(program, tmp_path):
    """What stood in the file before must not show through."""
    raw_file(tmp_path / "a.raw", 3 * MIB, [(2 * MIB, b"x")])
    (tmp_path / "out").write_bytes(b"old" * MIB)
    with open(tmp_path / "out", "r+b") as file:
        program("copy", tmp_path / "a.raw", "-", "--to=raw", stdout=file)
    got = (tmp_path / "out").read_bytes()
    assert got[:3 * MIB] == bytes(2 * MIB) + b"x" + bytes(MIB - 1)


def test_stdout_needs_a_format(program, disk):
    result = program("copy", disk, "-", status=2)
    assert result.line.startswith("standard output: its name says no format; give one with --to")


def test_pipes_by_name(program, disk, tmp_path):
    """/dev/stdin and /dev/fd/N are the pipes they name."""
    result = program("copy", "/dev/stdin", "/dev/stdout", "--from=raw", "--to=raw",
                     "--size=%d" % MIB, stdin=DATA)
    assert result.out == DATA


def test_fifo_as_destination(program, disk, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    process = program.start("copy", disk, tmp_path / "fifo", "--to=raw")
    with open(tmp_path / "fifo", "rb") as reader:
        assert reader.read() == DATA
    assert process.communicate(timeout=30) == (b"", b"") and process.returncode == 0


@pytest.mark.parametrize("place, why", [
    ("xapi://", "no host"),
    ("xapi:///vdi", "no host"),
    ("xapi://h:0/sr/x", "no port from 1 to 65535"),
    ("xapi://h:99999/sr/x", "no port from 1 to 65535"),
    ("xapi://h/sr/", "names no SR"),
    ("xapi://h/vdi/", "names no VDI"),
    ("xapi://h/pool/x", "neither /vdi/REF nor /sr/REF"),
    ("xapi://h/sr", "neither /vdi/REF nor /sr/REF"),
    ("xapi://h/sr/%zz", "no percent-encoded"),
    ("xapi://h/sr/%00", "no percent-encoded"),
    ("xapi://h/sr/%ff", "no percent-encoded"),
    ("xapi://h", "has to name an SR"),
])
def test_place_in_a_pool_that_is_none(program, disk, place, why):
    result = program("copy", disk, place, env={"XENSERVER_PASSWORD": "x"}, status=2)
    assert why in result.lines[0]


@pytest.mark.parametrize("scheme", ["xapi://", "xapi+http://"])
def test_password_in_a_place_is_refused_and_not_repeated(program, disk, scheme):
    result = program("copy", disk, scheme + "root:hunter2@h/sr/x", status=2)
    assert "hunter2" not in result.err and "--password-file" in result.err


def test_sr_as_a_source(program, tmp_path):
    result = program("copy", "xapi://h/sr/default", tmp_path / "b.vhd",
                     env={"XENSERVER_PASSWORD": "x"}, status=2)
    assert "has to name a disk" in result.line


def test_host_from_the_environment(program, pool, disk):
    host = pool.sim.authority("http")
    result = program("copy", disk, "xapi+http:///sr/nfs", *pool.login,
                     env={"XENSERVER_HOST": host})
    assert list(pool.disks) == [result.text.strip()]


def test_no_host_anywhere(program, disk):
    result = program("copy", disk, "xapi:///sr/nfs", env={"XENSERVER_PASSWORD": "x"}, status=2)
    assert result.lines[0] == "xapi:///sr/nfs: no host, and XENSERVER_HOST is not set"


def test_name_of_a_file_with_control_characters_is_shown_harmlessly(program, tmp_path):
    program("copy", tmp_path / "a\x1b[31m\nvhdstream: done.raw", tmp_path / "b.raw", status=4)


def test_name_of_a_file_that_is_no_utf8(program, tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff\xfe.raw"
    with open(name, "wb") as file:
        file.write(DATA)
    result = program("copy", "--json", os.fsdecode(name), tmp_path / "b.raw")
    assert result.json["virtual_size"] == MIB


def test_name_too_long_for_a_file_is_told_as_what_it_is(program, tmp_path):
    result = program("copy", tmp_path / ("x" * 300 + ".raw"), tmp_path / "b.raw", status=1)
    assert "File name too long" in result.line


def test_longest_name_that_a_file_can_have(program, disk, tmp_path):
    """A hidden name beside it, longer by some letters, would fail."""
    name = tmp_path / ("x" * 251 + ".raw")
    program("copy", disk, name)
    program("copy", disk, name, "--force")
    assert name.read_bytes() == DATA
