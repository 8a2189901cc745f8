# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""vhdstream.image in the hands of os_xenapi's session: whole images, both ways."""

import io
import os
import tarfile

import pytest

from python_rig import INSTANCE, export_it, import_it, new_session
from disk_rig import MIB, qemu_compare, read_raw
from vhdstream import image
from vhdstream.image import vdi_handler


def pieces(path, size):
    with open(path, "rb") as file:
        while piece := file.read(size):
            yield piece


class Reader:
    """As little of a file as os_xenapi needs, and fewer bytes than were asked for."""

    def __init__(self, path):
        self._data = io.BytesIO(path.read_bytes())

    def read(self, size):
        return self._data.read(min(size, 70001))


def test_import(pool, session, tidy, made, disk):
    with open(made, "rb") as data:
        uuid = import_it(pool, session, data)
    assert read_raw(pool.raw_path(uuid)) == read_raw(disk)
    vdi = pool.disks[uuid]
    assert vdi["name_label"] == "guest" and vdi["virtual_size"] == 20 * MIB
    assert {key: value for key, value in vdi["other_config"].items()
            if key != "vhdstream:vhd-uuid"} == {
                "nova_disk_type": "root", "nova_instance_uuid": INSTANCE["uuid"]}
    assert pool.transfer()["reader"]
    assert [call["params"][1] for call in pool.sim.rpc_calls("task.create")] == [
        "VDI_IMPORT_for_guest"]


@pytest.mark.parametrize("form", ["reads less", "iterates", "one piece", "views"])
def test_data_in_any_form(pool, session, tidy, made, disk, form):
    data = {"reads less": lambda: Reader(made), "iterates": lambda: pieces(made, 4321),
            "one piece": lambda: [made.read_bytes()],
            "views": lambda: map(memoryview, pieces(made, 100000))}[form]()
    uuid = import_it(pool, session, data)
    assert read_raw(pool.raw_path(uuid)) == read_raw(disk)


def test_export(pool, session, tidy, disk, tmp_path):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    with tarfile.open(fileobj=io.BytesIO(export_it(pool, session, uuid)), mode="r|gz") as tar:
        member = tar.next()
        assert (member.name, member.mode, member.uid, member.mtime) == ("0.vhd", 0o644, 0, 0)
        (tmp_path / "0.vhd").write_bytes(tar.extractfile(member).read())
        assert tar.next() is None
    qemu_compare(str(tmp_path / "0.vhd"), str(disk))
    pool.sim.wait_quiet()
    assert not pool.sim.leftovers().get("tasks")


def test_os_xenapi_itself_imports_what_was_exported(pool, session, tidy, disk):
    from os_xenapi.client import image as theirs
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    data = io.BytesIO(export_it(pool, session, uuid, 1))
    vdis = theirs.stream_to_vdis(None, session, INSTANCE, pool.sim.url("http"),
                                 pool.sim.srs["nfs"]["ref"], data)
    pool.sim.wait_quiet()
    assert pool.digest(vdis["root"]["uuid"]) == pool.digest(uuid)


def test_from_pool_to_pool(pool, session, tidy, disk):
    """What one yields the other takes: nothing is in between but a pipe."""
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    parts = image.stream_from_vdis(None, session, INSTANCE, pool.sim.url("http"), [uuid])
    assert pool.digest(import_it(pool, session, parts)) == pool.digest(uuid)


@pytest.mark.parametrize("given, used", [(None, 6), (0, 6), (10, 6), (1, 1), (9, 9)])
def test_compresslevel_out_of_range_is_the_usual_one(given, used):
    handler = vdi_handler.GenerateImageStream(None, None, INSTANCE, "http://h", ["u"], given)
    assert handler.compresslevel == used


def test_nothing_is_done_before_the_first_part_is_wanted(pool, session):
    pool.sim.clear_log()
    image.stream_from_vdis(None, session, INSTANCE, pool.sim.url("http"), ["no such VDI"])
    assert not pool.sim.rpc_calls()


# --- sessions ------------------------------------------------------------------

def test_the_session_is_used_and_stays_open(pool, session, made):
    pool.sim.clear_log()
    with open(made, "rb") as data:
        import_it(pool, session, data)
    assert not pool.sim.rpc_calls("session.login_with_password")
    assert not pool.sim.rpc_calls("session.logout")
    assert session.call_xenapi("pool.get_all")


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_sessions_that_have_ended_are_opened_again_by_their_owner(pool, disk, count):
    """A day without a call ends all of them."""
    pool.has_other_clients = True
    session = new_session(pool.sim.url("http"), concurrent=count)
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.sim.remove_all_sessions()
    assert export_it(pool, session, uuid, 1)


# --- TLS ------------------------------------------------------------------------

@pytest.fixture
def believing(pool, monkeypatch):
    """The pool's certificates in the file that Python and OpenSSL take, too."""
    monkeypatch.setenv("SSL_CERT_FILE", pool.sim.ca_bundle)


def test_over_tls(pool, session, tidy, believing, disk):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    data = io.BytesIO(export_it(pool, session, uuid, 1, scheme="https"))
    assert pool.digest(import_it(pool, session, data, scheme="https")) == pool.digest(uuid)
    pool.sim.wait_quiet()
    assert all(entry["tls"] for entry in pool.sim.log() if entry["kind"] in ("import", "export"))


def test_options_for_all_transfers(pool, session, disk, monkeypatch):
    monkeypatch.setitem(image.options, "pin", "sha256:" + pool.sim.fingerprint())
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    assert export_it(pool, session, uuid, 1, scheme="https")


def test_a_pin_counts_and_not_the_file_of_the_environment(pool, session, disk, believing,
                                                          monkeypatch):
    monkeypatch.setitem(image.options, "src-pin", "sha256:" + "0" * 64)
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    with pytest.raises(image.ImageError, match="is not the pinned one"):
        export_it(pool, session, uuid, 1, scheme="https")


def test_memory_does_not_grow_with_the_image(pool, session, tmp_path):
    """128 MiB go by; what a process has had at most is the kernel's number."""
    path = tmp_path / "big.raw"
    with open(path, "wb") as file:
        for _ in range(128):
            file.write(os.urandom(MIB))
    uuid = pool.make_disk("nfs", 128 * MIB, path)
    first = highest()
    parts = image.stream_from_vdis(None, session, INSTANCE, pool.sim.url("http"), [uuid], 1)
    assert pool.digest(import_it(pool, session, parts)) == pool.digest(uuid)
    assert highest() - first < 100 * MIB


def highest():
    with open("/proc/self/status", encoding="ascii") as file:
        return 1024 * int(next(line for line in file if line.startswith("VmHWM")).split()[1])
