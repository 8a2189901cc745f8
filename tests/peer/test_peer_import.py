# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""PUT /import_raw_vdi: what it takes, what it refuses, what the task says then."""

import os
import struct

import pytest

from .vhd_maker import ALL, MIB, bits, footer, header, vhd

IO_ERROR = ("failure", ["VDI_IO_ERROR", "Device I/O errors"])
DONE = ("success", [])
B = 2 * MIB


def pattern(n=B):
    return os.urandom(4096) * (n // 4096)


@pytest.fixture
def disk(client):
    """A fresh 10 MiB VDI where VHDs are kept."""
    return client.create_vdi("nfs", 10 * MIB)


def send(client, disk, data, length=True):
    return client.import_disk(disk, data, length, format="vhd")


# -- VHDs that are taken -------------------------------------------------------


def test_vhd_blocks_land_where_they_belong(client, disk):
    one, four = pattern(), pattern()
    assert send(client, disk, vhd(10 * MIB, {1: one, 4: four})) == DONE
    assert client.content(disk) == bytes(B) + one + bytes(2 * B) + four


def test_task_result_names_the_vdi(client, disk):
    task = client.task()
    client.put(client.target("import", disk, task, format="VHD"), vhd(10 * MIB, {}))
    assert client.wait(task) == DONE
    assert client.call("task.get_result", task) == "<value>%s</value>" % disk
    assert client.call("task.get_progress", task) == 1.0


def test_blocks_may_be_stored_in_any_order(client, disk):
    one, four = pattern(), pattern()
    data = vhd(10 * MIB, {1: one, 4: four}, order=[4, 1])
    assert send(client, disk, data) == DONE
    assert client.content(disk)[B:2 * B] == one


def test_gaps_between_the_parts_are_skipped(client, disk):
    one = pattern()
    assert send(client, disk, vhd(10 * MIB, {1: one, 2: one}, gap=7 * 512)) == DONE
    assert client.content(disk)[B:3 * B] == one + one


def test_only_sectors_with_a_bit_are_written(client, disk):
    before, new = pattern(), pattern()
    send(client, disk, vhd(10 * MIB, {0: before}))
    assert send(client, disk, vhd(10 * MIB, {0: (bits(0, 9, 4095), new)})) == DONE
    want = bytearray(before)
    for s in (0, 9, 4095):
        want[s * 512:s * 512 + 512] = new[s * 512:s * 512 + 512]
    assert client.content(disk)[:B] == want


def test_differencing_vhd_overlays_and_its_parent_is_ignored(client, disk):
    send(client, disk, vhd(10 * MIB, {0: pattern()}))
    new = pattern()
    assert send(client, disk, vhd(10 * MIB, {3: new}, disk_type=4)) == DONE
    assert client.content(disk)[3 * B:4 * B] == new


def test_zeros_with_bits_set_overwrite_old_data(client, disk):
    send(client, disk, vhd(10 * MIB, {0: pattern()}))
    send(client, disk, vhd(10 * MIB, {0: bytes(B)}))
    assert client.content(disk) == bytes(10 * MIB)


def test_a_block_without_bits_stays_thin(client, sim, disk):
    data = vhd(10 * MIB, {0: (bytes(512), pattern()), 1: (bits(5), pattern())})
    assert send(client, disk, data) == DONE
    assert sim.vdi_blocks(vdi=client.uuid(disk)) == [1]


def test_empty_vhd_is_taken(client, disk):
    assert send(client, disk, vhd(10 * MIB, {})) == DONE


def test_block_size_of_4_mib_is_taken(client, disk):
    data = pattern(4 * MIB)
    body = vhd(8 * MIB, {1: data}, block=4 * MIB)
    assert send(client, disk, body) == DONE
    assert client.content(disk)[4 * MIB:8 * MIB] == data


def test_larger_virtual_size_with_an_empty_tail_is_taken(client, disk):
    assert send(client, disk, vhd(1 << 30, {0: pattern()})) == DONE


@pytest.mark.parametrize("short", [1, 255, 511])
def test_length_up_to_511_short_is_taken(client, disk, short):
    data = vhd(10 * MIB, {0: pattern()})
    assert send(client, disk, data, len(data) - short) == DONE


def test_cut_inside_the_trailing_footer_is_taken(client, disk):
    data = vhd(10 * MIB, {0: pattern()})
    assert send(client, disk, data[:-512 + 100], len(data)) == DONE


# -- VHDs that are refused -----------------------------------------------------


@pytest.mark.parametrize("long", [1, 512, -512, 2**50])
def test_other_wrong_lengths_fail(client, disk, long):
    data = vhd(10 * MIB, {0: pattern()})
    assert send(client, disk, data, len(data) + long) == IO_ERROR


def test_missing_length_fails_with_the_data_written(client, disk):
    block = pattern()
    assert send(client, disk, vhd(10 * MIB, {0: block}), None) == IO_ERROR
    assert client.content(disk)[:B] == block


@pytest.mark.parametrize("keep", [0, 100, 600, 1540, 2100, 2560 + 5000, -512, -500])
def test_truncated_vhd_fails(client, disk, keep):
    data = vhd(10 * MIB, {0: pattern()})
    assert send(client, disk, data[:keep], len(data)) == IO_ERROR


@pytest.mark.parametrize("at", [3, 70, 512 + 3, 512 + 37, 512 + 1000, -3, -440])
def test_damaged_structures_fail(client, disk, at):
    data = bytearray(vhd(10 * MIB, {0: pattern()}))
    data[at] ^= 1
    assert send(client, disk, bytes(data)) == IO_ERROR


def test_damaged_trailing_footer_fails_after_the_data(client, disk):
    block = pattern()
    data = vhd(10 * MIB, {0: block}, last_footer=bytes(512))
    assert send(client, disk, data) == IO_ERROR
    assert client.content(disk)[:B] == block


def test_trailing_footer_need_not_equal_the_first(client, disk):
    data = vhd(10 * MIB, {}, last_footer=footer(4 * MIB, uuid=b"V" * 16))
    assert send(client, disk, data) == DONE


def test_fixed_vhd_fails(client, disk):
    data = pattern(10 * MIB) + footer(10 * MIB, 2, data_offset=2**64 - 1)
    assert send(client, disk, data) == IO_ERROR


def test_disk_type_0_fails(client, disk):
    assert send(client, disk, vhd(10 * MIB, {}, disk_type=0)) == IO_ERROR


def test_unknown_locator_code_fails(client, disk):
    assert send(client, disk, vhd(10 * MIB, {}, locator=0x41424344)) == IO_ERROR


def test_known_locator_code_is_taken(client, disk):
    assert send(client, disk, vhd(10 * MIB, {}, locator=0x57327275)) == DONE


def test_bits_past_the_end_of_the_disk_fail(client):
    disk = client.create_vdi("luns", 3 * MIB)
    assert send(client, disk, vhd(3 * MIB, {1: pattern()})) == IO_ERROR
    assert send(client, disk, vhd(3 * MIB, {1: (ALL[:256] + bytes(256), pattern())})) == DONE


def test_overlapping_blocks_fail(client, disk):
    data = bytearray(vhd(10 * MIB, {0: pattern(), 1: pattern()}))
    first, = struct.unpack_from(">I", data, 1536)
    struct.pack_into(">I", data, 1540, first + 1)
    assert send(client, disk, bytes(data)) == IO_ERROR


def test_bat_before_the_header_fails(client, disk):
    bat = struct.pack(">5I", *[0xFFFFFFFF] * 5).ljust(512, b"\xff")
    end = footer(10 * MIB, data_offset=1024)
    assert send(client, disk, end + bat + header(5, table=512) + end) == IO_ERROR


@pytest.mark.parametrize("make", ["small", "double"])
def test_what_corrupts_silently_on_a_real_server_is_a_client_fault(client, sim, disk, make):
    if make == "small":
        data = vhd(10 * MIB, {0: pattern(MIB // 2)}, block=MIB // 2)
    else:
        data = bytearray(vhd(10 * MIB, {0: pattern(), 1: pattern()}))
        data[1540:1544] = data[1536:1540]
    assert send(client, disk, bytes(data)) == IO_ERROR
    fault, = sim.state()["client_faults"]
    assert fault["vdi"] == client.uuid(disk)


def test_vhd_is_refused_where_disks_are_not_zeroed(client):
    disk = client.create_vdi("rawlv", 10 * MIB)
    assert send(client, disk, vhd(10 * MIB, {})) == IO_ERROR
    disk = client.create_vdi("lvhd", 10 * MIB, sm_config={"type": "raw"})
    assert send(client, disk, vhd(10 * MIB, {})) == IO_ERROR
    disk = client.create_vdi("lvhd", 10 * MIB)
    assert send(client, disk, vhd(10 * MIB, {})) == DONE


# -- raw -----------------------------------------------------------------------


def test_raw_goes_in_from_offset_0_and_may_be_shorter(client, disk):
    data = os.urandom(5 * MIB + 777)
    assert client.import_disk(disk, data) == DONE
    assert client.content(disk) == data.ljust(10 * MIB, b"\0")


def test_raw_without_length_is_the_size_of_the_disk(client, disk):
    data = pattern(10 * MIB)
    assert client.import_disk(disk, data, None) == DONE
    assert client.content(disk) == data
    assert client.import_disk(disk, data[:-B], None) == IO_ERROR


def test_raw_larger_than_the_disk_fails(client, disk):
    assert client.import_disk(disk, pattern(12 * MIB)) == IO_ERROR


@pytest.mark.parametrize("keep", [0, 5 * MIB, 8 * MIB])
def test_raw_cut_before_the_last_2_mib_fails(client, disk, keep):
    assert client.import_disk(disk, pattern(keep), 10 * MIB) == IO_ERROR


def test_raw_cut_inside_the_last_2_mib_succeeds_with_a_stale_tail(client, disk):
    data = b"".join(bytes([i]) * B for i in range(1, 6))
    assert client.import_disk(disk, data[:9 * MIB], 10 * MIB) == DONE
    assert client.content(disk) == data[:9 * MIB] + bytes([4]) * MIB


def test_raw_leaves_garbage_where_it_did_not_write(client, sim):
    disk = client.create_vdi("rawlv", 10 * MIB)
    assert client.call("VDI.get_virtual_size", disk) == 12 * MIB
    assert client.import_disk(disk, bytes(4 * MIB)) == DONE
    assert sim.state()["vdis"][client.uuid(disk)]["unwritten_bytes"] == 8 * MIB
    got = client.content(disk)
    assert got[:4 * MIB] == bytes(4 * MIB)
    assert got[4 * MIB:].count(b"OLD DATA") > 1000 and 0 not in got[4 * MIB:]
    assert client.export_disk(disk, format="raw") == (got, DONE)


# -- chunked -------------------------------------------------------------------


def chunk(offset, data):
    return struct.pack("<QI", offset, len(data)) + data


def test_chunks_go_where_they_say_in_any_order(client, disk):
    a, b = os.urandom(3 * MIB), os.urandom(512)
    body = chunk(6 * MIB, a) + chunk(512, b) + chunk(0, b"")
    assert client.import_disk(disk, body, None, chunked="false") == DONE
    got = client.content(disk)
    assert got == bytes(512) + b + bytes(6 * MIB - 1024) + a + bytes(MIB)


def test_chunks_without_an_end_fail(client, disk):
    assert client.import_disk(disk, chunk(0, bytes(512)), chunked=1) == IO_ERROR


def test_unaligned_or_far_chunks_fail(client, disk):
    for offset, n in ((1, 512), (512, 100), (10 * MIB, 512)):
        body = chunk(offset, bytes(n)) + chunk(0, b"")
        assert client.import_disk(disk, body, chunked=1) == IO_ERROR


def test_chunks_leave_garbage_in_their_gaps(client, sim):
    disk = client.create_vdi("rawlv", 4 * MIB)
    body = chunk(MIB, bytes(MIB)) + chunk(0, b"")
    assert client.import_disk(disk, body, chunked=1) == DONE
    assert sim.state()["vdis"][client.uuid(disk)]["unwritten_bytes"] == 3 * MIB


# -- straight into an SR -------------------------------------------------------


def test_raw_into_an_sr_makes_a_vdi(client, sim):
    task = client.task()
    client.put(client.target("import", task=task, sr_id=sim.srs["nfs"]["ref"]), bytes(3 * MIB))
    assert client.wait(task) == DONE
    vdi, = sim.state()["vdis"].values()
    assert vdi["name_label"] == "Imported VDI" and vdi["virtual_size"] == 4 * MIB
    assert client.call("task.get_result", task) == "<value>%s</value>" % vdi["ref"]


def test_full_thin_sr_fails_the_import(client, sim, disk):
    sim.set_capacity(sr="nfs", capacity=5 * MIB)
    body = vhd(10 * MIB, {i: pattern() for i in range(5)})
    try:
        assert send(client, disk, body) == IO_ERROR
    finally:
        sim.set_capacity(sr="nfs", capacity=64 << 30)
