# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Disks that were there before: as a destination with --force, and --snapshot for those in use."""

import hashlib

import pytest

from disk_rig import BLOCK, MIB, noise, raw_file, vhd
from program_rig import PASSWORD

OLD = [[0, 24 * MIB, 7]]


def old_disk(pool, sr="nfs", size=24 * MIB, **more):
    """A VDI full of old data."""
    uuid = pool.make_disk(sr, size, pattern=[[0, size, 7]], **more)
    pool.remember()
    return uuid


def sha(data):
    return hashlib.sha256(data).hexdigest()


def test_existing_vdi_needs_force(program, pool, disk):
    uuid = old_disk(pool)
    before = pool.digest(uuid)
    result = program("copy", disk, pool.vdi(uuid), *pool.login, status=2)
    assert "--force" in result.line
    assert pool.digest(uuid) == before and pool.transfers() == []
    pool.nothing_left()


@pytest.mark.parametrize("sr", ["nfs", "lvhd", "rawlv", "lvm", "luns"])
def test_force_writes_every_byte(program, pool, disk, sr):
    """The old data must not show through holes, nor behind the disk's end."""
    uuid = old_disk(pool, sr)
    program("copy", disk, pool.vdi(uuid), "--force", *pool.login)
    size = pool.disks[uuid]["virtual_size"]
    assert pool.digest(uuid) == sha(disk.read_bytes() + bytes(size - 20 * MIB))
    pool.nothing_left()


def test_force_is_never_sent_as_vhd(program, pool, disk):
    uuid = old_disk(pool)
    program("copy", disk, pool.vdi(uuid), "--force", *pool.login)
    assert dict(pool.transfer()["query"])["format"] == "raw"


@pytest.mark.parametrize("sr", ["nfs", "luns", "rawlv"])
def test_force_from_a_pipe_out_of_order(program, pool, sr):
    blocks = {i: noise(("force", i), BLOCK) for i in (0, 4, 6)}
    uuid = old_disk(pool, sr)
    program("copy", "-", pool.vdi(uuid), "--force", *pool.login,
            stdin=vhd(15 * MIB, blocks, order=[6, 0, 4]))
    data = bytearray(pool.disks[uuid]["virtual_size"])
    for index, block in blocks.items():
        data[index * BLOCK:(index + 1) * BLOCK] = block
    assert pool.digest(uuid) == sha(data)


def test_result_of_a_copy_onto_a_vdi_names_it(program, pool, disk):
    uuid = old_disk(pool)
    assert program("copy", disk, pool.vdi(uuid), "--force", *pool.login).text == uuid + "\n"


def test_force_by_name(program, pool, disk):
    uuid = old_disk(pool, label="web")
    program("copy", disk, pool.vdi("web"), "--force", *pool.login)
    assert pool.digest(uuid) == sha(disk.read_bytes() + bytes(4 * MIB))


def test_vdi_that_is_too_small(program, pool, disk):
    uuid = old_disk(pool, size=18 * MIB)
    before = pool.digest(uuid)
    result = program("copy", disk, pool.vdi(uuid), "--force", *pool.login, status=6)
    assert str(20 * MIB) in result.line and str(18 * MIB) in result.line
    assert pool.digest(uuid) == before
    pool.nothing_left()


def test_vdi_too_small_for_the_size_though_its_data_would_fit(program, pool, tmp_path):
    """A guest would miss the end of its disk, empty or not."""
    raw_file(tmp_path / "a.raw", 20 * MIB, [(0, b"data")])
    uuid = old_disk(pool, size=18 * MIB)
    program("copy", tmp_path / "a.raw", pool.vdi(uuid), "--force", *pool.login, status=6)
    pool.nothing_left()


def test_vdi_in_use_is_not_written(program, pool, disk):
    uuid = old_disk(pool)
    pool.sim.attach_vdi(vdi=uuid)
    pool.remember()
    before = pool.digest(uuid)
    result = program("copy", disk, pool.vdi(uuid), "--force", *pool.login, status=75)
    assert "VDI_IN_USE" in result.line
    assert pool.digest(uuid) == before
    pool.nothing_left()


def test_snapshot_is_not_written(program, pool, disk, tmp_path):
    uuid = old_disk(pool)
    from peer.plain_client import PlainClient
    client = PlainClient(pool.sim, password=PASSWORD)
    snapshot = client.uuid(client.call("VDI.snapshot", pool.disks[uuid]["ref"]))
    pool.remember()
    result = program("copy", disk, pool.vdi(snapshot), "--force", *pool.login, status=1)
    assert "snapshot" in result.line
    pool.nothing_left()


def test_existing_vdi_is_kept_when_the_copy_fails(program, pool, disk):
    """Its content is lost, which has to be said; the disk itself is not ours to destroy."""
    uuid = old_disk(pool)
    pool.sim.set_fault(on="import", do="error", at=5 * MIB)
    result = program("copy", disk, pool.vdi(uuid), "--force", *pool.login, status=1)
    assert result.line.endswith("; a part of the new content is in VDI " + uuid)
    pool.nothing_left()


def test_existing_vdi_is_untouched_when_the_source_is_bad(program, pool, tmp_path):
    uuid = old_disk(pool)
    before = pool.digest(uuid)
    (tmp_path / "bad.vhd").write_bytes(vhd(8 * MIB, {0: noise("b", BLOCK)})[:-700])
    program("copy", tmp_path / "bad.vhd", pool.vdi(uuid), "--force", *pool.login, status=3)
    assert pool.digest(uuid) == before and pool.transfers() == []
    pool.nothing_left()


def test_existing_vdi_gets_no_marks_that_stay(program, pool, disk):
    uuid = old_disk(pool)
    program("copy", disk, pool.vdi(uuid), "--force", *pool.login)
    assert pool.marks(uuid) == {}


def test_vdi_onto_itself_is_refused(program, pool):
    uuid = old_disk(pool)
    before = pool.digest(uuid)
    result = program("copy", pool.vdi(uuid), pool.vdi(uuid), "--force", *pool.login, status=None)
    assert result.status in (2, 75), result.err
    assert pool.digest(uuid) == before
    pool.nothing_left()


# -- --snapshot -------------------------------------------------------------------


@pytest.fixture
def running(pool):
    """A disk attached to a running VM."""
    uuid = old_disk(pool)
    pool.sim.attach_vdi(vdi=uuid)
    pool.remember()
    return uuid


def test_disk_in_use_is_refused_with_the_way_out(program, pool, running, tmp_path):
    result = program("copy", pool.vdi(running), tmp_path / "o.vhd", *pool.login, status=75)
    assert "--snapshot" in result.line and "VDI_IN_USE" in result.line
    assert not (tmp_path / "o.vhd").exists()
    pool.nothing_left()


def test_snapshot_of_a_disk_in_use(program, pool, running, tmp_path):
    program("copy", pool.vdi(running), tmp_path / "o.raw", "--snapshot", *pool.login)
    assert sha((tmp_path / "o.raw").read_bytes()) == pool.digest(running)
    assert len(pool.sim.rpc_calls("VDI.snapshot")) == 1
    pool.nothing_left()


def test_snapshot_is_destroyed_after_a_failure(program, pool, running, tmp_path):
    pool.sim.set_fault(on="export", do="error", at=5 * MIB)
    program("copy", pool.vdi(running), tmp_path / "o.raw", "--snapshot", *pool.login, status=1)
    pool.nothing_left()


def test_snapshot_is_destroyed_when_the_destination_fails(program, pool, running, tmp_path):
    program("copy", pool.vdi(running), "/dev/full", "--to=raw", "--snapshot", *pool.login, status=6)
    pool.nothing_left()


def test_snapshot_of_a_disk_that_is_not_in_use(program, pool, tmp_path):
    uuid = old_disk(pool)
    program("copy", pool.vdi(uuid), tmp_path / "o.raw", "--snapshot", *pool.login)
    assert sha((tmp_path / "o.raw").read_bytes()) == pool.digest(uuid)
    pool.nothing_left()


def test_snapshot_that_cannot_be_destroyed_is_told(program, pool, running, tmp_path):
    """The copy is complete; what is left is named, with the command that removes it."""
    pool.sim.set_fault(on="rpc", match={"method": "VDI.destroy"}, do="error", times=-1,
                       error=["SR_BACKEND_FAILURE_181", "", "cannot", ""])
    result = program("copy", pool.vdi(running), tmp_path / "o.raw", "--snapshot", *pool.login,
                     status=7)
    left, = set(pool.disks) - {running}
    assert "xe vdi-destroy uuid=" + left in result.err
    assert sha((tmp_path / "o.raw").read_bytes()) == pool.digest(running)
