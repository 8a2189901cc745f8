# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Debian's os_xenapi, as it is: it imports our images, and we take its."""

import io
import tarfile

import pytest

from disk_rig import MIB, noise, raw_file, read_raw
from program_rig import PASSWORD

pytest.importorskip("os_xenapi")
INSTANCE = {"name": "guest", "uuid": "11111111-2222-3333-4444-555555555555"}


@pytest.fixture
def session(pool):
    from peer.os_xenapi_session import OsXenapiSession
    session = OsXenapiSession(pool.sim.url("http"), "root", PASSWORD)
    pool.has_other_clients = True
    yield session
    session.close()


@pytest.fixture
def disk(tmp_path):
    """20 MiB: not so tiny that faults of it would not show."""
    return raw_file(tmp_path / "a.raw", 20 * MIB, [(0, noise("x", 3 * MIB)),
                                                   (13 * MIB + 512, noise("y", 5 * MIB))])


def import_by_it(pool, session, path):
    from os_xenapi.client.image import stream_to_vdis
    with open(path, "rb") as file:
        vdis = stream_to_vdis(None, session, INSTANCE, pool.sim.url("http"),
                              pool.sim.srs["nfs"]["ref"], file)
    pool.sim.wait_quiet()       # it does not wait for the task
    return vdis["root"]["uuid"]


@pytest.mark.parametrize("level", [1, 6, 9])
@pytest.mark.parametrize("threads", [0, 2])
def test_it_imports_our_images(program, pool, session, disk, tmp_path, level, threads):
    program("copy", disk, tmp_path / "o.tgz", "--level", level, "--threads", threads)
    uuid = import_by_it(pool, session, tmp_path / "o.tgz")
    assert read_raw(pool.raw_path(uuid)) == read_raw(disk)
    entry, = [e for e in pool.sim.log() if e["kind"] == "import"]
    assert "error" not in entry


@pytest.mark.parametrize("size", [512, 5 * MIB + 1536, 2 * MIB])
def test_it_imports_odd_sizes(program, pool, session, tmp_path, size):
    raw_file(tmp_path / "a.raw", size, [(0, noise("odd", min(size, 100000) // 512 * 512))])
    program("copy", tmp_path / "a.raw", tmp_path / "o.tgz")
    uuid = import_by_it(pool, session, tmp_path / "o.tgz")
    wanted = read_raw(tmp_path / "a.raw")
    wanted.resize(pool.disks[uuid]["virtual_size"])
    assert read_raw(pool.raw_path(uuid)) == wanted


def test_it_imports_an_image_of_a_vdi(program, pool, session, disk, tmp_path):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    program("copy", pool.vdi(uuid), tmp_path / "o.tgz", *pool.login)
    pool.sim.clear_log()
    other = import_by_it(pool, session, tmp_path / "o.tgz")
    assert pool.digest(other) == pool.digest(uuid)


def test_its_reader_takes_exactly_one_member(program, disk, tmp_path):
    """It reads with tarfile in mode r|gz, which knows one gzip member only."""
    program("copy", disk, tmp_path / "o.tgz")
    with open(tmp_path / "o.tgz", "rb") as file:
        with tarfile.open(fileobj=file, mode="r|gz") as tar:
            member = tar.next()
            assert member.name == "0.vhd" and tar.extractfile(member).read(8) == b"conectix"
            assert tar.next() is None


def test_we_import_its_images(program, pool, session, tmp_path):
    """Of a tiny disk: the only one that its export gets right under Python 3."""
    from os_xenapi.client.image import stream_from_vdis
    uuid = pool.make_disk("nfs", 256 * MIB, pattern=[])
    parts = stream_from_vdis(None, session, INSTANCE, pool.sim.url("http"), [uuid], 1)
    image = b"".join(parts)
    assert tarfile.open(fileobj=io.BytesIO(image), mode="r:gz").getnames() == ["0.vhd"]
    new = program("copy", "-", pool.sr("lvhd"), *pool.login, stdin=image).text.strip()
    assert pool.disks[new]["virtual_size"] == 256 * MIB and pool.blocks(new) == []
