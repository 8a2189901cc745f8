# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Finding an SR or a VDI by uuid, name-label or default."""

import shutil

import pytest

from disk_rig import MIB, vhd


def sr_of(pool):
    return [d["sr"] for d in pool.disks.values()]


def test_sr_by_name(program, pool, disk):
    program("copy", disk, pool.sr("lvhd"), *pool.login)
    assert sr_of(pool) == ["lvhd"]


def test_sr_by_uuid(program, pool, disk):
    program("copy", disk, pool.sr(pool.sim.srs["lvhd"]["uuid"]), *pool.login)
    assert sr_of(pool) == ["lvhd"]


def test_sr_by_uuid_in_capitals(program, pool, disk):
    program("copy", disk, pool.sr(pool.sim.srs["lvhd"]["uuid"].upper()), *pool.login)
    assert sr_of(pool) == ["lvhd"]


def test_default_sr(program, pool, disk):
    program("copy", disk, pool.sr("default"), *pool.login)
    assert sr_of(pool) == ["nfs"]


def test_pool_without_a_default_sr(program, own_pool, disk):
    pool = own_pool({"default_sr": "none", "tls": False})
    result = program("copy", disk, pool.sr("default"), *pool.login, status=4)
    assert "no default SR" in result.line


def test_sr_with_a_name_to_be_decoded(program, own_pool, disk):
    pool = own_pool({"srs": [{"name": "Local storage / 50%", "type": "nfs"}], "tls": False})
    program("copy", disk, pool.sr("Local%20storage%20%2f%2050%25"), *pool.login)
    assert sr_of(pool) == ["Local storage / 50%"]


def test_unknown_sr(program, pool, disk):
    result = program("copy", disk, pool.sr("nowhere"), *pool.login, status=4)
    assert 'no SR of the name-label "nowhere"' in result.line
    pool.nothing_left()


def test_unknown_uuid_of_an_sr(program, pool, disk):
    name = "00000000-1111-4222-8333-444444444444"
    result = program("copy", disk, pool.sr(name), *pool.login, status=4)
    assert "no SR of uuid " + name in result.line
    pool.nothing_left()


@pytest.fixture
def twins(own_pool):
    return own_pool({"tls": False, "srs": [
        {"name": "twin", "type": "nfs", "uuid": "11111111-0000-4000-8000-00000000000%d" % i}
        for i in (1, 2)]})


def test_name_of_two_srs_is_refused_with_their_uuids(program, twins, disk):
    result = program("copy", disk, twins.sr("twin"), *twins.login, status=2)
    assert "2 SRs have the name-label \"twin\"" in result.line
    assert "11111111-0000-4000-8000-000000000001" in result.line
    assert "11111111-0000-4000-8000-000000000002" in result.line
    twins.nothing_left()


def test_sr_that_is_plugged_nowhere(program, pool, disk):
    result = program("copy", disk, pool.sr("lost"), *pool.login, status=75)
    assert "plugged" in result.line
    pool.nothing_left()


def test_vdi_by_uuid(program, pool, disk, tmp_path):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.make_disk("nfs", 2 * MIB)
    program("copy", pool.vdi(uuid), tmp_path / "o.raw", *pool.login)
    assert (tmp_path / "o.raw").read_bytes() == disk.read_bytes()


def test_vdi_by_name(program, pool, disk, tmp_path):
    pool.make_disk("nfs", 20 * MIB, disk, label="größe 1")
    program("copy", pool.vdi("gr%C3%B6%C3%9Fe%201"), tmp_path / "o.raw", *pool.login)
    assert (tmp_path / "o.raw").read_bytes() == disk.read_bytes()


def test_vdi_by_name_without_escapes(program, pool, disk, tmp_path):
    pool.make_disk("nfs", 20 * MIB, disk, label="größe 1")
    program("copy", pool.vdi("größe 1"), tmp_path / "o.raw", *pool.login)


def test_unknown_vdi(program, pool, tmp_path):
    result = program("copy", pool.vdi("nothing"), tmp_path / "o.raw", *pool.login, status=4)
    assert 'no VDI of the name-label "nothing"' in result.line
    assert not (tmp_path / "o.raw").exists()
    pool.nothing_left()


def test_name_of_two_vdis_is_refused_with_their_uuids(program, pool, tmp_path):
    uuids = {pool.make_disk("nfs", 2 * MIB, label="same") for _ in range(2)}
    pool.remember()
    result = program("copy", pool.vdi("same"), tmp_path / "o.raw", *pool.login, status=2)
    assert all(uuid in result.line for uuid in uuids)
    pool.nothing_left()


def test_name_of_a_thousand_vdis_is_told_in_one_line(program, pool, tmp_path):
    for _ in range(60):
        pool.make_disk("nfs", 2 * MIB, label="same")
    pool.remember()
    result = program("copy", pool.vdi("same"), tmp_path / "o.raw", *pool.login, status=2)
    assert "60 VDIs have the name-label" in result.line and result.line.endswith("...")
    pool.nothing_left()


def test_name_label_of_the_new_vdi(program, pool, disk):
    program("copy", disk, pool.sr("nfs"), "--name-label", 'Ä "b" \\ c', "--description",
            "line 1", *pool.login)
    vdi, = pool.disks.values()
    assert vdi["name_label"] == 'Ä "b" \\ c' and vdi["name_description"] == "line 1"


def test_other_config_of_the_new_vdi(program, pool, disk):
    program("copy", disk, pool.sr("nfs"), "--other-config", "a=b=c", "--other-config", "ü=",
            "--other-config", "x=1", "--other-config", "x=2", *pool.login)
    vdi, = pool.disks.values()
    assert vdi["other_config"] == {"a": "b=c", "ü": "", "x": "2"}


@pytest.mark.parametrize("word", ["a", "=a", "vhdstream:run=x"])
def test_other_config_has_keys_that_are_not_ours(program, pool, disk, word):
    line = program("copy", disk, pool.sr("nfs"), "--other-config", word, *pool.login,
                   status=2).lines[0]
    assert line == "--other-config %s: expected KEY=VALUE, where KEY does not begin with " \
        "vhdstream:" % word
    assert not pool.disks


@pytest.mark.parametrize("name, label", [
    ("a.raw", "a"), ("ubuntu-22.04.img", "ubuntu-22.04"), ("web.vhd.raw", "web.vhd"),
    (".raw", ".raw"), ("größe.raw", "größe"), ("x\udcffy.raw", "x?y")])
def test_new_vdi_is_named_after_the_file(program, pool, disk, tmp_path, name, label):
    shutil.copy(disk, tmp_path / name)
    program("copy", tmp_path / name, pool.sr("nfs"), "--from=raw", *pool.login)
    vdi, = pool.disks.values()
    assert vdi["name_label"] == label


def test_new_vdi_of_a_pipe_has_some_name(program, pool):
    program("copy", "-", pool.sr("nfs"), *pool.login, stdin=vhd(2 * MIB, {}))
    vdi, = pool.disks.values()
    assert vdi["name_label"]


def test_new_vdi_is_named_after_the_one_it_is_a_copy_of(program, pool):
    uuid = pool.make_disk("nfs", 2 * MIB, label="web 1.2")
    program("copy", pool.vdi(uuid), pool.sr("lvhd"), *pool.login)
    assert [v["name_label"] for v in pool.disks.values()] == ["web 1.2"] * 2


def test_name_label_that_is_no_utf8(program, pool, disk):
    result = program("copy", disk, pool.sr("nfs"), "--name-label", "a\udcff", *pool.login,
                     status=2)
    assert result.lines[0] == "--name-label: not UTF-8, as texts of a pool are"
    pool.nothing_left()


def test_new_vdi_is_an_ordinary_disk(program, pool, disk):
    program("copy", disk, pool.sr("nfs"), *pool.login)
    record = pool.sim.rpc_calls("VDI.create")[0]["params"][1]
    assert record["type"].lower() == "user"
    assert record["sharable"] is False and record["read_only"] is False
