# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What info says of a VHD: its maker, its chain, its exact size in each form."""

import os

import pytest

from corpus_case import block, uuid_of
from vhd_fields import DIFFERENCING
from vhd_rig import MIB, run
from vhd_writer import Disk, Locator, write


def info(vhdstream, *args, status=0, stdin=None):
    result = run(vhdstream, "info", "--json", *args, stdin=stdin)
    assert result.status == status, result.err
    return result.json if not status else result.err


def child(path, parent, name=None, **more):
    """A child of the disk that `parent` names, which need not be there."""
    text = ".\\" + (name or parent)
    disk = Disk(size=8 * MIB, type=DIFFERENCING, blocks=[block(1)],
                footer={"uuid": uuid_of(os.path.basename(path))},
                header={"parent_uuid": uuid_of(parent)},
                locators=[Locator(b"W2ru", text.encode("utf-16-le"))])
    for key, value in more.items():
        setattr(disk, key, value)
    write(disk, path)


@pytest.fixture
def family(tmp_path):
    """base.vhd, mid.vhd, leaf.vhd"""
    write(Disk(size=8 * MIB, blocks=[block(0), block(3)], footer={"uuid": uuid_of("base.vhd")}),
          str(tmp_path / "base.vhd"))
    child(str(tmp_path / "mid.vhd"), "base.vhd")
    child(str(tmp_path / "leaf.vhd"), "mid.vhd", blocks=[block(2)])
    return tmp_path


def test_the_chain_is_told_down_to_the_base(vhdstream, family):
    told = info(vhdstream, family / "leaf.vhd")
    assert [(p["place"], p["type"]) for p in told["chain"]] == [
        (str(family / "mid.vhd"), "differencing"), (str(family / "base.vhd"), "dynamic")]
    assert [p["uuid"].replace("-", "") for p in told["chain"]] == [
        uuid_of("mid.vhd").hex(), uuid_of("base.vhd").hex()]
    assert "chain_broken" not in told


def test_a_whole_disk_has_no_chain(vhdstream, family):
    assert "chain" not in info(vhdstream, family / "base.vhd")


@pytest.mark.parametrize("block_size", [2 * MIB, MIB // 2, 4 * MIB])
def test_sizes_are_those_of_both_kinds_of_copy(vhdstream, family, block_size):
    child(str(family / "leaf.vhd"), "mid.vhd", block_size=block_size)
    told = info(vhdstream, family / "leaf.vhd")
    for sizes, word in ((told["size_as"], ()), (told["size_as_child"], ("--keep-parent",))):
        assert {"vhd", "tar"} <= set(sizes)
        for form in sizes:
            out = family / "out"
            result = run(vhdstream, "copy", *word, "--to", form, "--force",
                         family / "leaf.vhd", out)
            assert result.status == 0, result.err
            assert os.path.getsize(out) == sizes[form], form


def test_a_lost_parent_is_part_of_the_answer(vhdstream, family):
    os.remove(family / "base.vhd")
    told = info(vhdstream, family / "leaf.vhd")
    assert [p["place"] for p in told["chain"]] == [str(family / "mid.vhd")]
    assert "base.vhd" in told["chain_broken"] and "--parent" in told["chain_broken"]
    assert "size_as" not in told and told["size_as_child"]["vhd"] > 2 * MIB


def test_a_loop_is_part_of_the_answer(vhdstream, family):
    child(str(family / "base.vhd"), "leaf.vhd")
    assert "loop" in info(vhdstream, family / "leaf.vhd")["chain_broken"]


def test_a_fifo_for_a_parent_is_not_opened(vhdstream, family):
    os.remove(family / "mid.vhd")
    os.mkfifo(family / "mid.vhd")
    assert "FIFO" in info(vhdstream, family / "leaf.vhd")["chain_broken"]


def test_a_pipe_has_a_chain_by_the_users_word(vhdstream, family):
    leaf = str(family / "leaf.vhd")
    assert info(vhdstream, "-", stdin=leaf)["chain"] == []
    named = [w for n in ("mid.vhd", "base.vhd") for w in ("--parent", family / n)]
    told = info(vhdstream, *named, "-", stdin=leaf)
    assert len(told["chain"]) == 2 and told["size_as"]["raw"] == 8 * MIB


def test_the_users_word_must_be_right(vhdstream, family):
    said = info(vhdstream, "--parent", family / "base.vhd", family / "leaf.vhd", status=3)
    assert "uuid" in said
    said = info(vhdstream, "--parent", family / "base.vhd", family / "base.vhd", status=2)
    assert "no differencing disk" in said


@pytest.mark.parametrize("code, words", [
    (b"tap\0", "blktap"), (b"win ", "Hyper-V"), (b"vbox", "VirtualBox"), (b"caml", "XAPI"),
    (b"xo  ", "Xen Orchestra"), (b"wa\0\0", "Azure"), (b"vpc ", "Virtual PC"), (b"qemu", "qemu"),
    (b"d2v\0", "disk2vhd"), (b"CTXS", "XenConvert"), (b"\x1b[2J", "unknown")])
def test_who_made_it(vhdstream, tmp_path, code, words):
    path = str(tmp_path / "a.vhd")
    write(Disk(size=4 * MIB, footer={"creator": code, "creator_version": 0x00050003,
                                     "host_os": b"Mac "}), path)
    vhd = info(vhdstream, path)["vhd"]
    assert words in vhd["made_by"] and vhd["creator_version"] == "5.3"
    assert vhd["made_on"] == "Macintosh" and vhd["geometry"] == "120/4/17"


def test_how_sparse_it_is(vhdstream, family):
    told = info(vhdstream, family / "base.vhd")
    assert told["allocated_size"] == 4 * MIB and told["sparse_ratio"] == 0.5


def test_words_say_the_same(vhdstream, family):
    result = run(vhdstream, "info", family / "leaf.vhd")
    lines = dict(line.split(":", 1) for line in result.text.splitlines())
    assert lines["chain 2 place"].strip() == str(family / "base.vhd")
    assert lines["sparse ratio"].strip() == "0.750"
