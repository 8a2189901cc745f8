# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""merge BASE DELTA... OUT, and copy --base FILE: a whole disk of deltas, in one pass."""

import random

import pytest

from delta_rig import Layers, chain_content, head_of, raw_content
from disk_rig import MIB


@pytest.fixture
def layers(tmp_path):
    """A base and four deltas by an independent model; one of them grows the disk."""
    return Layers(tmp_path, random.Random(7), [5 * MIB, 5 * MIB, 9 * MIB, 9 * MIB, 9 * MIB])


def test_a_merge_is_the_disk_at_that_time(program, tmp_path, layers):
    for end in range(1, 5):
        out = tmp_path / "out.raw"
        program("merge", "--force", *layers.paths[:end + 1], out)
        assert out.read_bytes() == layers.models[end]


@pytest.mark.parametrize("form", ["vhd", "vhd-fixed", "tgz"])
def test_into_any_form(program, tmp_path, layers, form):
    out = tmp_path / "out"
    program("merge", *layers.paths, out, "--to", form)
    program("copy", out, tmp_path / "out.raw", "--from", form)
    assert (tmp_path / "out.raw").read_bytes() == layers.models[-1]


def test_into_a_pool(program, pool, layers):
    uuid = program("merge", *layers.paths, pool.sr("nfs"), *pool.login).text.strip()
    size = pool.disks[uuid]["virtual_size"]
    with open(pool.raw_path(uuid), "rb") as file:
        assert file.read() == layers.models[-1].ljust(size, b"\0")


def test_the_whole_is_the_parent_of_the_next_delta(program, tmp_path, layers):
    """It has the uuid of the last one that is in it."""
    program("merge", *layers.paths[:3], tmp_path / "full.vhd")
    program("merge", tmp_path / "full.vhd", *layers.paths[3:], tmp_path / "out.raw")
    assert (tmp_path / "out.raw").read_bytes() == layers.models[-1]


def test_the_last_delta_may_come_through_a_pipe(program, tmp_path, layers):
    data = layers.paths[-1].read_bytes()
    program("merge", *layers.paths[:-1], "-", tmp_path / "out.raw", stdin=data)
    assert (tmp_path / "out.raw").read_bytes() == layers.models[-1]


def test_a_digest_is_that_of_the_whole(program, tmp_path, layers):
    from disk_rig import blkhash
    run = program("merge", "--verify", "--json", *layers.paths, tmp_path / "out.vhd")
    assert run.json["digest"] == blkhash(layers.models[-1])


def test_chains_of_any_length(program, tmp_path):
    deep = Layers(tmp_path, random.Random(3), [2 * MIB] * 60)
    program("merge", *deep.paths, tmp_path / "out.raw")
    assert (tmp_path / "out.raw").read_bytes() == deep.models[-1]


# --- copy --base FILE --------------------------------------------------------


def test_copy_lays_a_delta_over_a_base(program, tmp_path, layers):
    program("copy", "--base", layers.paths[0], layers.paths[1], tmp_path / "out.raw")
    assert (tmp_path / "out.raw").read_bytes() == layers.models[1]


def test_copy_lays_nothing_over_a_whole_disk(program, tmp_path, layers):
    run = program("copy", "--base", layers.paths[1], layers.paths[0], tmp_path / "o.vhd",
                  status=2)
    assert "is a whole disk" in run.line


def test_base_and_parent_are_one_too_many(program, tmp_path, layers):
    program("copy", "--base", layers.paths[0], "--parent", layers.paths[0], layers.paths[1],
            tmp_path / "o.vhd", status=2)


# --- what is refused ---------------------------------------------------------


@pytest.mark.parametrize("picked", [(0, 2), (1, 2), (0, 2, 1), (0, 1, 3), (0, 1, 1)])
def test_a_missing_or_wrong_link_is_named(program, tmp_path, layers, picked):
    paths = [layers.paths[i] for i in picked]
    run = program("merge", *paths, tmp_path / "out.vhd", status=None)
    assert run.status in (3, 4)
    assert "has the uuid" in run.line or "is not at hand" in run.line
    assert not (tmp_path / "out.vhd").exists()


def test_a_wrong_base_can_be_forced_and_is_told(program, tmp_path, layers):
    args = [layers.paths[0], layers.paths[2], tmp_path / "out.raw"]
    program("merge", "--force", *args, status=3)
    run = program("merge", "--force-base", *args)
    assert "NOT the parent" in run.line
    content = bytearray(layers.models[0].ljust(9 * MIB, b"\0"))
    layers.lay(2, content)
    assert (tmp_path / "out.raw").read_bytes() == content


def test_a_raw_base_has_to_be_forced(program, tmp_path, layers):
    (tmp_path / "base.raw").write_bytes(layers.models[0])
    args = [tmp_path / "base.raw", layers.paths[1], tmp_path / "out.raw"]
    program("merge", *args, status=3)
    run = program("merge", "--force-base", *args)
    assert "is a raw disk" in run.line
    assert (tmp_path / "out.raw").read_bytes() == layers.models[1]


def test_a_delta_that_is_a_whole_disk(program, tmp_path, layers):
    run = program("merge", layers.paths[0], layers.paths[0], tmp_path / "out.vhd", status=2)
    assert "is a whole disk" in run.line


def test_what_is_not_a_file_is_not_under_the_last_delta(program, tmp_path, layers):
    run = program("merge", "-", layers.paths[1], tmp_path / "out.vhd", status=2)
    assert "copy it to a file first" in run.line


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few(program, layers, count):
    run = program("merge", *layers.paths[:count], status=2)
    assert "merge needs BASE DELTA... OUT" in run.lines[0]


def test_order_is_not_given_twice(program, tmp_path, layers):
    program("merge", *layers.paths[:2], tmp_path / "o.vhd", "--parent", "x", status=2)


def test_a_broken_delta_leaves_nothing(program, tmp_path, layers):
    cut = tmp_path / "cut.vhd"
    cut.write_bytes(layers.paths[2].read_bytes()[:-3000])
    program("merge", *layers.paths[:2], cut, tmp_path / "out.vhd", status=3)
    assert not (tmp_path / "out.vhd").exists()


def test_what_comes_out_is_read_by_others(program, tmp_path, layers):
    program("merge", *layers.paths, tmp_path / "out.vhd")
    assert chain_content(tmp_path / "out.vhd") == layers.models[-1]
    assert head_of(tmp_path / "out.vhd")[0].uuid == head_of(layers.paths[-1])[0].uuid
    assert raw_content(layers.paths[0])
