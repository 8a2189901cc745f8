# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A short soak, the same one each time; ./dev soak has long ones."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from soak_run import Soak   # noqa: E402


def test_a_few_transfers_with_random_faults(program, soaktool, tmp_path):
    soak = Soak(program, soaktool, tmp_path, seed=4)
    try:
        for _ in range(24):
            soak.transfer()
        soak.library.check(with_memory=False)
        assert soak.ends[0] > 4 and sum(soak.ends.values()) - soak.ends[0] > 4
    finally:
        soak.close()
