# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Images compressed by zstd, into pools and out of them."""

import pytest

from disk_rig import MIB, image_of, noise, raw_file, vhd, zstd_of

SIZE = 20 * MIB         # of the fixture `disk`
AGAIN = ["--retries", "3", "--retry-delay", "0"]


@pytest.fixture(scope="module")
def packed(program, disk):
    path = disk.parent / "a.tar.zst"
    program("copy", disk, path)
    return path


def same(pool, uuid, disk):
    with open(pool.raw_path(uuid), "rb") as file:
        assert file.read() == disk.read_bytes()


@pytest.mark.parametrize("sr", ["nfs", "rawlv"])
@pytest.mark.parametrize("threads", [0, 2])
def test_image_into_a_pool(program, pool, disk, packed, sr, threads):
    uuid, = program("copy", packed, pool.sr(sr), *pool.login, "--threads", threads).text.split()
    same(pool, uuid, disk)


def test_image_of_others_through_a_pipe(program, pool):
    content = noise("zstd", 4 * MIB)
    data = zstd_of(image_of(vhd(4 * MIB, {0: content[:2 * MIB], 1: content[2 * MIB:]}), mode="w"))
    uuid, = program("copy", "-", pool.sr("nfs"), *pool.login, stdin=data).text.split()
    with open(pool.raw_path(uuid), "rb") as file:
        assert file.read() == content


def test_image_out_of_a_pool(program, pool, disk, tmp_path):
    uuid = pool.make_disk("nfs", SIZE, disk)
    program("copy", pool.vdi(uuid), tmp_path / "o.tzst", *pool.login, "--verify")
    program("copy", tmp_path / "o.tzst", tmp_path / "back.raw")
    assert (tmp_path / "back.raw").read_bytes() == disk.read_bytes()


@pytest.mark.parametrize("at", [100, 2 * MIB, -1])
def test_cut_image_leaves_nothing(program, pool, packed, at):
    pool.remember()
    result = program("copy", "-", pool.sr("nfs"), *pool.login, stdin=packed.read_bytes()[:at],
                     status=3)
    assert "cut" in result.lines[-1]
    pool.nothing_left()


def test_import_of_an_image_goes_on_after_a_break(program, pool, tmp_path):
    disk = raw_file(tmp_path / "a.raw", 48 * MIB, [(0, noise("break", 40 * MIB))])
    program("copy", disk, tmp_path / "a.tzst")
    pool.sim.set_fault(on="import", do="reset", at=30 * MIB)
    uuid, = program("copy", tmp_path / "a.tzst", pool.sr("nfs"), *pool.login, *AGAIN).text.split()
    same(pool, uuid, disk)
    assert len(pool.transfers()) == 2


def test_export_to_an_image_goes_on_after_a_break(program, pool, disk, tmp_path):
    uuid = pool.make_disk("nfs", SIZE, disk)
    pool.sim.set_fault(on="export", do="close", at=3 * MIB)
    program("copy", pool.vdi(uuid), tmp_path / "o.tzst", *pool.login, *AGAIN)
    program("copy", tmp_path / "o.tzst", tmp_path / "back.raw")
    assert (tmp_path / "back.raw").read_bytes() == disk.read_bytes()
