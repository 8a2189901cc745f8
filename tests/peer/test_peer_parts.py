# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Parts of the simulator that need no server."""

import json
import os
import random
import subprocess
import sys
import time

from .byte_extents import ByteExtents
from .disk_content import DiskContent, garbage
from .remote import PARENT
from .sim_clock import SimClock
from .vhd_forward import bit_runs
from .vhd_maker import MIB, bits


def test_extents_agree_with_a_plain_set():
    rng = random.Random(1)
    for _ in range(200):
        extents, model = ByteExtents(), set()
        for _ in range(30):
            a, b = sorted(rng.choices(range(60), k=2))
            if rng.random() < 0.6:
                extents.add(a, b)
                model |= set(range(a, b))
            else:
                extents.remove(a, b)
                model -= set(range(a, b))
        spans = list(extents)
        assert {i for a, b in spans for i in range(a, b)} == model
        assert all(x[1] < y[0] for x, y in zip(spans, spans[1:]))
        assert {i for a, b in extents.within(20, 40) for i in range(a, b)} \
            == model & set(range(20, 40))
        assert extents.total() == len(model)


def test_dirty_disk_shows_old_data_until_written(tmp_path):
    disk = DiskContent(str(tmp_path / "d"), 6 * MIB, dirty=True)
    disk.write(memoryview(bytes(4096)), 1000)
    disk.write(memoryview(b"abc"), 5 * MIB)
    buf = bytearray(6 * MIB)
    for at in range(0, len(buf), 2 * MIB):
        disk.read_into(memoryview(buf)[at:at + 2 * MIB], at)
    want = bytearray(b"".join(garbage(i * MIB, (i + 1) * MIB) for i in range(6)))
    want[1000:5096] = bytes(4096)
    want[5 * MIB:5 * MIB + 3] = b"abc"
    assert buf == want
    assert os.stat(disk.path).st_blocks * 512 < MIB     # it costs nothing
    disk.materialise()
    assert (tmp_path / "d").read_bytes() == want
    disk.close()


def test_zeros_become_holes(tmp_path):
    disk = DiskContent(str(tmp_path / "d"), 8 * MIB)
    disk.write(memoryview(os.urandom(2 * MIB)), 2 * MIB)
    disk.write(memoryview(bytes(2 * MIB)), 2 * MIB)
    assert os.stat(disk.path).st_blocks == 0
    disk.close()


def test_bit_runs():
    assert bit_runs(bits()) == []
    assert bit_runs(bits(0, 1, 2, 8, 4094, 4095)) == [(0, 3), (8, 9), (4094, 4096)]


def test_clock_is_scaled_stopped_and_advanced():
    clock = SimClock(1000)
    begin = time.monotonic()
    assert clock.sleep(60) and time.monotonic() - begin < 5
    clock.set_scale(0)
    now = clock.now()
    clock.advance(3600)
    assert clock.now() - now == 3600
    assert not clock.sleep(1, give_up=lambda: time.monotonic() - begin > 0.3)


def test_start_from_a_shell_ends_with_the_shell(tmp_path):
    ready = tmp_path / "ready"
    script = '%s -m peer --with-parent --ready %s \'{"tls": false}\' </dev/null & ' \
        'until test -f %s; do sleep 0.02; done' % (sys.executable, ready, ready)
    subprocess.run(["sh", "-c", script], cwd=PARENT, check=True, timeout=20)
    state_dir = json.loads(ready.read_text())["state_dir"]
    for _ in range(200):
        if not os.path.exists(state_dir):
            return
        time.sleep(0.02)
    raise AssertionError("the simulator outlived its parent")
