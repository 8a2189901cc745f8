# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Every call of an import and of an export is struck in turn, in every way a call can be.

A failed run leaves nothing, or names what it left with status 7; a run that succeeds all the
same leaves its disk and nothing else.
"""

import re

import pytest

from disk_rig import MIB

IMPORT_CALLS = [
    "session.login_with_password", "SR.get_by_name_label", "SR.get_record", "VDI.create",
    "VDI.get_record", "SR.get_PBDs", "PBD.get_record", "pool.get_all_records", "task.create",
    "host.get_servertime", "task.set_other_config",
    "task.get_record", "task.destroy", "VDI.remove_from_other_config", "session.logout"]
EXPORT_CALLS = ["session.login_with_password", "VDI.get_by_uuid", "VDI.get_record",
                "SR.get_record", "task.create", "task.get_record", "VDI.snapshot",
                "VDI.add_to_other_config", "VDI.destroy", "session.logout"]

DEEP = "[" * 30000
STRIKES = {
    "reset": {"do": "reset"},
    "lost answer": {"do": "reset", "when": "after"},
    "http 500": {"do": "status", "status": 500},
    "http 503": {"do": "status", "status": 503},
    "html": {"do": "answer", "text": "<html>It works!</html>"},
    "wrong type": {"do": "answer", "text": '{"jsonrpc":"2.0","id":1,"result":{"a":[null,1.5]}}'},
    "null": {"do": "answer", "text": '{"jsonrpc":"2.0","id":1,"result":null}'},
    "hostile ref": {"do": "answer",
                    "text": '{"jsonrpc":"2.0","id":1,"result":"OpaqueRef:x&vdi=y\\r\\nX: z"}'},
    "deep": {"do": "answer", "text": DEEP},
    "refusal": {"do": "error", "error": ["INTERNAL_ERROR", "struck"]},
    "odd refusal": {"do": "answer", "text": '{"jsonrpc":"2.0","id":1,"error":{"code":1}}'},
    "gone": {"do": "error", "error": ["HANDLE_INVALID", "x", "OpaqueRef:y"]},
    "session lost": {"do": "error", "error": ["SESSION_INVALID", "OpaqueRef:z"]},
}


def judge(program, pool, result):
    """Whatever happened: success with what was promised, or failure with nothing left."""
    pool.sim.clear_faults()
    pool.sim.wait_quiet()
    assert len(result.lines) <= (1 if result.status else 0), result.err
    left = pool.sim.leftovers()
    disks = set(left.get("vdis", ())) - set(pool.before.get("vdis", ()))
    if result.status == 7:
        named = set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", result.err))
        assert disks <= named or "perhaps" in result.err, (disks, result.err)
        return disks
    # The server forgets by itself what is only a number: a task or session nobody can name.
    assert left.get("attachments") is None
    if result.status:
        assert not disks, result.err
    return disks


@pytest.mark.parametrize("strike", STRIKES)
@pytest.mark.parametrize("method", IMPORT_CALLS)
def test_call_of_an_import(program, pool, disk, method, strike):
    pool.remember()
    pool.sim.set_fault(on="rpc", match={"method": method}, **STRIKES[strike])
    result = program("copy", disk, pool.sr("nfs"), *pool.login, status=None)
    left = judge(program, pool, result)
    if result.status == 0:
        assert left == {result.text.strip()}
        uuid, = left
        if STRIKES[strike]["do"] != "answer":       # which says it is done, and does nothing
            assert pool.marks(uuid) == {}
        with open(pool.raw_path(uuid), "rb") as file:
            assert file.read() == disk.read_bytes()


@pytest.mark.parametrize("strike", STRIKES)
@pytest.mark.parametrize("method", EXPORT_CALLS)
def test_call_of_an_export_with_snapshot(program, pool, disk, tmp_path, method, strike):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.remember()
    pool.sim.set_fault(on="rpc", match={"method": method}, **STRIKES[strike])
    result = program("copy", pool.vdi(uuid), tmp_path / "o.raw", "--snapshot", *pool.login,
                     status=None)
    judge(program, pool, result)
    if (tmp_path / "o.raw").exists():
        assert (tmp_path / "o.raw").read_bytes() == disk.read_bytes()
        assert result.status in (0, 7)
    else:
        assert result.status != 0


def test_refusals_name_the_call(program, pool, disk):
    pool.sim.set_fault(on="rpc", match={"method": "VDI.create"}, do="error",
                       error=["SR_BACKEND_FAILURE_109", "", "the array is on fire", ""])
    result = program("copy", disk, pool.sr("nfs"), *pool.login, status=1)
    assert "VDI.create" in result.line and "SR_BACKEND_FAILURE_109" in result.line
    assert "the array is on fire" in result.line
    pool.nothing_left()


@pytest.mark.parametrize("method", ["session.login_with_password", "VDI.create",
                                    "task.get_record"])
def test_silence_in_a_call(program, pool, disk, method):
    pool.sim.set_fault(on="rpc", match={"method": method}, do="stall", seconds=250)
    result = program("copy", disk, pool.sr("nfs"), *pool.login, "--timeout", "1", status=None)
    pool.sim.wait_quiet()
    assert result.status == 0 or not pool.disks or result.status == 7


def test_huge_answer_is_refused(program, pool, disk):
    """Megabytes where a line is expected: bounded memory."""
    pool.sim.set_fault(on="rpc", match={"method": "SR.get_record"}, do="answer",
                       text='"' + "x" * 1000000, repeat=200)
    result = program("copy", disk, pool.sr("nfs"), *pool.login, status=None)
    assert result.status in (1, 3) and "SR.get_record" in result.line
    pool.nothing_left()


def test_control_characters_of_a_refusal_are_shown_harmlessly(program, pool, disk):
    pool.sim.set_fault(on="rpc", match={"method": "VDI.create"}, do="error",
                       error=["SR_BACKEND_FAILURE_1", "\x1b]0;owned\x07\n\nvhdstream: done"])
    program("copy", disk, pool.sr("nfs"), *pool.login, status=1)
