# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What XAPI's small HTTP server needs of a client, shown by the requests it logged."""

import re

import pytest

from disk_rig import MIB, raw_file

FORMS = [("nfs", "vhd"), ("rawlv", "raw")]


def head_bytes(entry):
    """Bytes of the request's head as it was sent, blank line included."""
    line = "%s %s HTTP/1.1\r\n" % (entry["method"], entry["target"])
    return len(line) + sum(len("%s: %s\r\n" % (k, v)) for k, v in entry["headers"]) + 2


def names(entry):
    return {name for name, _ in entry["headers"]}


@pytest.fixture(params=FORMS, ids=lambda f: f[1])
def imported(request, program, pool, disk):
    program("copy", disk, pool.sr(request.param[0]), *pool.login)
    return pool.transfer()


@pytest.fixture
def exported(program, pool, disk, tmp_path):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    program("copy", pool.vdi(uuid), tmp_path / "o.vhd", *pool.login)
    return pool.transfer("export")


def test_length_is_announced_and_kept(imported):
    assert int(imported["content_length"]) == imported["body_in"]


def test_no_header_that_xapi_trips_over(imported):
    assert not names(imported) & {"expect", "transfer-encoding", "cookie", "authorization",
                                  "accept", "content-encoding"}


def test_no_header_that_xapi_trips_over_in_an_export(exported):
    assert not names(exported) & {"expect", "transfer-encoding", "cookie", "authorization",
                                  "accept", "accept-encoding", "content-length"}


def test_head_is_small(imported):
    assert head_bytes(imported) < 1000


def test_head_of_an_export_is_small(exported):
    assert head_bytes(exported) < 1000


def test_body_waits_for_the_answer(imported):
    """The simulator answers first and notes when the first byte of the body came."""
    assert imported["first_body_after"] > 0


def test_body_waits_even_for_a_slow_answer(program, own_pool, disk):
    pool = own_pool({"head_delay": 50, "tls": False})       # 0.5 s; it watches for bytes
    program("copy", disk, pool.sr("nfs"), *pool.login)
    assert pool.sim.state()["dislikes"] == []


def test_vdi_task_and_session_are_named_once(imported, pool):
    query = dict(imported["query"])
    assert len(query) == len(imported["query"])
    assert query["vdi"].startswith("OpaqueRef:") or re.fullmatch("[0-9a-f-]{36}", query["vdi"])
    assert query["task_id"].startswith("OpaqueRef:")
    assert query["session_id"].startswith("OpaqueRef:")


def test_format_is_asked_for(program, pool, disk):
    for sr, form in FORMS:
        pool.sim.clear_log()
        program("copy", disk, pool.sr(sr), *pool.login)
        assert dict(pool.transfer()["query"])["format"] == form


def task_labels(pool):
    return [call["params"][1] for call in pool.sim.rpc_calls("task.create")]


def test_label_of_the_import_task(program, pool, disk):
    program("copy", disk, pool.sr("nfs"), "--name-label", "ubuntu", *pool.login)
    assert task_labels(pool) == ["VDI_IMPORT_for_ubuntu"]


def test_label_of_the_export_task(program, pool, tmp_path):
    uuid = pool.make_disk("nfs", 2 * MIB, label="web")
    program("copy", pool.vdi(uuid), tmp_path / "o.vhd", *pool.login)
    assert task_labels(pool) == ["VDI_EXPORT_for_web"]


def test_task_and_session_end_with_the_run(program, pool, disk, tmp_path):
    uuid = program("copy", disk, pool.sr("nfs"), *pool.login).text.strip()
    program("copy", pool.vdi(uuid), tmp_path / "o.vhd", *pool.login)
    state = pool.sim.state()
    assert state["tasks"] == {} and state["sessions"] == [] and state["attachments"] == []


def test_one_session_a_run(program, pool, disk):
    program("copy", disk, pool.sr("nfs"), *pool.login)
    assert len(pool.sim.rpc_calls("session.login_with_password")) == 1
    assert len(pool.sim.rpc_calls("session.logout")) == 1


def test_one_attempt_suffices(program, pool, disk):
    """No probing upload first."""
    program("copy", disk, pool.sr("nfs"), *pool.login)
    assert len(pool.transfers()) == 1


def test_task_is_polled_until_it_is_done(program, own_pool, disk):
    """The server says success only after detaching the disk."""
    pool = own_pool({"detach_lag": 100, "tls": False})      # one second
    program("copy", disk, pool.sr("nfs"), *pool.login)
    assert pool.sim.state()["attachments"] == []


def test_size_is_sent_as_the_server_reads_it(program, pool, tmp_path):
    """A disk past 4 GiB: no float, no 32 bits."""
    raw_file(tmp_path / "a.raw", 5 << 30, [(5 << 30 - 1, b"")])
    uuid = program("copy", tmp_path / "a.raw", pool.sr("nfs"), *pool.login).text.strip()
    assert pool.disks[uuid]["virtual_size"] == 5 << 30
