# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Export: the source over GET /export_raw_vdi."""

import pytest

from peer.vhd_maker import MIB
from tool_runner import SIZE, failed, nothing_left

INBAND = "HTTP/1.1 500 Internal Error\r\ncontent-type: text/html\r\n\r\n<html>VDI_IO_ERROR</html>"
VHD_LENGTH = 2048 + 512 + 2 * (2 * MIB + 512) + 512


@pytest.fixture
def disk(sim):
    """The uuid of a disk with two blocks, the first and the last."""
    return sim.create_vdi(sr="nfs", size=SIZE, name_label="a disk",
                          pattern=[[0, 2 * MIB, 1], [8 * MIB, 2 * MIB, 2]])["uuid"]


# -- it works ------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 511, 4096, 65536, 1 << 20, 16 << 20])
def test_raw_is_the_content(sim, tool, disk, chunk):
    """However large the reads are."""
    if chunk == 1:
        disk = sim.create_vdi(sr="nfs", size=2 * MIB, pattern=[[0, MIB, 3]])["uuid"]
    result = tool.get(disk, "raw", options=["-b", str(chunk)])
    assert result.status == 0, result
    assert result.out == tool.content(disk)


@pytest.mark.parametrize("chunk", [100, 4096, 1 << 20])
def test_vhd_comes_whole(sim, tool, disk, chunk):
    result = tool.get(disk, "vhd", options=["-b", str(chunk)])
    assert result.status == 0, result
    assert len(result.out) == VHD_LENGTH
    assert result.out[-512:] == result.out[:512]
    nothing_left(sim, disk)


def test_an_empty_disk(sim, tool):
    vdi = sim.create_vdi(sr="nfs", size=2 * MIB)["uuid"]
    result = tool.get(vdi)
    assert result.status == 0, result
    assert len(result.out) == 2048 + 512 + 512


def test_the_task_is_labelled_and_destroyed(sim, tool, disk):
    tool.get(disk)
    assert sim.rpc_calls("task.create")[0]["params"][1] == "VDI_EXPORT_for_a disk"
    assert sim.state()["tasks"] == {}


def test_a_difference(sim, tool, disk):
    snapshot = tool.run("export", "/vdi/" + disk, "vhd", options=["-S"])
    assert snapshot.status == 0, snapshot
    base = sim.create_vdi(sr="nfs", size=SIZE)["uuid"]
    result = tool.get(disk, "vhd", base)
    assert result.status == 0, result
    assert int.from_bytes(result.out[60:64], "big") == 4
    assert "&base=" + base in [e for e in sim.log() if e["kind"] == "export"][-1]["target"]


def test_a_base_that_is_no_ref(sim, tool, disk):
    failed(tool.get(disk, "vhd", "x&format=raw"), 2, "no ref and no uuid")
    failed(tool.get(disk, "raw", disk), 2, "differences as VHD only")
    nothing_left(sim, disk)


def test_content_that_looks_like_an_answer(sim, tool, tmp_path):
    file = tmp_path / "disk.raw"
    text = INBAND.encode()
    file.write_bytes(text + bytes(2 * MIB - 2 * len(text)) + text)
    vdi = sim.create_vdi(sr="nfs", size=2 * MIB, file=str(file))["uuid"]
    result = tool.get(vdi, "raw")
    assert result.status == 0, result
    assert result.out == file.read_bytes()
    assert tool.get(vdi, "vhd").status == 0


def test_a_snapshot_of_a_disk_in_use(sim, tool, disk):
    sim.attach_vdi(vdi=disk, mode="RW")
    failed(tool.get(disk, "raw"), 75, "the VDI is in use", "--snapshot")
    result = tool.get(disk, "raw", options=["-S"])
    assert result.status == 0, result
    assert result.out == tool.content(disk)
    assert [c["params"][2] for c in sim.rpc_calls("VDI.add_to_other_config")][0] == "vhdstream:run"
    sim.detach_vdi(vdi=disk)
    nothing_left(sim, disk)


def test_a_snapshot_goes_after_a_failure(sim, tool, disk):
    sim.set_fault(on="export", do="reset", at=MIB)
    sim.set_detach_lag(seconds=100)
    failed(tool.get(disk, "vhd", options=["-S"]), 75, "VDI_IO_ERROR")
    nothing_left(sim, disk)


def test_a_reader_that_leaves(sim, tool, disk):
    result = tool.get(disk, "raw", options=["-x", str(MIB)])
    assert result.status == 0
    nothing_left(sim, disk)


def test_a_redirect_is_followed(sim, tool, disk):
    sim.set_fault(on="export", do="redirect", to="two")
    result = tool.get(disk, "raw")
    assert result.out == tool.content(disk)
    nothing_left(sim, disk)


@pytest.mark.parametrize("status, ours", [(401, 5), (403, 5), (404, 3), (500, 75)])
def test_statuses(sim, tool, disk, status, ours):
    sim.set_fault(on="export", do="status", status=status, text="for a reason")
    failed(tool.get(disk), ours, str(status), "for a reason")
    nothing_left(sim, disk)


def test_a_vdi_that_vanishes_before_the_request(sim, tool, disk):
    text = "HANDLE_INVALID: [ VDI; OpaqueRef:1111 ]"
    sim.set_fault(on="export", do="status", status=500, text=text)
    result = tool.get(disk)
    failed(result, 4, "HANDLE_INVALID")
    assert "1111" not in result.err
    nothing_left(sim, disk)


# -- ends that are none --------------------------------------------------------

PLACES = [0, 100, 512, 2048, 2100, 2600, 2 * MIB, VHD_LENGTH - 512, VHD_LENGTH - 1]


@pytest.mark.parametrize("at", PLACES)
@pytest.mark.parametrize("do", ["close", "reset"])
def test_a_connection_that_breaks(sim, tool, disk, do, at):
    sim.set_fault(on="export", do=do, at=at)
    result = tool.get(disk)
    failed(result, 75, "the server's task failed", "VDI_IO_ERROR")
    assert len(result.out) <= at
    if do == "close":
        assert "without a word of the server" in result.err
    nothing_left(sim, disk)


@pytest.mark.parametrize("form", ["raw", "vhd"])
@pytest.mark.parametrize("at", [0, 1, 600, 3000, 2 * MIB + 7, "end"])
def test_a_late_500_names_the_cause_and_is_no_data(sim, tool, disk, form, at):
    sim.set_fault(on="export", do="error", at=at,
                  error=["SR_BACKEND_FAILURE_181", "", "the array is gone", ""])
    result = tool.get(disk, form)
    failed(result, 1, "the export broke off after", "the array is gone")
    if at != "end":
        assert "after %d bytes" % at in result.err
    whole = tool.get(disk, form).out
    assert b"HTTP/1.1 500" not in result.out
    assert form == "vhd" or whole.startswith(result.out)
    nothing_left(sim, disk)


@pytest.mark.parametrize("form", ["raw", "vhd"])
@pytest.mark.parametrize("at", [0, 3000, "end"])
def test_an_answer_in_the_body_beats_a_task_that_says_success(sim, tool, disk, form, at):
    sim.set_fault(on="export", do="insert", at=at, text=INBAND)
    sim.set_fault(on="export", do="cut", at=at)
    failed(tool.get(disk, form), 1, "the server's task says success, but", "VDI_IO_ERROR")
    nothing_left(sim, disk)


def test_a_raw_body_that_ends_early_with_success(sim, tool, disk):
    sim.set_fault(on="export", do="cut", at=3 * MIB)
    failed(tool.get(disk, "raw"), 3, "sent %d bytes of a disk of %d" % (3 * MIB, SIZE))
    nothing_left(sim, disk)


def test_a_raw_body_with_a_byte_too_many(sim, tool, disk):
    sim.set_fault(on="export", do="insert", at="end", text="x")
    failed(tool.get(disk, "raw"), 3, "sent %d bytes of a disk of %d" % (SIZE + 1, SIZE))
    nothing_left(sim, disk)


def test_a_vhd_that_ends_early_is_left_to_its_decoder(sim, tool, disk):
    sim.set_fault(on="export", do="cut", at=3 * MIB)
    result = tool.get(disk)
    assert result.status == 0
    assert len(result.out) == 3 * MIB


def test_a_stall_ends_by_the_limit(sim, tool, disk):
    sim.set_fault(on="export", do="stall", at=3 * MIB)
    failed(tool.get(disk, options=["-t", "1"]), 75, "no byte in 1 seconds", "task failed")
    nothing_left(sim, disk)


@pytest.mark.parametrize("task, error, status, words", [
    ("failure", ["VDI_IO_ERROR", "Device I/O errors"], 75, "without a word of the server"),
    ("failure", ["SR_BACKEND_FAILURE_46", "", "The VDI is not available", ""], 75, "--snapshot"),
    ("failure", ["INTERNAL_ERROR", "End_of_file"], 1, "End_of_file"),
    ("cancelled", None, 75, "was cancelled"),
    ("gone", None, 7, "lost the task"),
    ("pending", None, 7, "could not be learnt"),
])
def test_a_whole_body_with_a_task_that_says_no(sim, tool, disk, task, error, status, words):
    extra = {"error": error} if error else {}
    sim.set_fault(on="export", do="verdict", at="end", task=task, **extra)
    result = tool.get(disk, options=["-w", "2"])
    failed(result, status, words)
    assert len(result.out) < VHD_LENGTH
    if task == "pending":
        assert all(t["doomed"] for t in sim.state()["tasks"].values())
    else:
        nothing_left(sim, disk)
