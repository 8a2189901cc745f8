# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Debian's os_xenapi, as it is, against the simulator."""

import io
import tarfile

import pytest

from .test_peer_import import B, pattern
from .vhd_maker import MIB, vhd

pytest.importorskip("os_xenapi")
INSTANCE = {"name": "guest", "uuid": "11111111-2222-3333-4444-555555555555"}


def image(data):
    """tar.gz with one member 0.vhd."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
        member = tarfile.TarInfo("0.vhd")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return io.BytesIO(out.getvalue())


@pytest.fixture
def session(sim):
    from .os_xenapi_session import OsXenapiSession
    session = OsXenapiSession(sim.url("http"), "root", "secret")
    yield session
    session.close()


def import_image(sim, session, data):
    from os_xenapi.client.image import stream_to_vdis
    return stream_to_vdis(None, session, INSTANCE, sim.url("http"), sim.srs["nfs"]["ref"],
                          image(data))


def test_its_import_works(sim, client, session):
    one, three = pattern(), pattern()
    vdis = import_image(sim, session, vhd(10 * MIB, {1: one, 3: three}))
    ref = client.call("VDI.get_by_uuid", vdis["root"]["uuid"])
    sim.wait_quiet()                # it does not wait for the task
    assert client.content(ref) == bytes(B) + one + bytes(B) + three + bytes(B)
    state = sim.state()
    vdi, = state["vdis"].values()
    assert vdi["name_label"] == "guest"
    assert vdi["other_config"]["nova_instance_uuid"] == INSTANCE["uuid"]
    assert state["tasks"] == {} and state["client_faults"] == []


def test_its_import_calls_a_damaged_vhd_a_success(sim, session):
    """Its fault, not ours: the server's verdict is never read."""
    data = bytearray(vhd(10 * MIB, {1: pattern()}))
    data[-440] ^= 1
    assert "uuid" in import_image(sim, session, bytes(data))["root"]
    sim.wait_quiet()
    entry, = [e for e in sim.log() if e["kind"] == "import"]
    assert entry["error"][0] == "VDI_IO_ERROR"


def test_its_export_of_a_tiny_disk_works(sim, client, session):
    from os_xenapi.client.image import stream_from_vdis
    disk = client.create_vdi("nfs", 256 * MIB)      # other BATs give it a fractional size
    parts = stream_from_vdis(None, session, INSTANCE, sim.url("http"), [client.uuid(disk)], 1)
    with tarfile.open(fileobj=io.BytesIO(b"".join(parts)), mode="r:gz") as tar:
        member, = tar.getmembers()
        assert member.name == "0.vhd"
        assert tar.extractfile(member).read(8) == b"conectix"


def test_login_names_the_master_on_a_slave(sim):
    from os_xenapi.client import XenAPI
    session = XenAPI.Session(sim.url("http", "two"))
    with pytest.raises(XenAPI.Failure) as caught:
        session.login_with_password("root", "secret")
    assert caught.value.details == ["HOST_IS_SLAVE", sim.authority("http", "one")]
