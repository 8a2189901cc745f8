# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Heartbeats: renewed while a transfer runs or stands still, and gone after it."""

import signal
import time

import pytest

from peer.vhd_maker import MIB
from tool_runner import SIZE, VHD, failed, nothing_left

EACH_SECOND = ["-k", "1", "-t", "600"]
FIRST, SECOND = "vhdstream:heartbeat", "vhdstream:heartbeat2"


@pytest.fixture
def stalled(sim, tool):
    """An import that stands still, whose heart beats each second; simulated 50000 s."""
    sim.set_fault(on="import", do="stall", at=MIB, seconds=50000)
    process = tool.start("import", "/sr/nfs", "vhd", SIZE, options=EACH_SECOND)
    process.stdin.write(VHD)
    process.stdin.close()
    process.stdin = None
    sim.wait_transfer(moved=MIB)
    yield process
    process.kill()
    process.communicate()


def configs(sim):
    """other_config of the one disk and of the one task."""
    state = sim.state()
    (vdi,), (task,) = state["vdis"].values(), state["tasks"].values()
    return vdi["other_config"], task["other_config"]


def wait_for_both(sim, beats):
    """Until each has been renewed so often."""
    limit = time.monotonic() + 30
    while min(len(sim.rpc_calls(kind + ".add_to_other_config")) for kind in ("VDI", "task")) \
            < beats:
        assert time.monotonic() < limit, "no heartbeat"
        time.sleep(0.02)


def test_a_transfer_that_stands_still_is_alive(sim, stalled):
    """In turns under two names, so that there always is one; later than the start."""
    wait_for_both(sim, 2)
    for config in configs(sim):
        assert config["vhdstream:start"] < config[SECOND]
    beats = [c for c in sim.rpc_calls("VDI.add_to_other_config")]
    assert [c["params"][2] for c in beats[:2]] == [SECOND, FIRST]
    sim.advance_clock(seconds=50000)
    assert stalled.wait(timeout=30) == 0
    (vdi,) = sim.state()["vdis"].values()
    assert vdi["other_config"] == {}


def test_the_heart_beats_on_after_a_break(sim, tool, tmp_path):
    """What waits is stopped between two tries; the disk of the first lives on."""
    part = tmp_path / "a.vhd"
    part.write_bytes(VHD)
    sim.set_fault(on="import", do="stall", nth=2, at=MIB, seconds=50000)
    process = tool.start("parts", "/sr/nfs", "vhd", SIZE, part, part, options=EACH_SECOND)
    sim.wait_transfer(moved=MIB)
    wait_for_both(sim, 2)
    sim.advance_clock(seconds=50000)
    assert process.wait(timeout=30) == 0
    process.communicate()


def test_the_heart_beats_between_two_tries(sim, tool, tmp_path):
    """Pauses may be longer than what makes a run count as dead."""
    part = tmp_path / "a.vhd"
    part.write_bytes(VHD)
    process = tool.start("parts", "/sr/nfs", "vhd", SIZE, part, options=[*EACH_SECOND, "-P"])
    limit = time.monotonic() + 30
    while len(sim.rpc_calls("VDI.add_to_other_config")) < 2:
        assert time.monotonic() < limit, "no heartbeat"
        time.sleep(0.02)
    assert sim.state()["tasks"] == {}
    process.communicate(b"\n", timeout=30)
    assert process.returncode == 0


def test_the_session_is_used_meanwhile(sim, stalled):
    """XAPI forgets one that is not used for a day."""
    wait_for_both(sim, 1)
    assert len(sim.rpc_calls("session.login_with_password")) == 1


def test_beats_that_fail_do_no_harm(sim, stalled):
    sim.set_fault(on="rpc", match={"method": "host.get_servertime"}, do="reset", times=3)
    sim.set_fault(on="rpc", match={"method": "VDI.remove_from_other_config"}, do="status",
                  status=500)
    wait_for_both(sim, 1)
    sim.advance_clock(seconds=50000)
    assert stalled.wait(timeout=30) == 0


def test_a_beat_that_hangs_does_not_hold_up_a_stop(sim, stalled):
    sim.set_fault(on="rpc", match={"method": "host.get_servertime"}, do="stall")
    limit = time.monotonic() + 30
    while len(sim.rpc_calls("host.get_servertime")) < 3:    # one each for disk and task before
        assert time.monotonic() < limit, "no heartbeat"
        time.sleep(0.02)
    stalled.send_signal(signal.SIGINT)
    assert stalled.wait(timeout=45) == 130      # its own limit would end it after a minute
    nothing_left(sim)


def test_a_disk_that_stays_in_use_is_not_removed(sim, tool):
    """For as long as detaching may take."""
    past = {"start": "2020-02-02T20:20:20Z", "heartbeat": "2020-02-02T20:20:20Z",
            "kind": "disk", "program": "vhdstream 0.1.0", "host": "x",
            "run": "0f5a4d1e-9c3b-4e57-8d2a-6b1c2d3e4f50",
            "disk": "1f5a4d1e-9c3b-4e57-8d2a-6b1c2d3e4f51"}
    uuid = sim.create_vdi(sr="nfs", size=MIB,
                          other_config={"vhdstream:" + k: v for k, v in past.items()})["uuid"]
    sim.make_vdi_busy(vdi=uuid, calls=1000)
    result = tool.run("clean", "", 0, options=["-w", "1"])
    assert result.status == 0 and result.line.startswith(uuid + ": not removed: ")
    assert "VDI_IN_USE" in result.line and len(sim.rpc_calls("VDI.destroy")) > 1
    sim.make_vdi_busy(vdi=uuid)
    assert tool.run("clean", "", 0).line == uuid + ": removed:"
    failed(tool.run("clean", "/sr/nfs", "0", options=["-u", "nobody"]), 5)
