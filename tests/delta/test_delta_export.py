# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""copy --base REF of a disk in a pool: a differencing VHD of what is not in REF."""

import base64
import os
import uuid

import pytest

from delta_rig import (SIZE, Guest, chain_content, client_of, content_of_vdi, head_of, ref_of,
                       result_of)
from disk_rig import BLOCK, MIB, member_of, noise, raw_file
from peer.remote import ControlError
from program_rig import end, wait_until


@pytest.fixture
def history(guest):
    """Two snapshots and what was in them."""
    guest.write(0, 3 * MIB, 1)
    guest.write(9 * MIB, 1000, 2)
    first, then = guest.snapshot("first"), bytes(guest.model)
    guest.write(5 * MIB, 512, 3)
    guest.write(MIB, 70000, 4)
    return first, then, guest.snapshot("second"), bytes(guest.model)


def fetch(program, pool, out, disk, *args, **more):
    return program("copy", *pool.login, *args, pool.vdi(disk), out, **more)


def test_a_delta_over_its_base_is_the_disk(program, pool, tmp_path, history):
    first, then, second, now = history
    fetch(program, pool, tmp_path / "full.vhd", first)
    fetch(program, pool, tmp_path / "delta.vhd", second, "--base", first)
    assert chain_content(tmp_path / "full.vhd") == then
    assert chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd") == now


def test_only_what_was_written_is_sent(program, pool, tmp_path, history):
    first, _, second, _ = history
    fetch(program, pool, tmp_path / "delta.vhd", second, "--base", first)
    assert pool.transfer("export")["query"] and dict(pool.transfer("export")["query"])["base"]
    table = 512 + 1024 + 3 * 512 + 512              # one sector for each of the parent's names
    assert os.path.getsize(tmp_path / "delta.vhd") == table + 2 * (512 + BLOCK) + 512


def test_disks_are_known_by_the_uuids_of_their_vdis(program, pool, tmp_path, history):
    first, _, second, _ = history
    fetch(program, pool, tmp_path / "full.vhd", first)
    fetch(program, pool, tmp_path / "delta.vhd", second, "--base", first)
    full, _ = head_of(tmp_path / "full.vhd")
    foot, head = head_of(tmp_path / "delta.vhd")
    assert full.uuid == uuid.UUID(first).bytes == head.parent_uuid
    assert foot.uuid == uuid.UUID(second).bytes


def test_the_parent_is_found_under_the_name_of_its_vdi(program, pool, tmp_path, history):
    first, _, second, now = history
    fetch(program, pool, tmp_path / (first + ".vhd"), first)
    fetch(program, pool, tmp_path / "delta.vhd", second, "--base", first)
    program("copy", tmp_path / "delta.vhd", tmp_path / "flat.raw")
    assert (tmp_path / "flat.raw").read_bytes() == now


def test_the_parent_is_found_under_the_name_given(program, pool, tmp_path, history):
    first, _, second, now = history
    fetch(program, pool, tmp_path / "full.vhd", first)
    fetch(program, pool, tmp_path / "delta.vhd", second, "--base", first,
          "--parent", "full.vhd")
    program("copy", tmp_path / "delta.vhd", tmp_path / "flat.raw")
    assert (tmp_path / "flat.raw").read_bytes() == now
    run = program("check", "--chain", "--json", tmp_path / "delta.vhd")
    assert not [f for f in result_of(run)["findings"] if f["severity"] != "note"]


def test_a_base_has_a_name_label_too(program, pool, tmp_path, history):
    first, _, second, now = history
    fetch(program, pool, tmp_path / "full.vhd", first)
    fetch(program, pool, tmp_path / "delta.vhd", second, "--base", "first")
    assert chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd") == now


def test_a_delta_in_an_image(program, pool, tmp_path, history):
    first, _, second, now = history
    fetch(program, pool, tmp_path / "full.vhd", first)
    fetch(program, pool, tmp_path / "delta.tgz", second, "--base", first)
    member = member_of(str(tmp_path / "delta.tgz"), tmp_path)
    assert chain_content(member, tmp_path / "full.vhd") == now


def test_a_delta_through_a_pipe(program, pool, tmp_path, history):
    first, _, second, now = history
    fetch(program, pool, tmp_path / "full.vhd", first)
    run = fetch(program, pool, "-", second, "--base", first, "--to", "vhd")
    (tmp_path / "delta.vhd").write_bytes(run.out)
    assert chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd") == now


def test_of_a_running_disk_by_a_snapshot(program, pool, tmp_path, guest, history):
    first, _, _, _ = history
    guest.write(7 * MIB, 5000, 9)
    pool.sim.attach_vdi(vdi=guest.uuid)
    pool.remember()
    fetch(program, pool, tmp_path / "full.vhd", first)
    fetch(program, pool, tmp_path / "delta.vhd", guest.uuid, "--base", first, "--snapshot")
    assert chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd") == guest.model
    pool.nothing_left()


def test_nothing_written_is_a_delta_without_blocks(program, pool, tmp_path, guest, history):
    _, _, second, now = history
    third = guest.snapshot()
    fetch(program, pool, tmp_path / "full.vhd", second)
    fetch(program, pool, tmp_path / "delta.vhd", third, "--base", second)
    assert os.path.getsize(tmp_path / "delta.vhd") < 10000
    assert chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd") == now


def test_a_stream_that_breaks_is_gone_on_with(program, pool, tmp_path, history):
    first, _, second, now = history
    fetch(program, pool, tmp_path / "full.vhd", first)
    pool.sim.set_fault(on="export", do="reset", at=3000000)
    fetch(program, pool, tmp_path / "delta.vhd", second, "--base", first,
          "--retries", "1", "--retry-delay", "0")
    assert chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd") == now


# --- where the pool cannot tell what differs ----------------------------------


def pair(pool, tmp_path, sr, other=None, size=SIZE, grown=SIZE):
    """A base and a disk that differ in two blocks, each with its content; no chain joins them."""
    old = b"" if other == "lvhd" else noise("old", max(size, grown))
    base, disk = [Guest(pool, kind, length, file=raw_file(tmp_path / kind, length,
                                                          [(0, old[:length])]))
                  for kind, length in [(sr, size), (other or sr, grown)]]
    for guest in (base, disk):
        guest.model[:len(old)] = old[:len(guest.model)]
        guest.write(0, 3 * MIB, 1)
        guest.write(9 * MIB, 1000, 2)
    base.write(5 * MIB, 512, 3)
    disk.write(9 * MIB + 1000, 70000, 4)
    return base, disk


def compared(program, pool, tmp_path, base, disk, *args):
    """Fetches the base and the delta, and lays it over that; what was said."""
    fetch(program, pool, tmp_path / "full.vhd", base.uuid)
    run = fetch(program, pool, tmp_path / "delta.vhd", disk.uuid, "--base", base.uuid, *args)
    assert chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd") == disk.model
    return run.lines[0]


@pytest.mark.parametrize("sr, other", [("rawlv", None), ("gate", None), ("thick", None),
                                       ("nfs", "lvhd"), ("lvhd", "rawlv")])
def test_both_disks_are_read_and_compared(program, pool, tmp_path, sr, other):
    base, disk = pair(pool, tmp_path, sr, other)
    line = compared(program, pool, tmp_path, base, disk)
    assert line.endswith("; both disks are read and compared")
    table = 512 + 1024 + 3 * 512 + 512
    assert os.path.getsize(tmp_path / "delta.vhd") == table + 2 * (512 + BLOCK) + 512
    assert [e for e in pool.transfers("export") if "base" in dict(e["query"])] == []


def test_disks_that_end_within_a_block(program, pool, tmp_path):
    base, disk = pair(pool, tmp_path, "gate", size=10 * MIB, grown=11 * MIB)
    disk.write(10 * MIB + 512, 512, 5)
    compared(program, pool, tmp_path, base, disk)


def test_a_base_of_more_blocks_than_the_disk(program, pool, tmp_path):
    base, disk = pair(pool, tmp_path, "rawlv", size=14 * MIB)
    fetch(program, pool, tmp_path / "full.vhd", base.uuid)
    fetch(program, pool, tmp_path / "delta.vhd", disk.uuid, "--base", base.uuid)
    assert chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd") == disk.model


def test_compared_disks_are_known_by_the_uuids_of_their_vdis(program, pool, tmp_path):
    base, disk = pair(pool, tmp_path, "rawlv")
    compared(program, pool, tmp_path, base, disk, "--parent", "full.vhd")
    foot, head = head_of(tmp_path / "delta.vhd")
    assert head.parent_uuid == uuid.UUID(base.uuid).bytes
    assert foot.uuid == uuid.UUID(disk.uuid).bytes
    program("copy", tmp_path / "delta.vhd", tmp_path / "flat.raw")
    assert (tmp_path / "flat.raw").read_bytes() == disk.model


def test_a_compared_delta_through_a_pipe_and_back(program, pool, tmp_path):
    base, disk = pair(pool, tmp_path, "rawlv")
    run = fetch(program, pool, "-", disk.uuid, "--base", base.uuid, "--to", "vhd")
    made = program("copy", *pool.login, "--base", base.uuid, "-", pool.sr("rawlv"),
                   stdin=run.out).text.strip()
    assert content_of_vdi(pool, made) == disk.model


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_breaks_while_disks_are_compared(program, pool, tmp_path, nth):
    """Of the base, of the disk, of the disk the second time."""
    base, disk = pair(pool, tmp_path, "rawlv")
    fetch(program, pool, tmp_path / "full.vhd", base.uuid)
    pool.sim.set_fault(on="export", do="reset", at=5 * MIB, nth=nth)
    fetch(program, pool, tmp_path / "delta.vhd", disk.uuid, "--base", base.uuid,
          "--retries", "1", "--retry-delay", "0")
    assert len(pool.transfers("export")) == 1 + 3 + 1
    assert chain_content(tmp_path / "delta.vhd", tmp_path / "full.vhd") == disk.model


# --- what is refused ---------------------------------------------------------


def refused(program, pool, tmp_path, disk, base, status, *args):
    out = tmp_path / "delta.vhd"
    pool.remember()
    run = fetch(program, pool, out, disk, "--base", base, *args, status=status)
    assert not out.exists()
    pool.nothing_left()
    assert pool.transfers("export") == []
    return run.lines[-1]


def test_a_base_that_is_not_there(program, pool, tmp_path, history):
    line = refused(program, pool, tmp_path, history[2], str(uuid.uuid4()), 4)
    assert "has no VDI of uuid" in line
    assert "has no VDI of the name-label" in \
        refused(program, pool, tmp_path, history[2], "third", 4)


def test_a_base_that_is_the_disk(program, pool, tmp_path, history):
    assert "its own base" in refused(program, pool, tmp_path, history[2], history[2], 2)


def test_a_base_that_is_not_whole(program, pool, tmp_path, history):
    first = history[0]
    client_of(pool).call("VDI.add_to_other_config", ref_of(pool, first), "vhdstream:run",
                         str(uuid.uuid4()))
    assert "cannot be a base" in refused(program, pool, tmp_path, history[2], first, 1)


def test_a_destination_that_cannot_be_a_delta(program, pool, tmp_path, history):
    first, _, second, _ = history
    run = fetch(program, pool, tmp_path / "delta.raw", second, "--base", first, status=2)
    assert "cannot stand on a parent" in run.line


def test_a_base_that_may_have_been_written_to_is_told(program, pool, tmp_path, guest, history):
    fetch(program, pool, tmp_path / "a.vhd", history[0], "--base", guest.uuid)
    pool.sim.attach_vdi(vdi=guest.uuid, plugged=False)
    run = fetch(program, pool, tmp_path / "delta.vhd", history[0], "--base", guest.uuid)
    assert "and no snapshot" in run.line


def test_a_server_that_sends_the_whole_disk_is_not_believed(program, pool, tmp_path, history):
    """One that takes no notice of base: what it sends has no parent."""
    first, _, second, _ = history
    full = tmp_path / "full.vhd"
    fetch(program, pool, full, second)
    pool.sim.set_fault(on="export", do="raw", task="success", first="HTTP/1.1 200 OK\r\n\r\n",
                       base64=base64.b64encode(full.read_bytes()).decode())
    run = fetch(program, pool, tmp_path / "delta.vhd", second, "--base", first, status=3)
    assert "sends a whole disk" in run.lines[-1]
    assert not (tmp_path / "delta.vhd").exists()


def test_a_base_that_goes_in_between(program, pool, tmp_path, history):
    """It is destroyed after the first try has ended."""
    first, _, second, _ = history
    pool.sim.set_fault(on="export", do="slow", rate=1 << 16, at=100000)
    run = program.start("copy", "--retries", "2", "--retry-delay", "2", *pool.password,
                        "--base", first, pool.vdi(second), tmp_path / "delta.vhd")
    pool.sim.wait_transfer(moved=200000)
    pool.sim.drop_connections(host="one")
    wait_until(lambda: try_to_destroy(pool, first), "the base is free")
    done = end(run, 4)
    assert "UUID_INVALID" in done.lines[-1] and not (tmp_path / "delta.vhd").exists()
    assert not pool.sim.state()["tasks"]


def try_to_destroy(pool, uuid):
    try:
        pool.sim.destroy_vdi(vdi=uuid)
    except ControlError:
        return False
    return True
