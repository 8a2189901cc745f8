# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Images in a Glance whose store is a Swift, in segments; ./dev openstack runs this."""

import json
import urllib.request
import uuid

import pytest

from disk_rig import MIB

ONCE = ["--retries", "0"]


def place(swift, name=""):
    return "glance+http://127.0.0.1:%d/%s" % (swift.port, name)


def records(swift, name):
    url = "http://127.0.0.1:%d/v2/images?name=%s" % (swift.port, name)
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.loads(answer.read())["images"]


def test_from_a_pool_into_another(program, swift, pool, own_pool, disk):
    other, name = own_pool(), uuid.uuid4().hex
    source = pool.make_disk("nfs", 12 * MIB, file=disk)
    image = program("copy", pool.vdi(source), place(swift, name), "--to", "vhd",
                    *pool.login).text.strip()
    record, = records(swift, name)
    assert (record["status"], record["id"]) == ("active", image)
    assert len([o for o in swift.server.objects() if o.startswith(image)]) > 3
    made = program("copy", place(swift, image), other.sr("nfs"), *other.login).text.strip()
    with open(other.raw_path(made), "rb") as file:
        assert file.read() == disk.read_bytes()


@pytest.mark.parametrize("form", ["vhd", "tgz"])
def test_there_and_back(program, swift, disk, tmp_path, form):
    image = program("copy", "--verify", disk, place(swift, uuid.uuid4().hex), "--to",
                    form).text.strip()
    program("copy", place(swift, image), tmp_path / "back.raw")
    assert (tmp_path / "back.raw").read_bytes() == disk.read_bytes()


def test_an_upload_that_is_cut_is_no_image(program, swift, disk):
    name = uuid.uuid4().hex
    program("copy", "--from", "raw", "--size", str(12 * MIB), "-", place(swift, name), *ONCE,
            stdin=disk.read_bytes()[:5 * MIB], status=3)
    assert records(swift, name) == []


def test_a_store_that_is_away(program, swift, disk, tmp_path):
    """The object server ends: nothing becomes active, nothing is taken for whole."""
    image = program("copy", disk, place(swift, uuid.uuid4().hex)).text.strip()
    name = uuid.uuid4().hex
    with swift.server.without("object"):
        assert program("copy", disk, place(swift, name), *ONCE, status=None).status != 0
        assert program("copy", place(swift, image), tmp_path / "a.raw", *ONCE,
                       status=None).status != 0
    assert not (tmp_path / "a.raw").exists()
    assert [r for r in records(swift, name) if r["status"] == "active"] == []
    program("copy", place(swift, image), tmp_path / "a.raw")
    assert (tmp_path / "a.raw").read_bytes() == disk.read_bytes()
