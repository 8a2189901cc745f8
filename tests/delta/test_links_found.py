# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""copy --chain out of an SR whose disks are no VHDs: what differs is found by reading."""

import os

import pytest

from delta_rig import SIZE, Guest, chain_content, content_of_vdi
from disk_rig import BLOCK, MIB, noise, open_image, raw_file
from program_rig import end, wait_until

AGAIN = ["--retries", "1", "--retry-delay", "0"]


@pytest.fixture
def history(pool, tmp_path):
    """A disk with two snapshots in an SR with snapshots, but without VHDs; what was in each."""
    guest = Guest(pool, "gate", file=raw_file(tmp_path / "raw", SIZE, [(0, noise("old", SIZE))]))
    guest.model[:] = noise("old", SIZE)
    models = []
    for seed, offset in ((1, 3 * MIB), (2, 9 * MIB)):
        guest.write(offset, 70000, seed)
        guest.snapshot("snapshot %d" % seed)
        models.append(bytes(guest.model))
    guest.write(MIB, 512, 3)
    return guest, [*models, bytes(guest.model)]


def unpack(path, folder):
    with open_image(str(path)) as tar:
        tar.extractall(folder)
    return [folder / ("%d.vhd" % i) for i in range(3)]


def check(paths, models):
    for first in range(3):
        assert chain_content(*paths[first:]) == models[2 - first]


def test_into_an_image(program, pool, tmp_path, history):
    guest, models = history
    run = program("copy", "--chain", *pool.login, pool.vdi(guest.uuid), tmp_path / "a.tar")
    assert run.line.endswith("; each disk of the chain is read and compared with the one before it")
    paths = unpack(tmp_path / "a.tar", tmp_path / "a")
    check(paths, models)
    table = 512 + 1024 + 3 * 512 + 512
    assert [os.path.getsize(path) for path in paths[:2]] == [table + 512 + BLOCK + 512] * 2


@pytest.mark.parametrize("sr", ["lvhd", "gate"])
def test_into_another_sr(program, pool, history, sr):
    guest, models = history
    result = program("copy", "--chain", "--verify", "--json", *pool.login, pool.vdi(guest.uuid),
                     pool.sr(sr)).json
    made = [result["uuid"], *result["snapshots"]]
    assert [content_of_vdi(pool, uuid) for uuid in made[::-1]] == models


@pytest.mark.parametrize("sr", ["nfs", "lvhd", "luns"])
def test_disks_of_no_whole_blocks(program, pool, sr):
    guest = Guest(pool, "gate", size=5 * MIB)
    guest.model[:] = content_of_vdi(pool, guest.uuid)
    guest.write(0, 4096, 1)
    guest.snapshot("before")
    before = bytes(guest.model)
    guest.write(4 * MIB + 8192, 512, 2)
    result = program("copy", "--chain", "--verify", "--json", *pool.login, pool.vdi(guest.uuid),
                     pool.sr(sr)).json
    for uuid, model in ((result["uuid"], guest.model), (result["snapshots"][0], before)):
        assert content_of_vdi(pool, uuid)[:5 * MIB] == model


@pytest.mark.parametrize("nth", range(1, 8))
def test_a_break_in_each_reading(program, pool, tmp_path, history, nth):
    """Of two links three readings each, and one of the base."""
    guest, models = history
    pool.sim.set_fault(on="export", do="reset", at=5 * MIB, nth=nth)
    program("copy", "--chain", *pool.login, *AGAIN, pool.vdi(guest.uuid), tmp_path / "a.tar")
    assert len(pool.transfers("export")) == 8
    check(unpack(tmp_path / "a.tar", tmp_path / "a"), models)


def test_a_disk_that_changes_between_its_two_readings(program, pool, tmp_path, history):
    guest, _ = history
    pool.sim.set_fault(on="export", do="stall", at="head", seconds=100, nth=3)
    run = program.start("copy", "--chain", *pool.login, pool.vdi(guest.uuid), tmp_path / "a.tar")
    wait_until(lambda: len([e for e in pool.sim.log() if e["kind"] == "export"]) == 3,
               "the second reading")
    guest.write(MIB, 512, 4)
    assert "has changed while it was read" in end(run, 1).lines[-1]
    assert not (tmp_path / "a.tar").exists()
