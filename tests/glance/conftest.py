# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A real Glance, a false one, and a disk to put there."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "chain"))

from fake_cloud import FakeCloud                    # noqa: E402
from glance_rig import Shared, is_there             # noqa: E402

from disk_rig import MIB, noise, raw_file           # noqa: E402

PARTS = [(0, noise("first", 3 * MIB)), (9 * MIB, noise("few", 4096))]
SIZE = 12 * MIB


@pytest.fixture(scope="session")
def real_glance(tmp_path_factory):
    if not is_there():
        pytest.skip("no glance-api")
    base = tmp_path_factory.getbasetemp()
    # Workers of one run have folders side by side.
    with Shared(str(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)) as glance:
        yield glance


@pytest.fixture
def cloud():
    """A false Glance and Keystone, whose ways a test sets."""
    with FakeCloud() as running:
        yield running


@pytest.fixture(scope="session")
def disk(tmp_path_factory):
    return raw_file(tmp_path_factory.mktemp("disk") / "a.raw", SIZE, PARTS)
