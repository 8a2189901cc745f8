# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""copy --base REF of a delta into a pool: onto a clone of the right disk, and of no other."""

import random

import pytest

from delta_rig import (Layers, chain_content, client_of, content_of_vdi, delta_vhd, record_of,
                       ref_of)
from disk_rig import BLOCK, MIB, image_of, noise
from program_rig import end


@pytest.fixture
def layers(tmp_path):
    return Layers(tmp_path, random.Random(11), [5 * MIB, 5 * MIB, 9 * MIB])


def put(program, pool, path, sr="nfs", *args, **more):
    return program("copy", *pool.login, *args, path, pool.sr(sr), **more).text.strip()


@pytest.fixture
def base(program, pool, layers):
    """The first of them as a VDI that the program made."""
    return put(program, pool, layers.paths[0])


def holds(pool, uuid, model):
    content = content_of_vdi(pool, uuid)
    return content == model.ljust(len(content), b"\0")


def test_a_delta_is_added_to_a_clone(program, pool, layers, base):
    made = put(program, pool, layers.paths[1], "nfs", "--base", base)
    assert holds(pool, made, layers.models[1])
    assert holds(pool, base, layers.models[0])
    methods = [call["method"] for call in pool.sim.rpc_calls()]
    assert "Async.VDI.clone" in methods and "Async.VDI.copy" not in methods
    assert "VDI.create" not in methods[methods.index("Async.VDI.clone"):]


def test_delta_upon_delta_and_the_disk_grows(program, pool, layers, base):
    first = put(program, pool, layers.paths[1], "nfs", "--base", base)
    second = put(program, pool, layers.paths[2], "nfs", "--base", first)
    assert holds(pool, second, layers.models[2])
    assert pool.disks[second]["virtual_size"] >= 9 * MIB
    assert holds(pool, first, layers.models[1])


def test_the_new_disk_is_named_and_unmarked(program, pool, layers, base):
    made = put(program, pool, layers.paths[1], "nfs", "--base", base, "--name-label", "then",
               "--description", "of Tuesday")
    record = record_of(pool, made)
    assert (record["name_label"], record["name_description"]) == ("then", "of Tuesday")
    assert set(record["other_config"]) == {"vhdstream:vhd-uuid"}
    plain = record_of(pool, put(program, pool, layers.paths[1], "nfs", "--base", base))
    assert plain["name_label"] == "layer1"


@pytest.mark.parametrize("sr", ["lvhd", "local", "luns"])
def test_in_another_sr_it_is_added_to_a_copy(program, pool, layers, base, sr):
    made = put(program, pool, layers.paths[1], sr, "--base", base)
    assert holds(pool, made, layers.models[1])


def test_where_there_are_no_clones(program, pool, layers):
    base = put(program, pool, layers.paths[0], "luns")
    made = put(program, pool, layers.paths[1], "luns", "--base", base)
    assert holds(pool, made, layers.models[1])


@pytest.mark.parametrize("sr", ["rawlv", "gate", "thick"])
@pytest.mark.parametrize("before", [False, True], ids=["from nfs", "there before"])
def test_where_no_vhd_is_taken(program, pool, layers, base, sr, before):
    """Disks come with other people's data there, where the base ends, too."""
    if before:
        base = put(program, pool, layers.paths[0], sr)
    first = put(program, pool, layers.paths[1], sr, "--base", base)
    second = put(program, pool, layers.paths[2], sr, "--base", first)
    assert holds(pool, first, layers.models[1])
    assert holds(pool, second, layers.models[2])
    assert pool.disks[second]["virtual_size"] >= 9 * MIB
    methods = [call["method"] for call in pool.sim.rpc_calls()]
    assert ("Async.VDI.copy" in methods) == (not before)


def test_a_clone_that_is_refused_is_a_copy(program, pool, layers):
    """What XAPI says where the driver has clones, but not of this disk."""
    base = put(program, pool, layers.paths[0], "rawlv")
    pool.sim.set_fault(on="rpc", do="error", match={"method": "Async.VDI.clone"},
                       error=["UNIMPLEMENTED_IN_SM_BACKEND", "OpaqueRef:x"])
    assert holds(pool, put(program, pool, layers.paths[1], "rawlv", "--base", base),
                 layers.models[1])


def test_a_delta_of_small_blocks_that_come_apart(program, pool, layers, base, tmp_path):
    """They are no VHD for a pool, which wants blocks of 2 MiB."""
    made = put(program, pool, layers.small_blocks(1, tmp_path / "s.vhd"), "nfs", "--base", base)
    assert holds(pool, made, layers.models[1])


def test_through_a_pipe_and_out_of_an_image(program, pool, layers, base):
    data = layers.paths[1].read_bytes()
    made = put(program, pool, "-", "nfs", "--base", base, stdin=data)
    assert holds(pool, made, layers.models[1])
    made = put(program, pool, "-", "nfs", "--base", base, stdin=image_of(data))
    assert holds(pool, made, layers.models[1])


def test_what_comes_out_of_a_pool_goes_into_another(program, pool, guest, tmp_path):
    """A base is known by the uuid of the VDI that it was, whether or not it was here before."""
    guest.write(0, 70000, 1)
    first = guest.snapshot()
    program("copy", *pool.login, pool.vdi(first), tmp_path / "full.vhd")
    guest.write(3 * MIB, 5000, 2)
    second = guest.snapshot()
    program("copy", *pool.login, "--base", first, pool.vdi(second), tmp_path / "d.vhd")
    there = put(program, pool, tmp_path / "full.vhd", "lvhd")
    for base in (first, there):
        made = put(program, pool, tmp_path / "d.vhd", "lvhd", "--base", base)
        assert holds(pool, made, bytes(guest.model))


def test_a_copy_from_pool_to_pool_is_a_base_too(program, pool, guest, tmp_path):
    guest.write(0, 70000, 1)
    first = guest.snapshot()
    there = program("copy", *pool.login, pool.vdi(first), pool.sr("lvhd")).text.strip()
    guest.write(3 * MIB, 5000, 2)
    second = guest.snapshot()
    delta = program("copy", *pool.login, "--base", first, pool.vdi(second), "-", "--to", "vhd")
    made = put(program, pool, "-", "lvhd", "--base", there, stdin=delta.out)
    assert holds(pool, made, bytes(guest.model))


def test_an_upload_that_breaks_is_begun_anew_in_the_same_clone(program, pool, layers, base):
    pool.sim.set_fault(on="import", do="reset", at=2000000)
    made = put(program, pool, layers.paths[1], "nfs", "--base", base, "--retries", "1",
               "--retry-delay", "0")
    assert holds(pool, made, layers.models[1])
    assert len(pool.disks) == 2


# --- what is refused, and leaves nothing -------------------------------------


def refused(program, pool, path, base, status, *args, sr="nfs"):
    pool.remember()
    run = program("copy", *pool.login, "--base", base, *args, path, pool.sr(sr), status=status)
    pool.nothing_left()
    return run


def test_a_wrong_base(program, pool, layers, base):
    run = refused(program, pool, layers.paths[2], base, 3)
    assert "a delta to the VHD" in run.line and "--force-base" in run.line
    assert not [c for c in pool.sim.rpc_calls() if "clone" in c["method"]]


def test_a_wrong_base_can_be_forced_and_is_told(program, pool, layers, base):
    run = program("copy", *pool.login, "--base", base, "--force-base", layers.paths[2],
                  pool.sr("nfs"))
    assert "NOT the base" in run.err
    content = bytearray(layers.models[0].ljust(10 * MIB, b"\0"))
    layers.lay(2, content)
    assert holds(pool, run.text.strip(), bytes(content))


def test_a_clone_is_not_known_by_what_it_inherits(program, pool, layers, base):
    """It may have been written to since."""
    client = client_of(pool)
    twin = client.uuid(client.call("VDI.clone", ref_of(pool, base)))
    assert record_of(pool, twin)["other_config"]["vhdstream:vhd-uuid"]
    assert "no VHD that it knows" in refused(program, pool, layers.paths[1], twin, 3).line


def test_other_content_makes_a_base_another_one(program, pool, layers, base):
    program("copy", *pool.login, "--force", layers.paths[0], pool.vdi(base))
    assert refused(program, pool, layers.paths[2], base, 3)
    assert put(program, pool, layers.paths[1], "nfs", "--base", base)


def test_a_whole_disk(program, pool, layers, base):
    assert "is a whole disk" in refused(program, pool, layers.paths[0], base, 2).line


def test_an_existing_disk_as_destination(program, pool, layers, base):
    program("copy", *pool.login, "--force", "--base", base, layers.paths[1], pool.vdi(base),
            status=2)


def test_a_base_that_is_larger(program, pool, tmp_path):
    small = Layers(tmp_path, random.Random(2), [4 * MIB, 4 * MIB])
    base = pool.make_disk("nfs", 20 * MIB)
    assert "made smaller" in refused(program, pool, small.paths[1], base, 3).line


@pytest.mark.parametrize("sr, size", [("nfs", 6 * MIB), ("nfs", 7 * MIB + 512), ("lvhd", 6 * MIB),
                                      ("rawlv", 6 * MIB), ("luns", 7 * MIB + 512),
                                      ("gate", 6 * MIB)])
def test_a_delta_that_is_a_little_smaller_than_its_base(program, pool, tmp_path, sr, size):
    """Past its end there is nothing of the base; SRs round sizes up, so it may be larger."""
    noise_of = {i: (b"\xff" * 512, noise("base %d" % i, BLOCK)) for i in range(4)}
    own = [bytes([n]) * 16 for n in range(1, 4)]
    files = [tmp_path / name for name in ("base.vhd", "less.vhd", "more.vhd")]
    files[0].write_bytes(delta_vhd(8 * MIB, noise_of, own[0]))
    files[1].write_bytes(delta_vhd(size, {1: (b"\x80" * 512, noise("less", BLOCK))}, own[1],
                                   own[0]))
    files[2].write_bytes(delta_vhd(8 * MIB, {0: (b"\x01" * 512, noise("more", BLOCK))}, own[2],
                                   own[1]))
    model = chain_content(files[0])
    less = chain_content(files[1], files[0])
    assert less[size - 512:size] == model[size - 512:size] != bytes(512)
    base = program("copy", *pool.login, files[0], pool.sr(sr)).text.strip()
    for path, expected in ((files[1], less), (files[2], None)):
        run = program("copy", *pool.login, "--verify", "--base", base, path, pool.sr(sr))
        base = run.text.strip()
        content = content_of_vdi(pool, base)
        if expected:
            assert content == expected + bytes(len(content) - len(expected))
            pool.remember()
    program("merge", *files, tmp_path / "flat.raw")
    assert content[:8 * MIB] == (tmp_path / "flat.raw").read_bytes()


@pytest.mark.parametrize("more", [["--digest"], ["--digest", "--verify"], ["--blocks", "list"]])
def test_a_digest_of_a_delta_is_refused(program, pool, layers, base, tmp_path, more):
    more = [tmp_path / more[1] if word == "list" else word for word in more]
    assert "no digest" in refused(program, pool, layers.paths[1], base, 3, *more).line


def test_a_delta_that_is_cut(program, pool, layers, base, tmp_path):
    cut = layers.paths[1].read_bytes()[:-1000]
    (tmp_path / "cut.vhd").write_bytes(cut)
    refused(program, pool, tmp_path / "cut.vhd", base, 3)
    pool.remember()
    program("copy", *pool.login, "--base", base, "-", pool.sr("nfs"), stdin=cut, status=3)
    pool.nothing_left()


def test_an_sr_that_is_full(program, pool, layers, base):
    pool.sim.set_capacity(sr="nfs", capacity=7 * MIB)
    try:
        run = refused(program, pool, layers.paths[1], base, None)
    finally:
        pool.sim.set_capacity(sr="nfs", capacity=1 << 40)
    assert run.status in (1, 6)


@pytest.mark.parametrize("method", ["Async.VDI.clone", "VDI.set_other_config", "VDI.resize",
                                    "VDI.set_name_label"])
def test_a_call_that_is_refused(program, pool, layers, base, method):
    first = put(program, pool, layers.paths[1], "nfs", "--base", base)
    pool.sim.set_fault(on="rpc", do="error", match={"method": method},
                       error=["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""])
    refused(program, pool, layers.paths[2], first, 6)


def test_a_clone_that_fails_in_its_task(program, pool, layers, base):
    pool.sim.make_vdi_busy(vdi=base, calls=1)
    assert "VDI_IN_USE" in refused(program, pool, layers.paths[1], base, 75).line


def test_a_clone_whose_answer_is_lost_is_told(program, pool, layers, base):
    pool.sim.set_fault(on="rpc", do="close", when="after", match={"method": "Async.VDI.clone"})
    run = program("copy", *pool.login, "--base", base, layers.paths[1], pool.sr("nfs"), status=7)
    assert "left behind, perhaps: a copy of VDI " + base in run.line


def test_a_stop_while_it_is_sent(program, pool, layers, base):
    pool.remember()
    pool.sim.set_fault(on="import", do="stall", at=1000000)
    run = program.start("copy", *pool.login, "--base", base, layers.paths[1], pool.sr("nfs"))
    pool.sim.wait_transfer(moved=1000000)
    run.terminate()
    end(run, 143)
    pool.nothing_left()
