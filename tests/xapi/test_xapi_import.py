# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Import: the sink over PUT /import_raw_vdi, and the VDI that it fills."""

import re
import struct

import pytest

from peer.vhd_maker import MIB, vhd
from tool_runner import CONTENT, FOUR, ONE, SIZE, VHD, failed, nothing_left

# -- it works ------------------------------------------------------------------


def test_a_vhd_becomes_a_vdi(sim, tool):
    result = tool.put_vhd(options=["-n", "my disk"])
    assert result.status == 0, result
    vdi = sim.state()["vdis"][result.line]
    assert vdi["name_label"] == "my disk"
    assert vdi["type"] == "user"
    assert vdi["virtual_size"] == SIZE
    assert tool.content(result.line) == CONTENT
    nothing_left(sim, result.line)


def test_marks_are_there_while_it_runs_and_gone_after(sim, tool):
    sim.set_fault(on="import", do="stall", at=MIB, seconds=50000)
    process = tool.start("import", "/sr/nfs", "vhd", SIZE)
    process.stdin.write(VHD)
    process.stdin.close()
    sim.wait_transfer(moved=MIB)
    ((uuid, vdi),) = sim.state()["vdis"].items()
    marks = vdi["other_config"]
    assert set(marks) == {"vhdstream:" + k for k in ("run", "disk", "kind", "program", "host",
                                                  "start", "heartbeat")}
    assert re.fullmatch(r"[0-9a-f-]{36}", marks["vhdstream:run"])
    assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z", marks["vhdstream:start"])
    sim.advance_clock(seconds=50000)
    assert process.wait(60) == 0
    process.stdout.close()
    process.stderr.close()
    assert sim.state()["vdis"][uuid]["other_config"] == {}


def test_the_task_is_labelled_and_destroyed(sim, tool):
    tool.put_vhd(options=["-n", "my disk"])
    assert sim.rpc_calls("task.create")[0]["params"][1] == "VDI_IMPORT_for_my disk"
    assert sim.state()["tasks"] == {}


def test_no_body_byte_before_the_answer(sim, tool):
    tool.put_vhd()
    assert sim.state()["dislikes"] == []
    assert len([e for e in sim.log() if e["kind"] == "import"]) == 1


def test_the_sr_rounds_the_size_and_it_is_read_back(sim, tool):
    result = tool.run("import", "/sr/rawlv", "raw", 3 * MIB, body=bytes(4 * MIB))
    assert result.status == 0, result
    assert sim.state()["vdis"][result.line]["virtual_size"] == 4 * MIB


def test_raw(sim, tool):
    result = tool.run("import", "/sr/nfs", "raw", SIZE, body=CONTENT)
    assert tool.content(result.line) == CONTENT


def test_chunked_in_any_order(sim, tool):
    records = [(8 * MIB, FOUR), (2 * MIB, ONE)]
    body = b"".join(struct.pack("<QI", at, len(data)) + data for at, data in records)
    result = tool.run("import", "/sr/nfs", "chunked", SIZE, body=body + bytes(12))
    assert result.status == 0, result
    assert tool.content(result.line) == CONTENT


def test_over_an_existing_vdi(sim, tool):
    uuid = sim.create_vdi(sr="nfs", size=SIZE, name_label="old",
                          pattern=[[0, SIZE, 1]])["uuid"]
    result = tool.run("import", "/vdi/old", "raw", 0, body=CONTENT)
    assert result.line == uuid
    assert tool.content(uuid) == CONTENT
    assert sim.rpc_calls("VDI.create") == sim.rpc_calls("VDI.destroy") == []
    nothing_left(sim, uuid)


def test_several_parts_into_one_vdi(sim, tool, tmp_path):
    first, second = tmp_path / "a.vhd", tmp_path / "b.vhd"
    first.write_bytes(vhd(SIZE, {1: FOUR, 4: FOUR}))
    second.write_bytes(vhd(SIZE, {1: ONE}, disk_type=4))
    result = tool.run("parts", "/sr/nfs", "vhd", SIZE, first, second)
    assert result.status == 0, result
    assert tool.content(result.line) == CONTENT
    assert sim.state()["vdis"][result.line]["other_config"] == {}
    nothing_left(sim, result.line)


def test_a_part_that_fails_takes_the_vdi_with_it(sim, tool, tmp_path):
    first, second = tmp_path / "a.vhd", tmp_path / "b.vhd"
    first.write_bytes(VHD)
    second.write_bytes(VHD)
    sim.set_fault(on="import", do="error", nth=2, at=MIB)
    result = tool.run("parts", "/sr/nfs", "vhd", SIZE, first, second)
    assert result.status != 0
    nothing_left(sim)


@pytest.mark.parametrize("seconds", [30, 300])
def test_detaching_takes_a_while(sim, tool, seconds):
    """Simulated seconds, a hundred of them in one."""
    sim.set_detach_lag(seconds=seconds)
    result = tool.put_vhd(options=["-t", "1"])
    assert result.status == 0, result
    nothing_left(sim, result.line)


# -- where it goes -------------------------------------------------------------


def test_the_right_host_is_asked_at_once(sim, tool):
    result = tool.put_vhd("local%20two")
    assert result.status == 0, result
    assert [e["host"] for e in sim.log() if e["kind"] == "import"] == ["two"]


def test_a_redirect_is_followed_all_the_same(sim, tool):
    sim.set_fault(on="import", do="redirect", to="two")
    result = tool.put_vhd()
    assert result.status == 0, result
    assert tool.content(result.line) == CONTENT
    assert [e["host"] for e in sim.log() if e["kind"] == "import"] == ["one", "two"]


def test_a_redirect_from_http_to_https(sim, tool):
    tool.scheme = "http"
    sim.set_fault(on="import", do="redirect", to="two")
    result = tool.put_vhd(options=["-c", sim.ca_bundle])
    assert result.status == 0, result


def test_a_redirect_to_cleartext_is_refused(sim, tool):
    sim.set_fault(on="import", do="redirect", location=sim.url("http", "two") + "/import_raw_vdi")
    failed(tool.put_vhd(), 5, "from https to http")
    nothing_left(sim)


def test_redirects_in_a_circle(sim, tool):
    sim.set_fault(on="import", do="redirect", to="two", times=-1)
    failed(tool.put_vhd(), 75, "more than 5 times")
    assert len([e for e in sim.log() if e["kind"] == "import"]) == 6
    nothing_left(sim)


def test_a_redirect_to_a_dead_host(sim, tool):
    sim.set_fault(on="import", do="redirect", location="https://127.0.0.1:1/import_raw_vdi?x")
    failed(tool.put_vhd(), 75, "while connecting")
    nothing_left(sim)


@pytest.mark.parametrize("location", ["", "ftp://x/", "https://a b/",
                                      "https://user@127.0.0.1/"])
def test_a_redirect_to_nowhere(sim, tool, location):
    sim.set_fault(on="import", do="redirect", location=location)
    result = tool.put_vhd()
    assert result.status in (1, 75), result
    nothing_left(sim)


# -- refusals ------------------------------------------------------------------


@pytest.mark.parametrize("status, ours", [(401, 5), (403, 5), (404, 3), (500, 75), (503, 75)])
def test_statuses_before_the_body(sim, tool, status, ours):
    sim.set_fault(on="import", do="status", status=status, text="for a reason")
    failed(tool.put_vhd(), ours, str(status), "for a reason")
    nothing_left(sim)


def test_a_user_without_the_role(sim, tool):
    tool.user = "guest"
    sim.create_vdi(sr="nfs", size=SIZE, name_label="old")
    result = tool.run("import", "/vdi/old", "vhd", 0, body=VHD)
    failed(result, 5, "RBAC_PERMISSION_DENIED")


def test_a_session_that_ends_before_the_put(sim, tool):
    sim.set_fault(on="import", do="status", status=401)
    failed(tool.put_vhd(), 5, "401")
    nothing_left(sim)


def test_an_sr_that_takes_no_vhd(sim, tool):
    result = tool.put_vhd("rawlv")
    assert result.status in (1, 75), result     # the server's word may be lost on the way
    assert "VDI_IO_ERROR" in result.err
    nothing_left(sim)


def test_an_sr_without_room_for_the_vdi(sim, tool):
    failed(tool.run("import", "/sr/full", "raw", 64 * MIB, body=b""), 6, "VDI.create",
           "SR_BACKEND_FAILURE_44", "insufficient space")
    nothing_left(sim)


def test_an_sr_that_fills_up(sim, tool):
    result = tool.put_vhd("tiny")
    assert result.status in (1, 6, 75), result
    assert "task failed" in result.err
    nothing_left(sim)


# -- failures on the way -------------------------------------------------------


PLACES = [0, 100, 512, 1600, 2100, 3 * MIB, len(VHD) - 700, len(VHD) - 100]


@pytest.mark.parametrize("at", PLACES)
@pytest.mark.parametrize("do", ["close", "reset"])
def test_a_connection_that_breaks(sim, tool, do, at):
    sim.set_fault(on="import", do=do, at=at)
    result = tool.put_vhd()
    failed(result, 75, "the server's task failed", "VDI_IO_ERROR")
    nothing_left(sim)


@pytest.mark.parametrize("at", PLACES + ["end"])
def test_a_late_500_names_the_cause(sim, tool, at):
    sim.set_fault(on="import", do="error", at=at,
                  error=["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""])
    failed(tool.put_vhd(), 6, "SR_BACKEND_FAILURE_44", "There is insufficient space")
    nothing_left(sim)


def test_an_io_error_of_the_server_is_not_temporary(sim, tool):
    sim.set_fault(on="import", do="error", at="end", error=["VDI_IO_ERROR", "Device I/O errors"])
    failed(tool.put_vhd(), 1, "VDI_IO_ERROR", "all %d bytes were sent" % len(VHD))
    nothing_left(sim)


def test_a_stall_ends_by_the_limit(sim, tool):
    body = vhd(60 * MIB, {i: ONE for i in range(24)})
    sim.set_fault(on="import", do="stall", at=3 * MIB)
    result = tool.put_vhd(body=body, size=60 * MIB, options=["-t", "1"])
    failed(result, 75, "no byte in 1 seconds", "the server's task failed")
    nothing_left(sim)


@pytest.mark.parametrize("task, error, status, words", [
    ("failure", ["VDI_IO_ERROR", "Device I/O errors"], 75, "has not confirmed them"),
    ("failure", ["INTERNAL_ERROR", "End_of_file"], 1, "End_of_file"),
    ("failure", ["VDI_IN_USE", "OpaqueRef:x", "attach"], 75, "the VDI is in use"),
    ("cancelled", None, 75, "was cancelled"),
    ("gone", None, 7, "lost the task"),
    ("pending", None, 7, "could not be learnt"),
])
def test_a_clean_close_with_a_task_that_says_no(sim, tool, task, error, status, words):
    extra = {"error": error} if error else {}
    sim.set_fault(on="import", do="verdict", at="end", task=task, **extra)
    failed(tool.put_vhd(options=["-w", "2"]), status, words)
    sim.wait_quiet()
    assert sim.state()["vdis"] == {}
    if task == "pending":
        assert all(t["doomed"] for t in sim.state()["tasks"].values())
    else:
        nothing_left(sim)


def test_an_answer_in_the_body_beats_a_task_that_says_success(sim, tool):
    sim.set_fault(on="import", do="insert", at="end", text="HTTP/1.1 500 Internal Error\r\n\r\n")
    result = tool.put_vhd()
    failed(result, 1, "the server's task says success, but")
    nothing_left(sim)


def test_the_last_two_mib_cut_is_no_success(sim, tool):
    """The server takes such a raw upload for whole; our own abort is a failure."""
    result = tool.run("import", "/sr/nfs", "raw", SIZE, body=CONTENT,
                      options=["-b", str(SIZE - 4096), "-x", str(SIZE - 4096)])
    failed(result, 1, "left at byte")
    nothing_left(sim)


# -- what we do wrong ourselves ------------------------------------------------


def test_fewer_bytes_than_promised(sim, tool):
    failed(tool.put_vhd(options=["-l", str(len(VHD) + 512)]), 3,
           "%d bytes were written of the %d promised" % (len(VHD), len(VHD) + 512))
    nothing_left(sim)


def test_more_bytes_than_promised(sim, tool):
    failed(tool.put_vhd(options=["-l", str(len(VHD) - 512)]), 3,
           "more is written than the %d bytes promised" % (len(VHD) - 512))
    nothing_left(sim)
