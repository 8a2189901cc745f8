# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A chain image through a pipe, its members in any order, is the disk that the model has."""

import itertools
import os

import pytest
from chain_rig import MIB, SECTOR, Chain, made, pack, shuffled

from disk_rig import read_content, read_raw

ALL = os.environ.get("CHAINS") == "all"     # ./dev chains; else what ./dev check has time for
KINDS = ["nfs", "rawlv", "local", "lvhd", "lvm", "luns", "gate", "thick"]
ORDERS = list(itertools.permutations(range(3)))
BASE_FIRST, LEAF_FIRST = (2, 1, 0), (0, 1, 2)
INTO_POOLS = [(sr, order) for sr in KINDS for order in ORDERS] if ALL else \
    [*(("nfs", order) for order in ORDERS), *(("rawlv", order) for order in ORDERS[::2]),
     ("local", LEAF_FIRST), ("lvhd", (1, 0, 2)), ("lvm", (2, 0, 1)), ("luns", BASE_FIRST)]
OF_THIRTY = [(sr, seed) for sr in KINDS for seed in range(20)] if ALL else [("lvhd", 0)]


def name_of(order):
    return "".join(map(str, order))


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Three members; the leaf is the larger one, and no whole number of blocks."""
    return Chain(made("three", 6 * MIB, 3, writes=30, grow={2: 9 * MIB + SECTOR}),
                 tmp_path_factory.mktemp("three"))


@pytest.fixture(scope="module")
def thirty(tmp_path_factory):
    return Chain(made("thirty", 3 * MIB, 30, grow={9: 4 * MIB, 17: 5 * MIB + SECTOR,
                                                   29: 7 * MIB}),
                 tmp_path_factory.mktemp("thirty"))


def into_pool(program, pool, image, sr, *more):
    with open(image, "rb") as file:
        uuid, = program("copy", "-", pool.sr(sr), *pool.login, "-q", *more,
                        stdin=file).text.split()
    return uuid


def into_file(program, image, path, *more):
    with open(image, "rb") as file:
        program("copy", "-", path, "--force", *more, stdin=file)
    return path


def holds(pool, uuid, chain):
    size = pool.disks[uuid]["virtual_size"]
    assert size >= chain.content.size
    return pool.digest(uuid) == chain.sha256(size)


# --- pools -------------------------------------------------------------------


@pytest.mark.parametrize("sr, order", INTO_POOLS, ids=str)
def test_every_order_of_three_into_every_type_of_sr(program, pool, three, sr, order):
    uuid = into_pool(program, pool, three.image(order), sr)
    assert holds(pool, uuid, three)
    assert "vhdstream:run" not in pool.disks[uuid]["other_config"]
    pool.sim.destroy_vdi(vdi=uuid)
    pool.nothing_left()


@pytest.mark.parametrize("sr, seed", OF_THIRTY)
def test_thirty_members(program, pool, thirty, sr, seed):
    image = thirty.image(shuffled(30, seed), "x.tgz", "w:gz")
    assert holds(pool, into_pool(program, pool, image, sr), thirty)


def test_the_forms_that_the_members_are_sent_in(program, pool, three):
    into_pool(program, pool, three.image(LEAF_FIRST), "nfs")
    assert [dict(e["query"])["format"] for e in pool.transfers()] == ["vhd"] * 3
    into_pool(program, pool, three.image(LEAF_FIRST), "rawlv")
    queries = [dict(e["query"]) for e in pool.transfers()[3:]]
    # and the zeros of what no member has
    assert len(queries) == 4
    assert all(q["format"] == "raw" and "chunked" in q for q in queries)


def test_what_is_hidden_wholly_is_not_sent(program, pool, tmp_path):
    model = made("hidden", 10 * MIB, 1, writes=0)
    for _ in range(2):
        model.write(0, os.urandom(6 * MIB))
        model.snapshot()
    chain = Chain(model, tmp_path / "c")
    assert holds(pool, into_pool(program, pool, chain.image(LEAF_FIRST), "nfs"), chain)
    assert [e["body_in"] > 6 * MIB for e in pool.transfers()] == [True]


def test_an_sr_stays_thin(program, pool, tmp_path):
    """Zeros over nothing take no room."""
    model = made("thin", 40 * MIB, 1, writes=0)
    model.write(0, bytes(30 * MIB))
    model.write(SECTOR, b"x" * SECTOR)
    model.snapshot()
    chain = Chain(model, tmp_path / "c")
    uuid = into_pool(program, pool, chain.image((0, 1)), "nfs")
    assert holds(pool, uuid, chain)
    assert pool.blocks(uuid) == [0]


@pytest.mark.parametrize("sr", ["nfs", "rawlv"])
def test_a_disk_that_exists_is_wholly_overwritten(program, pool, three, tmp_path, sr):
    (tmp_path / "old").write_bytes(os.urandom(12 * MIB))
    uuid = pool.make_disk(sr, 12 * MIB, tmp_path / "old")
    with open(three.image((1, 0, 2)), "rb") as file:
        program("copy", "-", pool.vdi(uuid), *pool.login, "--force", "-q", stdin=file)
    assert holds(pool, uuid, three)


@pytest.mark.parametrize("order", [BASE_FIRST, LEAF_FIRST], ids=name_of)
def test_the_disk_is_enlarged_or_large_enough_from_the_beginning(program, pool, three, order):
    into_pool(program, pool, three.image(order), "nfs")
    called = [c["method"] for c in pool.sim.rpc_calls()].count("VDI.resize")
    assert called == (1 if order == BASE_FIRST else 0)
    uuid = into_pool(program, pool, three.image(order), "nfs", "--size", 12 * MIB)
    assert [c["method"] for c in pool.sim.rpc_calls()].count("VDI.resize") == called
    assert pool.disks[uuid]["virtual_size"] == 12 * MIB and holds(pool, uuid, three)


@pytest.mark.parametrize("block_size", [512 * 1024, 4 * MIB], ids=["512k", "4m"])
@pytest.mark.parametrize("sr", ["nfs", "lvm"])
def test_other_block_sizes(program, pool, tmp_path, sr, block_size):
    chain = Chain(made("blocks", 5 * MIB, 3, writes=20, block_size=block_size), tmp_path / "c")
    assert holds(pool, into_pool(program, pool, chain.image((1, 2, 0)), sr), chain)


@pytest.mark.parametrize("sr", ["nfs", "lvm"])
def test_whole_blocks_merged_with_the_parents(program, pool, tmp_path, sr):
    chain = Chain(made("whole", 5 * MIB, 3, writes=4, style="whole"), tmp_path / "c")
    assert holds(pool, into_pool(program, pool, chain.image((1, 0, 2)), sr), chain)


@pytest.mark.parametrize("names", [["snap.vhd", "image.vhd", "base.vhd"],
                                   ["image.vhd", "base.vhd"], ["snap.vhd", "base.vhd"],
                                   ["IMAGE.VHD"]], ids=" ".join)
def test_old_names(program, pool, tmp_path, names):
    chain = Chain(made("old", 10 * MIB, len(names)), tmp_path / "c")
    members = list(zip(names, chain.paths))
    for turn in (members, members[::-1]):
        image = pack(tmp_path / "old.tar", turn)
        assert holds(pool, into_pool(program, pool, image, "nfs"), chain)


def test_what_is_no_member_is_named_and_left_out(program, pool, tmp_path, three):
    image = three.image((1, 0), extra=[("swap.vhd", b"x" * 1000), ("manifest.xml", b"<x/>"),
                                       ("2.vhd", three.paths[2])])
    with open(image, "rb") as file:
        result = program("copy", "-", pool.sr("nfs"), *pool.login, stdin=file)
    assert result.lines[:2] == [
        "standard input: member %s is not a disk and is left out" % name
        for name in ("swap.vhd", "manifest.xml")]
    assert holds(pool, result.text.strip(), three)


# --- a base that is no dynamic VHD -------------------------------------------


def on_a_flat_base(folder, kind):
    """A leaf on a base of 6 MiB that is raw, or a fixed VHD; the members as they are packed."""
    from chain_rig import Disk, write
    model = made("flat", 6 * MIB, 2, writes=20)
    chain = Chain(model, folder)
    base = model.members[0].content.read(0, 6 * MIB)
    path = os.path.join(chain.folder, "base")
    if kind == "fixed":
        write(Disk(size=6 * MIB, type=2, runs=[(0, base)], footer={"uuid": model.uuid(0)}), path)
        return chain, [("0.vhd", chain.paths[0]), ("1.vhd", path)]
    leaf = model._disk(1)
    leaf.header["parent_uuid"] = bytes(16)
    write(leaf, chain.paths[0])
    return chain, [("0.vhd", chain.paths[0]), ("1.raw", base)]


@pytest.mark.parametrize("kind", ["fixed", "raw"])
@pytest.mark.parametrize("sr", ["nfs", "lvm"])
def test_a_base_that_is_flat(program, pool, tmp_path, sr, kind):
    chain, members = on_a_flat_base(tmp_path / "c", kind)
    for turn in (members, members[::-1]):
        image = pack(tmp_path / "flat.tar", turn)
        assert holds(pool, into_pool(program, pool, image, sr), chain)


# --- files -------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS, ids=name_of)
def test_every_order_of_three_into_files(program, tmp_path, three, order):
    image = three.image(order)
    assert read_raw(into_file(program, image, str(tmp_path / "a.raw"))) == three.content
    assert read_content([into_file(program, image, str(tmp_path / "a.vhd"))]) == three.content
    fixed = into_file(program, image, str(tmp_path / "b.vhd"), "--to", "vhd-fixed")
    assert read_content([fixed]) == three.content


@pytest.mark.parametrize("seed", range(20 if ALL else 2))
def test_thirty_members_into_a_file_and_back(program, pool, tmp_path, thirty, seed):
    image = thirty.image(shuffled(30, seed))
    path = into_file(program, image, str(tmp_path / "a.vhd"))
    assert read_content([path]) == thirty.content
    program("check", path)
    uuid = program("copy", path, pool.sr("nfs"), *pool.login, "-q").text.strip()
    assert holds(pool, uuid, thirty)


def test_a_table_that_outgrows_its_room(program, tmp_path):
    """1500 entries instead of 5: the first block has to make way."""
    chain = Chain(made("grown", 10 * MIB, 4, writes=8, grow={1: 3000 * MIB, 3: 30000 * MIB}),
                  tmp_path / "c")
    path = into_file(program, chain.image((3, 2, 1, 0)), str(tmp_path / "a.vhd"))
    assert read_content([path]) == chain.content
    program("check", path)


def test_azure_takes_whole_mib(program, tmp_path, three):
    path = into_file(program, three.image((1, 0, 2)), str(tmp_path / "a.vhd"), "--azure")
    content = read_content([path])
    assert content.size == 10 * MIB and content.sha256() == three.sha256(10 * MIB)


def test_the_flat_disk_keeps_the_leafs_uuid(program, tmp_path, three):
    from disk_rig import footer_of
    path = into_file(program, three.image((1, 0, 2)), str(tmp_path / "a.vhd"))
    assert footer_of(path).uuid == footer_of(three.paths[0]).uuid
