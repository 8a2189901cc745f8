# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""copy --verify of a delta into a file: what was written is read back, sector by sector."""

import os
import random
import struct
import subprocess

import pytest

from delta_rig import Guest, Layers, chain_content, delta_vhd
from disk_rig import BLOCK, MIB, member_of, noise, raw_file
from program_rig import end, output_of, wait_until

FORMS = ["vhd", "tgz", "tar"]


@pytest.fixture
def guest(pool):
    guest = Guest(pool)
    guest.write(0, 3 * MIB, 1)
    return guest


@pytest.fixture
def layers(tmp_path):
    return Layers(tmp_path, random.Random(7), [5 * MIB, 9 * MIB])


def delta_in(path, tmp_path):
    return path if path.suffix == ".vhd" else member_of(str(path), tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_out_of_a_pool(program, pool, guest, tmp_path, form):
    first = guest.snapshot()
    guest.write(5 * MIB, 70000, 2)
    program("copy", *pool.login, pool.vdi(first), tmp_path / "full.vhd")
    out = tmp_path / ("delta." + form)
    result = program("copy", *pool.login, "--verify", "--base", first, pool.vdi(guest.snapshot()),
                     out, "--json").json
    assert result["verified"] is True and "digest" not in result
    assert chain_content(delta_in(out, tmp_path), tmp_path / "full.vhd") == guest.model


def test_of_disks_that_were_compared(program, pool, tmp_path):
    base, disk = [Guest(pool, "rawlv", file=raw_file(tmp_path / name, 12 * MIB, [
        (0, noise("same", 11 * MIB)), (11 * MIB, noise(name, MIB))])) for name in "ab"]
    program("copy", *pool.login, pool.vdi(base.uuid), tmp_path / "full.vhd")
    result = program("copy", *pool.login, "--verify", "--base", base.uuid, pool.vdi(disk.uuid),
                     tmp_path / "delta.vhd", "--json").json
    assert result["verified"] is True and result["digest"]
    assert chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd") == \
        (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("form", FORMS)
def test_against_a_list(program, tmp_path, layers, form):
    for i, model in enumerate(layers.models):
        (tmp_path / ("%d.raw" % i)).write_bytes(model)
    program("copy", "--blocks", tmp_path / "list", tmp_path / "0.raw", tmp_path / "full.vhd")
    out = tmp_path / ("delta." + form)
    assert program("copy", "--verify", "--base", tmp_path / "list", tmp_path / "1.raw", out,
                   "--json").json["verified"] is True
    assert chain_content(delta_in(out, tmp_path), tmp_path / "full.vhd") == layers.models[1]


def test_that_stays_a_child(program, tmp_path, layers):
    assert program("copy", "--verify", "--keep-parent", layers.paths[1], tmp_path / "copy.vhd",
                   "--json").json["verified"] is True
    assert chain_content(tmp_path / "copy.vhd", layers.paths[0]) == layers.models[1]


def test_a_whole_disk_has_its_digest_as_ever(program, tmp_path, layers):
    result = program("copy", "--verify", "--keep-parent", layers.paths[0], tmp_path / "copy.vhd",
                     "--json").json
    assert result["verified"] is True and result["digest"]


# --- what was damaged in between -------------------------------------------------


@pytest.fixture
def child(tmp_path):
    """A delta of four blocks; of the first one two sectors, and one of them is of zeros."""
    bitmap = bytes([0xc0]) + bytes(511)
    blocks = {0: (bitmap, noise("one", 512) + bytes(BLOCK - 512))}
    blocks.update((i, (b"\xff" * 512, noise(str(i), BLOCK))) for i in (1, 2, 3))
    return delta_vhd(8 * MIB, blocks, b"own uuid is here", b"and its parent's")


def damage(program, data, out, change):
    """Copies it through a pipe, and lets change(descriptor, offset of the first block's bitmap)
    do something to the file meanwhile."""
    run = program.start("copy", "-", out, "--verify", "--keep-parent", stdin=subprocess.PIPE)
    run.stdin.write(data[:6 * MIB])
    run.stdin.flush()
    fds = []
    wait_until(lambda: fds or fds.extend(f for f in [output_of(run.pid, str(out))] if f),
               "its file")
    wait_until(lambda: os.fstat(fds[0]).st_size > 3 * MIB, "its first block")
    table = struct.unpack(">Q", os.pread(fds[0], 8, 512 + 16))[0]
    change(fds[0], 512 * struct.unpack(">I", os.pread(fds[0], 4, table))[0])
    os.close(fds[0])
    run.stdin.write(data[6 * MIB:])
    result = end(run, 3)
    assert os.listdir(out.parent) == []
    return result.lines[-1]


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "copy.vhd"


def test_a_good_one_comes_through_a_pipe(program, child, out):
    program("copy", "-", out, "--verify", "--keep-parent", stdin=child)


def test_a_changed_byte(program, child, out):
    line = damage(program, child, out, lambda fd, at: os.pwrite(fd, b"!", at + 512 + 7))
    assert "in the 64 KiB from byte 0 of the disk" in line


def test_a_lost_sector(program, child, out):
    """A clear bit: the parent's data would show in place of zeros."""
    line = damage(program, child, out, lambda fd, at: os.pwrite(fd, b"\x80", at))
    assert line.endswith("other sectors than were written, the first at byte 512")


def test_a_sector_too_many(program, child, out):
    line = damage(program, child, out, lambda fd, at: os.pwrite(fd, b"\xe0", at))
    assert line.endswith("other sectors than were written, the first at byte 1024")
