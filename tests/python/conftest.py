# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Fixtures of the tests of the Python package."""

import subprocess

import pytest

from disk_rig import MIB, noise, raw_file
from python_rig import left_here, new_session


@pytest.fixture
def tidy():
    """Holds the test to leave no descriptor and no thread."""
    pipes, threads = left_here()
    yield
    pipes_now, threads_now = left_here()
    assert not pipes_now - pipes and not threads_now - threads


@pytest.fixture
def session(pool):
    """os_xenapi's session with the pool, logged out at the end."""
    pytest.importorskip("os_xenapi")
    pool.has_other_clients = True
    made = new_session(pool.sim.url("http"))
    yield made
    for _ in range(made.concurrent):
        with made._get_session() as one:
            one.xenapi.session.logout()


@pytest.fixture(scope="session")
def disk(tmp_path_factory):
    """20 MiB with something in them."""
    path = tmp_path_factory.mktemp("disk") / "a.raw"
    return raw_file(path, 20 * MIB, [(0, noise("x", 3 * MIB)),
                                (13 * MIB + 512, noise("y", 5 * MIB))])


@pytest.fixture(scope="session")
def made(disk):
    """An image of it, by qemu-img and tar."""
    folder = disk.parent
    subprocess.run(["qemu-img", "convert", "-O", "vpc", "-o", "subformat=dynamic,force_size=on",
                    disk, folder / "0.vhd"], check=True)
    subprocess.run(["tar", "-C", folder, "-czf", folder / "o.tgz", "0.vhd"], check=True)
    return folder / "o.tgz"
