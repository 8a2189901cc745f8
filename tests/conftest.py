# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What all suites share: the program under test, and simulated pools."""

import os
import re
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import pool_rig                     # noqa: E402
from program_rig import SHOWN, Program     # noqa: E402

# Status 99 is none of the program's own: no test takes a finding for a result.
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
    "TSAN_OPTIONS": "second_deadlock_stack=1:exitcode=99",
}
for name, value in SANITIZERS.items():
    os.environ.setdefault(name, value)


def pytest_addoption(parser):
    parser.addoption("--program-only", action="store_true",
                     help="only the tests that run the program, and are about what it does")


def pytest_collection_modifyitems(config, items):
    """A test runs the program, or a tool of ours, when it asks for it, directly or not; of_others
    are those of what other programs make of its bytes, which do not depend on its build."""
    if not config.getoption("--program-only"):
        return
    ours = {"vhdstream", "xapitool", "streamtool", "soaktool"}
    chosen = [item for item in items if ours.intersection(getattr(item, "fixturenames", ()))
              and not item.get_closest_marker("of_others")]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


# What ./dev check may skip: cases that are none, and tools that it does not install.
MAY_SKIP = re.compile(
    r"no (java|Java compiler|node|go|build with faults|leases here)$|the sanitizers' own memory|"
    r"a sanitizer's memory|sanitizers take|it could not be read before|root may write everywhere|"
    r"out of order, and no way back|a part of a disk, or a huge one|a tmpfs cannot be mounted")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    """In ./dev check, which installs what tests need, a tool that is missing is a failure."""
    report = (yield).get_result()
    if not report.skipped or "VHDSTREAM_CHECK" not in os.environ:
        return
    reason = str(report.longrepr[2]).removeprefix("Skipped: ")
    if not MAY_SKIP.match(reason):
        report.outcome = "failed"
        report.longrepr = "skipped in ./dev check: " + reason


@pytest.fixture(scope="session")
def vhdstream():
    """Path of the program: $VHDSTREAM, else the one that ./dev build left."""
    path = os.environ.get("VHDSTREAM") or os.path.join(HERE, "..", "build", "vhdstream")
    assert os.access(path, os.X_OK), "no program at %s: ./dev build, or set VHDSTREAM" % path
    return os.path.abspath(path)


def unit_tool(name):
    """A tool of tests/unit: beside the program under test, else of ./dev check."""
    program = os.environ.get("VHDSTREAM") or \
        os.path.join(HERE, "..", "build", "check", "plain", "cli", "vhdstream")
    path = os.path.join(os.path.dirname(program), "..", "tests", "unit", name)
    assert os.access(path, os.X_OK), "no %s at %s: ./dev check plain builds it" % (name, path)
    return os.path.abspath(path)


@pytest.fixture(scope="session")
def xapitool():
    """Path of the program that calls src/xapi."""
    return unit_tool("xapitool")


@pytest.fixture(scope="session")
def soaktool():
    """Path of the program that copies again and again in one process."""
    return unit_tool("soaktool")


@pytest.fixture
def faults(vhdstream):
    """Path of the program where a call of it can be made to fail (src/base/fault.h)."""
    library = os.path.join(os.path.dirname(vhdstream), "..", "libvhdstream.so.1")
    with open(library if os.path.exists(library) else vhdstream, "rb") as file:
        if b"VHDSTREAM_FAULT_AT" not in file.read():
            pytest.skip("no build with faults")
    return vhdstream


@pytest.fixture(scope="session")
def program(vhdstream):
    """program("copy", A, B, status=0) runs it; see program_rig.py."""
    return Program(vhdstream)


@pytest.fixture(scope="session")
def pool_process():
    """One pool for the tests that change nothing of it but its disks."""
    sim = pool_rig.start()
    yield sim
    sim.close()


@pytest.fixture
def pool(pool_process, tmp_path):
    """That pool with nothing in it, as pool_rig.Pool; judged when the test ends."""
    pool_process.reset()
    SHOWN.clear()
    pool = pool_rig.Pool(pool_process, tmp_path)
    yield pool
    pool.check_manners()


@pytest.fixture
def own_pool(tmp_path):
    """own_pool(CONFIG) starts one of its own: for what the shared one must not have."""
    running = []

    def start(config=None):
        running.append(pool_rig.Pool(pool_rig.start(config), tmp_path))
        return running[-1]

    yield start
    for pool in running:
        pool.check_manners()
        pool.sim.close()


@pytest.fixture
def simulator():
    """simulator(CONFIG) starts a pool (tests/peer), which ends with the test."""
    from peer.remote import Simulator

    running = []

    def start(config=None):
        running.append(Simulator(config))
        return running[-1]

    yield start
    for pool in running:
        pool.close()
