# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""copy --verify into a pool: the VDI is read back before it counts; its digest goes with it."""

import time

import pytest
from test_pool_struck_calls import STRIKES, judge

from disk_rig import LEAF, MIB, blkhash, noise, raw_file, vhd
from program_rig import end

BLOCK_0 = 2048 + 512 + 512      # of an export: all before the table, that, the first bitmap
KINDS = ["nfs", "lvhd", "rawlv", "lvm", "luns"]


def noted(data):
    """What other_config has to have, and nothing else: no mark."""
    return {"vhdstream:digest": "blkhash-sha256:%s:%d" % (blkhash(data), len(data))}


def config_of(pool, uuid):
    return pool.disks[uuid]["other_config"]


@pytest.mark.parametrize("sr", KINDS)
def test_a_good_copy_is_verified(program, pool, disk, sr):
    result = program("copy", disk, pool.sr(sr), *pool.login, "--verify", "--json").json
    assert result["verified"] is True and result["digest"] == blkhash(disk.read_bytes())
    assert config_of(pool, result["uuid"]) == noted(disk.read_bytes())
    assert len(pool.transfers("export")) == len(pool.transfers("import")) == 1
    assert pool.sim.leftovers().get("tasks") is None


@pytest.mark.parametrize("sr", ["nfs", "rawlv", "luns"])
@pytest.mark.parametrize("size", [512, 5 * MIB + 1536])
def test_rounded_up_by_the_sr(program, pool, tmp_path, sr, size):
    data = noise("odd", size)
    raw_file(tmp_path / "a.raw", size, [(0, data)])
    result = program("copy", tmp_path / "a.raw", pool.sr(sr), *pool.login, "--verify", "--json")
    assert result.json["digest"] == blkhash(data)
    assert config_of(pool, result.json["uuid"]) == noted(data)


def test_from_a_pipe_out_of_order(program, pool):
    blocks = {i: noise(("v", i), 2 * MIB) for i in (0, 4, 6)}
    data = bytearray(15 * MIB)
    for index, block in blocks.items():
        data[2 * index * MIB:2 * (index + 1) * MIB] = block
    uuid = program("copy", "-", pool.sr("nfs"), *pool.login, "--verify", "-q",
                   stdin=vhd(15 * MIB, blocks, order=[6, 0, 4])).text.strip()
    assert config_of(pool, uuid).items() >= noted(bytes(data[:15 * MIB])).items()


def test_digest_alone_is_recorded_without_reading_back(program, pool, disk):
    result = program("copy", disk, pool.sr("nfs"), *pool.login, "--digest")
    assert config_of(pool, result.text.strip()) == noted(disk.read_bytes())
    assert pool.transfers("export") == []


def test_without_it_nothing_is_recorded(program, pool, disk):
    assert config_of(pool, program("copy", disk, pool.sr("nfs"), *pool.login).text.strip()) == {}


def test_the_digest_is_there_before_the_marks_go(program, pool, disk):
    """A run that dies in between leaves a disk that is not complete, not one without a digest."""
    program("copy", disk, pool.sr("nfs"), *pool.login, "--verify")
    calls = [(c["method"], c["params"][2]) for c in pool.sim.rpc_calls()
             if c["method"].endswith("_other_config") and "task" not in c["method"]]
    assert calls.index(("VDI.add_to_other_config", "vhdstream:digest")) < \
        calls.index(("VDI.remove_from_other_config", "vhdstream:run"))


def test_info_shows_it(program, pool, disk):
    uuid = program("copy", disk, pool.sr("nfs"), *pool.login, "--digest").text.strip()
    found = program("info", pool.vdi(uuid), *pool.login, "--json").json["vdi"]
    assert found["recorded_digest"] == noted(disk.read_bytes())["vhdstream:digest"]
    assert program("digest", pool.vdi(uuid), *pool.login).text.split()[0] \
        == blkhash(disk.read_bytes())


# --- what is not what was sent --------------------------------------------------


@pytest.mark.parametrize("sr", ["nfs", "lvhd"])
def test_one_byte_that_is_read_back_wrong(program, pool, disk, sr):
    pool.remember()
    pool.sim.set_fault(on="export", do="corrupt", at=BLOCK_0 + 3 * LEAF + 99)
    result = program("copy", disk, pool.sr(sr), *pool.login, "--verify", status=3)
    assert "in the 64 KiB from byte %d of the disk" % (3 * LEAF) in result.line
    pool.nothing_left()


def changed_meanwhile(program, pool, source, where, offset, length):
    """The stored disk is overwritten while the import's last byte is waited for."""
    pool.remember()
    pool.sim.set_fault(on="import", do="stall", at=-1, seconds=20000)
    process = program.start("copy", source, where, *pool.login, "--verify")
    pool.sim.wait_transfer(moved=5 * MIB)
    uuid = next(u for u in pool.disks if "vhdstream:run" in config_of(pool, u))
    pool.sim.write_vdi(vdi=uuid, offset=offset, length=length, seed=3)
    while process.poll() is None:
        pool.sim.advance_clock(seconds=1000)
        time.sleep(0.05)
    return end(process, 3)


def test_stored_content_that_changes_before_it_is_read_back(program, pool, disk):
    result = changed_meanwhile(program, pool, disk, pool.sr("nfs"), offset=MIB + 5, length=512)
    assert "in the 64 KiB from byte %d of the disk" % MIB in result.line
    pool.nothing_left()


def test_what_lies_past_the_end_has_to_be_zeros(program, pool, tmp_path):
    data = noise("odd", 5 * MIB + 1536)
    raw_file(tmp_path / "a.raw", len(data), [(0, data)])
    result = changed_meanwhile(program, pool, tmp_path / "a.raw", pool.sr("nfs"),
                               offset=5 * MIB + 4096, length=512)
    assert "byte %d is not zero" % (5 * MIB + 4096) in result.line
    pool.nothing_left()


def test_export_that_fails_is_the_failure(program, pool, disk):
    pool.remember()
    pool.sim.set_fault(on="export", do="reset", at=MIB)
    result = program("copy", disk, pool.sr("nfs"), *pool.login, "--verify", status=75)
    assert len(result.lines) == 1
    pool.nothing_left()


@pytest.mark.parametrize("method", ["VDI.add_to_other_config", "VDI.remove_from_other_config"])
def test_digest_that_cannot_be_recorded(program, pool, disk, method):
    pool.remember()
    pool.sim.set_fault(on="rpc", match={"method": method}, do="error", times=1,
                       error=["INTERNAL_ERROR", "struck"])
    result = program("copy", disk, pool.sr("nfs"), *pool.login, "--digest", status=1)
    assert "struck" in result.line
    pool.nothing_left()


def test_digest_whose_answer_is_lost_is_recorded_once(program, pool, disk):
    pool.sim.set_fault(on="rpc", match={"method": "VDI.add_to_other_config"}, do="reset",
                       when="after")
    uuid = program("copy", disk, pool.sr("nfs"), *pool.login, "--digest").text.strip()
    assert config_of(pool, uuid) == noted(disk.read_bytes())


# --- disks that were there before ------------------------------------------------


@pytest.mark.parametrize("sr", ["nfs", "rawlv", "luns"])
def test_existing_vdi(program, pool, disk, sr):
    uuid = pool.make_disk(sr, 24 * MIB, pattern=[[0, 24 * MIB, 7]])
    program("copy", disk, pool.vdi(uuid), *pool.login, "--force", "--verify", "-q")
    assert config_of(pool, uuid) == noted(disk.read_bytes())


def test_existing_vdi_that_is_not_what_was_sent(program, pool, disk):
    uuid = pool.make_disk("nfs", 24 * MIB, pattern=[[0, 24 * MIB, 7]])
    pool.remember()
    pool.sim.set_fault(on="export", do="corrupt", at=BLOCK_0 + 20)
    result = program("copy", disk, pool.vdi(uuid), *pool.login, "--force", "--verify", status=3)
    assert "from byte 0 of the disk" in result.line and uuid in result.line
    assert config_of(pool, uuid) == {}
    pool.nothing_left()


def test_old_digest_goes_before_the_content_changes(program, pool, disk, tmp_path):
    uuid = program("copy", disk, pool.sr("nfs"), *pool.login, "--digest").text.strip()
    other = raw_file(tmp_path / "b.raw", 20 * MIB, [(0, b"other")])
    program("copy", other, pool.vdi(uuid), *pool.login, "--force")
    assert config_of(pool, uuid) == {}
    program("copy", other, pool.vdi(uuid), *pool.login, "--force", "--digest")
    program("copy", disk, pool.vdi(uuid), *pool.login, "--force", "--digest")
    assert config_of(pool, uuid) == noted(disk.read_bytes())


def test_plain_has_no_meaning_for_a_pool(program, pool, disk):
    assert "--plain" in program("copy", disk, pool.sr("nfs"), *pool.login, "--plain",
                                status=2).line


@pytest.mark.parametrize("strike", STRIKES)
def test_call_that_records_it_is_struck(program, pool, disk, strike):
    pool.remember()
    pool.sim.set_fault(on="rpc", match={"method": "VDI.add_to_other_config"}, **STRIKES[strike])
    result = program("copy", disk, pool.sr("nfs"), *pool.login, "--digest", "--json", status=None)
    left = judge(program, pool, result)
    if result.status == 0:
        assert left == {result.json["uuid"]}
        if STRIKES[strike]["do"] != "answer":       # which says it is done, and does nothing
            assert config_of(pool, result.json["uuid"]) == noted(disk.read_bytes())


# --- after a break --------------------------------------------------------------

AGAIN = ["--retries", "3", "--retry-delay", "0"]


def test_way_back_that_broke_is_gone_anew(program, pool, disk):
    """And only that one: what was written is not sent again."""
    pool.sim.set_fault(on="export", do="reset", at=MIB, times=2)
    result = program("copy", disk, pool.sr("nfs"), *pool.login, "--verify", "--json", *AGAIN)
    assert config_of(pool, result.json["uuid"]) == noted(disk.read_bytes())
    assert len(pool.transfers("import")) == 1 and len(pool.transfers("export")) == 3
    assert result.json["written"] == pool.transfers("import")[0]["body_in"]


def test_import_that_broke_and_went_on_is_verified(program, pool, disk):
    pool.sim.set_fault(on="import", do="reset", at=5 * MIB)
    result = program("copy", disk, pool.sr("nfs"), *pool.login, "--verify", "--json", *AGAIN)
    assert config_of(pool, result.json["uuid"]) == noted(disk.read_bytes())


@pytest.mark.parametrize("on", ["import", "export"])
def test_run_that_broke_is_gone_on_with_and_verified(program, pool, disk, tmp_path, on):
    state = ["--state", tmp_path / "state"]
    pool.sim.set_fault(on=on, do="reset", at=5 * MIB)
    program("copy", disk, pool.sr("nfs"), *pool.login, "--verify", *state, status=75)
    uuid, = pool.disks
    assert "vhdstream:run" in config_of(pool, uuid)
    result = program("copy", disk, pool.sr("nfs"), *pool.login, "--verify", "--json", "--resume",
                     *state).json
    assert result["uuid"] == uuid and result["verified"] is True
    assert config_of(pool, uuid) == noted(disk.read_bytes())
    assert not (tmp_path / "state").exists()


def test_a_mismatch_is_nothing_to_go_on_with(program, pool, disk, tmp_path):
    pool.remember()
    pool.sim.set_fault(on="export", do="corrupt", at=BLOCK_0 + 3)
    program("copy", disk, pool.sr("nfs"), *pool.login, "--verify", "--state", tmp_path / "state",
            *AGAIN, status=3)
    assert not (tmp_path / "state").exists()
    pool.nothing_left()
