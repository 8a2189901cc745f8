# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The digest: that of the content, whatever the format, the order, the holes, the way."""

import hashlib
import os
import random
import re
import struct

import pytest

from disk_rig import MIB, image_of, noise, raw_file, vhd_file
from vhd_rig import PIPE_UP_TO, Failures, run
from vhd_writer import Block, Disk, write

LEAF = 65536
DOC = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "formats", "digest.md")
FORMS = ["a.raw", "a.vhd", "shuffled.vhd", "a.tgz", "small.vhd", "apart.vhd"]
KNOWN = {
    b"A" * 65536: "2e3a5f57d5e726ee5de62db1a85ff816f4fa6ea4627807d9a51bdc4c883e165e",
    bytes(65536): "8ab067ab7939a3d4f40cbb118956c07c06aeae2d075d6e0a2ebbb94bd42832af",
    b"A" * 32768: "9467334d6d7668a2f06898185b5cddc78cdfbd962f50c6bf250101f03a0e54dc",
}


def documented():
    """The function that the document shows, as it stands there."""
    with open(DOC, encoding="utf-8") as file:
        code, = re.findall(r"```python\n(.*?)```", file.read(), re.S)
    names = {"hashlib": hashlib}
    exec(code, names)           # pylint: disable=exec-used
    return names["digest"]


def digest_of(path):
    """Of a raw file, by the document."""
    return documented()(path, os.path.getsize(path))


def ok(result):
    assert result.status == 0, result.err
    return result


def printed(result):
    """Digest and place, in a line like that of sha256sum."""
    digest, place = ok(result).text.rstrip("\n").split("  ")
    assert re.fullmatch("[0-9a-f]{64}", digest)
    return digest, place


def fill_small(folder, data):
    """The content in blocks of 4 KiB, by address and in any order."""
    parts = [data[at:at + 4096] for at in range(0, len(data), 4096)]
    blocks = [Block(i, [(0, part)]) for i, part in enumerate(parts) if any(part)]
    write(Disk(len(data), block_size=4096, blocks=blocks), folder / "small.vhd")
    random.Random(1).shuffle(blocks)
    write(Disk(len(data), block_size=4096, blocks=blocks), folder / "apart.vhd")


@pytest.fixture(scope="module")
def disks(tmp_path_factory):
    """One content of an odd size in many forms, some out of order."""
    folder = tmp_path_factory.mktemp("disks")
    size = 21 * MIB + 512
    blocks = {i: noise(("digest", i), 2 * MIB) for i in (0, 3, 4, 9)}
    blocks[6] = bytes(MIB) + noise("half", MIB)
    blocks[10] = noise("last", MIB + 512) + bytes(MIB - 512)
    data = bytearray(22 * MIB)
    for index, block in blocks.items():
        data[index * 2 * MIB:(index + 1) * 2 * MIB] = block
    data = bytes(data[:size])
    raw_file(folder / "a.raw", size, [(0, data)])
    vhd_file(folder / "a.vhd", size, blocks)
    vhd_file(folder / "shuffled.vhd", size, blocks, order=[9, 10, 0, 6, 4, 3])
    (folder / "a.tgz").write_bytes(image_of((folder / "shuffled.vhd").read_bytes()))
    fill_small(folder, data)
    return folder


def test_known_answers(vhdstream, tmp_path):
    path = tmp_path / "a.raw"
    for content, digest in KNOWN.items():
        path.write_bytes(content)
        assert printed(run(vhdstream, "digest", path)) == (digest, str(path))
        assert digest_of(path) == digest


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("threads", ["0", "3"])
def test_every_form_has_the_same_digest(vhdstream, disks, form, threads):
    assert printed(run(vhdstream, "digest", disks / form, "--threads", threads))[0] \
        == digest_of(disks / "a.raw")


def test_json_tells_all(vhdstream, disks):
    result = ok(run(vhdstream, "digest", "--json", disks / "shuffled.vhd")).json
    assert result["digest"] == digest_of(disks / "a.raw")
    assert result["algorithm"] == "blkhash-sha256" and result["block_size"] == LEAF
    assert result["virtual_size"] == 21 * MIB + 512 and result["format"] == "vhd"
    assert result["data"] <= 6 * 2 * MIB


@pytest.mark.parametrize("form", ["a.vhd", "shuffled.vhd", "a.tgz", "small.vhd"])
def test_from_a_pipe(vhdstream, disks, form):
    found = printed(run(vhdstream, "digest", "-", stdin=disks / form))
    assert found == (digest_of(disks / "a.raw"), "-")


def test_small_blocks_that_come_apart_in_a_pipe_are_refused(vhdstream, disks):
    result = run(vhdstream, "digest", "-", stdin=disks / "apart.vhd")
    assert result.status == 3 and "standard input" in result.err and not result.out


def backwards(count, empty):
    """The head of a disk with all its blocks, the last of them first; none is there."""
    write(Disk(count * 2 * MIB, blocks=[]), empty)
    head = empty.read_bytes()[:-512]
    table, = struct.unpack(">Q", head[512 + 16:512 + 24])
    first, step = len(head) // 512, 1 + 2 * MIB // 512
    entries = [first + step * i for i in reversed(range(count))]
    return head[:table] + struct.pack(">%dI" % count, *entries) + head[table + 4 * count:]


def test_what_would_wait_beyond_the_budget_is_told_from_the_head(vhdstream, tmp_path):
    """65540 blocks backwards; of them nothing is there to be read."""
    count = 65540
    head, out = tmp_path / "head", tmp_path / "out.vhd"
    head.write_bytes(backwards(count, tmp_path / "empty.vhd"))
    result = run(vhdstream, "digest", "-", stdin=head)
    assert result.status == 6 and "64 MiB" in result.err, result.err
    result = run(vhdstream, "copy", "--digest", "-", out, stdin=head)
    assert result.status == 6 and not out.exists(), result.err


# --- the corpus ---------------------------------------------------------------


def test_every_valid_file_of_the_corpus(vhdstream, corpus):
    failures = Failures()
    for entry in corpus.manifest["valid"]:
        result = run(vhdstream, "digest", *corpus.args(entry), "--from", "vhd",
                     corpus.path(entry["path"]))
        found = result.text.split("  ")[0] if result.status == 0 else result.err
        failures.expect(found == entry["digest"], entry["name"], found)
    failures.check()


def test_every_valid_stream_of_the_corpus(vhdstream, corpus):
    failures = Failures()
    for entry in corpus.valid("dynamic", "differencing"):
        if entry["pipe"]["verdict"] != "read" or entry["file_size"] > PIPE_UP_TO:
            continue
        result = run(vhdstream, "digest", "--from", "vhd", *corpus.parents(entry), "-",
                     stdin=corpus.path(entry["path"]))
        found = result.text.split("  ")[0] if result.status == 0 else result.err
        small = entry["block_size"] < LEAF and "another order" in found
        failures.expect(small or found == entry["digest"], entry["name"], found)
    failures.check()


def test_every_broken_file_has_no_digest(vhdstream, corpus):
    failures = Failures()
    for entry in corpus.manifest["bad"]:
        if entry["file"]["verdict"] != "refuse":
            continue
        result = run(vhdstream, "digest", "--from", "vhd", corpus.path(entry["path"]))
        failures.expect(result.status == 3 and not result.out, entry["name"], result.err)
    failures.check()


def test_every_member_of_every_chain(vhdstream, corpus):
    failures = Failures()
    for chain in corpus.manifest["chains"]:
        for member in chain["members"] if chain["style"] != "whole" else ():
            result = run(vhdstream, "digest", corpus.path(member["path"]))
            failures.expect(result.text.startswith(member["digest"]), member["path"], result.err)
    failures.check()


def test_child_alone_has_none(vhdstream, corpus, tmp_path):
    chain = next(c for c in corpus.manifest["chains"] if len(c["members"]) > 1)
    child, out = tmp_path / "child.vhd", tmp_path / "out.vhd"
    with open(corpus.path(chain["members"][0]["path"]), "rb") as file:
        child.write_bytes(file.read())
    result = run(vhdstream, "digest", child)
    assert result.status and not result.out
    result = run(vhdstream, "copy", "--keep-parent", "--digest", child, out)
    assert result.status == 3 and "no digest without its parents" in result.err
    assert not out.exists()


# --- in passing ---------------------------------------------------------------


@pytest.mark.parametrize("source", FORMS)
@pytest.mark.parametrize("to", ["raw", "vhd", "vhd-fixed", "tar", "tgz"])
def test_copy_takes_it_in_passing(vhdstream, disks, tmp_path, source, to):
    out = tmp_path / "out"
    result = ok(run(vhdstream, "copy", "--digest", "--json", "--to", to, disks / source, out))
    assert result.json["digest"] == digest_of(disks / "a.raw")
    assert not result.err
    assert printed(run(vhdstream, "digest", "--from", to, out))[0] == result.json["digest"]


@pytest.mark.parametrize("threads", ["0", "4"])
def test_copy_says_it_to_people_on_stderr(vhdstream, disks, threads):
    result = ok(run(vhdstream, "copy", "--digest", "--threads", threads, "--to", "vhd",
                    disks / "a.raw", "-"))
    assert result.err == "vhdstream: standard output: digest %s\n" % digest_of(disks / "a.raw")
    plain = ok(run(vhdstream, "copy", "--to", "vhd", disks / "a.raw", "-"))
    assert len(plain.out) == len(result.out) and not plain.err


def test_azures_padding_is_not_in_it(vhdstream, disks, tmp_path):
    result = ok(run(vhdstream, "copy", "--digest", "--json", "--azure", disks / "a.raw",
                    tmp_path / "out.vhd"))
    assert result.json["digest"] == digest_of(disks / "a.raw")


# --- the list of block digests -------------------------------------------------


def parse_list(path):
    """By the document: (size, hashes, digest)."""
    lines = path.read_bytes().decode("ascii").split("\n")
    assert lines.pop() == ""
    assert lines[2:4] == ["block 65536", "hash sha256"]
    if lines[0] == "vhdstream block digests 2":
        assert re.fullmatch(r"uuid [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", lines.pop(4))
    else:
        assert lines[0] == "vhdstream block digests 1"
    size = int(re.fullmatch(r"size (\d+)", lines[1]).group(1))
    digest = re.fullmatch("digest ([0-9a-f]{64})", lines[-1]).group(1)
    hashes = []
    for line in lines[4:-1]:
        zeros = re.fullmatch(r"zero (\d+)", line)
        hashes += [hashlib.sha256(bytes(LEAF)).hexdigest()] * int(zeros.group(1)) if zeros \
            else [re.fullmatch("[0-9a-f]{64}", line).group()]
    return size, hashes, digest


@pytest.mark.parametrize("verb", ["digest", "copy"])
def test_list_is_right_line_by_line(vhdstream, disks, tmp_path, verb):
    blocks = tmp_path / "blocks"
    more = [tmp_path / "out.vhd"] if verb == "copy" else []
    ok(run(vhdstream, verb, "--blocks", blocks, disks / "shuffled.vhd", *more))
    size, hashes, digest = parse_list(blocks)
    data = (disks / "a.raw").read_bytes()
    assert size == len(data) and digest == digest_of(disks / "a.raw")
    assert hashes == [hashlib.sha256(data[at:at + LEAF]).hexdigest()
                      for at in range(0, size, LEAF)]


def test_list_does_not_depend_on_the_form(vhdstream, disks, tmp_path):
    lists = set()
    for number, form in enumerate(FORMS):
        path = tmp_path / str(number)
        ok(run(vhdstream, "digest", "--blocks", path, disks / form))
        lists.add(path.read_bytes())
    assert len(lists) == 1


def test_list_replaces_nothing_without_force(vhdstream, disks, tmp_path):
    blocks = tmp_path / "blocks"
    blocks.write_text("mine")
    result = run(vhdstream, "digest", "--blocks", blocks, disks / "a.raw")
    assert result.status and blocks.read_text() == "mine" and not result.out
    ok(run(vhdstream, "digest", "--force", "--blocks", blocks, disks / "a.raw"))
    parse_list(blocks)


def test_broken_disk_leaves_no_list(vhdstream, disks, tmp_path):
    cut = tmp_path / "cut"
    cut.write_bytes((disks / "shuffled.vhd").read_bytes()[:-5000])
    result = run(vhdstream, "digest", "--blocks", tmp_path / "blocks", "-", stdin=cut)
    assert result.status == 3
    assert os.listdir(tmp_path) == ["cut"]
