# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""map: what is where, in words, as JSON, as drawings."""

import os
import pty
import subprocess
from xml.dom import minidom

import pytest

from corpus_case import uuid_of
from disk_rig import image_of, noise, raw_file
from vhd_fields import DIFFERENCING
from vhd_rig import MIB, Failures, run
from vhd_writer import Block, Disk, Locator, write

K4 = 4096


def told(vhdstream, *args, stdin=None):
    result = run(vhdstream, "map", "--json", *args, stdin=stdin)
    assert result.status == 0, result.err
    return result.json


def extents(vhdstream, *args, stdin=None):
    return [(x["start"], x["length"], x["kind"])
            for x in told(vhdstream, *args, stdin=stdin)["extents"]]


@pytest.fixture
def family(tmp_path):
    """A base with 4 KiB of data, 4 KiB of stored zeros in block 1; a child with a sector."""
    write(Disk(size=6 * MIB, footer={"uuid": uuid_of("base.vhd")}, blocks=[
        Block(1, [(0, noise("map", K4))], bits=[(0, 16)])]), tmp_path / "base.vhd")
    write(Disk(size=6 * MIB, type=DIFFERENCING, header={"parent_uuid": uuid_of("base.vhd")},
               blocks=[Block(2, [(8, noise("child", K4))])],
               locators=[Locator(b"W2ru", ".\\base.vhd".encode("utf-16-le"))]),
          tmp_path / "child.vhd")
    return tmp_path


BASE = [(0, 2 * MIB, "hole"), (2 * MIB, K4, "data"), (2 * MIB + K4, K4, "zero"),
        (2 * MIB + 2 * K4, 4 * MIB - 2 * K4, "hole")]


def test_a_vhd_tells_by_its_bits_and_its_bytes(vhdstream, family):
    assert extents(vhdstream, family / "base.vhd") == BASE


def test_quick_looks_at_no_data(vhdstream, family):
    assert extents(vhdstream, "--quick", family / "base.vhd") == [
        (0, 2 * MIB, "hole"), (2 * MIB, 2 * K4, "data"),
        (2 * MIB + 2 * K4, 4 * MIB - 2 * K4, "hole")]


def test_a_child_alone_leaves_the_rest_to_its_parent(vhdstream, family):
    at = 4 * MIB + K4
    assert extents(vhdstream, family / "child.vhd") == [
        (0, at, "parent"), (at, K4, "data"), (at + K4, 2 * MIB - 2 * K4, "parent")]


@pytest.mark.parametrize("args", [["--chain"], ["--parent", "base.vhd"]])
def test_a_chain_is_one_disk(vhdstream, family, args):
    args = [family / a if a.endswith("vhd") else a for a in args]
    at = 4 * MIB + K4
    assert extents(vhdstream, *args, family / "child.vhd") == BASE[:3] + [
        (2 * MIB + 2 * K4, at - 2 * MIB - 2 * K4, "hole"), (at, K4, "data"),
        (at + K4, 2 * MIB - 2 * K4, "hole")]


def test_a_stream_tells_by_whole_blocks(vhdstream, family):
    blocks = [(0, 2 * MIB, "hole"), (2 * MIB, 2 * MIB, "data"), (4 * MIB, 2 * MIB, "hole")]
    assert extents(vhdstream, "-", stdin=str(family / "base.vhd")) == blocks
    (family / "base.tgz").write_bytes(image_of((family / "base.vhd").read_bytes()))
    assert extents(vhdstream, family / "base.tgz") == blocks


def test_a_raw_file_tells_by_its_holes(vhdstream, tmp_path):
    raw_file(tmp_path / "a.raw", 4 * MIB, [(MIB, noise("raw", 65536))])
    assert extents(vhdstream, tmp_path / "a.raw") == [
        (0, MIB, "hole"), (MIB, 65536, "data"), (MIB + 65536, 3 * MIB - 65536, "hole")]


def test_words_say_the_same(vhdstream, family):
    rows = run(vhdstream, "map", family / "base.vhd").text.splitlines()
    assert [tuple(int(w) if w.isdigit() else w for w in row.split()) for row in rows[1:]] == BASE
    assert rows[0].split() == ["start", "length", "kind"]


def test_what_is_not_there_has_no_table(vhdstream, tmp_path):
    result = run(vhdstream, "map", tmp_path / "none.vhd")
    assert result.status == 4 and result.out == b""


def test_every_valid_file_is_covered_and_rightly(vhdstream, corpus, tmp_path):
    """Extents follow each other, neighbours differ, and what is called empty is."""
    failures = Failures()
    for entry in corpus.valid("fixed", "dynamic", "differencing"):
        if entry["virtual_size"] > 64 * MIB:
            continue
        path, out = corpus.path(entry["path"]), str(tmp_path / "out.raw")
        args = [*corpus.args(entry)]
        if entry["parents"] and not args:
            args = ["--chain"]
        found = extents(vhdstream, *args, path)
        words = [a for a in args if a != "--chain"]
        assert run(vhdstream, "copy", "--force", *words, path, out).status == 0
        at, last = 0, None
        with open(out, "rb") as file:
            for start, length, kind in found:
                failures.expect(start == at and length > 0 and kind != last, entry["name"],
                                "%d, %d, %s after %d" % (start, length, kind, at))
                content = file.read(length)
                failures.expect(kind == "data" or content == bytes(length), entry["name"],
                                "%s at %d holds something" % (kind, start))
                at, last = start + length, kind
        failures.expect(at == entry["virtual_size"], entry["name"], "ends at %d" % at)
    failures.check()


# -- drawings ---------------------------------------------------------------------


def test_the_drawing_is_xml_whatever_the_name_is(vhdstream, family):
    name = family / "a<&\"\x1b]\xe4.vhd"
    os.rename(family / "base.vhd", name)
    result = run(vhdstream, "map", "--image", family / "a.svg", name)
    assert result.status == 0, result.err
    assert minidom.parse(str(family / "a.svg")).documentElement.tagName == "svg"
    name = os.fsencode(family) + b"/\xff\xfe.vhd"
    os.rename(family / "child.vhd", name)
    assert run(vhdstream, "map", "--image", family / "b.svg", name).status == 0
    minidom.parse(str(family / "b.svg"))


def test_a_drawing_replaces_nothing_without_force(vhdstream, family):
    (family / "a.svg").write_text("mine")
    assert run(vhdstream, "map", "--image", family / "a.svg", family / "base.vhd").status == 1
    assert (family / "a.svg").read_text() == "mine"
    assert run(vhdstream, "map", "--force", "--image", family / "a.svg",
               family / "base.vhd").status == 0


def test_no_drawing_of_what_is_broken(vhdstream, family):
    (family / "cut.vhd").write_bytes((family / "base.vhd").read_bytes()[:5000])
    assert run(vhdstream, "map", "--image", family / "a.svg", family / "cut.vhd").status == 3
    assert not (family / "a.svg").exists()


def test_stdout_is_no_place_for_a_drawing(vhdstream, family):
    result = run(vhdstream, "map", "--image", "-", family / "base.vhd")
    assert result.status == 2 and not result.out


def test_a_full_disk_is_told(vhdstream, family):
    assert run(vhdstream, "map", "--image", "/dev/full", family / "base.vhd").status == 6


def on_terminal(vhdstream, *args):
    ours, theirs = pty.openpty()
    with subprocess.Popen([vhdstream, *args], stdin=subprocess.DEVNULL, stdout=theirs,
                          stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 65536):
                text += piece
        except OSError:         # the other end was closed
            pass
        os.close(ours)
    assert process.returncode == 0
    return text.decode().replace("\r\n", "\n")


def test_a_terminal_gets_a_picture(vhdstream, tmp_path):
    """Ten blocks: each of their digits is the tenth of the disk; scattered ones fall."""
    for name, order in (("straight", range(10)), ("scattered", range(9, -1, -1))):
        blocks = [Block(i, [(0, noise(i, 2 * MIB))], bits="all") for i in order]
        path = str(tmp_path / name)
        write(Disk(size=20 * MIB, blocks=blocks), path)
        lines = on_terminal(vhdstream, "map", path).split("The file", 1)[1].splitlines()[1:]
        digits = [d for line in lines if "blocks in" not in line for d in line if d.isdigit()]
        assert set(digits) == set("0123456789")
        assert (digits == sorted(digits)) == (name == "straight")
