# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What an SR is sent: VHD where it takes it, else raw or chunked; decided beforehand."""

import hashlib

import pytest

from disk_rig import BLOCK, MIB, bits, noise, raw_file, vhd, vhd_file

TAKES_VHD = ["nfs", "local", "lvhd", "luns"]
WANTS_ALL = ["rawlv", "lvm"]


def sent(pool):
    """The form of the one import."""
    query = dict(pool.transfer()["query"])
    return query["format"] + ("+chunked" if "chunked" in query else "")


def expected(pool, uuid, data):
    """SHA-256 of the disk: its data, then zeros to the VDI's end."""
    size = pool.disks[uuid]["virtual_size"]
    assert size >= len(data)
    return hashlib.sha256(data + bytes(size - len(data))).hexdigest()


def put(program, pool, source, sr, **more):
    uuid = program("copy", source, pool.sr(sr), *pool.login, **more).text.strip()
    assert list(pool.disks) == [uuid]
    return uuid


@pytest.mark.parametrize("sr", TAKES_VHD)
def test_sr_that_takes_vhds_gets_one(program, pool, disk, sr):
    uuid = put(program, pool, disk, sr)
    assert sent(pool) == "vhd"
    assert pool.digest(uuid) == expected(pool, uuid, disk.read_bytes())


@pytest.mark.parametrize("sr", WANTS_ALL)
def test_sr_that_refuses_vhds_gets_every_byte_raw(program, pool, disk, sr):
    """Its new disks are full of what was there before: none of that may be left."""
    uuid = put(program, pool, disk, sr)
    assert sent(pool) == "raw"
    assert int(pool.transfer()["content_length"]) == pool.disks[uuid]["virtual_size"]
    assert pool.disks[uuid]["unwritten_bytes"] == 0
    assert pool.digest(uuid) == expected(pool, uuid, disk.read_bytes())


def out_of_order(tmp_path):
    blocks = {i: noise(("order", i), BLOCK) for i in (0, 2, 5, 7)}
    path = vhd_file(tmp_path / "a.vhd", 17 * MIB, blocks, order=[5, 0, 7, 2])
    data = bytearray(17 * MIB)
    for index, block in blocks.items():
        data[index * BLOCK:(index + 1) * BLOCK] = block
    return path, bytes(data)


@pytest.mark.parametrize("sr", WANTS_ALL)
def test_blocks_out_of_order_in_a_pipe_are_sent_chunked(program, pool, tmp_path, sr):
    path, data = out_of_order(tmp_path)
    uuid = put(program, pool, "-", sr, stdin=path.read_bytes())
    assert sent(pool) == "raw+chunked"
    assert pool.disks[uuid]["unwritten_bytes"] == 0
    assert pool.digest(uuid) == expected(pool, uuid, data)


@pytest.mark.parametrize("sr", WANTS_ALL)
def test_blocks_out_of_order_in_a_file(program, pool, tmp_path, sr):
    path, data = out_of_order(tmp_path)
    uuid = put(program, pool, path, sr)
    assert sent(pool) in ("raw", "raw+chunked")
    assert pool.digest(uuid) == expected(pool, uuid, data)


@pytest.mark.parametrize("sr", TAKES_VHD)
def test_blocks_out_of_order_as_vhd(program, pool, tmp_path, sr):
    path, data = out_of_order(tmp_path)
    uuid = put(program, pool, "-", sr, stdin=path.read_bytes())
    assert sent(pool) == "vhd"
    assert pool.digest(uuid) == expected(pool, uuid, data)


def test_length_of_the_chunked_form_is_exact(program, pool, tmp_path):
    path, _ = out_of_order(tmp_path)
    put(program, pool, "-", "rawlv", stdin=path.read_bytes())
    entry = pool.transfer()
    assert int(entry["content_length"]) == entry["body_in"]


def test_decided_without_failing_first(program, pool, disk):
    for sr in WANTS_ALL:
        program("copy", disk, pool.sr(sr), *pool.login)
    assert [e["status"] for e in pool.transfers()] == [200, 200]
    assert all("error" not in e for e in pool.transfers())


def test_sr_type_counts_not_its_name(program, own_pool, disk):
    """A thin Equallogic takes VHDs, a thick one and cslg do not."""
    pool = own_pool({"tls": False, "srs": [
        {"name": "thin", "type": "equal", "sm_config": {"allocation": "thin"}},
        {"name": "thick", "type": "equal"}, {"name": "gate", "type": "cslg"}]})
    for sr in ("thin", "thick", "gate"):
        program("copy", disk, pool.sr(sr), *pool.login)
    forms = [dict(e["query"])["format"] for e in pool.transfers()]
    assert forms == ["vhd", "raw", "raw"]
    for uuid in pool.disks:
        assert pool.digest(uuid) == expected(pool, uuid, disk.read_bytes())


# -- thin -----------------------------------------------------------------------


@pytest.mark.parametrize("sr", ["nfs", "local", "lvhd"])
def test_far_side_stays_thin(program, pool, disk, sr):
    uuid = put(program, pool, disk, sr)
    assert pool.blocks(uuid) == [0, 1, 3, 8]


def test_blocks_of_zeros_take_no_room_over_there(program, pool, tmp_path):
    """All bits set, all bytes zero: as XAPI itself exports them."""
    path = vhd_file(tmp_path / "a.vhd", 16 * MIB,
                    {1: bytes(BLOCK), 3: noise("x", BLOCK), 5: bytes(BLOCK)})
    uuid = put(program, pool, path, "nfs")
    assert pool.blocks(uuid) == [3]


def test_zero_sectors_in_a_pipe_are_not_written_over_there(program, pool):
    """The block is sent, since the size was promised, but its zero sectors are not marked."""
    block = bytearray(BLOCK)
    block[512 * 9:512 * 10] = b"x" * 512
    uuid = put(program, pool, "-", "nfs", stdin=vhd(8 * MIB, {1: bytes(BLOCK), 2: bytes(block)}))
    assert pool.blocks(uuid) == [2]
    assert pool.transfer()["reader"]["sectors_written"] == 1


def test_zero_file_becomes_an_empty_disk(program, pool, tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(9 * MIB))
    uuid = put(program, pool, tmp_path / "a.raw", "nfs")
    assert pool.blocks(uuid) == []


# -- sizes ----------------------------------------------------------------------


@pytest.mark.parametrize("sr", TAKES_VHD + WANTS_ALL)
@pytest.mark.parametrize("size", [512, 5 * MIB + 512 * 3, 2 * MIB - 512])
def test_partial_last_block(program, pool, tmp_path, sr, size):
    """Bits past the disk's end would fail the import, where the VDI ends with the disk."""
    data = noise("partial", size)
    (tmp_path / "a.raw").write_bytes(data)
    uuid = put(program, pool, tmp_path / "a.raw", sr)
    assert pool.digest(uuid) == expected(pool, uuid, data)


def test_bits_past_the_end_of_a_foreign_vhd_are_cleared(program, pool, tmp_path):
    size = 3 * MIB
    path = vhd_file(tmp_path / "a.vhd", size, {1: noise("past", BLOCK)})
    uuid = put(program, pool, path, "luns")
    assert pool.disks[uuid]["virtual_size"] == size
    data = bytes(BLOCK) + noise("past", BLOCK)[:size - BLOCK]
    assert pool.digest(uuid) == expected(pool, uuid, data)


@pytest.mark.parametrize("sr", ["nfs", "luns", "rawlv"])
def test_raw_file_of_an_odd_length(program, pool, tmp_path, sr):
    """No multiple of a sector: the rest of the last sector is zero."""
    data = noise("odd", 3 * MIB + 77)
    (tmp_path / "a.raw").write_bytes(data)
    uuid = put(program, pool, tmp_path / "a.raw", sr)
    assert pool.disks[uuid]["virtual_size"] % 512 == 0
    assert pool.digest(uuid) == expected(pool, uuid, data)


def test_largest_disk_of_an_sr_with_vhds(program, pool, tmp_path):
    raw_file(tmp_path / "a.raw", 2040 << 30, [((2040 << 30) - 512, b"end" + bytes(509))])
    uuid = put(program, pool, tmp_path / "a.raw", "nfs")
    assert pool.disks[uuid]["virtual_size"] == 2040 << 30
    assert pool.blocks(uuid) == [(2040 << 30) // BLOCK - 1]


def test_disk_too_large_for_an_sr_with_vhds(program, pool, tmp_path):
    raw_file(tmp_path / "a.raw", (2040 << 30) + 512)
    result = program("copy", tmp_path / "a.raw", pool.sr("nfs"), *pool.login, status=6)
    assert "SR_BACKEND_FAILURE_79" in result.line or "2040 GiB" in result.line
    pool.nothing_left()


# -- blocks that are not 2 MiB ----------------------------------------------------


def small_blocks(order=None):
    size = MIB // 2
    blocks = {i: noise(("small", i), size) for i in (0, 1, 2, 3, 9, 12, 15)}
    data = bytearray(8 * MIB)
    for index, block in blocks.items():
        data[index * size:(index + 1) * size] = block
    return vhd(8 * MIB, blocks, block=size, order=order), bytes(data)


APART = [0, 9, 1, 12, 2, 15, 3]


@pytest.mark.parametrize("sr", TAKES_VHD + WANTS_ALL)
@pytest.mark.parametrize("order", [None, APART], ids=["together", "apart"])
def test_small_blocks_in_a_file(program, pool, tmp_path, sr, order):
    image, data = small_blocks(order)
    (tmp_path / "a.vhd").write_bytes(image)
    uuid = put(program, pool, tmp_path / "a.vhd", sr)
    assert pool.digest(uuid) == expected(pool, uuid, data)
    if sr in TAKES_VHD:
        assert sent(pool) == "vhd"


@pytest.mark.parametrize("sr", TAKES_VHD)
def test_small_blocks_together_in_a_pipe_are_joined(program, pool, sr):
    image, data = small_blocks()
    uuid = put(program, pool, "-", sr, stdin=image)
    assert sent(pool) == "vhd"
    assert pool.digest(uuid) == expected(pool, uuid, data)


@pytest.mark.parametrize("sr", TAKES_VHD + WANTS_ALL)
def test_small_blocks_apart_in_a_pipe_are_sent_chunked(program, pool, sr):
    image, data = small_blocks(APART)
    uuid = put(program, pool, "-", sr, stdin=image)
    assert sent(pool) == "raw+chunked"
    assert pool.digest(uuid) == expected(pool, uuid, data)


@pytest.mark.parametrize("block", [4 * MIB, 32 * MIB])
@pytest.mark.parametrize("piped", [False, True])
def test_large_blocks_are_split(program, pool, tmp_path, block, piped):
    data = noise("large", 5 * MIB) + bytes(60 * MIB)
    image = vhd(65 * MIB, {0: data[:block]} if block > 5 * MIB else
                {0: data[:block], 1: data[block:2 * block]}, block=block)
    (tmp_path / "a.vhd").write_bytes(image)
    uuid = put(program, pool, "-" if piped else tmp_path / "a.vhd", "nfs",
               stdin=image if piped else None)
    assert sent(pool) == "vhd" and pool.blocks(uuid) == [0, 1, 2]
    assert pool.digest(uuid) == expected(pool, uuid, data)


def test_cleared_bits_hide_what_lies_under_them(program, pool, tmp_path):
    block = noise("junk", BLOCK)
    path = vhd_file(tmp_path / "a.vhd", 4 * MIB, {1: (bits(3, 4095), block)})
    uuid = put(program, pool, path, "nfs")
    data = bytearray(4 * MIB)
    for sector in (3, 4095):
        data[BLOCK + sector * 512:BLOCK + sector * 512 + 512] = block[sector * 512:][:512]
    assert pool.digest(uuid) == expected(pool, uuid, bytes(data))
