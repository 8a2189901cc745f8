# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The network sweep: cases from sweep_cases.py, the pool compared before and after each.

$VHDSTREAM_SWEEP says how many are run, spread over all of them ("all": every one); else a
cross-section that takes seconds. ./dev sweep sets it.
"""

import os

import pytest

import pool_rig
from disk_rig import noise, raw_file, vhd_file
from program_rig import SHOWN
from sweep_cases import all_cases, cross_section
from sweep_places import BLOCK, LONG_USED, ODD_SIZE, SIZE, USED
from sweep_run import Run

CASES = list(all_cases())
FEW = 64
WANTED = os.environ.get("VHDSTREAM_SWEEP", str(FEW))
CHOSEN = CASES if WANTED == "all" else cross_section(CASES, int(WANTED))


@pytest.fixture(scope="module")
def pools():
    """{whether it has certificates: a pool}, for the whole sweep."""
    sims = {tls: pool_rig.start({"tls": tls}) for tls in (False, True)}
    yield sims
    for sim in sims.values():
        sim.close()


@pytest.fixture(scope="module")
def disks(tmp_path_factory):
    """The files that are sent, by way."""
    folder = tmp_path_factory.mktemp("sweep")
    blocks = {n: noise("block %d" % n, BLOCK) for n in LONG_USED}
    used = [(n * BLOCK, blocks[n]) for n in USED]
    long = [(n * BLOCK, blocks[n]) for n in LONG_USED]
    return {
        "raw": raw_file(folder / "a.raw", SIZE, used),
        "long": raw_file(folder / "long.raw", len(LONG_USED) * BLOCK, long),
        "odd": raw_file(folder / "odd.raw", ODD_SIZE,
                        [(0, blocks[1]), (ODD_SIZE - 512, b"x" * 512)]),
        # Blocks in no order cannot be sent raw.
        "shuffled": vhd_file(folder / "a.vhd", SIZE, {n: blocks[n] for n in USED},
                             order=USED[::-1]),
    }


@pytest.fixture
def swept_pool(pools, case, tmp_path):
    """With nothing in it; what a case did to hosts is undone."""
    sim = pools[case.tls]
    sim.reset()
    SHOWN.clear()
    pool = pool_rig.Pool(sim, tmp_path)
    yield pool
    pool.check_manners()
    sim.set_master(host="one")


@pytest.mark.parametrize("case", CHOSEN, ids=lambda case: case.name)
def test_sweep(program, xapitool, swept_pool, disks, tmp_path, case):
    run = Run(case, swept_pool, disks, tmp_path)
    run.judge(run.run(program, xapitool))


def test_there_are_enough_cases_and_each_is_one_of_its_own():
    names = [case.name for case in CASES]
    assert len(names) >= 500 and len(set(names)) == len(names)
