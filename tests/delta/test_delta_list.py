# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""copy --base LIST: a delta against the block digests that the last copy has left."""

import hashlib
import os
import random

import pytest

from delta_rig import Guest, chain_content, content_of_vdi, head_of
from disk_rig import BLOCK, MIB, blkhash, member_of, noise, raw_file
from program_rig import end, wait_until


def leaf_lines(data):
    """What a list has between its head and its digest, by Python."""
    return [hashlib.sha256(data[i:i + 65536]).hexdigest() for i in range(0, len(data), 65536)]


@pytest.fixture
def last(program, tmp_path):
    """A disk, its full copy and the list that was kept of it."""
    data = bytearray(7 * MIB + 512)
    data[0:MIB] = noise("a", MIB)
    data[5 * MIB:5 * MIB + 5000] = noise("b", 5000)
    raw_file(tmp_path / "disk.raw", len(data), [(0, bytes(data))])
    program("copy", "--blocks", tmp_path / "list", tmp_path / "disk.raw", tmp_path / "full.vhd")
    return data


def write(tmp_path, data, offset, what):
    data[offset:offset + len(what)] = what
    with open(tmp_path / "disk.raw", "r+b") as file:
        file.seek(offset)
        file.write(what)


def delta(program, tmp_path, *args, out="delta.vhd", **more):
    return program("copy", "--base", tmp_path / "list", *args, tmp_path / "disk.raw",
                   tmp_path / out, **more)


def test_the_list_tells_the_uuid_of_the_copy(tmp_path, last):
    lines = (tmp_path / "list").read_text().splitlines()
    uuid = head_of(tmp_path / "full.vhd")[0].uuid.hex()
    assert lines[0] == "vhdstream block digests 2"
    assert lines[4].replace("-", "") == "uuid " + uuid
    assert lines[-1] == "digest " + blkhash(bytes(last))
    assert [l for l in leaf_lines(bytes(last)) if l in lines]


def test_a_delta_has_what_has_changed(program, tmp_path, last):
    write(tmp_path, last, 3 * MIB, b"new")
    write(tmp_path, last, 0, bytes(MIB))            # zeros over data
    write(tmp_path, last, 7 * MIB + 100, b"the end")
    delta(program, tmp_path)
    assert chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd") == last
    assert head_of(tmp_path / "delta.vhd")[1].parent_uuid == \
        head_of(tmp_path / "full.vhd")[0].uuid
    assert os.path.getsize(tmp_path / "delta.vhd") < 3 * (BLOCK + 512) + 8192


def test_nothing_has_changed(program, tmp_path, last):
    delta(program, tmp_path)
    assert os.path.getsize(tmp_path / "delta.vhd") < 8192
    assert chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd") == last


def test_rounds_and_a_merge(program, tmp_path, last):
    rng, files = random.Random(3), [tmp_path / "full.vhd"]
    for number in range(3):
        write(tmp_path, last, rng.randrange(7 * MIB), rng.randbytes(700))
        files.append(tmp_path / ("d%d.vhd" % number))
        program("copy", "--base", tmp_path / "list", "--blocks", tmp_path / "next",
                tmp_path / "disk.raw", files[-1])
        os.replace(tmp_path / "next", tmp_path / "list")
    program("merge", *files, tmp_path / "out.raw")
    assert (tmp_path / "out.raw").read_bytes() == last


def test_a_disk_that_grew_or_shrank(program, tmp_path, last):
    os.truncate(tmp_path / "disk.raw", 9 * MIB)
    delta(program, tmp_path)
    whole = bytes(last).ljust(9 * MIB, b"\0")
    assert chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd") == whole
    os.truncate(tmp_path / "disk.raw", 3 * MIB)
    delta(program, tmp_path, "--force")
    assert chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd") == last[:3 * MIB]


@pytest.mark.parametrize("out", ["delta.tgz", "-"])
def test_where_the_size_must_be_known(program, tmp_path, last, out):
    write(tmp_path, last, 3 * MIB, b"new")
    args = ["copy", "--base", tmp_path / "list", tmp_path / "disk.raw"]
    if out == "-":
        member = tmp_path / "member.vhd"
        member.write_bytes(program(*args, "-", "--to", "vhd").out)
    else:
        program(*args, tmp_path / out)
        member = member_of(str(tmp_path / out), tmp_path)
    assert chain_content(member, tmp_path / "full.vhd") == last


@pytest.mark.parametrize("sr", ["nfs", "rawlv"])
def test_of_a_disk_in_a_pool_without_its_base(program, pool, tmp_path, sr):
    """Of an SR that cannot tell differences, too."""
    guest = Guest(pool, sr=sr)
    before = content_of_vdi(pool, guest.uuid)
    guest.write(MIB, 5000, 1)
    program("copy", *pool.login, "--blocks", tmp_path / "list", pool.vdi(guest.uuid),
            tmp_path / "full.vhd")
    guest.write(9 * MIB, 300, 2)
    program("copy", *pool.login, "--base", tmp_path / "list", pool.vdi(guest.uuid),
            tmp_path / "delta.vhd")
    content = chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd")
    assert content == content_of_vdi(pool, guest.uuid) != before


def test_a_disk_that_changes_between_the_two_readings(program, pool, tmp_path):
    """The second export is held back until the guest has written."""
    guest = Guest(pool)
    guest.write(MIB, 5000, 1)
    program("copy", *pool.login, "--blocks", tmp_path / "list", pool.vdi(guest.uuid),
            tmp_path / "full.vhd")
    guest.write(5 * MIB, 300, 2)
    pool.sim.set_fault(on="export", do="stall", at="head", seconds=100, nth=2)
    run = program.start("copy", *pool.login, "--base", tmp_path / "list", pool.vdi(guest.uuid),
                        tmp_path / "delta.vhd")
    wait_until(lambda: len([e for e in pool.sim.log() if e["kind"] == "export"]) == 3,
               "the second reading")
    guest.write(5 * MIB, 300, 3)
    assert "has changed while it was read" in end(run, 1).line
    assert not (tmp_path / "delta.vhd").exists()


def test_it_goes_onto_the_disk_of_the_full_copy(program, pool, tmp_path, last):
    there = program("copy", *pool.login, tmp_path / "full.vhd", pool.sr("nfs")).text.strip()
    write(tmp_path, last, 3 * MIB, b"new")
    delta(program, tmp_path)
    made = program("copy", *pool.login, "--base", there, tmp_path / "delta.vhd",
                   pool.sr("nfs")).text.strip()
    assert content_of_vdi(pool, made)[:len(last)] == last


def test_the_name_of_its_parent_is_told(program, tmp_path, last):
    write(tmp_path, last, 3 * MIB, b"new")
    delta(program, tmp_path, "--parent", "full.vhd")
    program("copy", tmp_path / "delta.vhd", tmp_path / "flat.raw")
    assert (tmp_path / "flat.raw").read_bytes() == last


# --- what is refused ---------------------------------------------------------


def test_a_pipe_cannot_be_read_twice(program, tmp_path, last):
    run = program("copy", "--base", tmp_path / "list", "-", tmp_path / "d.vhd",
                  stdin=bytes(last), status=2)
    assert "is read twice" in run.line and "copy it to a file first" in run.line


def test_a_list_that_was_changed(program, tmp_path, last):
    text = (tmp_path / "list").read_text().replace("zero", "zero ", 1)
    (tmp_path / "list").write_text(text)
    delta(program, tmp_path, status=3)
    assert not (tmp_path / "delta.vhd").exists()
    assert last


def test_a_list_without_a_uuid(program, tmp_path, last):
    program("digest", "--blocks", tmp_path / "plain", tmp_path / "disk.raw")
    (tmp_path / "plain").replace(tmp_path / "list")
    assert "does not tell the uuid" in delta(program, tmp_path, status=2).line
    assert last


def test_a_pool_as_destination(program, pool, tmp_path, last):
    program("copy", *pool.login, "--base", tmp_path / "list", tmp_path / "disk.raw",
            pool.sr("nfs"), status=2)
    assert last and not pool.disks


