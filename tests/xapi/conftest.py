# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A pool, and the tool that calls src/xapi on it."""

import os
import sys

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
for folder in (TESTS, os.path.dirname(os.path.abspath(__file__))):
    if folder not in sys.path:
        sys.path.insert(0, folder)

from peer.remote import Simulator  # noqa: E402
from tool_runner import Tool  # noqa: E402

CONFIG = {
    "hosts": [{"name": "one"}, {"name": "two"}],
    "srs": [
        {"name": "nfs", "type": "nfs", "capacity": 64 << 30},
        {"name": "local two", "type": "ext", "hosts": ["two"], "capacity": 64 << 30},
        {"name": "lvhd", "type": "lvmoiscsi", "use_vhd": True, "capacity": 1 << 40},
        {"name": "rawlv", "type": "lvm", "capacity": 1 << 40},
        {"name": "tiny", "type": "nfs", "capacity": 3 << 20},
        {"name": "full", "type": "lvm", "capacity": 4 << 20},
        {"name": "lost", "type": "nfs", "plugged": []},
        {"name": "twin", "type": "nfs"},
        {"name": "twin", "type": "nfs"},
    ],
    "users": [{"name": "root", "password": "secret"},
              {"name": "guest", "password": "secret", "role": "read-only"}],
    "clock_scale": 100,
}


@pytest.fixture(scope="session")
def shared_pool():
    with Simulator(CONFIG) as sim:
        yield sim


@pytest.fixture
def sim(shared_pool):
    """The pool with nothing in it, everything plugged and up as at the start."""
    shared_pool.reset()
    shared_pool.set_master(host="one")
    shared_pool.set_default_sr(sr="nfs")
    shared_pool.set_detach_lag(seconds=0)
    yield shared_pool
    shared_pool.wait_quiet()
    state = shared_pool.state()
    assert state["bugs"] == []
    assert state["client_faults"] == []


@pytest.fixture
def tool(sim, xapitool):
    return Tool(xapitool, sim)
