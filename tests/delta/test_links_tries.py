# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""copy --chain into a pool: a link that breaks is gone on with; --verify reads each one back."""

import random
import tarfile

import pytest

from delta_rig import Guest, Layers, content_of_vdi, delta_vhd
from disk_rig import BLOCK, MIB, noise

HEAD = 2048 + 512                   # of an export: all before the first bitmap
AGAIN = ["--retries", "2", "--retry-delay", "0"]
KINDS = ["nfs", "lvhd", "rawlv", "gate", "thick"]


@pytest.fixture
def small(program, tmp_path):
    """A chain of three as an image, the leaf first, and what is in it."""
    layers = Layers(tmp_path, random.Random(6), [5 * MIB, 5 * MIB, 9 * MIB])
    args = [word for path in layers.paths[1::-1] for word in ("--parent", path)]
    program("copy", "--chain", *args, layers.paths[2], tmp_path / "a.tgz")
    return tmp_path / "a.tgz", layers.models


class Large:
    """A base of 72 MiB and a link of as much over it, as files; what they make."""

    def __init__(self, folder):
        own = [b"of the base only", b"this is the leaf"]
        self.blocks = [{i: (b"\xff" * 512, noise("%d of %d" % (i, n), BLOCK))
                        for i in range(2 * n, 36 + 2 * n)} for n in range(2)]
        self.paths = [folder / "base.vhd", folder / "leaf.vhd"]
        self.models = [bytearray(96 * MIB)]
        for n in range(2):
            self.paths[n].write_bytes(delta_vhd(96 * MIB, self.blocks[n], own[n],
                                                own[0] if n else None))
            for i, (_, data) in self.blocks[n].items():
                self.models[n][i * BLOCK:(i + 1) * BLOCK] = data
            self.models.append(bytearray(self.models[n]))
        self.words = ["--parent", self.paths[0], self.paths[1]]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return Large(tmp_path_factory.mktemp("large"))


def rebuilt(program, pool, source, sr, *args):
    """Copies it; the result, and the disk's and snapshots' contents, the oldest first."""
    before = set(pool.disks)
    result = program("copy", "--chain", "--json", *pool.login, *AGAIN, *args, source,
                     pool.sr(sr)).json
    made = [result["uuid"], *result["snapshots"]]
    assert set(pool.disks) - before == set(made)
    return result, [content_of_vdi(pool, uuid) for uuid in made[::-1]]


def same(contents, models):
    return all(content.rstrip(b"\0") == bytes(model).rstrip(b"\0")
               for content, model in zip(contents, models, strict=True))


# --- breaks ------------------------------------------------------------------------


@pytest.mark.parametrize("sr", KINDS)
@pytest.mark.parametrize("nth", [1, 3])
def test_a_link_that_breaks_is_sent_again(program, pool, small, sr, nth):
    pool.sim.set_fault(on="import", do="reset", at=50000, nth=nth)
    _, contents = rebuilt(program, pool, small[0], sr)
    assert same(contents, small[1]) and len(pool.transfers()) == 4


@pytest.mark.parametrize("sr", ["nfs", "gate"])
@pytest.mark.parametrize("nth", [1, 2])
def test_what_has_arrived_is_not_sent_again(program, pool, large, sr, nth):
    """And what was gone on with is read back."""
    pool.sim.set_fault(on="import", do="reset", at=60 * MIB, nth=nth)
    _, contents = rebuilt(program, pool, large.words[2], sr, *large.words[:2])
    assert same(contents, large.models[:2])
    whole = 96 if (sr, nth) == ("gate", 1) else 72
    assert pool.transfers()[nth]["body_in"] < (whole - 20) * MIB
    assert pool.transfers("export")


@pytest.mark.parametrize("nth", [1, 2])
def test_a_link_in_an_image_that_is_read_ahead(program, pool, large, tmp_path, nth):
    """What reads it ahead has been told to stop, and the image is opened anew."""
    with tarfile.open(tmp_path / "large", "w") as tar:
        for name, path in zip(["0.vhd", "1.vhd"], large.paths[1::-1]):
            tar.add(path, name)
    program("copy", "--chain", *large.words, tmp_path / "large.tgz")
    pool.sim.set_fault(on="import", do="close", at=10 * MIB, nth=nth)
    image = tmp_path / ("large" if nth == 1 else "large.tgz")
    _, contents = rebuilt(program, pool, image, "nfs")
    assert same(contents, large.models[:2]) and len(pool.transfers()) == 3


def test_what_fails_before_the_first_link(program, pool, small):
    pool.sim.set_fault(on="rpc", do="error", match={"method": "VDI.create"}, error=["TOO_BUSY"])
    _, contents = rebuilt(program, pool, small[0], "nfs")
    assert same(contents, small[1])


def test_a_source_that_breaks_before_the_first_link(program, pool, own_pool):
    guest = Guest(pool)
    guest.write(0, 3 * MIB, 1)
    guest.snapshot("before")
    pool.sim.set_fault(on="export", do="reset", nth=1)
    other = own_pool()
    result = program("copy", "--chain", "--json", *pool.login, *AGAIN, pool.vdi(guest.uuid),
                     other.sr("nfs")).json
    assert content_of_vdi(other, result["uuid"]).rstrip(b"\0") == guest.model.rstrip(b"\0")


def test_of_a_chain_in_another_pool(program, pool, own_pool, tmp_path):
    guest, models = Guest(pool), []
    for seed in range(3):
        guest.write(seed * MIB, 3 * MIB, seed)
        last = guest.snapshot()
        models.append(bytes(guest.model))
    there = own_pool({"srs": [{"name": "lvhd", "type": "lvmoiscsi", "use_vhd": True}]})
    there.sim.set_fault(on="import", do="reset", at=MIB, nth=2)
    result = program("copy", "--chain", "--json", *pool.login, *AGAIN, pool.vdi(last),
                     there.sr("lvhd")).json
    made = [result["uuid"], *result["snapshots"]]
    assert same([content_of_vdi(there, uuid) for uuid in made[::-1]], models)


def test_tries_are_counted_and_nothing_stays(program, pool, small):
    pool.remember()
    pool.sim.set_fault(on="import", do="reset", at=50000, nth=2, times=-1)
    run = program("copy", "--chain", *pool.login, *AGAIN, small[0], pool.sr("nfs"), status=75)
    assert len(pool.transfers()) == 1 + 3 and "tried 3 times" in run.lines[-1]
    pool.nothing_left()


def test_a_pipe_is_not_read_twice(program, pool, large, tmp_path):
    pool.remember()
    program("copy", "--chain", *large.words, tmp_path / "a.tgz", "--level", "1")
    one = tmp_path / "one.tar"
    program("copy", large.paths[0], one, "--plain")
    pool.sim.set_fault(on="import", do="reset", at=50000)
    run = program("copy", "--chain", *pool.login, *AGAIN, "-", pool.sr("nfs"), status=75,
                  stdin=one.read_bytes())
    assert "not tried again, since a pipe cannot be read twice" in run.lines[-1]
    pool.nothing_left()


def test_names_that_cannot_be_written_at_once(program, pool, small):
    """The pool is away for a moment when all has been sent."""
    pool.sim.set_fault(on="rpc", do="close", match={"method": "VDI.set_name_label"}, times=2)
    _, contents = rebuilt(program, pool, small[0], "nfs")
    assert same(contents, small[1])


# --- reading back --------------------------------------------------------------------


@pytest.mark.parametrize("sr", KINDS)
def test_each_link_is_read_back(program, pool, small, sr):
    result, contents = rebuilt(program, pool, small[0], sr, "--verify")
    assert result["verified"] is True and same(contents, small[1])
    assert len(pool.transfers("export")) >= 3


def test_without_it_nothing_is_read_back(program, pool, small):
    result, _ = rebuilt(program, pool, small[0], "nfs")
    assert "verified" not in result and pool.transfers("export") == []


@pytest.mark.parametrize("sr, nth", [("nfs", 1), ("nfs", 2), ("gate", 2)])
def test_a_byte_that_is_read_back_wrong(program, pool, large, sr, nth):
    """In the fourth block of the disk: of the base, or of the link."""
    pool.remember()
    before = 3 - 2 * (nth - 1) if sr == "nfs" else 3
    pool.sim.set_fault(on="export", do="corrupt", nth=nth,
                       at=HEAD + before * (512 + BLOCK) + 512 + 5000)
    run = program("copy", "--chain", *pool.login, "--verify", *large.words, pool.sr(sr), status=3)
    assert "in the 64 KiB from byte %d of the disk" % (3 * BLOCK) in run.lines[-1]
    pool.nothing_left()
