# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What a failed run leaves behind: nothing, or what it says."""

import signal
import threading
import time

import pytest

from peer.vhd_maker import MIB
from tool_runner import CONTENT, SIZE, VHD, failed, nothing_left

IN_USE = ["VDI_IN_USE", "OpaqueRef:x", "destroy"]


def break_import(sim):
    sim.set_fault(on="import", do="reset", at=MIB)


def test_a_vdi_in_use_is_destroyed_when_it_is_free(sim, tool):
    break_import(sim)
    sim.set_fault(on="rpc", do="error", match={"method": "VDI.destroy"}, times=5, error=IN_USE)
    failed(tool.put_vhd(), 75, "VDI_IO_ERROR")
    assert len(sim.rpc_calls("VDI.destroy")) == 6
    nothing_left(sim)


def test_a_disk_that_takes_long_to_detach(sim, tool):
    break_import(sim)
    sim.set_detach_lag(seconds=200)
    failed(tool.put_vhd(options=["-t", "1"]), 75)
    nothing_left(sim)


def test_a_task_that_never_ends_does_not_keep_the_vdi(sim, tool):
    sim.set_fault(on="import", do="reset", at=MIB, task="pending")
    tool.put_vhd(options=["-w", "2"])
    sim.wait_quiet()
    assert sim.state()["vdis"] == {}


def test_a_vdi_that_stays_in_use_is_named(sim, tool):
    break_import(sim)
    sim.set_fault(on="rpc", do="error", match={"method": "VDI.destroy"}, times=-1, error=IN_USE)
    result = tool.put_vhd(options=["-w", "1"])
    (uuid,) = sim.state()["vdis"]
    failed(result, 7, "VDI_IO_ERROR", "left behind: VDI " + uuid,
           "xe vdi-destroy uuid=" + uuid)


def test_a_vdi_that_cannot_be_destroyed_is_named_at_once(sim, tool):
    break_import(sim)
    sim.set_fault(on="rpc", do="error", match={"method": "VDI.destroy"}, times=-1,
                  error=["SR_BACKEND_FAILURE_80", "", "Failed to mark VDI hidden", ""])
    result = tool.put_vhd()
    failed(result, 7, "Failed to mark VDI hidden", "xe vdi-destroy uuid=")
    assert len(sim.rpc_calls("VDI.destroy")) == 1


def test_a_destroy_whose_answer_is_lost(sim, tool):
    break_import(sim)
    sim.set_fault(on="rpc", do="close", match={"method": "VDI.destroy"}, when="after")
    failed(tool.put_vhd(), 75)
    nothing_left(sim)


def test_a_create_whose_answer_is_lost(sim, tool):
    sim.set_fault(on="rpc", do="close", match={"method": "VDI.create"}, when="after")
    failed(tool.put_vhd(options=["-n", "mine"]), 75, "VDI.create")
    nothing_left(sim)


def test_the_vdi_of_another_run_is_not_taken_for_the_lost_one(sim, tool):
    other = sim.create_vdi(sr="nfs", size=SIZE, name_label="mine")["uuid"]
    sim.set_fault(on="rpc", do="close", match={"method": "VDI.create"}, when="after")
    failed(tool.put_vhd(options=["-n", "mine"]), 75, "VDI.create")
    nothing_left(sim, other)


def test_a_new_vdi_that_cannot_be_read_is_destroyed(sim, tool):
    sim.set_fault(on="rpc", do="answer", text='{"result": 7, "id": 1}',
                  match={"method": "VDI.get_record"})
    failed(tool.put_vhd(), 3, "VDI.get_record")
    nothing_left(sim)


def test_a_snapshot_that_cannot_be_marked_is_destroyed(sim, tool):
    uuid = sim.create_vdi(sr="nfs", size=SIZE, name_label="a")["uuid"]
    sim.set_fault(on="rpc", do="error", match={"method": "VDI.add_to_other_config"},
                  error=["INTERNAL_ERROR", "no"])
    failed(tool.get("a", options=["-S"]), 1, "VDI.add_to_other_config")
    nothing_left(sim, uuid)


def test_a_snapshot_whose_answer_is_lost_is_told(sim, tool):
    uuid = sim.create_vdi(sr="nfs", size=SIZE, name_label="a")["uuid"]
    sim.set_fault(on="rpc", do="close", match={"method": "VDI.snapshot"}, when="after")
    failed(tool.get("a", options=["-S"]), 7, "left behind, perhaps: a snapshot",
           "snapshot-of=" + uuid)


def test_a_task_that_cannot_be_created(sim, tool):
    sim.set_fault(on="rpc", do="error", match={"method": "task.create"},
                  error=["INTERNAL_ERROR", "no"])
    failed(tool.put_vhd(), 1, "task.create")
    nothing_left(sim)


def test_a_task_whose_answer_is_lost(sim, tool):
    sim.set_fault(on="rpc", do="close", match={"method": "task.create"}, when="after")
    failed(tool.put_vhd(options=["-n", "mine"]), 75, "task.create")
    nothing_left(sim)


def test_marks_that_stay_for_a_while(sim, tool):
    sim.set_fault(on="rpc", do="status", status=503, times=3,
                  match={"method": "VDI.remove_from_other_config"})
    result = tool.put_vhd()
    assert result.status == 0, result
    assert sim.state()["vdis"][result.line]["other_config"] == {}


def test_marks_that_cannot_be_removed_are_told_and_the_disk_stays(sim, tool):
    sim.set_fault(on="rpc", do="error", match={"method": "VDI.remove_from_other_config"},
                  times=-1, error=["INTERNAL_ERROR", "no"])
    result = tool.put_vhd()
    (uuid,) = sim.state()["vdis"]
    failed(result, 7, "VDI %s is complete" % uuid, "xe vdi-param-remove uuid=" + uuid,
           "param-key=vhdstream:run")
    assert "part of the new content" not in result.err
    assert tool.content(uuid) == CONTENT


def test_a_broken_overwrite_says_that_the_old_content_is_gone(sim, tool):
    uuid = sim.create_vdi(sr="nfs", size=SIZE, name_label="old")["uuid"]
    break_import(sim)
    result = tool.run("import", "/vdi/old", "raw", 0, body=CONTENT)
    failed(result, 75, "a part of the new content is in VDI " + uuid)
    nothing_left(sim, uuid)


def test_an_overwrite_that_never_began_does_not(sim, tool):
    uuid = sim.create_vdi(sr="nfs", size=SIZE, name_label="old")["uuid"]
    sim.set_fault(on="import", do="status", status=503)
    result = tool.run("import", "/vdi/old", "raw", 0, body=CONTENT)
    failed(result, 75)
    assert "new content" not in result.err
    nothing_left(sim, uuid)


def test_a_pool_that_is_gone_leaves_things_and_says_so(sim, tool):
    sim.set_fault(on="import", do="stall", at=MIB)
    process = tool.start("import", "/sr/nfs", "vhd", SIZE, options=["-w", "2"])
    feeder = threading.Thread(target=feed, args=(process, VHD))
    feeder.start()
    sim.wait_transfer(moved=MIB)
    (uuid,) = sim.state()["vdis"]
    sim.host_down(host="one")
    feeder.join()
    try:
        err = process.stderr.read().decode()
        assert process.wait(60) == 7, err
    finally:
        sim.host_up(host="one")
    assert "left behind: VDI " + uuid in err
    process.stdout.close()
    process.stderr.close()


def test_a_pool_that_stays_away_is_not_waited_for_long(sim, tool):
    """With the settle time of every run: minutes for a disk in use, and not for this."""
    sim.set_fault(on="import", do="stall", at=MIB)
    process = tool.start("import", "/sr/nfs", "vhd", SIZE)
    feeder = threading.Thread(target=feed, args=(process, VHD))
    feeder.start()
    sim.wait_transfer(moved=MIB)
    (uuid,) = sim.state()["vdis"]
    sim.host_down(host="one")
    feeder.join()
    process.stdin = None
    try:
        _, err = process.communicate(timeout=80)        # it would be 180 s
    finally:
        sim.host_up(host="one")
        process.kill()
    assert process.returncode == 7
    assert "xe vdi-destroy uuid=" + uuid in err.decode()


@pytest.mark.parametrize("name, sr", [("import", "/sr/nfs"), ("export", "/vdi/a")])
def test_a_signal_stops_and_cleans_up(sim, tool, name, sr):
    uuid = sim.create_vdi(sr="nfs", size=SIZE, name_label="a", pattern=[[0, SIZE, 1]])["uuid"]
    sim.set_fault(on=name, do="stall", at=MIB)
    process = tool.start(name, sr, "vhd", SIZE) if name == "import" \
        else tool.start(name, sr, "vhd")
    feeder = threading.Thread(target=feed, args=(process, VHD if name == "import" else b""))
    feeder.start()
    sim.wait_transfer(moved=MIB)
    process.send_signal(signal.SIGINT)
    out = process.stdout.read()
    err = process.stderr.read().decode()
    feeder.join()
    assert process.wait(60) == 130, err
    assert "stopped" in err
    assert len(out) < SIZE
    nothing_left(sim, uuid)
    process.stdout.close()
    process.stderr.close()


def feed(process, body):
    process.stdin.write(body)
    process.stdin.close()


def test_a_signal_while_the_task_is_awaited(sim, tool):
    sim.set_detach_lag(seconds=300)
    process = tool.start("import", "/sr/nfs", "vhd", SIZE)
    feed(process, VHD)
    sim.wait_transfer(moved=len(VHD))
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    err = process.stderr.read().decode()
    assert process.wait(60) == 130, err
    process.stdout.close()
    process.stderr.close()
    nothing_left(sim)
