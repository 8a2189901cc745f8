# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""copy --chain: a disk with the snapshots before it, out of one pool and into another."""

import io
import json
import os
import random
import tarfile

import pytest

from delta_rig import (Guest, Layers, chain_content, client_of, content_of_vdi, delta_vhd,
                       head_of, record_of, result_of)
from disk_rig import BLOCK, MIB, noise, open_image
from program_rig import end, wait_until

LABELS = ["monday", "tuesday", "wednesday"]


@pytest.fixture
def history(guest):
    """The disk, {label of each snapshot: its content}, the oldest first."""
    rng, then = random.Random(5), {}
    for label in LABELS:
        guest.write_at_random(rng)
        guest.snapshot(label)
        then[label] = bytes(guest.model)
    guest.write_at_random(rng)
    then["a disk"] = bytes(guest.model)
    return guest.uuid, then


def unpack(path, folder):
    """The members of an image as files of those names; their names in order."""
    folder.mkdir()
    with open_image(str(path)) as tar:
        tar.extractall(folder)
        return tar.getnames()


def links_of(pool, uuid):
    """[(name-label, content)] of the snapshots of a disk, the oldest first, and of itself."""
    records = [record_of(pool, uuid)]
    for ref in records[0]["snapshots"]:
        records.append(client_of(pool).call("VDI.get_record", ref))
    records.sort(key=lambda r: (not r["is_a_snapshot"], nodes_below(pool, r["uuid"])))
    return [(r["name_label"], content_of_vdi(pool, r["uuid"])) for r in records]


def nodes_below(pool, uuid):
    """Order of making, whatever the clock says: the simulator makes VDIs one by one."""
    return list(pool.disks).index(uuid)


def rebuild(program, pool, source, sr="lvhd", *args, **more):
    run = program("copy", "--chain", "--json", *pool.login, *args, source, pool.sr(sr), **more)
    return result_of(run)["uuid"]


def reversed_image(folder, names, path):
    """The same with the base first."""
    with tarfile.open(path, "w:gz") as tar:
        disks = [n for n in names if n.endswith(".vhd")]
        for name in disks[::-1] + [n for n in names if not n.endswith(".vhd")]:
            tar.add(folder / name, name)
    return path


# --- out of a pool -----------------------------------------------------------


def test_an_image_has_the_leaf_first(program, pool, tmp_path, history):
    uuid, then = history
    program("copy", "--chain", *pool.login, pool.vdi(uuid), tmp_path / "a.tgz")
    names = unpack(tmp_path / "a.tgz", tmp_path / "a")
    assert names == ["0.vhd", "1.vhd", "2.vhd", "3.vhd", "chain.json"]
    paths = [tmp_path / "a" / name for name in names[:4]]
    for first, content in enumerate(list(then.values())[::-1]):
        assert chain_content(*paths[first:]) == content
    note = json.loads((tmp_path / "a" / "chain.json").read_text())
    assert [d["name_label"] for d in note["disks"]] == list(then)[::-1]


def test_members_find_each_other(program, pool, tmp_path, history):
    uuid, then = history
    program("copy", "--chain", *pool.login, pool.vdi(uuid), tmp_path / "a.tar")
    unpack(tmp_path / "a.tar", tmp_path / "a")
    program("copy", tmp_path / "a" / "0.vhd", tmp_path / "flat.raw")
    assert (tmp_path / "flat.raw").read_bytes() == then["a disk"]


def test_a_snapshot_has_those_before_it(program, pool, tmp_path, history):
    program("copy", "--chain", *pool.login, pool.vdi("tuesday"), tmp_path / "a.tar")
    names = unpack(tmp_path / "a.tar", tmp_path / "a")
    assert names == ["0.vhd", "1.vhd", "chain.json"]
    paths = [tmp_path / "a" / name for name in names[:2]]
    assert chain_content(*paths) == history[1]["tuesday"]


def test_a_disk_without_snapshots_is_one_link(program, pool, tmp_path, guest):
    guest.write(0, 1000, 1)
    program("copy", "--chain", *pool.login, pool.vdi(guest.uuid), tmp_path / "a.tgz")
    assert unpack(tmp_path / "a.tgz", tmp_path / "a") == ["0.vhd", "chain.json"]
    assert chain_content(tmp_path / "a" / "0.vhd") == guest.model


def test_a_break_in_a_link_is_gone_on_with(program, pool, tmp_path, history):
    pool.sim.set_fault(on="export", do="reset", at=2000000, nth=2)
    program("copy", "--chain", *pool.login, "--retries", "1", "--retry-delay", "0",
            pool.vdi(history[0]), tmp_path / "a.tgz")
    names = unpack(tmp_path / "a.tgz", tmp_path / "a")
    assert chain_content(*[tmp_path / "a" / n for n in names[:4]]) == history[1]["a disk"]


def test_from_files(program, tmp_path):
    layers = Layers(tmp_path, random.Random(4), [5 * MIB, 5 * MIB, 9 * MIB])
    args = [word for path in layers.paths[1::-1] for word in ("--parent", path)]
    program("copy", "--chain", *args, layers.paths[2], tmp_path / "a.tgz")
    names = unpack(tmp_path / "a.tgz", tmp_path / "a")
    paths = [tmp_path / "a" / name for name in names[:3]]
    for first in range(3):
        assert chain_content(*paths[first:]) == layers.models[2 - first]
    assert [head_of(p)[0].uuid for p in paths] == layers.uuids[::-1]


# --- into a pool -------------------------------------------------------------


def test_twice_over_and_the_same_at_every_link(program, pool, own_pool, tmp_path, history):
    uuid, then = history
    there = own_pool({"srs": [{"name": "lvhd", "type": "lvmoiscsi", "use_vhd": True}]})
    program("copy", "--chain", *pool.login, pool.vdi(uuid), tmp_path / "a.tgz")
    first = rebuild(program, there, tmp_path / "a.tgz")
    assert links_of(there, first) == list(then.items())
    program("copy", "--chain", *there.login, there.vdi(first), tmp_path / "b.tgz")
    second = rebuild(program, pool, tmp_path / "b.tgz", "nfs")
    assert links_of(pool, second) == list(then.items())


def test_from_pool_to_pool(program, pool, history):
    made = rebuild(program, pool, pool.vdi(history[0]))
    assert links_of(pool, made) == list(history[1].items())


def growing(program, tmp_path, sizes=(3 * MIB, 4 * MIB, 9 * MIB)):
    """A chain of files whose disk grows: its leaf and --parent, and what is in it."""
    layers = Layers(tmp_path, random.Random(16), list(sizes))
    args = [word for path in layers.paths[-2::-1] for word in ("--parent", path)]
    return [*args, layers.paths[-1]], layers.models


@pytest.mark.parametrize("sr", ["gate", "thick"])
def test_where_no_vhd_is_taken_and_disks_hold_old_data(program, pool, tmp_path, sr):
    words, models = growing(program, tmp_path)
    made = rebuild(program, pool, words[-1], sr, *words[:-1])
    for (_, content), model in zip(links_of(pool, made), models, strict=True):
        assert content.rstrip(b"\0") == model.rstrip(b"\0")


@pytest.mark.parametrize("sr", ["rawlv", "luns"])
def test_where_there_are_no_snapshots(program, pool, tmp_path, sr):
    """A point in time is a whole disk then, and that is said."""
    words, models = growing(program, tmp_path)
    run = program("copy", "--chain", "--json", *pool.login, *words, pool.sr(sr))
    assert run.err.count("no snapshots, so each point in time becomes a whole disk") == 1
    result = result_of(run)
    for uuid, model in zip([result["uuid"], *result["snapshots"]], models[::-1], strict=True):
        assert content_of_vdi(pool, uuid).rstrip(b"\0") == model.rstrip(b"\0")
        assert set(record_of(pool, uuid)["other_config"]) == {"vhdstream:vhd-uuid"}


def test_links_of_small_blocks_that_come_apart(program, pool, tmp_path):
    words, models = growing(program, tmp_path)
    layers = Layers(tmp_path, random.Random(16), [len(model) for model in models])
    leaf = layers.small_blocks(2, tmp_path / "leaf.vhd")
    made = rebuild(program, pool, leaf, "nfs", *words[:-1])
    assert links_of(pool, made)[-1][1].rstrip(b"\0") == models[-1].rstrip(b"\0")


def test_what_is_rebuilt_takes_a_delta(program, pool, tmp_path, guest, history):
    assert history
    leaf = guest.snapshot()
    made = rebuild(program, pool, pool.vdi(leaf))
    guest.write(0, 512, 99)
    later = guest.snapshot()
    program("copy", "--base", leaf, *pool.login, pool.vdi(later), tmp_path / "d.vhd")
    last = program("copy", "--base", made, *pool.login, tmp_path / "d.vhd", pool.sr("lvhd"))
    assert content_of_vdi(pool, last.text.strip()) == guest.model


def test_through_a_pipe_with_the_base_first(program, pool, tmp_path, history):
    uuid, then = history
    program("copy", "--chain", *pool.login, pool.vdi(uuid), tmp_path / "a.tgz")
    names = unpack(tmp_path / "a.tgz", tmp_path / "a")
    turned = reversed_image(tmp_path / "a", names, tmp_path / "b.tgz")
    made = rebuild(program, pool, "-", stdin=turned.read_bytes())
    assert links_of(pool, made) == list(then.items())


def test_disks_that_grew(program, pool, tmp_path):
    layers = Layers(tmp_path, random.Random(8), [4 * MIB, 4 * MIB, 8 * MIB])
    args = [word for path in layers.paths[1::-1] for word in ("--parent", path)]
    made = rebuild(program, pool, layers.paths[2], "nfs", *args)
    assert links_of(pool, made) == [("layer%d" % i, m) for i, m in enumerate(layers.models)]


def test_what_is_said_of_it(program, pool, tmp_path):
    """Data and time of all links, and how far it is, which never goes back."""
    layers = Layers(tmp_path, random.Random(8), [8 * MIB] * 3)
    words = [word for path in layers.paths[1::-1] for word in ("--parent", path)]
    for more, whole in (([], 24), (["--verify"], 48)):
        read, write = os.pipe()
        result = program("copy", "--chain", "--json", "--progress-fd", write, *pool.login, *words,
                         *more, layers.paths[2], pool.sr("nfs"), pass_fds=[write]).json
        os.close(write)
        assert result["data"] == BLOCK * sum(
            len({sector * 512 // BLOCK for sector in writes}) for writes in layers.writes)
        assert result["virtual_size"] == 8 * MIB and result["seconds"] > 0
        with os.fdopen(read) as file:
            lines = [json.loads(line) for line in file]
        assert lines and lines[-1]["done"] == lines[-1]["total"] == whole * MIB
        assert lines == sorted(lines, key=lambda line: line["done"])
    pool.remember()


def test_every_name_comes_back(program, pool, own_pool, tmp_path):
    """An empty one, and more of them than a little room would hold."""
    guest = Guest(pool, size=2 * MIB, label="")
    names = ["", "n" * 255, *("%d-" % i + '"' * 500 for i in range(66))]
    for name in names:
        client_of(pool).call("VDI.set_name_label",
                             client_of(pool).call("VDI.get_by_uuid", guest.snapshot()), name)
    program("copy", "--chain", *pool.login, pool.vdi(guest.uuid), tmp_path / "a.tar")
    other = own_pool()
    made = rebuild(program, other, tmp_path / "a.tar", "nfs")
    assert [name for name, _ in links_of(other, made)] == [*names, ""]


def test_other_members_and_any_order(program, pool, tmp_path):
    layers = Layers(tmp_path, random.Random(9), [4 * MIB] * 3)
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, i in (("1.vhd", 1), ("2.vhd", 0), ("0.vhd", 2)):
            tar.add(layers.paths[i], name)
        extra = tarfile.TarInfo("swap.vhd")
        tar.addfile(extra, io.BytesIO())
    made = rebuild(program, pool, tmp_path / "a.tar", "nfs", "--name-label", "new")
    assert [content for _, content in links_of(pool, made)] == layers.models
    assert links_of(pool, made)[-1][0] == "new"


# --- what is refused, and leaves nothing -------------------------------------


def refused(program, pool, source, status, *args, sr="nfs", **more):
    pool.remember()
    run = program("copy", "--chain", *pool.login, *args, source, pool.sr(sr), status=status,
                  **more)
    pool.nothing_left()
    return run.lines[-1]


@pytest.fixture
def image(program, tmp_path):
    """A chain of three as an image, and what is in it."""
    layers = Layers(tmp_path, random.Random(6), [4 * MIB] * 3)
    args = [word for path in layers.paths[1::-1] for word in ("--parent", path)]
    program("copy", "--chain", *args, layers.paths[2], tmp_path / "a.tgz")
    return tmp_path / "a.tgz", layers


def test_leaf_first_through_a_pipe(program, pool, image):
    line = refused(program, pool, "-", 3, stdin=image[0].read_bytes())
    assert "the base first" in line and "save it to a file" in line


def test_a_link_that_is_missing(program, pool, tmp_path, image):
    for missing in range(2):
        with tarfile.open(tmp_path / "b.tar", "w") as tar:
            for i, path in enumerate(image[1].paths):
                if i != missing:
                    tar.add(path, "%d.vhd" % (2 - i))
        assert "no chain" in refused(program, pool, tmp_path / "b.tar", 3)


def test_a_link_that_is_there_twice(program, pool, tmp_path, image):
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        for name, i in (("0.vhd", 1), ("1.vhd", 1), ("2.vhd", 0)):
            tar.add(image[1].paths[i], name)
    assert "are the same disk" in refused(program, pool, tmp_path / "b.tar", 3)


def test_an_image_that_is_cut(program, pool, tmp_path, image):
    (tmp_path / "b.tgz").write_bytes(image[0].read_bytes()[:-200])
    refused(program, pool, tmp_path / "b.tgz", 3)


@pytest.mark.parametrize("sizes", [(8, 4, 8), (8, 8, 4)])
@pytest.mark.parametrize("way", ["image", "files", "pipe"])
def test_a_chain_that_shrinks(program, pool, tmp_path, sizes, way):
    """A VDI cannot get smaller, and past the end of a link there are zeros."""
    own = [bytes([n]) * 16 for n in range(1, 4)]
    paths = [tmp_path / ("%d.vhd" % (2 - i)) for i in range(3)]
    for i, size in enumerate(sizes):
        data = {size // 2 - 1: (b"\xff" * 512, noise("%d" % i, BLOCK))}
        paths[i].write_bytes(delta_vhd(size * MIB, data, own[i], own[i - 1] if i else None))
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for path in paths:
            tar.add(path, path.name)
    if way == "files":
        words = [word for path in paths[1::-1] for word in ("--parent", path)]
        line = refused(program, pool, paths[2], 3, *words)
    elif way == "image":
        line = refused(program, pool, tmp_path / "a.tar", 3)
        assert not pool.transfers()
    else:
        line = refused(program, pool, "-", 3, stdin=(tmp_path / "a.tar").read_bytes())
    assert "a chain that shrinks" in line and "merge" in line


def test_size_where_the_sr_cannot_enlarge(program, pool, tmp_path):
    layers = Layers(tmp_path, random.Random(9), [4 * MIB, 4 * MIB, 8 * MIB])
    words = [word for path in layers.paths[1::-1] for word in ("--parent", path)]
    pool.sim.set_fault(on="rpc", do="error", match={"method": "VDI.resize"}, times=-1,
                       error=["SR_OPERATION_NOT_SUPPORTED", "OpaqueRef:1"])
    assert "--size makes" in refused(program, pool, layers.paths[2], 3, *words, sr="thick")
    made = rebuild(program, pool, layers.paths[2], "thick", *words, "--size", str(8 * MIB))
    for (_, content), model in zip(links_of(pool, made), layers.models):
        assert content == model + bytes(8 * MIB - len(model))


def test_two_members_of_one_name(program, pool, tmp_path, image):
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        for name, i in (("a/0.vhd", 1), ("b/0.vhd", 2), ("c/0.vhd", 0)):
            tar.add(image[1].paths[i], name)
    assert "two members are called 0.vhd" in refused(program, pool, tmp_path / "b.tar", 3)


def test_a_fixed_base_in_an_image(program, pool, tmp_path, image):
    program("copy", image[1].paths[0], tmp_path / "fixed.vhd", "--to", "vhd-fixed")
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        tar.add(image[1].paths[1], "0.vhd")
        tar.add(tmp_path / "fixed.vhd", "1.vhd")
    line = refused(program, pool, tmp_path / "b.tar", 3)
    assert "a fixed VHD, whose uuid comes at its end" in line and "unpack it" in line


def test_what_is_left_out_is_told_once(program, pool, tmp_path, image):
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        for name, i in (("0.vhd", 2), ("readme", 0), ("2.vhd", 0), ("1.vhd", 1)):
            tar.add(image[1].paths[i], name)
    run = program("copy", "--chain", *pool.login, tmp_path / "b.tar", pool.sr("nfs"))
    assert run.line == "%s: member readme is not a disk and is left out" % (tmp_path / "b.tar")
    pool.remember()
    run = program("copy", image[0], tmp_path / "one.vhd")
    assert not run.err


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_an_upload_that_fails(program, pool, image, nth):
    pool.sim.set_fault(on="import", do="error", at=1000000, nth=nth,
                       error=["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""])
    refused(program, pool, image[0], None)


@pytest.mark.parametrize("method", ["Async.VDI.snapshot", "VDI.set_other_config",
                                    "VDI.set_name_label"])
def test_a_call_that_is_refused(program, pool, image, method):
    pool.sim.set_fault(on="rpc", do="error", match={"method": method}, nth=2,
                       error=["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""])
    refused(program, pool, image[0], 6)


def test_a_stop_in_the_second_link(program, pool, image):
    pool.remember()
    pool.sim.set_fault(on="import", do="stall", at=1000000, nth=2)
    run = program.start("copy", "--chain", *pool.login, image[0], pool.sr("nfs"))
    wait_until(lambda: len(pool.disks) == 2, "a snapshot")
    pool.sim.wait_transfer(moved=1000000)
    run.terminate()
    end(run, 143)
    pool.nothing_left()


def test_a_destination_for_one_disk(program, pool, tmp_path, history):
    run = program("copy", "--chain", *pool.login, pool.vdi(history[0]), tmp_path / "a.vhd",
                  status=2)
    assert "which holds one disk" in run.line


def test_an_image_is_not_verified(program, image, tmp_path):
    run = program("copy", "--chain", "--verify", image[0], tmp_path / "b.tgz", status=2)
    assert "rebuilt in a pool" in run.line


@pytest.mark.parametrize("option", ["--digest", "--snapshot", "--keep-parent", "--stats",
                                    "--resume"])
def test_options_for_one_disk(program, image, tmp_path, option):
    program("copy", "--chain", option, image[0], tmp_path / "b.tgz", status=2)


def test_size_is_not_for_an_image(program, image, tmp_path):
    line = program("copy", "--chain", "--size", 20 * MIB, image[0], tmp_path / "b.tgz",
                   status=2).lines[0]
    assert "each link keeps its own" in line


def test_any_name_in_an_image(program, pool, image, tmp_path):
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        for name, i in (("leaf", 2), ("readme", None), ("base.bin", 0), ("middle", 1)):
            member = tarfile.TarInfo(name)
            data = b"text" * 300 if i is None else image[1].paths[i].read_bytes()
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    made = rebuild(program, pool, tmp_path / "b.tar", "nfs", "--any-member", "--size", 5 * MIB)
    assert [content[:4 * MIB] for _, content in links_of(pool, made)] == image[1].models


@pytest.mark.parametrize("place", ["image", "vdi"])
def test_a_parent_where_the_links_are_known(program, pool, image, history, tmp_path, place):
    source = image[0] if place == "image" else pool.vdi(history[0])
    line = program("copy", "--chain", *pool.login, "--parent", image[1].paths[0], source,
                   tmp_path / "b.tgz", status=2).lines[0]
    assert "--parent" in line and "has its links by itself" in line


def test_a_disk_that_is_no_image(program, pool, tmp_path):
    (tmp_path / "a").write_bytes(bytes(MIB))
    assert "is no image" in refused(program, pool, tmp_path / "a", 2)
