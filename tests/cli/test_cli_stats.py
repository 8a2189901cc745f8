# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""--stats: all stages are told of, with numbers that can be, and one that bounds the transfer."""

import pytest

from disk_rig import MIB, noise, raw_file

STAGES = ["source", "inflate", "decode", "hash", "encode", "compress", "sink", "limit"]


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    return raw_file(tmp_path_factory.mktemp("stats") / "a.raw", 24 * MIB,
                    [(0, noise("stats", 9 * MIB))])


@pytest.fixture(scope="module", params=["vhd", "tgz", "tzst"])
def source(request, program, disk):
    program("copy", disk, disk.parent / ("a." + request.param))
    return disk.parent / ("a." + request.param)


def check_stages(result, threads):
    assert list(result["stages"]) == STAGES
    for stage in result["stages"].values():
        assert stage["threads"] in (1, max(threads, 1))
        assert stage["busy"] >= 0 and stage["waited"] >= 0
        # One more than the pool's threads may inflate, for a moment.
        assert stage["busy"] + stage["waited"] <= (stage["threads"] + 1) * result["seconds"]
    assert result["bound_by"] in STAGES and result["bound"]


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("to", ["vhd", "tgz", "tzst"])
def test_stages_that_take_part_were_at_work(program, source, tmp_path, to, threads):
    result = program("copy", source, tmp_path / ("o." + to), "--stats", "--json", "--digest",
                     "--threads", threads).json
    check_stages(result, threads)
    busy = {name for name, stage in result["stages"].items() if stage["busy"] > 0}
    assert busy == {"source", "decode", "hash", "encode", "sink"} \
        | ({"compress"} if to != "vhd" else set()) \
        | ({"inflate"} if source.suffix != ".vhd" else set())


def test_pool_has_stages_too(program, pool, disk, tmp_path):
    result = program("copy", disk, pool.sr("nfs"), "--stats", "--json", *pool.login).json
    check_stages(result, result["stages"]["source"]["threads"])
    assert result["stages"]["sink"]["busy"] > 0
    result = program("copy", pool.vdi(result["uuid"]), tmp_path / "o.vhd", "--stats", "--json",
                     *pool.login).json
    assert result["stages"]["source"]["busy"] > 0 and result["stages"]["sink"]["busy"] > 0


def test_limit_is_told_of(program, disk, tmp_path):
    result = program("copy", disk, tmp_path / "o.raw", "--stats", "--json", "--limit-rate",
                     "40M").json
    assert result["stages"]["limit"]["busy"] > 0


def test_lines_are_for_people(program, disk, tmp_path):
    result = program("copy", disk, tmp_path / "o.tgz", "--stats")
    told = [line.split()[0] for line in result.lines[:-1]]
    assert told == ["source", "decode", "encode", "compress", "sink"]
    assert "transfer" in result.lines[-1]


def test_nothing_is_told_unasked(program, disk, tmp_path):
    result = program("copy", disk, tmp_path / "o.vhd", "--json").json
    assert "stages" not in result and "bound" not in result
