# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What is printed on stdout: the uuid, --json, info."""

import os
import re

import pytest

from disk_rig import MIB, bits, image_of, noise, qemu_size, raw_file, vhd, PLAIN

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
DATA = noise("results", 2 * MIB)
ODD = 5 * MIB + 1536


@pytest.fixture
def disk(tmp_path):
    return raw_file(tmp_path / "a.raw", ODD, [(2 * MIB, DATA)])


def test_copy_to_a_file_prints_nothing(program, disk, tmp_path):
    result = program("copy", disk, tmp_path / "o.vhd")
    assert result.out == b"" and result.err == ""


def test_copy_into_a_pool_prints_the_uuid_alone(program, pool, disk):
    result = program("copy", disk, pool.sr("nfs"), *pool.login)
    assert re.fullmatch(UUID + "\n", result.text) and result.err == ""
    assert list(pool.disks) == [result.text.strip()]


def test_verbose_says_what_was_moved(program, disk, tmp_path):
    result = program("copy", disk, tmp_path / "o.vhd", "-v")
    assert result.line.startswith("%s/o.vhd: vhd, %d bytes of disk, " % (tmp_path, ODD))


def test_json_of_a_copy(program, disk, tmp_path):
    result = program("copy", disk, tmp_path / "o.vhd", "--json").json
    assert result["source"] == str(disk) and result["destination"] == str(tmp_path / "o.vhd")
    assert result["format"] == "vhd" and result["virtual_size"] == ODD
    assert result["data"] == 2 * MIB
    assert result["written"] == os.path.getsize(tmp_path / "o.vhd")
    assert result["seconds"] >= 0 and "uuid" not in result


@pytest.mark.parametrize("form", ["raw", "vhd", "tar", "tgz"])
def test_json_counts_what_was_written(program, disk, tmp_path, form):
    path = tmp_path / ("o." + form)
    result = program("copy", disk, path, "--json").json
    assert result["format"] == form
    if form == "raw":
        assert result["written"] <= os.path.getsize(path)
    else:
        assert result["written"] == os.path.getsize(path)


def test_json_counts_what_was_read(program, tmp_path):
    image = image_of(vhd(4 * MIB, {1: DATA}))
    result = program("copy", "-", tmp_path / "o.raw", "--json", stdin=image).json
    assert result["read"] == len(image)


def test_json_of_an_import_has_the_uuid(program, pool, disk):
    result = program("copy", disk, pool.sr("nfs"), "--json", *pool.login).json
    uuid, = pool.disks
    assert result["uuid"] == uuid and result["format"] == "vhd"
    entry = pool.transfer()
    assert result["written"] == int(entry["content_length"])


@pytest.mark.parametrize("sr, form", [("nfs", "vhd"), ("rawlv", "raw"), ("luns", "vhd")])
def test_json_says_what_the_server_was_sent(program, pool, disk, sr, form):
    assert program("copy", disk, pool.sr(sr), "--json", *pool.login).json["format"] == form


def test_json_after_a_failure_is_nothing(program, tmp_path):
    result = program("copy", tmp_path / "no.raw", tmp_path / "o.vhd", "--json", status=4)
    assert result.out == b""


# -- info -----------------------------------------------------------------------


def test_info_of_a_raw_disk(program, disk):
    info = program("info", disk, "--json").json
    assert info["format"] == "raw" and info["virtual_size"] == ODD and info["place"] == str(disk)
    assert info["size_as"]["raw"] == ODD


def test_info_of_a_vhd(program, tmp_path):
    (tmp_path / "a.vhd").write_bytes(vhd(10 * MIB, {3: DATA, 1: (bits(7), bytes(2 * MIB))}))
    info = program("info", tmp_path / "a.vhd", "--json").json
    assert info["format"] == "vhd" and info["virtual_size"] == 10 * MIB
    assert (info["block_size"], info["blocks"], info["allocated_blocks"]) == (2 * MIB, 5, 2)
    assert info["vhd"]["type"] == "dynamic" and info["vhd"]["creator"] == "test"
    assert info["vhd"]["uuid"] == "55555555-5555-5555-5555-555555555555"
    assert info["vhd"]["original_size"] == 10 * MIB


@pytest.mark.parametrize("name", ["a.raw", "a.vhd", "a.tgz", "a.tar"])
def test_sizes_that_info_promises_are_those_of_the_copies(program, tmp_path, disk, name):
    if name != "a.raw":
        program("copy", disk, tmp_path / name)
    sizes = program("info", tmp_path / name, "--json").json["size_as"]
    for form in sizes:
        program("copy", tmp_path / name, tmp_path / "o", "--to", form, "--force")
        assert os.path.getsize(tmp_path / "o") == sizes[form], form
    assert {"raw", "vhd", "tar"} <= set(sizes)


def test_info_of_small_blocks_promises_what_a_copy_writes(program, tmp_path):
    """The copy has blocks of 2 MiB, whatever the source has."""
    blocks = {i: noise(i, MIB // 2) for i in (0, 1, 9)}
    (tmp_path / "a.vhd").write_bytes(vhd(8 * MIB, blocks, block=MIB // 2))
    sizes = program("info", tmp_path / "a.vhd", "--json").json["size_as"]
    program("copy", tmp_path / "a.vhd", tmp_path / "o.vhd")
    assert os.path.getsize(tmp_path / "o.vhd") == sizes["vhd"]


def test_info_in_words_says_the_same(program, disk):
    lines = dict(re.split(r":\s+", line, maxsplit=1)
                 for line in program("info", disk).text.splitlines())
    assert lines["virtual size"] == str(ODD) and lines["format"] == "raw"


@pytest.mark.parametrize("verb", ["info", "check", "map", "digest"])
def test_json_does_not_drive_a_terminal(program, tmp_path, verb):
    """U+009B may stand in JSON, but is escaped, as U+001B has to be."""
    path = tmp_path / "a\x9b31m\x1b[31m.vhd"
    path.write_bytes(vhd(4 * MIB, {0: DATA}))
    result = program(verb, path, "--json")
    assert result.json["place"] == str(path)
    assert not set(result.text) & {"\x9b", "\x1b"}


def test_info_of_a_pipe(program):
    info = program("info", "-", "--json", stdin=vhd(4 * MIB, {0: DATA})).json
    assert info["virtual_size"] == 4 * MIB and info["place"] == "standard input"


def test_info_of_an_image(program, tmp_path):
    (tmp_path / "a.tgz").write_bytes(image_of(vhd(4 * MIB, {0: DATA})))
    info = program("info", tmp_path / "a.tgz", "--json").json
    assert info["virtual_size"] == 4 * MIB and info["vhd"]["type"] == "dynamic"


def test_info_of_a_vdi(program, pool, disk):
    uuid = pool.make_disk("nfs", 8 * MIB, disk, label="Ein Datenträger")
    info = program("info", pool.vdi(uuid), "--json", *pool.login).json
    assert info["vdi"]["uuid"] == uuid and info["vdi"]["name_label"] == "Ein Datenträger"
    assert info["vdi"]["sr_name"] == "nfs" and info["vdi"]["sr_type"] == "nfs"
    assert info["virtual_size"] == 8 * MIB
    pool.remember()
    assert list(pool.disks) == [uuid] and pool.sim.state()["tasks"] == {}


def test_info_does_not_read_the_whole_vdi(program, pool, disk):
    """The map is enough; the rest of the export is broken off, and nothing is left of it."""
    big = pool.make_disk("nfs", 256 * MIB, pattern=[[i * 8 * MIB, MIB, i] for i in range(32)])
    pool.remember()
    program("info", pool.vdi(big), *pool.login)
    assert pool.transfer("export")["body_out"] < 64 * MIB
    pool.nothing_left()


def test_control_characters_of_a_name_label_are_shown_harmlessly(program, pool):
    """A label may hold a terminal's commands."""
    uuid = pool.make_disk("nfs", 2 * MIB, label="x\x1b]0;owned\x07y\u009b31m")
    result = program("info", pool.vdi(uuid), *pool.login)
    assert "x?]0;owned?y?31m" in result.text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", result.text)


def test_size_of_the_vhd_by_qemu(program, disk, tmp_path):
    program("copy", disk, tmp_path / "o.vhd")
    assert qemu_size(tmp_path / "o.vhd", PLAIN) == ODD
