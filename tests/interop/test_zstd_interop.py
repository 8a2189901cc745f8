# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Our zstd is read by everybody's, and everybody's by ours."""

import io
import tarfile

import pytest
from other_tools import pipe

from disk_rig import MIB, noise, note_of, raw_file, zstd_of

pytestmark = pytest.mark.of_others

READERS = {
    "zstd": ["zstd", "-dcq"],
    "pzstd": ["pzstd", "-dcq", "-p", "2"],
    "bsdcat": ["bsdcat"],
}
WRITERS = {
    "zstd": ["zstd", "-cq"],
    "zstd -19": ["zstd", "-19", "-cq"],
    "zstd of threads": ["zstd", "-T2", "-cq"],
    "zstd with a large window": ["zstd", "--long=27", "-cq"],
    "zstd without sums": ["zstd", "--no-check", "-cq"],
    "pzstd": ["pzstd", "-cq", "-p", "2"],
}
EXTRACT = {
    "GNU tar": ["tar", "--zstd", "-xOf"],
    "bsdtar": ["bsdtar", "-xOf"],
}
MAKE = {
    "GNU tar": ["tar", "--zstd", "-cf", "-", "0.vhd"],
    "bsdtar": ["bsdtar", "--zstd", "-cf", "-", "0.vhd"],
}


@pytest.mark.parametrize("level", [1, 3, 9])
@pytest.mark.parametrize("reader", READERS)
def test_everybody_reads_ours(streamtool, mixed, reader, level):
    assert pipe(READERS[reader], streamtool("zstd", level, 2, data=mixed)) == mixed


def test_the_tester_finds_nothing(streamtool, mixed):
    for data in (b"", b"x", bytes(3 << 20), mixed):
        pipe(["zstd", "-tq"], streamtool("zstd", 3, 2, data=data))


@pytest.mark.parametrize("writer", WRITERS)
def test_ours_reads_everybodys(streamtool, mixed, writer):
    packed = pipe(WRITERS[writer], mixed)
    for threads in (0, 2):
        assert streamtool("pool", threads, "unzstd", data=packed) == mixed
    assert "cut" in streamtool.error("unzstd", data=packed[:-1])


def test_ours_reads_ours_with_any_number_of_threads(streamtool, mixed):
    packed = streamtool("zstd", 3, 2, data=mixed)
    assert streamtool("unzstd", data=packed) == mixed
    for threads in (0, 1, 5):
        assert streamtool("pool", threads, "unzstd", data=packed) == mixed
    assert "cut" in streamtool.error("pool", 2, "unzstd", data=packed[:-1])


def test_levels_6_and_above_are_about_as_small_as_gzip_6(streamtool):
    with open("/bin/bash", "rb") as file:
        data = file.read()
    sizes = {level: len(streamtool("zstd", level, 2, data=data)) for level in (1, 3, 6, 9)}
    assert sizes[9] < sizes[6] < sizes[3] < sizes[1]
    assert sizes[6] < 1.03 * len(pipe(["gzip", "-6c"], data))


# -- images -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    return raw_file(tmp_path_factory.mktemp("zstd") / "a.raw", 12 * MIB,
                    [(0, noise("z", 3 * MIB)), (7 * MIB + 512, noise("y", 2 * MIB))])


@pytest.fixture(scope="module")
def member(program, disk):
    """The VHD that goes into the image, and has to be all that comes out."""
    program("copy", disk, disk.parent / "0.vhd")
    return (disk.parent / "0.vhd").read_bytes()


@pytest.mark.parametrize("options", [[], ["--verify"]])
@pytest.mark.parametrize("tool", EXTRACT)
def test_others_extract_all_that_is_in_ours(program, disk, member, tmp_path, tool, options):
    program("copy", disk.parent / "0.vhd", tmp_path / "a.tar.zst", *options)
    assert pipe(EXTRACT[tool] + [str(tmp_path / "a.tar.zst")], b"") == member


@pytest.mark.parametrize("tool", MAKE)
def test_ours_reads_the_images_of_others(program, disk, member, tmp_path, tool):
    packed = pipe([MAKE[tool][0], "-C", str(disk.parent), *MAKE[tool][1:]], b"")
    assert packed[:4] == b"\x28\xb5\x2f\xfd"
    (tmp_path / "a.tzst").write_bytes(packed)
    program("copy", tmp_path / "a.tzst", tmp_path / "o.raw")
    assert (tmp_path / "o.raw").read_bytes() == disk.read_bytes()
    assert program("copy", "-", "-", "--to=raw", stdin=packed).out == disk.read_bytes()


def test_image_is_one_member_and_what_verify_adds(program, disk, member, tmp_path):
    program("copy", disk, tmp_path / "a.tzst", "--verify")
    tar = pipe(["zstd", "-dcq", str(tmp_path / "a.tzst")], b"")
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        assert [m.name for m in archive] == ["0.vhd"]
    assert b"digest.json" in tar[-10240:]
    found = program("info", tmp_path / "a.tzst", "--digest", "--json").json
    assert found["recorded_digest"] == note_of(disk.read_bytes())["digest"]


def test_levels_are_taken(program, disk, tmp_path):
    for level in (1, 9):
        program("copy", disk, tmp_path / ("%d.tzst" % level), "--level", level)
        pipe(["zstd", "-tq", str(tmp_path / ("%d.tzst" % level))], b"")


# -- what is wrong with one ------------------------------------------------------------


@pytest.mark.parametrize("at", [11, 20, 3000, -1, -4, -5, -20])
def test_cut_image_is_refused(program, disk, member, tmp_path, at):
    program("copy", disk, tmp_path / "a.tzst")
    (tmp_path / "b.tzst").write_bytes((tmp_path / "a.tzst").read_bytes()[:at])
    result = program("copy", tmp_path / "b.tzst", tmp_path / "o.raw", status=3)
    assert "b.tzst" in result.line and "cut" in result.line
    assert not (tmp_path / "o.raw").exists()


def test_image_cut_between_frames_is_refused(program, disk, member, tmp_path):
    """Nothing in zstd says that more was to come: the archive's end does."""
    packed = zstd_of(member_tar(member)[:-1024])
    (tmp_path / "b.tzst").write_bytes(packed)
    result = program("copy", tmp_path / "b.tzst", tmp_path / "o.raw", status=3)
    assert "the tar archive is cut" in result.line


def member_tar(member):
    info = tarfile.TarInfo("0.vhd")
    info.size = len(member)
    return info.tobuf() + member + bytes(-len(member) % 512) + bytes(1024)


def test_a_window_that_is_too_large_is_refused(program, tmp_path):
    (tmp_path / "b.tzst").write_bytes(b"\x28\xb5\x2f\xfd\0\x90\1\0\0")
    result = program("copy", tmp_path / "b.tzst", tmp_path / "o.raw", status=3)
    assert "window of more than 128 MiB; unpack it with zstd -d --long=31" in result.line


def test_a_bomb_stays_small(program, tmp_path):
    """16 GiB of zeros in half a MiB."""
    one = zstd_of(bytes(64 * MIB))
    (tmp_path / "b.tzst").write_bytes(256 * one)
    result = program.bounded("copy", tmp_path / "b.tzst", tmp_path / "o.raw", status=2)
    assert "b.tzst" in result.line
