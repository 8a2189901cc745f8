# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Rounds of writes and deltas, then every point in time again: from files and in a pool.

./dev chains does a hundred of them; VHDSTREAM_ROUNDS and VHDSTREAM_SEED choose.
"""

import os
import random

from delta_rig import content_of_vdi

ROUNDS = int(os.environ.get("VHDSTREAM_ROUNDS", "5"))
SEED = int(os.environ.get("VHDSTREAM_SEED", "1"))


def back_up(program, pool, guest, folder):
    """A full copy and one delta a round: the files, and what the disk was each time."""
    rng = random.Random(SEED)
    files, models, before = [], [], []
    for number in range(ROUNDS + 1):
        guest.write_at_random(rng, rng.randrange(4))
        snapshot = guest.snapshot()
        files.append(folder / ("%s.vhd" % snapshot))
        base = ["--base", before[-1]] if before else []
        program("copy", *pool.login, *base, pool.vdi(snapshot), files[-1])
        models.append(bytes(guest.model))
        before.append(snapshot)
        if number > 1:                          # older ones need not be kept in the pool
            pool.sim.destroy_vdi(vdi=before[number - 2])
    return files, models


def test_every_point_in_time_comes_back(program, pool, guest, tmp_path):
    files, models = back_up(program, pool, guest, tmp_path)
    there = None
    for number, model in enumerate(models):
        out = tmp_path / "out.raw"
        program("copy", "--force", files[number], out)
        assert out.read_bytes() == model, "round %d of seed %d" % (number, SEED)
        base = ["--base", there] if there else []
        there = program("copy", *pool.login, *base, files[number],
                        pool.sr("lvhd")).text.strip()
        assert content_of_vdi(pool, there) == model, "round %d of seed %d" % (number, SEED)
    if ROUNDS > 1:
        program("merge", "--force", *files, tmp_path / "out.raw")
        assert (tmp_path / "out.raw").read_bytes() == models[-1]
