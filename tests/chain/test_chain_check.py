# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""vhdstream check of an image that holds a chain: every member is looked at, and whether they are
one chain, in whatever order they come."""

import itertools
import json

import pytest
from chain_rig import MIB, Chain, made, pack

from disk_rig import image_of, noise, vhd

ORDERS = list(itertools.permutations(range(3)))
PASS = ", as far as one pass over a stream can tell"


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return Chain(made("checked", 6 * MIB, 3, writes=10), tmp_path_factory.mktemp("checked"))


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return Chain(made("strange", 6 * MIB, 3, writes=4), tmp_path_factory.mktemp("strange"))


def members(chain, *numbers):
    return [("%d.vhd" % n, chain.paths[n]) for n in numbers]


def damaged(chain, number, tmp_path):
    """A member whose dynamic header (at 512, its checksum 36 bytes further) is hurt."""
    with open(chain.paths[number], "rb") as file:
        data = bytearray(file.read())
    data[512 + 200] ^= 1
    path = tmp_path / "damaged.vhd"
    path.write_bytes(data)
    return "%d.vhd" % number, str(path)


def told(program, image, status=0, *more):
    return json.loads(program("check", "--json", image, *more, status=status).text)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_sound_chain_in_any_order(program, tmp_path, chain, order, mode):
    image = pack(tmp_path / ("x.tgz" if mode == "w:gz" else "x.tar"), members(chain, *order), mode)
    with open(image, "rb") as file:
        assert program("check", "-", stdin=file).text == (
            "standard input: sound (0 warnings, 0 notes), a chain of 3 disks" + PASS + "\n")
    found = told(program, image)
    assert [m["member"] for m in found["members"]] == ["%d.vhd" % n for n in order]
    assert [m["vhd"]["type"] for m in found["members"]] == [
        "dynamic" if n == 2 else "differencing" for n in order]
    assert found["verdict"] == "sound" and "chain_broken" not in found


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("order", ORDERS[::2], ids=str)
def test_a_damaged_member_is_named(program, tmp_path, chain, order, which):
    image = pack(tmp_path / "x.tar", [
        damaged(chain, n, tmp_path) if n == which else members(chain, n)[0] for n in order])
    found = told(program, image, 3)
    assert {f["member"] for f in found["findings"] if f["severity"] == "error"} == {
        "%d.vhd" % which}
    assert found["verdict"] == "broken"
    assert [m["verdict"] for m in found["members"] if m["member"] != "%d.vhd" % which] == [
        "sound", "sound"]
    shown = program("check", image, status=3)
    assert "x.tar: %d.vhd:548: error: " % which in shown.text
    assert "x.tar: %d.vhd: 1 error, the first at byte 548 (header-checksum)" % which in \
        shown.lines[-1]


@pytest.mark.parametrize("numbers, text", [
    ((0, 2), "member 1.vhd is missing"),
    ((1, 2), "member 0.vhd is missing"),
    ((2,), "member 0.vhd is missing"),
    ((0, 1), "member 2.vhd is missing"),
    ((0, 1, 1, 2), "member 1.vhd is doubled"),
], ids=str)
def test_members_that_are_missing_or_doubled(program, tmp_path, chain, numbers, text):
    image = pack(tmp_path / "x.tar", members(chain, *numbers))
    found = told(program, image, 3)
    assert text in found["chain_broken"] and found["verdict"] == "broken"
    assert len(found["members"]) == len(numbers) and found["findings"] == []
    assert program("check", image, status=3).lines[-1] == found["chain_broken"]


def test_a_foreign_member(program, tmp_path, chain, other):
    image = pack(tmp_path / "x.tar", [*members(chain, 0), *members(other, 1), *members(chain, 2)])
    assert "member 1.vhd is not part of the chain" in told(program, image, 3)["chain_broken"]


def test_a_chain_on_a_raw_base(program, tmp_path, chain):
    """Its child would have to say that its parent has no uuid."""
    image = pack(tmp_path / "x.tar", [*members(chain, 0, 1), ("2.raw", b"\0" * (6 * MIB))])
    found = told(program, image, 3)
    assert found["members"][2] == {"member": "2.raw", "virtual_size": 6 * MIB}
    assert "member 2.raw is not part of the chain" in found["chain_broken"]


def test_a_delta_is_alone(program, tmp_path, chain):
    """As a pool's delta is packed: nothing of it is missing, unless the user says so."""
    image = pack(tmp_path / "x.tar", members(chain, 0))
    assert program("check", image).text.endswith("sound (0 warnings, 0 notes)" + PASS + "\n")
    assert "members" not in told(program, image)
    assert "member 1.vhd is missing" in program("check", "--chain", image, status=3).lines[-1]


def test_a_raw_disk_alone_has_nothing_to_check(program, tmp_path):
    image = pack(tmp_path / "x.tar", [("0.raw", b"\1" * MIB)])
    assert "a raw disk, in which nothing can be checked" in program(
        "check", image, status=2).lines[-1]


def test_an_image_that_is_cut(program, tmp_path, chain):
    image = pack(tmp_path / "x.tar", members(chain, 2, 1, 0))
    with open(image, "rb") as file:
        data = file.read()
    for at in (len(data) // 3, len(data) * 2 // 3, len(data) - 10240):
        path = tmp_path / "cut.tar"
        path.write_bytes(data[:at])
        shown = program("check", path, status=3)
        assert "cut.tar" in shown.lines[-1] and not shown.text


def test_info_names_the_member(program, tmp_path, chain):
    image = pack(tmp_path / "x.tar", members(chain, 0, 1, 2))
    found = json.loads(program("info", "--json", image).text)
    assert found["member"] == "0.vhd"
    assert found["chain_broken"].endswith("which makes one disk of all members")
    for verb in ("digest", "map"):
        shown = program(verb, "--chain" if verb == "map" else "--json", image, status=4)
        assert shown.lines[-1].endswith("which makes one disk of all members")


@pytest.mark.parametrize("options", [["--chain"], ["--any-member"]])
def test_one_disk_is_called_no_chain(program, tmp_path, options):
    (tmp_path / "a.tar").write_bytes(image_of(vhd(4 * MIB, {0: noise("a", 2 * MIB)}), mode="w"))
    assert "disks" not in program("check", *options, tmp_path / "a.tar").text


def test_one_broken_disk_is_told_as_such(program, tmp_path):
    data = bytearray(vhd(4 * MIB, {0: noise("a", 2 * MIB)}))
    data[8:12] = b"none"
    (tmp_path / "a.tar").write_bytes(image_of(bytes(data), mode="w"))
    told = program("check", "--json", tmp_path / "a.tar", status=None).json
    assert "members" not in told and "member" not in told["findings"][0]
