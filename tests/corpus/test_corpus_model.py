# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The model's own parts: digests, sparse content, fields, writer against reader."""

import random
import struct

import pytest

from sparse_content import PAGE, Content, noise
from vhd_fields import (MAX_SIZE, MIB, SECTOR, Footer, Header, LocatorEntry, bitmap_len, checksum,
                        chs, footer_sum_ok)
from vhd_reader import Vhd, bit_runs, read_content
from vhd_writer import Block, Disk, intended, make_bitmap, write


@pytest.mark.parametrize("size, data, digest", [
    (65536, b"A", "2e3a5f57d5e726ee5de62db1a85ff816f4fa6ea4627807d9a51bdc4c883e165e"),
    (65536, b"\0", "8ab067ab7939a3d4f40cbb118956c07c06aeae2d075d6e0a2ebbb94bd42832af"),
    (32768, b"A", "9467334d6d7668a2f06898185b5cddc78cdfbd962f50c6bf250101f03a0e54dc")])
def test_digest_known_answers(size, data, digest):
    content = Content(size)
    content.write(0, data * size)
    assert content.digest() == digest


def test_content_against_plain_bytes():
    dice = random.Random("content")
    size = 5 * PAGE + 1536
    content, plain = Content(size), bytearray(size)
    for step in range(400):
        pos = dice.randrange(size)
        length = min(dice.choice((1, 511, 512, 4096, PAGE, 3 * PAGE)), size - pos)
        if dice.random() < 0.5:
            plain[pos:pos + length] = noise(step, length)
            content.write(pos, noise(step, length))
        else:
            plain[pos:pos + length] = bytes(length)
            content.zero(pos, length)
    assert content.read(0, size) == bytes(plain)
    fresh = Content(size)
    fresh.write(0, bytes(plain))
    assert fresh == content and fresh.digest() == content.digest()


def test_cut_content_does_not_come_back():
    content = Content(4 * PAGE)
    content.write(0, b"x" * 4 * PAGE)
    content.resize(PAGE + 512)
    content.resize(4 * PAGE)
    assert content.read(PAGE, 1024) == b"x" * 512 + bytes(512)
    assert content.runs() == [(0, 2 * PAGE)]


def test_footer_layout():
    raw = Footer(current_size=0x1122334455667788, type=3, hidden=1, uuid=b"u" * 16).pack()
    assert len(raw) == 512 and raw[:8] == b"conectix"
    assert raw[48:56] == bytes.fromhex("1122334455667788")
    assert raw[60:64] == b"\0\0\0\3" and raw[68:84] == b"u" * 16 and raw[85] == 1
    assert struct.unpack(">I", raw[64:68])[0] == ~sum(raw[:64] + raw[68:]) & 0xFFFFFFFF
    assert Footer.unpack(raw).pack() == raw


def test_header_layout():
    raw = Header(table_offset=2048, max_entries=7, parent_uuid=b"p" * 16,
                 locators=[LocatorEntry(b"MacX", 1, 20, 0, 1536)]).pack()
    assert len(raw) == 1024 and raw[:8] == b"cxsparse" and raw[8:16] == b"\xff" * 8
    assert raw[16:24] == struct.pack(">Q", 2048) and raw[40:56] == b"p" * 16
    assert raw[576:600] == b"MacX" + struct.pack(">IIIQ", 1, 20, 0, 1536)
    assert checksum(raw, 36) == struct.unpack(">I", raw[36:40])[0]


@pytest.mark.parametrize("size, geometry", [
    (512 * 17 * 4, (1, 4, 17)), (127 << 30, (65278, 16, 255)), (MAX_SIZE, (65535, 16, 255)),
    (20 * MIB, (602, 4, 17))])
def test_geometry(size, geometry):
    c, h, s = chs(size)
    assert (c, h, s) == geometry
    assert c * h * s * SECTOR <= size


@pytest.mark.parametrize("block, length", [
    (4096, 512), (512 << 10, 512), (2 << 20, 512), (4 << 20, 1024), (32 << 20, 8192),
    (256 << 20, 65536)])
def test_bitmap_length(block, length):
    assert bitmap_len(block) == length


def test_early_td_util_sum():
    old = Footer(creator=b"tap\0", creator_version=0x00010001).pack()
    set_later = old[:85] + b"\1" + old[86:]
    assert footer_sum_ok(old) is True and footer_sum_ok(set_later) == "hidden"
    new = Footer(creator=b"tap\0", creator_version=0x00010003).pack()
    assert footer_sum_ok(new[:85] + b"\1" + new[86:]) is False


def test_bitmaps_go_there_and_back():
    dice = random.Random("bits")
    for _ in range(50):
        bits = [dice.random() < 0.5 for _ in range(4096)]
        runs = [(i, 1) for i, bit in enumerate(bits) if bit]
        raw = make_bitmap(runs, 512)
        assert all(bool(raw[i // 8] & 0x80 >> i % 8) == bit for i, bit in enumerate(bits))
        back = [first + k for first, count in bit_runs(raw, 4096) for k in range(count)]
        assert back == [i for i, _ in runs]


def test_xapi_size_formula(tmp_path):
    """16 MiB and 3 blocks in XAPI's layout make 6296064 bytes."""
    disk = Disk(size=16 * MIB, bat_at=2048, blocks=[Block(i, bits="all") for i in (0, 3, 7)])
    assert write(disk, tmp_path / "a.vhd").size == 6296064


@pytest.mark.parametrize("seed", range(20))
def test_random_disks(tmp_path, seed):
    """Any description reads back as it was meant."""
    dice = random.Random(seed)
    size = dice.choice((4096, 65536, 512 << 10, 2 << 20, 4 << 20))
    count = dice.randrange(1, 12)
    per_block = size // SECTOR
    blocks = []
    for index in dice.sample(range(count), dice.randrange(count + 1)):
        first = dice.randrange(per_block)
        length = min(dice.choice((1, 3, 40)), per_block - first)
        blocks.append(Block(index, [(first, noise((seed, index), length * SECTOR))],
                            bits=dice.choice(("runs", "all")), gap=dice.randrange(9)))
    parts = ["header", "bat", "locators", "batmap", "blocks"]
    dice.shuffle(parts)
    disk = Disk(size=count * size - dice.randrange(per_block) * SECTOR, block_size=size,
                blocks=blocks, layout=tuple(parts), data_align=dice.choice((1, 8)),
                tail_len=dice.choice((512, 511)), bat_pad=dice.choice((0, 255)))
    path = tmp_path / "a.vhd"
    write(disk, path)
    assert read_content([path]) == intended(disk)
    opened = Vhd(path)
    assert sorted(index for index, _ in opened.blocks()) == sorted(b.index for b in blocks)
    opened.close()
