# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A delta on its way into a pool that breaks: the same clone gets the rest, and is read back."""

import json
import signal
from uuid import UUID

import pytest

from delta_rig import content_of_vdi, delta_vhd
from disk_rig import BLOCK, MIB, noise, raw_file
from program_rig import end, wait_until

SIZE = 96 * MIB
GROWN = 100 * MIB
FULL = 36                                   # blocks of the delta that it has all sectors of
AGAIN = ["--retries", "3", "--retry-delay", "0"]
KINDS = ["nfs", "lvhd", "rawlv", "gate", "thick"]
ON_THE_WAY = 32 * MIB                       # what the program takes for that


class Large:
    """A base with a little in it, a delta of 72 MiB to it, and what both make."""

    def __init__(self, folder):
        self.raw = raw_file(folder / "base.raw", SIZE, [(MIB, b"base" * 1000), (80 * MIB, b"end")])
        self.model = bytearray(GROWN)
        self.model[:SIZE] = self.raw.read_bytes()
        blocks = {i: (b"\xff" * 512, noise(str(i), BLOCK)) for i in range(FULL)}
        few = bytearray(512)
        few[8:10] = b"\xff\xf0"             # 12 sectors of zeros over "end"
        blocks[40] = (few, bytes(BLOCK))
        blocks[49] = (b"\xff" * 512, noise("grown", BLOCK))
        for index, (bitmap, data) in blocks.items():
            for sector in range(BLOCK // 512):
                if bitmap[sector // 8] & 0x80 >> sector % 8:
                    at = index * BLOCK + sector * 512
                    self.model[at:at + 512] = data[sector * 512:sector * 512 + 512]
        self.blocks, self.folder = blocks, folder

    def delta_to(self, uuid):
        path = self.folder / ("%s.vhd" % uuid)
        path.write_bytes(delta_vhd(GROWN, self.blocks, bytes(range(16)), UUID(uuid).bytes))
        return path


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return Large(tmp_path_factory.mktemp("delta"))


@pytest.fixture
def put(program, pool, large):
    """Its base in an SR: the uuid, and the delta's arguments."""
    def run(sr):
        uuid = program("copy", *pool.login, large.raw, pool.sr(sr)).text.strip()
        pool.remember()
        return uuid, [*pool.login, "--base", uuid, large.delta_to(uuid), pool.sr(sr)]
    return run


def holds(pool, uuid, large):
    return content_of_vdi(pool, uuid) == large.model.ljust(pool.disks[uuid]["virtual_size"], b"\0")


def sent(pool):
    return [e["body_in"] for e in pool.transfers()]


@pytest.mark.parametrize("sr", KINDS)
def test_it_goes_on_and_is_verified(program, pool, large, put, sr):
    base, how = put(sr)
    pool.sim.set_fault(on="import", do="reset", at=60 * MIB, nth=1)
    result = program("copy", *how, *AGAIN, "--json").json
    assert result["verified"] is True and holds(pool, result["uuid"], large)
    assert sorted(pool.disks) == sorted([base, result["uuid"]])
    _, first, second = sent(pool)           # the one before them is the base
    assert first == 60 * MIB and second < 80 * MIB - (first - ON_THE_WAY)


def test_two_breaks(program, pool, large, put):
    # What is on the way when the first one breaks leaves the second 44 MiB to send.
    _, how = put("nfs")
    pool.sim.set_fault(on="import", do="reset", at=34 * MIB, nth=1)
    pool.sim.set_fault(on="import", do="reset", at=44 * MIB, nth=2)
    uuid = program("copy", *how, *AGAIN, "-q").text.strip()
    first, second, third = [int(e["content_length"]) for e in pool.transfers()[1:]]
    assert holds(pool, uuid, large) and third < second < first


# --- over runs -------------------------------------------------------------------


@pytest.fixture
def state(tmp_path):
    return tmp_path / "delta.state"


def begun(program, pool, how, state, at=70 * MIB):
    """One that stands still there, after its first checkpoint."""
    pool.sim.set_fault(on="import", do="stall", at=at)
    run = program.start("copy", *how, "--state", state)
    pool.sim.wait_transfer(moved=at)
    return run


def stopped(run, pool, base):
    """After a signal; the clone's uuid."""
    run.send_signal(signal.SIGTERM)
    end(run, 143)
    pool.sim.clear_faults()
    uuid, = set(pool.disks) - {base}
    return uuid


@pytest.mark.parametrize("sr", KINDS)
def test_another_run_goes_on_in_the_same_clone(program, pool, large, put, state, sr):
    base, how = put(sr)
    uuid = stopped(begun(program, pool, how, state), pool, base)
    told = json.loads(state.read_text())
    assert told["base"] == base and told["vdi"] == uuid and told["blocks"] > 5
    assert program("copy", *how, "--state", state, "--resume").text.strip() == uuid
    assert holds(pool, uuid, large) and sent(pool)[2] < 72 * MIB - 5 * BLOCK
    assert not state.exists()
    pool.sim.destroy_vdi(vdi=uuid)
    pool.nothing_left()


def test_a_killed_one_goes_on(program, pool, large, put, state):
    base, how = put("nfs")
    run = begun(program, pool, how, state)
    wait_until(lambda: json.loads(state.read_text())["blocks"] > 0, "a checkpoint")
    run.kill()
    run.communicate(timeout=30)
    pool.sim.wait_quiet()
    pool.sim.remove_all_sessions()
    pool.sim.clear_faults()
    uuid = program("copy", *how, "--state", state, "--resume").text.strip()
    assert holds(pool, uuid, large) and set(pool.disks) == {base, uuid}


@pytest.mark.parametrize("sr", ["nfs", "rawlv"])
def test_what_was_there_is_read_back(program, pool, put, state, sr):
    """Somebody has written to the clone in between, where the delta was already."""
    base, how = put(sr)
    uuid = stopped(begun(program, pool, how, state), pool, base)
    pool.sim.write_vdi(vdi=uuid, offset=4 * MIB, length=4096, seed=1)
    line = program("copy", *how, "--state", state, "--resume", status=3).lines[-1]
    assert "from byte 4194304 of the disk" in line
    assert not state.exists()
    pool.nothing_left()


def test_a_state_is_of_one_base(program, pool, large, put, state):
    base, how = put("nfs")
    uuid = stopped(begun(program, pool, how, state), pool, base)
    other = program("copy", *pool.login, large.raw, pool.sr("nfs")).text.strip()
    for less in (["--base", other], []):
        line = program("copy", *pool.login, *less, *how[-2:], "--state", state, "--resume",
                       status=2).lines[-1]
        named = less[1] if less else "none"
        assert "a transfer over %s, and --base names %s" % (base, named) in line
    assert uuid in pool.disks and state.exists()
