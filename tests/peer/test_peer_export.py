# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""GET /export_raw_vdi: layouts, deltas, and how an export ends."""

import struct
import uuid

import pytest

from .plain_client import RpcFailure, head_of
from .test_peer_import import B, DONE, IO_ERROR, pattern, send
from .vhd_maker import MIB, bits, ones_sum, vhd


def read_table(body):
    entries, = struct.unpack_from(">I", body, 512 + 28)
    return struct.unpack_from(">%dI" % entries, body, 2048)


def read_blocks(body):
    """{index: (bitmap, data)} of a VHD."""
    return {i: (body[s * 512:s * 512 + 512], body[s * 512 + 512:s * 512 + 512 + B])
            for i, s in enumerate(read_table(body)) if s != 0xFFFFFFFF}


def fill(client, disk, *indexes):
    send(client, disk, vhd(client.call("VDI.get_virtual_size", disk),
                           {i: pattern() for i in indexes}))


@pytest.fixture
def disk(client):
    disk = client.create_vdi("nfs", 16 * MIB)
    fill(client, disk, 0, 2, 7)
    return disk


def test_vhd_layout(client, disk):
    body, verdict = client.export_disk(disk, format="vhd")
    assert verdict == DONE
    assert len(body) == 6296064                 # the measured size of such a disk
    assert body[:512] == body[-512:] and body[1536:2048] == bytes(512)
    assert struct.unpack_from(">Q", body, 512 + 16) == (2048,)
    bat = body[2048:2560]
    assert struct.unpack_from(">8I", bat) == (5, 0xFFFFFFFF, 5 + 4097, *[0xFFFFFFFF] * 4,
                                              5 + 2 * 4097)
    assert bat[32:] == b"\xff" * 480
    content = client.content(disk)
    for i, (bitmap, data) in read_blocks(body).items():
        assert bitmap == b"\xff" * 512 and data == content[i * B:(i + 1) * B]


def test_vhd_footer_fields(client, disk):
    body, _ = client.export_disk(disk, format="vhd")
    end = body[-512:]
    assert struct.unpack(">8sIIQI4sIIQQ", end[:56]) == (
        b"conectix", 2, 0x10000, 512, 0, b"caml", 1, 0, 16 * MIB, 16 * MIB)
    assert struct.unpack(">HBBI", end[56:64]) == (481, 4, 17, 3)
    assert uuid.UUID(bytes=end[68:84]).version == 4
    assert struct.unpack(">I", end[64:68])[0] == ones_sum(end[:64] + bytes(4) + end[68:])
    again, _ = client.export_disk(disk, format="vhd")
    assert again[-512:] != end                  # a new uuid each time


def test_hybrid_export_has_allocated_blocks_of_zeros(client, disk):
    send(client, disk, vhd(16 * MIB, {4: bytes(B)}))
    body, _ = client.export_disk(disk, format="vhd")
    assert sorted(read_blocks(body)) == [0, 2, 4, 7]


def test_raw_kind_leaves_zeros_out_and_rounds_up(client):
    disk = client.create_vdi("luns", 3 * MIB)
    assert client.import_disk(disk, bytes(B) + pattern(MIB)) == DONE
    body, _ = client.export_disk(disk, format="vhd")
    assert struct.unpack_from(">Q", body, 48) == (4 * MIB,)
    (bitmap, data), = read_blocks(body).values()
    assert bitmap == b"\xff" * 512
    assert data == client.content(disk)[B:] + bytes(MIB)


def test_raw_export_is_the_size_of_the_disk(client, disk):
    assert client.export_disk(disk, format="raw") == (client.content(disk), DONE)
    assert client.export_disk(disk) == (client.content(disk), DONE)


def test_odd_export_hangs_where_asked():
    """Told apart from a slow one by the client only."""
    from .plain_client import PlainClient
    from .remote import Simulator
    import socket
    sr = {"name": "odd", "type": "iscsi", "odd_export": "hang"}
    with Simulator({"tls": False, "srs": [sr]}) as sim:
        client = PlainClient(sim)
        disk, task = client.create_vdi("odd", 3 * MIB), client.task()
        with socket.create_connection((client.address, sim.http_port), 0.3) as sock:
            sock.sendall(head_of(["GET %s HTTP/1.1"
                                  % client.target("export", disk, task, format="vhd")]))
            with pytest.raises(TimeoutError):
                while sock.recv(1 << 20):
                    pass
        assert client.wait(task) == IO_ERROR


# -- chains --------------------------------------------------------------------


def test_snapshot_keeps_the_old_content(client, disk):
    before = client.content(disk)
    snap = client.call("VDI.snapshot", disk)
    fill(client, disk, 3)
    assert client.content(snap) == before != client.content(disk)
    record = client.call("VDI.get_record", snap)
    assert record["is_a_snapshot"] and record["snapshot_of"] == disk
    assert client.call("VDI.get_snapshots", disk) == [snap]


def test_base_export_has_what_changed(client, disk):
    base = client.call("VDI.snapshot", disk)
    send(client, disk, vhd(16 * MIB, {3: (bits(1), pattern())}))
    body, verdict = client.export_disk(disk, format="vhd", base=client.uuid(base))
    assert verdict == DONE
    assert struct.unpack_from(">I", body, 60) == (4,)
    (index, (bitmap, data)), = read_blocks(body).items()
    assert index == 3 and bitmap == b"\xff" * 512       # the whole block, merged
    assert data == client.content(disk)[3 * B:4 * B]
    assert body[1536:2048] == bytes(512)                # the locator's place is empty
    locator = struct.unpack_from(">4sIIIQ", body, 512 + 576)
    assert locator[:2] == (b"MacX", 1) and locator[4] == 1536


def test_delta_restores_on_top_of_its_base(client, disk):
    base = client.call("VDI.snapshot", disk)
    full, _ = client.export_disk(base, format="vhd")
    fill(client, disk, 0, 5)
    delta, _ = client.export_disk(disk, format="vhd", base=base)
    copy = client.create_vdi("lvhd", 16 * MIB)
    assert send(client, copy, full) == DONE and send(client, copy, delta) == DONE
    assert client.content(copy) == client.content(disk)


def test_base_in_use_by_a_running_vm_fails_late(client, sim, disk):
    base = client.call("VDI.clone", disk)
    sim.attach_vdi(vdi=base)
    body, verdict = client.export_disk(disk, format="vhd", base=base)
    assert body.startswith(b"HTTP/1.1 500") and verdict[1][0] == "VDI_IN_USE"


def test_base_that_is_no_ancestor_gives_the_union(client, disk):
    clone = client.call("VDI.clone", disk)
    fill(client, disk, 1)
    fill(client, clone, 4)
    body, _ = client.export_disk(disk, format="vhd", base=clone)
    assert sorted(read_blocks(body)) == [1, 4]


def test_a_raw_volume_has_no_snapshots_and_clones_are_copies(client):
    """xapi_vdi.ml does the work of a driver that cannot clone; sm_config is not copied."""
    disk = client.create_vdi("lvhd", 4 * MIB, sm_config={"type": "raw"})
    client.import_disk(disk, pattern() * 2)
    with pytest.raises(RpcFailure, match="UNIMPLEMENTED_IN_SM_BACKEND"):
        client.call("VDI.snapshot", disk)
    clone = client.call("VDI.clone", disk)
    assert client.content(clone) == client.content(disk)
    assert client.call("VDI.get_sm_config", clone) == {}


def test_base_on_raw_disks_fails_late(client):
    disk = client.create_vdi("rawlv", 4 * MIB)
    body, verdict = client.export_disk(disk, format="vhd", base=disk)
    assert verdict == ("failure", ["INTERNAL_ERROR",
                                   "Cannot compute differences on non-VHD images"])
    assert body.startswith(b"HTTP/1.1 500 Internal Error\r\n")


def test_resize_grows_and_a_larger_overlay_fits(client, disk):
    client.call("VDI.resize", disk, 20 * MIB - 5)
    assert client.call("VDI.get_virtual_size", disk) == 20 * MIB
    new = pattern()
    assert send(client, disk, vhd(20 * MIB, {9: new}, disk_type=4)) == DONE
    assert client.content(disk)[9 * B:] == new


def test_copy_to_another_sr(client, sim, disk):
    task = client.call("Async.VDI.copy", disk, sim.srs["lvhd"]["ref"])
    assert client.wait(task) == DONE
    ref = client.call("task.get_result", task)[len("<value>"):-len("</value>")]
    assert client.content(ref) == client.content(disk)


# -- attaching -----------------------------------------------------------------


def test_too_large_for_a_vhd(client, sim):
    disk = client.create_vdi("luns", (2040 << 30) + 512)
    _, verdict = client.export_disk(disk, format="vhd")
    assert verdict == ("failure", ["VDI_TOO_LARGE", disk, "2190433320960"])


def test_disk_of_a_running_vm_is_in_use_but_has_snapshots(client, sim, disk):
    sim.attach_vdi(vdi=disk)
    body, verdict = client.export_disk(disk, format="vhd")
    assert body.startswith(b"HTTP/1.1 500") and verdict[1][:2] == ["VDI_IN_USE", disk]
    snap = client.call("VDI.snapshot", disk)
    assert client.export_disk(snap, format="vhd")[1] == DONE


def test_client_that_goes_away_fails_the_task(client, disk, sim):
    import socket
    task = client.task()
    sim.set_fault(on="export", do="stall", at=100000)
    with socket.create_connection((client.address, sim.http_port), 5) as sock:
        sock.sendall(head_of(["GET %s HTTP/1.1"
                              % client.target("export", disk, task, format="vhd")]))
        sock.recv(1000)
    assert client.wait(task) == IO_ERROR
    assert sim.state()["attachments"] == []
