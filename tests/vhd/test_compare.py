# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""compare: the same content whatever the forms, the first byte that differs, hash lists."""

import random
import shutil

import pytest

from corpus_case import block, uuid_of
from disk_rig import MIB, image_of, noise, raw_file, vhd_file
from vhd_fields import DIFFERENCING
from vhd_rig import run
from vhd_writer import Disk, write

LEAF = 65536
SIZE = 9 * MIB + 512
FORMS = ["a.raw", "a.vhd", "shuffled.vhd", "a.tgz", "list"]


@pytest.fixture(scope="module")
def disks(vhdstream, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    blocks = {i: noise(("compare", i), 2 * MIB) for i in (0, 2, 3)}
    vhd_file(folder / "a.vhd", SIZE, blocks)
    vhd_file(folder / "shuffled.vhd", SIZE, blocks, order=[3, 0, 2])
    raw_file(folder / "a.raw", SIZE, [(i * 2 * MIB, data) for i, data in blocks.items()])
    (folder / "a.tgz").write_bytes(image_of((folder / "shuffled.vhd").read_bytes()))
    assert run(vhdstream, "digest", "--blocks", folder / "list", folder / "a.raw").status == 0
    return folder


def compared(vhdstream, *args, stdin=None):
    result = run(vhdstream, "compare", "--json", *args, stdin=stdin)
    assert result.status in (0, 3) and result.out, result.err
    assert result.json["identical"] == (result.status == 0)
    return result.json


@pytest.mark.parametrize("first", FORMS)
def test_all_forms_are_identical(vhdstream, disks, first):
    for second in FORMS:
        assert compared(vhdstream, disks / first, disks / second)["identical"], second


def test_a_pipe_is_compared_too(vhdstream, disks):
    for form in ("a.vhd", "shuffled.vhd", "a.tgz"):
        assert compared(vhdstream, "-", disks / "a.raw", stdin=str(disks / form))["identical"]


@pytest.mark.parametrize("first", [True, False])
def test_a_disk_whose_parent_is_not_at_hand(vhdstream, disks, tmp_path, first):
    """One of a chain, by its name, or alone."""
    write(Disk(size=SIZE, type=DIFFERENCING, blocks=[block(0)], footer={"uuid": uuid_of("child")},
               header={"parent_uuid": uuid_of("lost")}), str(tmp_path / "0.vhd"))
    (tmp_path / "leaf.tgz").write_bytes(image_of((tmp_path / "0.vhd").read_bytes()))
    for path in ("0.vhd", "leaf.tgz"):
        places = [tmp_path / path, disks / "a.raw"]
        result = run(vhdstream, "compare", *(places if first else places[::-1]))
        assert result.status == 4 and "is not at hand" in result.err


def test_any_member_is_about_archives(vhdstream, disks, tmp_path):
    (tmp_path / "bare").write_bytes((disks / "a.raw").read_bytes())
    assert compared(vhdstream, "--any-member", disks / "a.raw", tmp_path / "bare")["identical"]
    assert compared(vhdstream, "--any-member", disks / "a.tgz", tmp_path / "bare")["identical"]


def changed(disks, tmp_path, at):
    path = tmp_path / "changed.raw"
    shutil.copyfile(disks / "a.raw", path)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))
    return path


@pytest.mark.parametrize("at", [0, 4095, 2 * MIB - 1, 2 * MIB, 3 * MIB + 7, SIZE - 1])
def test_the_first_byte_that_differs_is_told(vhdstream, disks, tmp_path, at):
    path = changed(disks, tmp_path, at)
    found = compared(vhdstream, disks / "a.vhd", path)
    assert (found["first_difference"], found["within"]) == (at, 1)
    found = compared(vhdstream, path, disks / "list")
    first = found["first_difference"]
    assert first == at // LEAF * LEAF and found["within"] == min(LEAF, SIZE - first)


def test_the_first_of_several_whatever_the_order_of_the_stream(vhdstream, disks, tmp_path):
    path = changed(disks, tmp_path, 7 * MIB)
    with open(path, "r+b") as file:
        for at in random.Random(3).sample(range(MIB, 7 * MIB, 512), 20):
            file.seek(at)
            file.write(b"\xaa\x55")
    with open(path, "rb") as one, open(disks / "a.raw", "rb") as two:
        a, b = one.read(), two.read()
    first = next(i for i in range(SIZE) if a[i] != b[i])
    for form in ("a.vhd", "shuffled.vhd"):
        found = compared(vhdstream, "-", path, stdin=str(disks / form))
        assert first - found["first_difference"] in range(found["within"]), form


@pytest.mark.parametrize("more, rest", [(bytes(4096), True), (bytes(4095) + b"x", False)])
def test_sizes_differ(vhdstream, disks, tmp_path, more, rest):
    path = tmp_path / "longer.raw"
    path.write_bytes((disks / "a.raw").read_bytes() + more)
    found = compared(vhdstream, disks / "a.vhd", path)
    assert found["sizes"] == [SIZE, SIZE + 4096] and not found["identical"]
    assert found.get("rest_is_zero", False) == rest


def test_a_list_that_is_broken_is_no_judge(vhdstream, disks, tmp_path):
    text = (disks / "list").read_bytes()
    for wrong in (text[:-1], text[:500], text[:-20] + b"0" * 19 + b"\n", text + b"\n"):
        (tmp_path / "wrong").write_bytes(wrong)
        result = run(vhdstream, "compare", tmp_path / "wrong", disks / "a.raw")
        assert result.status == 3 and not result.out and "wrong" in result.err


def test_a_list_is_no_disk(vhdstream, disks, tmp_path):
    """A list that is given for a disk is told, unless the user says raw."""
    for args in (["digest", disks / "list"], ["copy", disks / "list", tmp_path / "o.raw"]):
        result = run(vhdstream, *args)
        assert result.status == 3 and "list of block digests" in result.err
    assert run(vhdstream, "digest", "--from", "raw", disks / "list").status == 0


def test_stdout_is_no_place_for_a_list(vhdstream, disks, tmp_path):
    result = run(vhdstream, "digest", "--blocks", "-", disks / "a.raw")
    assert result.status == 2 and not result.out


def test_words_and_quiet(vhdstream, disks, tmp_path):
    path = changed(disks, tmp_path, 5)
    result = run(vhdstream, "compare", disks / "a.vhd", path)
    assert result.status == 3 and "differ, first at byte 5" in result.text
    assert run(vhdstream, "compare", disks / "a.vhd", disks / "a.raw").text == \
        "%s and %s are identical\n" % (disks / "a.vhd", disks / "a.raw")
    assert run(vhdstream, "compare", "-q", disks / "a.vhd", path).out == b""


def test_a_child_is_compared_with_its_parents(vhdstream, corpus, tmp_path):
    entry = next(e for e in corpus.valid("differencing") if e["name"] == "diff-leaf")
    path = corpus.path(entry["path"])
    assert run(vhdstream, "copy", path, tmp_path / "flat.raw").status == 0
    assert compared(vhdstream, path, tmp_path / "flat.raw")["identical"]


def test_what_is_not_there(vhdstream, disks):
    assert run(vhdstream, "compare", disks / "a.raw", disks / "none").status == 4
    assert run(vhdstream, "compare", disks / "none", disks / "a.raw").status == 4
    assert run(vhdstream, "compare", "-", "-").status == 2
