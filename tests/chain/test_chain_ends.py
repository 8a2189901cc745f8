# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Chains of which something breaks: nothing is left behind, or it is begun anew; and memory."""

import signal

import pytest
from chain_rig import MIB, Chain, made

from program_rig import end, wait_until

MAX_SIZE = 2040 << 30
AGAIN = ["--retries", "3", "--retry-delay", "0"]
ORDER = (1, 0, 2)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return Chain(made("ends", 6 * MIB, 3, writes=10, grow={2: 8 * MIB}),
                 tmp_path_factory.mktemp("ends"))


@pytest.fixture(scope="module")
def image(chain):
    return chain.image(ORDER)


@pytest.mark.parametrize("sr", ["nfs", "rawlv"])
@pytest.mark.parametrize("do, nth", [("reset", 1), ("close", 2), ("reset", 3), ("close", 3)])
def test_a_break_from_a_file_begins_anew(program, pool, chain, image, sr, do, nth):
    pool.sim.set_fault(on="import", do=do, at=50000, nth=nth)
    uuid, = program("copy", image, pool.sr(sr), *pool.login, *AGAIN, "-q").text.split()
    assert list(pool.disks) == [uuid]
    assert pool.digest(uuid) == chain.sha256(pool.disks[uuid]["virtual_size"])
    assert len(pool.transfers()) == nth + (3 if sr == "nfs" else 4)
    pool.sim.destroy_vdi(vdi=uuid)
    pool.nothing_left()


def test_a_break_from_a_pipe_is_the_end(program, pool, image):
    pool.sim.set_fault(on="import", do="reset", at=MIB // 2, nth=2)
    with open(image, "rb") as file:
        line = program("copy", "-", pool.sr("nfs"), *pool.login, *AGAIN, "-q", status=75,
                       stdin=file).line
    assert "; this was member 0.vhd of the chain" in line
    assert line.endswith("not tried again, since a pipe cannot be read twice")
    pool.nothing_left()


@pytest.mark.parametrize("sr, nth", [("nfs", 1), ("nfs", 3), ("rawlv", 2), ("rawlv", 4)])
def test_a_member_that_the_server_does_not_take(program, pool, image, sr, nth):
    pool.sim.set_fault(on="import", do="verdict", task="failure", at="end",
                       error=["VDI_IO_ERROR", "Device I/O errors"], nth=nth)
    with open(image, "rb") as file:
        line = program("copy", "-", pool.sr(sr), *pool.login, "-q", status=None, stdin=file).line
    assert "VDI_IO_ERROR" in line
    assert nth == 4 or "; this was member %d.vhd of the chain" % ORDER[nth - 1] in line
    pool.nothing_left()


def test_each_place_where_an_archive_can_end(program, pool, tmp_path, chain, image):
    with open(image, "rb") as file:
        data = file.read()
    ends = len(data.rstrip(b"\0"))
    for at in (700, 4096, 3 * MIB, len(data) // 2, ends - 2000, ends + 600):
        program("copy", "-", pool.sr("nfs"), *pool.login, "-q", status=3, stdin=data[:at])
        pool.nothing_left()
        out = tmp_path / "x.vhd"
        program("copy", "-", out, "-q", status=3, stdin=data[:at])
        assert not out.exists()


def test_stopped_between_members(program, pool, image):
    """The pipe stands still after the first member's PUT."""
    with open(image, "rb") as file:
        data = file.read()
    run = program.start("copy", "-", pool.sr("nfs"), *pool.login, "-q", stdin=-1)
    run.stdin.write(data[:data.index(b"0.vhd", 1024) - 1024])
    run.stdin.flush()
    wait_until(lambda: len(pool.sim.log()) and pool.disks, "a disk")
    run.send_signal(signal.SIGTERM)
    end(run, 143)
    pool.nothing_left()


# --- memory ------------------------------------------------------------------


@pytest.fixture(scope="module")
def largest(tmp_path_factory):
    """2040 GiB, with writes all over it."""
    return Chain(made("largest", MAX_SIZE, 3, writes=14), tmp_path_factory.mktemp("largest"))


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2)])
def test_2040_gib_take_48_mib_beside_the_map(program, largest, tmp_path, order):
    """The map's table takes 8 MiB of this, and its budget is 48: 96 in all."""
    with open(largest.image(order), "rb") as file:
        program.bounded("copy", "-", tmp_path / "x.vhd", "-q", stdin=file, memory=56 << 20)
    with open(largest.image(order), "rb") as file:
        program.bounded("copy", "-", tmp_path / "x.raw", "-q", stdin=file, memory=56 << 20)


def test_2040_gib_into_a_pool(program, pool, largest):
    with open(largest.image((1, 2, 0)), "rb") as file:
        uuid = program.bounded("copy", "-", pool.sr("nfs"), *pool.login, "-q", stdin=file,
                               memory=56 << 20).text.strip()
    shown = largest.content
    blocks = {start // (2 * MIB) for start, length in shown.runs() if length}
    assert set(pool.blocks(uuid)) >= blocks
    with open(pool.raw_path(uuid), "rb") as file:
        for start, length in shown.runs():
            file.seek(start)
            assert file.read(length) == shown.read(start, length)
