# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""copy --verify: what was written is read back before it appears under its name."""

import os
import re
import subprocess

import pytest

from disk_rig import LEAF, MIB, blkhash, content_of, noise, raw_file, read_raw
from program_rig import end, output_of, wait_until

PARTS = [(0, noise("v", 3 * MIB)), (6 * MIB + 512, noise("w", MIB))]
SIZE = 9 * MIB + 1536
WHOLE = noise("verify", 8 * MIB)


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    return raw_file(tmp_path_factory.mktemp("verify") / "a.raw", SIZE, PARTS)


@pytest.mark.parametrize("form", ["raw", "vhd", "tar", "tgz"])
@pytest.mark.parametrize("threads", [0, 2])
def test_a_good_copy_is_verified(program, disk, tmp_path, form, threads):
    out = tmp_path / ("o." + form)
    result = program("copy", disk, out, "--verify", "--json", "--threads", threads).json
    assert result["verified"] is True and result["digest"] == blkhash(disk.read_bytes())
    assert content_of(str(out), form, str(tmp_path)) == read_raw(disk)


def test_what_is_counted_is_the_way_there(program, disk, tmp_path):
    results = [program("copy", disk, tmp_path / name, "--json", "--digest", *more).json
               for name, more in (("a.vhd", ()), ("b.vhd", ["--verify"]))]
    for key in ("data", "read", "written", "digest", "virtual_size"):
        assert results[0][key] == results[1][key]
    assert "verified" not in results[0]


def test_padding_for_azure_is_no_difference(program, disk, tmp_path):
    program("copy", disk, tmp_path / "o.vhd", "--azure", "--verify")
    assert os.path.getsize(tmp_path / "o.vhd") == 10 * MIB + 512


def test_people_are_told(program, disk, tmp_path):
    line = program("copy", disk, tmp_path / "o.vhd", "--verify").line
    assert line == "%s: digest %s, verified" % (tmp_path / "o.vhd", blkhash(disk.read_bytes()))


def test_who_wants_errors_only_is_not_told(program, disk, tmp_path):
    assert program("copy", disk, tmp_path / "o.vhd", "--verify", "-q").err == ""


def test_with_force_the_old_file_is_replaced(program, disk, tmp_path):
    (tmp_path / "o.raw").write_bytes(b"old")
    program("copy", disk, tmp_path / "o.raw", "--verify", "--force")
    assert read_raw(tmp_path / "o.raw") == read_raw(disk)


@pytest.mark.parametrize("place", ["-", "/dev/stdout", "fifo"])
def test_what_cannot_be_read_back_is_refused_at_once(program, tmp_path, place):
    """Before a source is touched: there is none."""
    os.mkfifo(tmp_path / "fifo")
    result = program("copy", tmp_path / "none.raw", place, "--verify", "--to", "vhd", status=2,
                     cwd=tmp_path)
    assert "cannot be read back" in result.line and not result.out


# --- what was damaged in between ------------------------------------------------


def damage(program, out, at, *more, status=3):
    """Copies 8 MiB through a pipe, and flips the byte at `at` of the file meanwhile."""
    process = program.start("copy", "-", out, "--verify", "--from", "raw", "--size", str(8 * MIB),
                            *more, stdin=subprocess.PIPE)
    process.stdin.write(WHOLE[:6 * MIB])
    process.stdin.flush()
    fds = []
    wait_until(lambda: fds or fds.extend(f for f in [output_of(process.pid, str(out))] if f),
               "its file")
    fd, = fds
    wait_until(lambda: os.pread(fd, 16, at).strip(b"\0"), "the byte to be written")
    byte = os.pread(fd, 1, at)
    os.pwrite(fd, bytes([byte[0] ^ 1]), at)
    os.close(fd)
    process.stdin.write(WHOLE[6 * MIB:])
    return end(process, status)


def test_a_changed_byte_is_found_and_its_block_is_named(program, tmp_path):
    out = tmp_path / "o.raw"
    result = damage(program, out, 5 * LEAF + 77)
    assert "in the 64 KiB from byte %d of the disk" % (5 * LEAF) in result.line
    assert result.line.startswith(str(out) + ": ")
    assert os.listdir(tmp_path) == []


def test_what_was_there_before_stays(program, tmp_path):
    out = tmp_path / "o.raw"
    out.write_bytes(b"old")
    damage(program, out, LEAF, "--force")
    assert os.listdir(tmp_path) == ["o.raw"] and out.read_bytes() == b"old"


def test_damage_to_the_packing_is_found(program, tmp_path):
    result = damage(program, tmp_path / "o.tgz", 100000, "--level", "1")
    assert re.search("gzip|differ|deflate", result.line)
    assert os.listdir(tmp_path) == []


def test_damage_to_the_head_of_a_vhd_is_found(program, tmp_path):
    damage(program, tmp_path / "o.vhd", 520)
    assert os.listdir(tmp_path) == []
