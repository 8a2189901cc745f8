# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""copy --verify --base REF: what a delta has brought is read back, and nothing else judged."""

import random
import time
from base64 import b64encode
from uuid import UUID

import pytest

from delta_rig import Layers, content_of_vdi, delta_vhd
from disk_rig import BLOCK, LEAF, MIB, noise, raw_file
from program_rig import end

HEAD = 2048 + 512                   # of an export: all before the first bitmap
KINDS = ["nfs", "local", "lvhd", "luns", "rawlv", "gate", "thick"]


@pytest.fixture
def layers(tmp_path):
    return Layers(tmp_path, random.Random(11), [5 * MIB, 5 * MIB, 9 * MIB])


def put(program, pool, path, sr, *args):
    return program("copy", *pool.login, *args, path, pool.sr(sr), "--json").json


def verified(program, pool, path, sr, base):
    result = put(program, pool, path, sr, "--verify", "--base", base)
    assert result["verified"] is True and "digest" not in result
    return result["uuid"]


def holds(pool, uuid, model):
    content = content_of_vdi(pool, uuid)
    return content == model.ljust(len(content), b"\0")


@pytest.mark.parametrize("sr", KINDS)
def test_a_good_delta_is_verified(program, pool, layers, sr):
    """The second one makes the disk larger."""
    base = put(program, pool, layers.paths[0], sr)["uuid"]
    first = verified(program, pool, layers.paths[1], sr, base)
    second = verified(program, pool, layers.paths[2], sr, first)
    assert holds(pool, first, layers.models[1]) and holds(pool, second, layers.models[2])
    assert set(pool.disks[second]["other_config"]) == {"vhdstream:vhd-uuid"}
    assert pool.sim.leftovers().get("tasks") is None


# --- what is read ----------------------------------------------------------------


def exports(pool):
    """Of each export the base that it was asked against, and what came."""
    return [(dict(entry["query"]).get("base"), entry["body_out"])
            for entry in pool.transfers("export")]


@pytest.fixture
def large(program, pool, tmp_path):
    """A base of 40 MiB, all of it data, and a delta to it of one block."""
    raw = raw_file(tmp_path / "base.raw", 40 * MIB, [(0, noise("base", 40 * MIB))])
    uuid = program("copy", *pool.login, raw, pool.sr("nfs")).text.strip()
    bitmap = bytearray(512)
    bitmap[:3] = b"\xff\x00\xff"                       # sectors 0 to 7, and 16 to 23
    delta = tmp_path / "delta.vhd"
    delta.write_bytes(delta_vhd(40 * MIB, {3: (bitmap, noise("delta", BLOCK))},
                                bytes(range(16)), UUID(uuid).bytes))
    return uuid, delta


def test_only_what_differs_is_read_where_the_sr_can_tell(program, pool, large):
    base, delta = large
    verified(program, pool, delta, "nfs", base)
    (asked, came), = exports(pool)
    assert asked == base and came < 3 * MIB


def test_a_base_that_a_vm_has_taken_is_not_needed(program, pool, large):
    """The pool cannot attach it, so the disk is read as a whole."""
    base, delta = large
    pool.sim.set_fault(on="export", do="error", at=0, error=["VDI_IN_USE", "OpaqueRef:x", "data"])
    verified(program, pool, delta, "nfs", base)
    (asked, _), (then, came) = exports(pool)
    assert asked == base and then is None and came > 40 * MIB


def test_blocks_that_the_sr_does_not_tell_are_read_as_well(program, pool, large):
    """It says that the two do not differ, which would let the delta's zeros count as its own."""
    base, delta = large
    body = b"HTTP/1.1 200 OK\r\n\r\n" + delta_vhd(40 * MIB, {}, bytes(16), bytes(range(16)))
    pool.sim.set_fault(on="export", do="raw", base64=b64encode(body).decode(), task="success")
    verified(program, pool, delta, "nfs", base)
    assert [asked for asked, _ in exports(pool)] == [base, None]


# --- what is found ---------------------------------------------------------------


@pytest.mark.parametrize("sr, before", [("nfs", 0), ("rawlv", 3)])
def test_one_byte_that_is_read_back_wrong(program, pool, large, sr, before):
    """Sector 20 of the block, of which one SR has others before it in the export."""
    base, delta = large
    pool.remember()
    at = HEAD + before * (512 + BLOCK) + 512 + 20 * 512
    pool.sim.set_fault(on="export", do="corrupt", at=at)
    run = program("copy", delta, pool.sr(sr), *pool.login, "--verify", "--base", base, status=3)
    assert "in the 64 KiB from byte %d of the disk" % (3 * BLOCK) in run.line
    pool.nothing_left()


def written_meanwhile(program, pool, delta, base, where, offset, status):
    """Somebody writes to the new disk after so many bytes of the import."""
    sr, at = where
    pool.sim.set_fault(on="import", do="stall", at=at, seconds=20000)
    run = program.start("copy", delta, pool.sr(sr), *pool.login, "--verify", "--base", base)
    pool.sim.wait_transfer(moved=at)
    uuid = next(u for u in pool.disks if "vhdstream:run" in pool.disks[u]["other_config"])
    pool.sim.write_vdi(vdi=uuid, offset=offset, length=512, seed=3)
    while run.poll() is None:
        pool.sim.advance_clock(seconds=1000)
        time.sleep(0.05)
    return end(run, status)


AS_VHD = ("nfs", 2048 + 512 + BLOCK + 8)                # all but the footer
AS_RECORDS = ("rawlv", 2 * (12 + 8 * 512) + 8)          # all but the last record


@pytest.mark.parametrize("where", [AS_VHD, AS_RECORDS], ids=["vhd", "records"])
def test_a_sector_that_is_not_the_deltas(program, pool, large, where):
    base, delta = large
    pool.remember()
    run = written_meanwhile(program, pool, delta, base, where, 3 * BLOCK + 16 * 512, 3)
    assert "in the 64 KiB from byte %d of the disk" % (3 * BLOCK) in run.line
    pool.nothing_left()


def test_what_is_the_bases_is_not_judged(program, pool, large):
    """A sector between two of the delta's."""
    base, delta = large
    written_meanwhile(program, pool, delta, base, AS_VHD, 3 * BLOCK + 8 * 512, 0)


def test_what_lies_past_the_base_is_zeros(program, pool, layers):
    """The delta has nothing there, and an SR of volumes has other people's data."""
    base = put(program, pool, layers.paths[0], "rawlv")["uuid"]
    base = put(program, pool, layers.paths[1], "rawlv", "--base", base)["uuid"]
    pool.remember()
    free = next(at for at in range(8 * MIB, 9 * MIB, 512) if at // 512 not in layers.writes[2])
    zeros = 2 * (12 + 2 * MIB)                          # from 8 to 12 MiB
    run = written_meanwhile(program, pool, layers.paths[2], base, ("rawlv", zeros + 8), free, 3)
    assert "from byte %d of the disk" % (free // LEAF * LEAF) in run.line
    pool.nothing_left()


def test_a_delta_that_needs_more_memory(program, pool, large):
    base, delta = large
    pool.remember()
    run = program("copy", delta, pool.sr("nfs"), *pool.login, "--verify", "--base", base,
                  "--memory", 100, status=6)
    assert "the map of the sectors that it has needs more than the 100 bytes" in run.line
    pool.nothing_left()
