# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""digest.json, behind the end of an image: written, read, believed only where it is right."""

import gzip
import io
import json
import os
import tarfile
import zlib

import pytest

from disk_rig import MIB, blkhash, image_of, noise, note_of, raw_file, tail_of, vhd

PARTS = [(0, noise("note", 3 * MIB)), (6 * MIB + 512, noise("w", MIB))]
SIZE = 9 * MIB + 512


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    return raw_file(tmp_path_factory.mktemp("note") / "a.raw", SIZE, PARTS)


@pytest.fixture(scope="module")
def image():
    """A disk, and its image without a digest, made by others."""
    content = bytearray(4 * MIB)
    content[2 * MIB:] = noise("image", 2 * MIB)
    return bytes(content), image_of(vhd(4 * MIB, {1: bytes(content[2 * MIB:])}), mode="w:")


def unpacked(path):
    with open(path, "rb") as file:
        data = file.read()
    return gzip.decompress(data) if str(path).endswith("tgz") else data


@pytest.mark.parametrize("form", ["tar", "tgz"])
@pytest.mark.parametrize("option", ["--digest", "--verify"])
def test_bytes_are_those_of_the_document(program, disk, tmp_path, form, option):
    """A whole archive and then another one, as Python's tarfile makes it, byte by byte."""
    out = tmp_path / ("o." + form)
    program("copy", disk, out, option)
    data, note = unpacked(out), note_of(disk.read_bytes())
    text = '{"version": 1, "algorithm": "blkhash-sha256", "block_size": 65536, ' \
           '"virtual_size": %d, "digest": "%s"}\n' % (SIZE, note["digest"])
    assert json.loads(text) == note
    member = tarfile.TarInfo("digest.json")
    member.size = len(text)
    header = member.tobuf(tarfile.USTAR_FORMAT)
    assert len(data) % 10240 == 0
    tail = data[-10240:]
    assert tail[512:] == text.encode() + bytes(10240 - 512 - len(text))
    assert tarfile.TarInfo.frombuf(tail[:512], "ascii", "strict").size == len(text)   # the sum
    for begin, end in ((0, 148), (156, 329), (345, 512)):       # it has no device numbers
        assert tail[begin:end] == header[begin:end]
    assert data[-10240 - 1024:-10240] == bytes(1024)


def test_gzip_has_one_member(program, disk, tmp_path):
    program("copy", disk, tmp_path / "o.tgz", "--digest")
    inflate = zlib.decompressobj(31)
    inflate.decompress((tmp_path / "o.tgz").read_bytes())
    assert inflate.eof and not inflate.unused_data


@pytest.mark.parametrize("options", [[], ["--digest", "--plain"], ["--verify", "--plain"]])
def test_image_without_one(program, disk, tmp_path, options):
    program("copy", disk, tmp_path / "o.tar", *options)
    assert b"digest.json" not in unpacked(tmp_path / "o.tar")


@pytest.mark.parametrize("form", ["raw", "vhd"])
def test_plain_is_for_images(program, disk, tmp_path, form):
    assert "--plain" in program("copy", disk, tmp_path / ("o." + form), "--plain", status=2).line


def test_info_reads_it(program, disk, tmp_path):
    program("copy", disk, tmp_path / "o.tgz", "--digest")
    found = program("info", tmp_path / "o.tgz", "--digest", "--json").json
    assert found["recorded_digest"] == blkhash(disk.read_bytes())
    assert "recorded_digest" not in program("info", tmp_path / "o.tgz", "--json").json


def test_info_of_an_image_without_one(program, disk, tmp_path):
    program("copy", disk, tmp_path / "o.tgz")
    for name in (tmp_path / "o.tgz", disk):
        assert "recorded_digest" not in program("info", name, "--digest", "--json").json


# --- what others made of it -----------------------------------------------------


def changed(note, **how):
    return json.dumps({**note, **how})


def verbs(tmp_path):
    """Each verb that hashes the whole disk, with the image from a pipe."""
    return [["digest", "-"], ["copy", "-", tmp_path / "o.vhd", "--digest"],
            ["copy", "-", tmp_path / "o.raw", "--verify"]]


def put(tmp_path, data):
    path = tmp_path / "x.tar"
    path.write_bytes(data)
    return path


def test_one_made_by_others_is_taken(program, tmp_path, image):
    content, tar = image
    text = json.dumps(note_of(content), indent=4)
    for words in verbs(tmp_path):
        program(*words, stdin=tar + tail_of(text) + bytes(512 * 7))
    found = program("info", put(tmp_path, tar + tail_of(text)), "--digest", "--json").json
    assert found["recorded_digest"] == blkhash(content)


def test_wrong_digest_is_refused_where_the_disk_is_hashed(program, tmp_path, image):
    content, tar = image
    wrong = tar + tail_of(changed(note_of(content), digest="0" * 64))
    for words in verbs(tmp_path):
        result = program(*words, stdin=wrong, status=3)
        assert blkhash(content) in result.line and "0" * 64 in result.line
    assert os.listdir(tmp_path) == []
    program("copy", "-", tmp_path / "o.raw", stdin=wrong)


def test_two_streams_compared_by_hashes_have_their_digest_looked_at(program, tmp_path, image):
    """By address they are compared byte by byte, and not hashed."""
    content, half = image[0] * 2, image[0][2 * MIB:]
    tar = image_of(vhd(8 * MIB, {1: half, 3: half}, order=[3, 1]), mode="w:")
    good = put(tmp_path, tar + tail_of(json.dumps(note_of(content))))
    assert "identical" in program("compare", good, "-", stdin=good.read_bytes()).text
    wrong = tar + tail_of(changed(note_of(content), digest="1" * 64))
    assert "1" * 64 in program("compare", good, "-", stdin=wrong, status=3).line


def test_wrong_size_is_refused_by_every_copy(program, tmp_path, image):
    content, tar = image
    wrong = tar + tail_of(changed(note_of(content), virtual_size=4 * MIB + 512))
    for words in verbs(tmp_path) + [["copy", "-", tmp_path / "o.raw"]]:
        assert str(4 * MIB + 512) in program(*words, stdin=wrong, status=3).line
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("text", [
    "", "{", "[]", "null", "{}", "[" * 4000, '{"a":' * 800, "{\0}", '{"version": 0}',
    '{"version": "1"}', '{"version": 1}', '{"version": 1, "version": 1}',
    '{"version": 1, "algorithm": "blkhash-sha256", "block_size": 4096}',
    '{"version": 1, "algorithm": "blkhash-sha256", "block_size": 65536}',
    '{"version": 1, "algorithm": "blkhash-sha256", "block_size": 65536, "virtual_size": 1e300}',
    '{"version": 1, "algorithm": "blkhash-sha256", "block_size": 65536, "virtual_size": -5}',
    '{"version": 1, "algorithm": "blkhash-sha256", "block_size": 65536, '
    '"virtual_size": 4194304, "digest": "%s"}' % ("A" * 64)],
    ids=range(17))
def test_what_is_no_digest_json_is_refused(program, tmp_path, image, text):
    line = program("copy", "-", tmp_path / "o.raw", stdin=image[1] + tail_of(text), status=3).line
    assert "digest.json is broken" in line and os.listdir(tmp_path) == []


@pytest.mark.parametrize("how", [{"version": 2}, {"algorithm": "sha512"}])
def test_a_kind_of_the_future_is_passed_over_with_a_word(program, tmp_path, image, how):
    text = changed(note_of(image[0]), **how)
    result = program("copy", "-", tmp_path / "o.raw", stdin=image[1] + tail_of(text))
    assert "does not know" in result.line
    assert (tmp_path / "o.raw").read_bytes() == image[0]


LONG = " " * 4096


@pytest.mark.parametrize("tail, word", [
    (b"garbage" * 100, "no part of it"),
    (bytes(1024) + b"x", "no part of it"),
    (bytes(511) + b"x", "no part of it"),
    (tail_of("x", "1.vhd"), "1.vhd"),
    (tail_of("x", "digest.jsonx"), "digest.jsonx"),
    (tail_of("x", "./digest.json"), "./digest.json"),
    (tail_of("{}") + tail_of("{}"), "digest.json"),
    (tail_of("{}") + b"x", "no part of it"),
    (tail_of(LONG + "{}"), "4098 bytes"),
    (tail_of("x" * 3000)[:2000], "is cut"),
    (tail_of("x" * 3000)[:3512], "is cut"),
    (tail_of("xx")[:514] + b"y" + tail_of("xx")[515:], "no part of it"),
    (tail_of("xx")[:300] + b"y" + tail_of("xx")[301:], "no part of it")], ids=range(13))
def test_nothing_else_may_follow_an_archive(program, tmp_path, image, tail, word):
    line = program("copy", "-", tmp_path / "o.raw", stdin=image[1] + tail, status=3).line
    assert word in line and os.listdir(tmp_path) == []


def test_absurd_size_of_it_is_refused(program, tmp_path, image):
    member = tarfile.TarInfo("digest.json")
    member.size = 1 << 60
    tail = member.tobuf(tarfile.GNU_FORMAT) + bytes(10240)
    line = program("copy", "-", tmp_path / "o.raw", stdin=image[1] + tail, status=3).line
    assert str(1 << 60) in line


def test_a_link_of_that_name_is_refused(program, tmp_path, image):
    member = tarfile.TarInfo("digest.json")
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    tail = member.tobuf(tarfile.USTAR_FORMAT) + bytes(1024)
    program("copy", "-", tmp_path / "o.raw", stdin=image[1] + tail, status=3)


def test_zeros_may_follow_without_end(program, tmp_path, image):
    program("copy", "-", tmp_path / "o.raw", stdin=image[1] + bytes(3 * MIB + 17))
    assert (tmp_path / "o.raw").read_bytes() == image[0]


def test_inside_the_archive_it_is_a_member_like_others(program, tmp_path, image):
    """Others may have put one there, and mean something else by it."""
    content, _ = image
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in (("0.vhd", vhd(4 * MIB, {1: content[2 * MIB:]})),
                           ("digest.json", b"{}")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    result = program("copy", "-", tmp_path / "o.raw", stdin=out.getvalue())
    assert "digest.json is not a disk" in result.line
