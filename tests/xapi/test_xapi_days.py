# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Transfers that take days: on the pool's clock, which the tests push forward.

XAPI ends a session without a call for 24 hours, and forgets an old pending task whose
progress stands still. What is done against it comes every second here.
"""

import time

import pytest

from peer.plain_client import PlainClient
from peer.remote import Simulator
from tool_runner import CONTENT, SIZE, VHD, Tool

HOUR = 3600
LOGIN = "session.login_with_password"
OFTEN = ("-K", "1")
MIB = 1 << 20


@pytest.fixture
def sim():
    """On a clock of its own: real seconds, but for what the tests add."""
    config = {"srs": [{"type": "nfs", "capacity": 1 << 40}]}
    with Simulator(config) as pool:
        yield pool
        state = pool.state()
        assert state["bugs"] == [] and state["client_faults"] == []


@pytest.fixture
def tool(sim, xapitool):
    return Tool(xapitool, sim)


def wait_for_call(sim, method):
    """Until one is made that was not there yet."""
    before = len(sim.rpc_calls(method))
    limit = time.monotonic() + 20
    while len(sim.rpc_calls(method)) == before:
        assert time.monotonic() < limit, "no " + method
        time.sleep(0.02)


def pass_hours(sim, hours, method="pool.get_all"):
    """In steps that are shorter than the session's life."""
    while hours > 0:
        wait_for_call(sim, method)
        sim.advance_clock(seconds=min(hours, 20) * HOUR)
        hours -= 20


def test_an_import_of_30_hours(sim, tool):
    sim.set_fault(on="import", do="stall", at=2 * MIB, seconds=30 * HOUR)
    process = tool.start("import", "/sr/nfs", "vhd", SIZE, options=OFTEN)
    process.stdin.write(VHD)
    process.stdin.close()
    process.stdin = None
    sim.wait_transfer(moved=MIB)
    pass_hours(sim, 31)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert tool.content(out.decode().strip()) == CONTENT
    assert len(sim.rpc_calls(LOGIN)) == 1, "the session had ended on the way"
    sim.wait_quiet()
    assert set(sim.leftovers()) == {"vdis"}


def test_an_export_of_30_hours_over_a_session_of_somebody_else(sim, tool):
    """There is no password to open another one with."""
    vdi = sim.create_vdi(sr="nfs", size=SIZE, pattern=[[0, 4 * MIB, 7]])["uuid"]
    owner = PlainClient(sim).session
    sim.set_fault(on="export", do="stall", at=2 * MIB, seconds=30 * HOUR)
    tool.password = None
    process = tool.start("export", "/vdi/" + vdi, "raw", options=(*OFTEN, "-s", owner))
    sim.wait_transfer(moved=MIB)
    pass_hours(sim, 31)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out == tool.content(vdi)


def test_the_task_of_a_transfer_that_is_slower_than_the_pools_patience(sim, tool):
    """Past 24 hours each look of the pool has to find progress."""
    sim.set_fault(on="import", do="stall", at=2 * MIB, seconds=26 * HOUR)
    process = tool.start("import", "/sr/nfs", "vhd", SIZE, options=(*OFTEN, "-o", "1"))
    process.stdin.write(VHD)
    process.stdin.close()
    process.stdin = None
    sim.wait_transfer(moved=MIB)
    pass_hours(sim, 25, "task.set_progress")
    for _ in range(3):
        wait_for_call(sim, "task.set_progress")
        sim.advance_clock(seconds=31)
        assert sim.state()["tasks"], "the task was forgotten"
    sim.advance_clock(seconds=HOUR)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert tool.content(out.decode().strip()) == CONTENT
    sim.wait_quiet()
    assert set(sim.leftovers()) == {"vdis"}


def test_a_stop_does_not_wait_for_a_call_without_an_answer(sim, tool):
    sim.set_fault(on="import", do="stall", at=2 * MIB)
    sim.set_fault(on="rpc", do="stall", match={"method": "pool.get_all"}, nth=2, times=-1)
    process = tool.start("import", "/sr/nfs", "vhd", SIZE, options=OFTEN)
    process.stdin.write(VHD)
    process.stdin.close()
    process.stdin = None
    sim.wait_transfer(moved=MIB)
    wait_for_call(sim, "pool.get_all")
    process.send_signal(2)
    start = time.monotonic()
    process.communicate(timeout=60)
    assert process.returncode == 130 and time.monotonic() - start < 15
    sim.wait_quiet()
    assert sim.leftovers() == {}
