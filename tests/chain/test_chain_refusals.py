# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Archives whose members are not one chain, and what a chain cannot be copied to: each ends with a
sentence that names the member, and leaves nothing behind."""

import json
import os
from uuid import UUID

import pytest
from chain_rig import MIB, Chain, made, pack

from disk_rig import note_of, tail_of


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return Chain(made("refused", 6 * MIB, 3, writes=10), tmp_path_factory.mktemp("refused"))


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return Chain(made("another", 6 * MIB, 4, writes=4), tmp_path_factory.mktemp("another"))


def refused(program, pool, image, status, *more, sr="nfs"):
    """Into a pool and into a file; what it said."""
    with open(image, "rb") as file:
        line = program("copy", "-", pool.sr(sr), *pool.login, "-q", *more, stdin=file,
                       status=status).lines[-1]
    pool.nothing_left()
    out = os.path.join(os.path.dirname(str(image)), "out.vhd")
    with open(image, "rb") as file:
        assert program("copy", "-", out, "-q", stdin=file, status=status).lines[-1] in (
            line, line.partition("; this was member")[0])
    assert not os.path.exists(out)
    return line


def members(chain, *numbers):
    return [("%d.vhd" % n, chain.paths[n]) for n in numbers]


CASES = [
    ((1, 2), "member 0.vhd is missing: the archive has ended, and the leaf of its chain did not "
             "come"),
    ((0, 2), "member 1.vhd is missing: the archive has ended, and the parent of 0.vhd, the disk "
             "{1}, did not come"),
    ((1, 0), "member 2.vhd is missing: the archive has ended, and the parent of 1.vhd, the disk "
             "{2}, did not come"),
    ((0, 1, 0, 2), "member 0.vhd is doubled: 0.vhd came before with its number"),
]


@pytest.mark.parametrize("order, text", CASES, ids=lambda v: str(v)[:12])
def test_members_that_are_missing_or_doubled(program, pool, tmp_path, chain, order, text):
    uuids = [str(UUID(bytes=chain.model.uuid(2 - n))) for n in range(3)]
    image = pack(tmp_path / "x.tar", members(chain, *order))
    assert refused(program, pool, image, 3) == "standard input: " + text.format(*uuids)


def test_a_member_under_two_numbers(program, pool, tmp_path, chain):
    image = pack(tmp_path / "x.tar", members(chain, 0) + [("1.vhd", chain.paths[0])])
    assert refused(program, pool, image, 3) == \
        "standard input: member 1.vhd is doubled: 0.vhd came before with its uuid"


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_a_member_of_another_chain(program, pool, tmp_path, chain, other, order):
    mixed = dict(members(chain, 0, 2), **dict(members(other, 1)))
    image = pack(tmp_path / "x.tar", [("%d.vhd" % n, mixed["%d.vhd" % n]) for n in order])
    line = refused(program, pool, image, 3)
    assert "is not part of the chain: the parent of" in line and "1.vhd" in line


def test_a_name_of_another_kind(program, pool, tmp_path, chain):
    image = pack(tmp_path / "x.tar", members(chain, 0, 1) + [("base.vhd", chain.paths[2])])
    assert refused(program, pool, image, 3) == \
        "standard input: member base.vhd is not part of the chain: " \
        "expected 0.vhd, 1.vhd, 2.vhd, ..."


def test_a_disk_below_the_base(program, pool, tmp_path, chain, other):
    image = pack(tmp_path / "x.tar", members(chain, 1, 2, 0) + members(other, 3))
    assert refused(program, pool, image, 3) == \
        "standard input: member 3.vhd is not part of the chain: 2.vhd has no parent"


def test_an_old_name_whose_parent_is_missing(program, pool, tmp_path, chain):
    image = pack(tmp_path / "x.tar", [("snap.vhd", chain.paths[0]), ("image.vhd", chain.paths[1])])
    line = refused(program, pool, image, 3)
    assert line.startswith("standard input: the parent of image.vhd, the disk ")
    assert line.endswith(", is missing: the archive has ended")


def test_a_chain_that_shrinks(program, pool, tmp_path):
    model = made("shrinks", 6 * MIB, 2, writes=4)
    model.members[1].size = 4 * MIB
    model.members[1].masks.pop(2, None)
    small = Chain(model, tmp_path / "c")
    for order in ((0, 1), (1, 0)):
        image = pack(tmp_path / "x.tar", members(small, *order))
        assert refused(program, pool, image, 3).startswith(
            "standard input: member 0.vhd has 4194304 bytes, less than the 6291456 of 1.vhd below "
            "it; a chain that shrinks")


def test_more_memory_than_its_budget(program, pool, tmp_path):
    model = made("striped", 6 * MIB, 1, writes=0)
    for sector in range(0, 3 * 4096, 2):
        model.write(sector, b"x" * 512)
    model.snapshot()
    striped = Chain(model, tmp_path / "c")
    image = pack(tmp_path / "x.tar", members(striped, 0, 1))
    with open(image, "rb") as file:
        line = program("copy", "-", pool.sr("nfs"), *pool.login, "-q", "--memory", 1000,
                       stdin=file, status=6).line
    assert line.startswith("standard input: the map of the sectors that its members have written "
                           "needs more than the 1000 bytes of --memory")
    pool.nothing_left()
    with open(pack(tmp_path / "x.tar", members(striped, 1, 0)), "rb") as file:
        program("copy", "-", pool.sr("nfs"), *pool.login, "-q", "--memory", 1000, stdin=file)


@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5M", ""])
def test_memory_that_is_no_number(program, tmp_path, value):
    done = program("copy", "-", tmp_path / "x.raw", "--memory", value, status=2)
    assert done.lines[0].startswith(
        "--memory %s: expected bytes" % value)


# --- destinations ------------------------------------------------------------


@pytest.mark.parametrize("to", ["raw", "vhd", "vhd-fixed", "tgz"])
def test_a_pipe_takes_no_chain(program, chain, to):
    with open(chain.image((1, 0, 2)), "rb") as file:
        done = program("copy", "-", "-", "--to", to, stdin=file, status=3)
    assert done.out == b""
    assert done.line == "standard input: 1.vhd: one disk of a chain, whose sectors come in no " \
        "order that standard output could take; copy the chain into a pool, or into a raw or " \
        "VHD file and then that"


def test_an_image_takes_no_chain_but_a_single_old_name(program, tmp_path, chain):
    with open(chain.image((2, 1, 0)), "rb") as file:
        program("copy", "-", tmp_path / "x.tgz", stdin=file, status=3)
    with open(pack(tmp_path / "x.tar", [("base.vhd", chain.paths[2])]), "rb") as file:
        program("copy", "-", tmp_path / "x.tgz", stdin=file)


def test_a_disk_that_is_too_small(program, pool, tmp_path, chain):
    uuid = pool.make_disk("nfs", 2 * MIB)
    with open(chain.image((0, 1, 2)), "rb") as file:
        line = program("copy", "-", pool.vdi(uuid), *pool.login, "-q", "--force", stdin=file,
                       status=6).line
    assert line.endswith("VDI %s has 2097152 bytes, and a member of the chain 6291456" % uuid)


def test_an_sr_that_cannot_resize(program, pool, tmp_path):
    grown = Chain(made("grows", 4 * MIB, 2, grow={1: 6 * MIB}), tmp_path / "c")
    pool.sim.set_fault(on="rpc", match={"method": "VDI.resize"}, do="error",
                       error=["SR_OPERATION_NOT_SUPPORTED", "OpaqueRef:x"])
    with open(grown.image((1, 0)), "rb") as file:
        line = program("copy", "-", pool.sr("nfs"), *pool.login, "-q", stdin=file, status=None).line
    assert "--size 6291456 makes the disk large enough from the beginning" in line
    pool.nothing_left()


def test_state_is_refused(program, pool, tmp_path, chain):
    with open(chain.image((0, 1, 2)), "rb") as file:
        line = program("copy", "-", pool.sr("nfs"), *pool.login, "--state", tmp_path / "s",
                       stdin=file, status=2).line
    assert line.startswith("--state: standard input holds a chain of disks")
    pool.nothing_left()


# --- the digest --------------------------------------------------------------


def with_note(chain, path, note):
    """An image with a digest.json behind its end."""
    pack(path, members(chain, 0, 2, 1))
    with open(path, "ab") as file:
        file.write(tail_of(json.dumps(note)))
    return path


def test_verify_reads_back_and_compares_with_the_digest_json(program, pool, tmp_path, chain):
    note = note_of(chain.content.read(0, chain.content.size))
    image = with_note(chain, tmp_path / "x.tar", note)
    with open(image, "rb") as file:
        result = program("copy", "-", pool.sr("lvm"), *pool.login, "--verify", "--json",
                         stdin=file).json
    assert result["verified"] is True and result["digest"] == note["digest"]
    config = pool.disks[result["uuid"]]["other_config"]
    assert config["vhdstream:digest"] == "blkhash-sha256:%s:%d" % (note["digest"], 6 * MIB)
    with open(image, "rb") as file:
        program("copy", "-", tmp_path / "x.vhd", "--verify", stdin=file)


def test_a_digest_json_of_another_disk(program, pool, tmp_path, chain):
    note = note_of(b"x" * 6 * MIB)
    image = with_note(chain, tmp_path / "x.tar", note)
    for option in ("--verify", "--digest"):
        with open(image, "rb") as file:
            line = program("copy", "-", pool.sr("nfs"), *pool.login, option, stdin=file,
                           status=3).line
        assert "its digest.json says " + note["digest"] in line
        pool.nothing_left()
        with open(image, "rb") as file:
            program("copy", "-", tmp_path / "x.raw", option, stdin=file, status=3)
        assert not os.path.exists(tmp_path / "x.raw")


def test_verify_without_a_digest_json(program, pool, tmp_path, chain):
    image = pack(tmp_path / "x.tar", members(chain, 0, 1, 2))
    with open(image, "rb") as file:
        line = program("copy", "-", pool.sr("nfs"), *pool.login, "--verify", stdin=file,
                       status=3).line
    assert line.startswith("standard input: --verify compares a chain's disk with the digest.json")
    pool.nothing_left()


def test_digest_alone_reads_back(program, pool, tmp_path, chain):
    image = pack(tmp_path / "x.tar", members(chain, 2, 0, 1))
    expected = note_of(chain.content.read(0, 6 * MIB))["digest"]
    for place in (pool.sr("nfs"), tmp_path / "x.raw", tmp_path / "x.vhd"):
        with open(image, "rb") as file:
            result = program("copy", "-", place, *pool.login, "--digest", "--json", stdin=file)
        assert result.json["digest"] == expected
