# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Fixtures: a pool of two hosts with SRs of all kinds, and a client that logs in."""

import pytest

from .remote import Simulator
from .plain_client import PlainClient

CONFIG = {
    "hosts": [{"name": "one"}, {"name": "two"}],
    "srs": [
        {"name": "nfs", "type": "nfs", "capacity": 64 << 30},
        {"name": "local", "type": "ext", "hosts": ["two"], "capacity": 64 << 30},
        {"name": "lvhd", "type": "lvmoiscsi", "use_vhd": True, "capacity": 1 << 40},
        {"name": "rawlv", "type": "lvm", "capacity": 1 << 40},
        {"name": "luns", "type": "iscsi"},
        {"name": "lost", "type": "nfs", "plugged": []},
    ],
    "users": [{"name": "root", "password": "secret"},
              {"name": "guest", "password": "look", "role": "read-only"}],
    "clock_scale": 100,
}


@pytest.fixture(scope="session")
def shared_sim():
    with Simulator(CONFIG) as sim:
        yield sim


@pytest.fixture
def sim(shared_sim):
    """The shared pool with nothing in it."""
    shared_sim.reset()
    yield shared_sim
    assert shared_sim.state()["bugs"] == []


@pytest.fixture
def client(sim):
    return PlainClient(sim)
