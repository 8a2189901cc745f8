# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Truncated and corrupted inputs: exit status 3, and the pool is as it was before."""

import gzip
import random
import struct
import zlib

import pytest

from disk_rig import BLOCK, MIB, image_of, noise, vhd

WHOLE = vhd(9 * MIB, {i: noise(("bad", i), BLOCK) for i in (0, 2, 3)})
IMAGE = image_of(WHOLE)
TAR = image_of(WHOLE, mode="w")
TABLE = 1536
TARGETS = ["nfs", "rawlv"]


def refused(program, pool, data, sr="nfs", path=None, ends=3):
    """Sends it through a pipe, or from a file; the one sentence about it."""
    pool.remember()
    if path:
        path.write_bytes(data)
        result = program("copy", path, pool.sr(sr), *pool.login, status=ends)
    else:
        result = program("copy", "-", pool.sr(sr), *pool.login, stdin=data, status=ends)
    assert result.out == b""
    pool.nothing_left()
    return result.lines[-1]


def cuts(data, count=9):
    """Places all over it: the ends, and some at random that are the same every day."""
    places = {10, 100, 511, 512, 1024, len(data) - 1, len(data) - 8, len(data) - 512}
    places |= {random.Random(5).randrange(len(data)) for _ in range(count)}
    return sorted(places)


# -- cut off ------------------------------------------------------------------------


@pytest.mark.parametrize("at", [at for at in cuts(WHOLE) if at != len(WHOLE) - 1]
                         + [TABLE, TABLE + 100, 2048, 2560, 2048 + 512 + BLOCK])
@pytest.mark.parametrize("sr", TARGETS)
def test_vhd_cut_in_a_pipe(program, pool, sr, at):
    refused(program, pool, WHOLE[:at], sr)


@pytest.mark.parametrize("at", cuts(IMAGE))
@pytest.mark.parametrize("sr", TARGETS)
def test_image_cut_in_a_pipe(program, pool, sr, at):
    refused(program, pool, IMAGE[:at], sr)


@pytest.mark.parametrize("at", cuts(IMAGE, 3))
def test_image_cut_in_a_file(program, pool, tmp_path, at):
    assert "a.tgz" in refused(program, pool, IMAGE[:at], path=tmp_path / "a.tgz")


@pytest.mark.parametrize("at", [at for at in cuts(TAR) if 512 <= at < 512 + len(WHOLE)])
def test_tar_cut_in_a_pipe(program, pool, at):
    refused(program, pool, TAR[:at])


@pytest.mark.parametrize("at", [0, 512, len(WHOLE) // 2, len(WHOLE) - 512])
def test_member_that_holds_a_cut_vhd(program, pool, at):
    """The archive itself is whole."""
    refused(program, pool, image_of(WHOLE[:at]))


@pytest.mark.parametrize("at", [5000, len(WHOLE) // 2, len(WHOLE) - 513 - BLOCK // 2])
def test_vhd_cut_in_a_file(program, pool, tmp_path, at):
    refused(program, pool, WHOLE[:at], path=tmp_path / "a.vhd")


# -- gzip ---------------------------------------------------------------------------


def patched(data, at, new):
    data = bytearray(data)
    data[at:len(data) if at + len(new) == 0 else at + len(new)] = new
    return bytes(data)


def with_trailer(crc=0, size=0):
    """The image with a wrong sum or length of its content in the gzip trailer."""
    old_crc, old_size = struct.unpack("<II", IMAGE[-8:])
    return IMAGE[:-8] + struct.pack("<II", old_crc ^ crc, (old_size + size) & 0xFFFFFFFF)


@pytest.mark.parametrize("sr", TARGETS)
def test_gzip_sum_wrong(program, pool, sr):
    assert "sum is wrong" in refused(program, pool, with_trailer(crc=1), sr)


def test_gzip_length_wrong(program, pool):
    refused(program, pool, with_trailer(size=1))


@pytest.mark.parametrize("seed", range(8))
def test_gzip_with_a_flipped_bit(program, pool, seed):
    at = random.Random(seed).randrange(20, len(IMAGE) - 8)
    refused(program, pool, patched(IMAGE, at, bytes([IMAGE[at] ^ 1 << seed % 8])))


def test_content_changed_under_a_right_deflate_stream(program, pool):
    """Stored blocks: the data decode, only the sum tells."""
    packer = zlib.compressobj(0, wbits=31)
    data = packer.compress(TAR) + packer.flush()
    at = data.index(WHOLE[BLOCK:BLOCK + 64])
    refused(program, pool, patched(data, at, bytes([data[at] ^ 255])))


def test_gzip_of_an_unknown_method(program, pool):
    refused(program, pool, patched(IMAGE, 2, b"\7"))


def test_gzip_with_reserved_flags(program, pool):
    refused(program, pool, patched(IMAGE, 3, b"\xe0"))


def test_garbage_after_the_gzip(program, pool):
    refused(program, pool, IMAGE + b"garbage")


def test_gzip_of_nothing(program, pool):
    assert "empty" in refused(program, pool, gzip.compress(b""))


def test_image_without_members(program, pool, tmp_path):
    refused(program, pool, image_of(WHOLE)[:0] + gzip.compress(bytes(10240)),
            path=tmp_path / "a.tgz", ends=2)


# -- tar ----------------------------------------------------------------------------


def test_tar_header_sum_wrong(program, pool):
    refused(program, pool, patched(TAR, 10, b"x"))


def test_tar_member_longer_than_the_archive(program, pool):
    size = b"%011o" % (len(WHOLE) + 10 * MIB)
    bad = bytearray(TAR)
    bad[124:135] = size
    bad[148:156] = b" " * 8
    bad[148:156] = b"%06o\0 " % sum(bad[:512])
    refused(program, pool, bytes(bad))


def test_tar_member_with_an_absurd_size(program, pool):
    bad = bytearray(TAR)
    bad[124:136] = b"\x80" + b"\xff" * 11
    bad[148:156] = b" " * 8
    bad[148:156] = b"%06o\0 " % sum(bad[:512])
    refused(program, pool, bytes(bad))


# -- VHD ----------------------------------------------------------------------------


def entry(index, value):
    return patched(WHOLE, TABLE + 4 * index, struct.pack(">I", value))


@pytest.mark.parametrize("value", [0, 1, 2, 3, 4, 5, 6, len(WHOLE) // 512, len(WHOLE) // 512 - 1,
                                   0x7FFFFFFF, 0x80000000, 0xFFFFFFFE])
@pytest.mark.parametrize("piped", [True, False], ids=["pipe", "file"])
def test_table_entry_that_points_anywhere(program, pool, tmp_path, piped, value):
    refused(program, pool, entry(1, value), path=None if piped else tmp_path / "a.vhd")


@pytest.mark.parametrize("piped", [True, False], ids=["pipe", "file"])
def test_two_entries_for_one_place(program, pool, tmp_path, piped):
    """Real XAPI takes this, and stores wrong data."""
    first = struct.unpack(">I", WHOLE[TABLE:TABLE + 4])[0]
    refused(program, pool, entry(1, first), path=None if piped else tmp_path / "a.vhd")


@pytest.mark.parametrize("piped", [True, False], ids=["pipe", "file"])
def test_blocks_that_overlap(program, pool, tmp_path, piped):
    first = struct.unpack(">I", WHOLE[TABLE:TABLE + 4])[0]
    refused(program, pool, entry(1, first + 100), path=None if piped else tmp_path / "a.vhd")


@pytest.mark.parametrize("data", [b"c", b"\x1f", b"CONECTIX" + WHOLE[8:], TAR[:200]],
                         ids=["one", "gzip", "cookie", "tar"])
def test_pipe_that_begins_like_nothing_known(program, pool, data):
    """It may be a raw disk: whoever means that says how long it is."""
    assert "--size" in refused(program, pool, data, ends=2)


@pytest.mark.parametrize("at", [12, 16, 48, 60, 64, 68, 100, 511])
def test_first_footer_hurt_in_a_pipe(program, pool, at):
    refused(program, pool, patched(WHOLE, at, bytes([WHOLE[at] ^ 0x10])))


@pytest.mark.parametrize("at", [512, 520, 528, 536, 540, 544, 548, 1535])
@pytest.mark.parametrize("piped", [True, False], ids=["pipe", "file"])
def test_header_hurt(program, pool, tmp_path, piped, at):
    refused(program, pool, patched(WHOLE, at, bytes([WHOLE[at] ^ 0x10])),
            path=None if piped else tmp_path / "a.vhd")


@pytest.mark.parametrize("at", [-512, -464, -452, -448, -440])
def test_last_footer_hurt_in_a_pipe(program, pool, at):
    """All the data are over there by then: they are taken back."""
    refused(program, pool, patched(WHOLE, at, bytes([WHOLE[at] ^ 0x10])))


def test_bytes_after_the_last_footer(program, pool):
    refused(program, pool, WHOLE + bytes(512))


def test_nothing_at_all(program, pool):
    """As of curl -s that found nothing."""
    assert refused(program, pool, b"") == "standard input: empty: no disk in it"


def test_raw_pipe_that_is_too_short(program, pool):
    pool.remember()
    program("copy", "-", pool.sr("nfs"), "--from=raw", "--size=%d" % MIB, *pool.login,
            stdin=bytes(MIB - 1), status=3)
    pool.nothing_left()


def test_raw_pipe_that_is_too_long(program, pool):
    pool.remember()
    program("copy", "-", pool.sr("nfs"), "--from=raw", "--size=%d" % MIB, *pool.login,
            stdin=bytes(MIB + 1), status=3)
    pool.nothing_left()


def test_raw_pipe_of_unknown_length(program, pool):
    result = program("copy", "-", pool.sr("nfs"), "--from=raw", *pool.login, stdin=bytes(MIB),
                     status=2)
    assert "--size" in result.line


def test_file_that_shrinks_while_it_is_read(program, pool, tmp_path):
    path = tmp_path / "a.raw"
    path.write_bytes(noise("shrinks", 24 * MIB))
    pool.sim.set_fault(on="import", do="slow", rate=20 * MIB)
    process = program.start("copy", path, pool.sr("nfs"), *pool.login)
    pool.sim.wait_transfer(moved=MIB)
    with open(path, "r+b") as file:
        file.truncate(MIB)
    process.communicate(timeout=60)
    assert process.returncode == 3
    pool.nothing_left()
