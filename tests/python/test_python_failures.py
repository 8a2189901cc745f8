# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""vhdstream.image where something goes wrong: what is raised, and that nothing is left.

Each failure is also one of os_xenapi's, of the kind that code written for it catches.
"""

import copy
import hashlib
import io
import pickle
import socket
import tarfile
import threading

import pytest

import vhdstream
from python_rig import INSTANCE, export_it, import_it, new_session
from disk_rig import MIB, image_of, vhd
from vhdstream import image
from vhdstream.image import vdi_handler
from vhdstream.image.left_behind import remove_left

pytest.importorskip("os_xenapi")
from os_xenapi.client import exception      # noqa: E402
from os_xenapi.client.XenAPI import Failure     # noqa: E402


@pytest.fixture(autouse=True)
def clean(pool, session, caplog, tidy):
    """Nothing is left in the pool, and no message or log tells a session."""
    caplog.set_level("DEBUG", "vhdstream")
    with session._get_session() as one:
        refs = [one._session]
    pool.remember()
    yield refs
    pool.nothing_left()
    assert not any(ref in caplog.text for ref in refs)


def two_disks():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name in ("0.vhd", "1.vhd"):
            member = tarfile.TarInfo(name)
            data = vhd(4 * MIB, {0: bytes(2 * MIB)})
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


BAD = {
    "cut": lambda data: data[:-5000],
    "cut in its first bytes": lambda data: data[:300],
    "empty": lambda data: b"",
    "no gzip": lambda data: b"no image" * 1000,
    "wrong sum of the gzip": lambda data: flip(data, len(data) - 6),
    "damaged": lambda data: flip(data, len(data) // 2),
    "no disk": lambda data: image_of(b"", "readme.txt"),
    "two disks": lambda data: two_disks(),
    "no VHD": lambda data: image_of(b"no vhd at all" * 1000),
    "cut VHD": lambda data: image_of(vhd(8 * MIB, {1: b"x" * 2 * MIB})[:-100000]),
    "damaged VHD": lambda data: image_of(flip(vhd(8 * MIB, {1: b"x" * 2 * MIB}), 48)),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_image(pool, session, made, name):
    with pytest.raises(exception.InvalidImage) as failure:
        import_it(pool, session, io.BytesIO(BAD[name](made.read_bytes())))
    assert isinstance(failure.value, (vhdstream.CorruptError, image.ImageError))
    assert failure.value.status == 3
    assert "descriptor" not in str(failure.value)
    assert failure.value.format_message() == failure.value.message == str(failure.value)


@pytest.mark.parametrize("name", ["disk.img", "root", "0", "1.vhd", "x/d.raw", "0.VHD"])
def test_the_vhd_of_an_image_may_have_any_name(pool, session, name):
    data = vhd(4 * MIB, {1: b"x" * 2 * MIB})
    uuid = import_it(pool, session, io.BytesIO(image_of(data, name)))
    content = bytes(2 * MIB) + b"x" * 2 * MIB
    assert pool.digest(uuid) == hashlib.sha256(content).hexdigest()
    pool.remember()


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("disk", ["0.vhd", "root"])
@pytest.mark.parametrize("other", ["README", "chain.json", "swap.vhd"])
def test_what_is_no_disk_is_left_out(pool, session, order, disk, other):
    data = vhd(4 * MIB, {1: b"x" * 2 * MIB})
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in [(disk, data), (other, b"text" * 400)][::order]:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    uuid = import_it(pool, session, io.BytesIO(out.getvalue()))
    assert pool.digest(uuid) == hashlib.sha256(bytes(2 * MIB) + b"x" * 2 * MIB).hexdigest()
    pool.remember()


@pytest.mark.parametrize("name", ["disk.img", "root", "0.vhd"])
def test_what_is_no_vhd_never_becomes_a_disk(pool, session, name):
    with pytest.raises(exception.InvalidImage):
        import_it(pool, session, io.BytesIO(image_of(b"no vhd" * 100000, name)))


def test_a_full_sr(pool, session, made):
    pool.sim.set_fault(on="rpc", match={"method": "VDI.create"}, do="error",
                       error=["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""])
    with pytest.raises(exception.VdiImportFailure) as failure:
        import_it(pool, session, made.open("rb"))
    assert isinstance(failure.value, vhdstream.NoSpaceError)
    assert isinstance(failure.value, Failure)
    assert failure.value.details == ["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""]
    assert failure.value.details[0] in str(failure.value)


@pytest.mark.parametrize("code", ["MESSAGE_METHOD_UNKNOWN", "SR_OPERATION_NOT_SUPPORTED",
                                  "SR_REQUIRES_UPGRADE", "UNIMPLEMENTED_IN_SM_BACKEND",
                                  "VDI_INCOMPATIBLE_TYPE"])
def test_what_the_pool_does_not_do_is_no_fault_of_the_image(pool, session, made, code):
    pool.sim.set_fault(on="rpc", match={"method": "VDI.create"}, do="error",
                       error=[code, "one, (A_B)", "two"])
    with pytest.raises(exception.VdiImportFailure) as failure:
        import_it(pool, session, made.open("rb"))
    assert failure.value.status == 3 and not isinstance(failure.value, exception.InvalidImage)
    assert failure.value.details == [code, "one, (A_B)", "two"]


@pytest.mark.parametrize("repeat", [copy.copy, copy.deepcopy,
                                    lambda one: pickle.loads(pickle.dumps(one))])
@pytest.mark.parametrize("refused", [True, False])
def test_failures_go_to_other_processes(pool, session, made, repeat, refused):
    pool.sim.set_fault(on="rpc", match={"method": "VDI.create"}, do="error",
                       error=["SR_FULL", "one"])
    with pytest.raises(image.ImageError) as failure:
        import_it(pool, session, made.open("rb") if refused else io.BytesIO(b"no image"))
    one, other = failure.value, repeat(failure.value)
    assert type(other) is type(one) and str(other) == str(one)
    assert (other.status, other.refusal, other.message) == (one.status, one.refusal, one.message)
    assert not refused or other.details == ["SR_FULL", "one"]
    pool.sim.clear_faults()


def test_a_disk_that_is_not_there(pool, session):
    with pytest.raises(Failure) as failure:
        export_it(pool, session, "11111111-2222-3333-4444-000000000000")
    assert failure.value.details[0] == "UUID_INVALID"


def test_an_sr_that_is_not_there(pool, session, made):
    with pytest.raises(Failure) as failure:
        image.stream_to_vdis(None, session, INSTANCE, pool.sim.url("http"), "OpaqueRef:none",
                             made.open("rb"))
    assert failure.value.details[0] == "HANDLE_INVALID"


def test_no_host(pool, session, made, monkeypatch):
    monkeypatch.setitem(image.options, "retries", 0)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = "http://127.0.0.1:%d" % nobody.getsockname()[1]
        with pytest.raises(exception.HostConnectionFailure) as failure:
            image.stream_to_vdis(None, session, INSTANCE, url, pool.sim.srs["nfs"]["ref"],
                                 made.open("rb"))
    assert isinstance(failure.value, vhdstream.TemporaryError)
    assert isinstance(failure.value, exception.VdiImportFailure)


@pytest.mark.parametrize("url", ["ftp://h", "unix://local", "h", "http://"])
def test_no_url_of_a_host(pool, session, made, url):
    with pytest.raises(exception.OsXenApiException, match="expected http") as failure:
        image.stream_to_vdis(None, session, INSTANCE, url, pool.sim.srs["nfs"]["ref"],
                             made.open("rb"))
    assert isinstance(failure.value, vhdstream.UsageError)


def test_a_certificate_of_nobody_known(pool, session, disk):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.remember()
    with pytest.raises(exception.HostConnectionFailure, match="is not trusted") as failure:
        export_it(pool, session, uuid, scheme="https")
    assert isinstance(failure.value, vhdstream.AuthError)


def test_a_server_that_fails_an_import(pool, session, made, monkeypatch):
    monkeypatch.setitem(image.options, "retries", 0)
    pool.sim.set_fault(on="import", do="error", at="end", task="failure",
                       error=["VDI_IO_ERROR", "OpaqueRef:x"])
    with pytest.raises(exception.VdiImportFailure, match="VDI_IO_ERROR") as failure:
        import_it(pool, session, made.open("rb"))
    assert failure.value.details[0] == "VDI_IO_ERROR"


def test_an_export_that_breaks_off_does_not_end_as_one_that_is_whole(pool, session, disk,
                                                                     monkeypatch):
    monkeypatch.setitem(image.options, "retries", 0)
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.remember()
    pool.sim.set_fault(on="export", do="reset", at=5 * MIB)
    with pytest.raises(exception.HostConnectionFailure) as failure:
        export_it(pool, session, uuid)
    assert isinstance(failure.value, vhdstream.TemporaryError)


def test_an_export_that_breaks_off_is_gone_on_with(pool, session, disk, monkeypatch, tmp_path):
    monkeypatch.setitem(image.options, "retry_delay", 0)
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.sim.set_fault(on="export", do="reset", at=5 * MIB)
    with tarfile.open(fileobj=io.BytesIO(export_it(pool, session, uuid)), mode="r:gz") as tar:
        assert tar.getnames() == ["0.vhd"]
    pool.remember()


# --- the caller's own stream -------------------------------------------------------

def breaking(data, failure):
    yield data[:len(data) // 2]
    raise failure


def test_data_that_fails(pool, session, made):
    reason = OSError("the store is gone")
    with pytest.raises(exception.VdiImportFailure, match="OSError: the store is gone") as failure:
        import_it(pool, session, breaking(made.read_bytes(), reason))
    assert failure.value.__cause__ is reason
    assert not isinstance(failure.value, exception.HostConnectionFailure)


@pytest.mark.parametrize("reason", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_data_that_is_stopped(pool, session, made, reason):
    with pytest.raises(reason):
        import_it(pool, session, breaking(made.read_bytes(), reason))


def test_data_that_fails_with_the_text_of_a_refusal(pool, session, made):
    reason = OSError("the store (SR_FULL: one, two)")
    with pytest.raises(exception.VdiImportFailure, match="SR_FULL") as failure:
        import_it(pool, session, breaking(made.read_bytes(), reason))
    assert not isinstance(failure.value, Failure)


def test_data_of_wide_items(pool, session, made):
    data = made.read_bytes()
    data += bytes(-len(data) % 8)       # zeros may follow an image
    uuid = import_it(pool, session, [memoryview(data).cast("Q")])
    assert uuid in pool.disks
    pool.remember()


def test_data_that_is_no_bytes(pool, session):
    with pytest.raises(exception.VdiImportFailure, match="TypeError"):
        import_it(pool, session, ["text"])


def test_a_reader_that_goes_away(pool, session, disk):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.remember()
    parts = image.stream_from_vdis(None, session, INSTANCE, pool.sim.url("http"), [uuid])
    assert next(parts)
    parts.close()


def test_a_reader_that_fails(pool, session, disk):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.remember()
    parts = image.stream_from_vdis(None, session, INSTANCE, pool.sim.url("http"), [uuid])
    assert next(parts)
    with pytest.raises(ZeroDivisionError):
        parts.throw(ZeroDivisionError())


# --- stopped -----------------------------------------------------------------------

@pytest.fixture
def importing(pool, session, made):
    return vdi_handler.ImageStreamToVDIs(None, session, INSTANCE, pool.sim.url("http"),
                                         pool.sim.srs["nfs"]["ref"], made.open("rb"))


def test_an_import_is_cancelled(pool, importing):
    """While the server holds it up; nobody reads the data by then."""
    pool.sim.set_fault(on="import", do="stall", at=MIB)
    waiter = threading.Thread(target=importing.cancel)
    data = importing.image_stream.read()

    def half():
        yield data[:len(data) // 2]
        waiter.start()
        yield data[len(data) // 2:]
    importing.image_stream = half()
    with pytest.raises(vhdstream.CancelledError) as failure:
        importing.start()
    waiter.join()
    assert isinstance(failure.value, exception.VdiImportFailure)
    assert importing.vdis == {}


def test_an_import_is_cancelled_before_it_begins(importing):
    importing.cancel()
    with pytest.raises(vhdstream.CancelledError):
        importing.start()


def test_an_export_is_cancelled(pool, session, disk):
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.remember()
    handler = vdi_handler.GenerateImageStream(None, session, INSTANCE, pool.sim.url("http"),
                                              [uuid], 1)
    parts = handler.get_image_data()
    assert next(parts)
    handler.cancel()
    with pytest.raises(vhdstream.CancelledError):
        list(parts)


# --- sessions ------------------------------------------------------------------------

class Thin:
    """A session with no more than what is needed, and one ref for good."""

    def __init__(self, session, ref):
        self.VDI, self.SR = session.VDI, session.SR
        self.get_session_id = lambda: ref


@pytest.mark.parametrize("ref", ["OpaqueRef:11111111-2222-3333-4444-555555555555"])
def test_a_session_that_the_pool_does_not_know(pool, session, made, clean, ref):
    clean.append(ref)
    with pytest.raises(exception.VdiImportFailure, match="the session has ended") as failure:
        import_it(pool, Thin(session, ref), made.open("rb"))
    assert isinstance(failure.value, vhdstream.AuthError)
    assert failure.value.details[0] == "SESSION_INVALID"
    assert ref not in str(failure.value)


def test_what_is_no_session(pool, session, made, clean):
    clean.append("x&vdi=y")
    with pytest.raises(vhdstream.UsageError) as failure:
        import_it(pool, Thin(session, "x&vdi=y"), made.open("rb"))
    assert "x&vdi=y" not in str(failure.value)


def test_a_session_that_ends_in_the_middle_of_an_export(pool, disk, monkeypatch):
    monkeypatch.setitem(image.options, "retries", 3)
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    mine = new_session(pool.sim.url("http"), concurrent=1)
    ref = mine.get_session_id()
    pool.sim.set_fault(on="export", do="reset", at=5 * MIB)
    parts = image.stream_from_vdis(None, mine, INSTANCE, pool.sim.url("http"), [uuid], 1)
    assert next(parts)
    pool.sim.remove_session(session=ref)
    with pytest.raises(vhdstream.AuthError, match="the session has ended") as failure:
        list(parts)
    assert failure.value.status == 5 and ref not in str(failure.value)
    assert len(pool.sim.rpc_calls("session.login_with_password")) == 3
    pool.sim.remove_all_sessions()
    pool.remember()


@pytest.mark.parametrize("whole", [True, False])
def test_a_session_that_ends_in_the_middle_of_an_import(pool, made, whole):
    """The disk cannot be removed without it; its owner logs in again, and does.

    The task, which has ended, is for XAPI to forget, as it does an hour later.
    """
    mine = new_session(pool.sim.url("http"), concurrent=1)
    ref = mine.get_session_id()
    data = made.read_bytes()

    def ending():
        yield data[:-MIB]
        pool.sim.wait_transfer(moved=MIB)
        pool.sim.remove_session(session=ref)
        yield data[-MIB:] if whole else b""
    with pytest.raises(exception.VdiImportFailure) as failure:
        import_it(pool, mine, ending())
    assert ref not in str(failure.value) and "left behind" not in str(failure.value)
    if whole:
        assert isinstance(failure.value, vhdstream.AuthError)
        assert failure.value.details[0] == "SESSION_INVALID"
    with mine._get_session() as one:
        one.xenapi.session.logout()
    pool.sim.wait_quiet()
    for task, state in pool.sim.leftovers().get("tasks", {}).items():
        assert state["status"] != "pending"
        pool.sim.remove_task(task=task)


def test_a_disk_that_is_left_is_removed_only_where_it_is_that_of_the_run(pool, session, disk):
    """Another has the uuid now: it lost the mark, so it is somebody's."""
    uuid = pool.make_disk("nfs", 20 * MIB, disk)
    pool.remember()
    failure = vhdstream.UnsettledError("x; left behind: VDI %s (why); remove it with: y" % uuid)
    assert remove_left(session, failure) is failure
