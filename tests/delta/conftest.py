# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A disk in the pool that is written to."""

import pytest

from delta_rig import Guest


@pytest.fixture
def guest(pool):
    return Guest(pool)
