# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""vhdstream.Transfer: the C library's calls, options, failures and threads as Python has them."""

import os
import signal
import subprocess
import sys
import threading

import pytest

import vhdstream
from python_rig import ROOT, open_here
from disk_rig import MIB, image_of, noise, qemu_compare, raw_file, vhd
from program_rig import PASSWORD

pytestmark = pytest.mark.usefixtures("tidy")


@pytest.fixture
def transfer():
    with vhdstream.Transfer() as made:
        yield made


@pytest.fixture
def small(tmp_path):
    return str(raw_file(tmp_path / "a.raw", 4 * MIB, [(MIB, noise("p", MIB))]))


def test_version():
    assert vhdstream.version().startswith("0.")


def test_copy(transfer, small, tmp_path):
    said = transfer.copy(small, tmp_path / "a.vhd")
    assert said["virtual_size"] == 4 * MIB and said["format"] == "vhd"
    qemu_compare(str(tmp_path / "a.vhd"), small)


def test_one_object_does_one_thing_after_the_other(transfer, small, tmp_path):
    transfer.copy(small, tmp_path / "a.vhd")
    assert transfer.info(tmp_path / "a.vhd")["virtual_size"] == 4 * MIB
    assert transfer.compare(small, tmp_path / "a.vhd")["identical"] is True
    assert transfer.digest(small)["digest"] == transfer.digest(tmp_path / "a.vhd")["digest"]
    assert transfer.check(tmp_path / "a.vhd")


def test_options_as_keywords(small, tmp_path):
    with vhdstream.Transfer(to="vhd-fixed", force=True, threads=0) as transfer:
        (tmp_path / "b").write_bytes(b"there already")
        transfer.copy(small, tmp_path / "b")
    assert (tmp_path / "b").read_bytes()[-512:][60:64] == bytes([0, 0, 0, 2])


def test_a_list_sets_an_option_again_and_again(pool, small):
    with vhdstream.Transfer(dst_password=PASSWORD, other_config=["a=1", "b=2"]) as transfer:
        uuid = transfer.copy(small, pool.sr("nfs"))["uuid"]
    assert {"a": "1", "b": "2"}.items() <= pool.disks[uuid]["other_config"].items()


@pytest.mark.parametrize("options", [{"level": 10}, {"no_such": "x"}, {"force": "x"},
                                     {"to": True}])
def test_options_that_are_none(options):
    with pytest.raises(vhdstream.UsageError):
        vhdstream.Transfer(**options)


@pytest.mark.parametrize("kind, source, destination", [
    (vhdstream.NotFoundError, "none.raw", "b.raw"), (vhdstream.UsageError, "", "b.raw"),
    (vhdstream.CorruptError, "bad.vhd", "b.raw"), (vhdstream.Error, "a.raw", "bad.vhd")])
def test_failures(transfer, small, tmp_path, monkeypatch, kind, source, destination):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.vhd").write_bytes(b"conectix" + bytes(5000))
    with pytest.raises(vhdstream.Error) as failure:
        transfer.copy(source, destination)
    assert type(failure.value) is kind
    assert (source or "source") in str(failure.value) or destination in str(failure.value)
    assert not os.path.exists("b.raw")


def test_a_check_has_its_findings_in_the_failure(transfer, tmp_path):
    data = bytearray(vhd(4 * MIB, {0: noise("c", 2 * MIB)}))
    data[512 + 100] ^= 1
    (tmp_path / "a.vhd").write_bytes(data)
    with pytest.raises(vhdstream.CorruptError) as failure:
        transfer.check(tmp_path / "a.vhd")
    assert failure.value.result["findings"]


def test_names_that_are_no_text(transfer, small, tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"\xff.raw")
    transfer.copy(small, path)
    assert transfer.info(os.fsdecode(path))["virtual_size"] == 4 * MIB


def test_notices(transfer, tmp_path):
    data = bytearray(vhd(4 * MIB, {0: noise("n", 2 * MIB)}))
    data[0] ^= 1
    (tmp_path / "a.vhd").write_bytes(data)
    transfer.copy(tmp_path / "a.vhd", tmp_path / "b.raw")
    assert any("footer" in text for text in transfer.notices)


def test_progress(transfer, small, tmp_path):
    assert transfer.progress == (0, 0, 0, 0, 0)
    transfer.copy(small, tmp_path / "b.vhd")
    now = transfer.progress
    assert now.total == now.done == 4 * MIB and now.holes < now.total


def test_a_second_operation_waits_for_nobody(transfer, small, tmp_path):
    ours, theirs = os.pipe()
    running = transfer.start("copy", "fd:%d" % ours, tmp_path / "b.raw", closing=[ours])
    with pytest.raises(RuntimeError):
        transfer.info(small)
    with pytest.raises(RuntimeError):
        transfer.set("level", 3)
    running.cancel()
    with pytest.raises(vhdstream.CancelledError):
        running.result()
    os.close(theirs)
    assert not (tmp_path / "b.raw").exists()


@pytest.mark.parametrize("call", [
    lambda transfer: transfer.info("a\0b"), lambda transfer: transfer.set("from", "raw\0x"),
    lambda transfer: transfer.set("fr\0om", "raw"), lambda transfer: transfer.copy("a", b"b\0")])
def test_a_nul_character(transfer, call):
    with pytest.raises(ValueError, match="NUL"):
        call(transfer)


def test_a_switch_that_is_not_set(small, tmp_path):
    (tmp_path / "b.raw").write_bytes(b"there")
    with vhdstream.Transfer(force=False, parent=[False]) as transfer:
        with pytest.raises(vhdstream.Error):
            transfer.copy(small, tmp_path / "b.raw")
    assert (tmp_path / "b.raw").read_bytes() == b"there"


def test_a_refusal_of_xapi_is_told_as_it_came(pool, small):
    pool.sim.set_fault(on="rpc", match={"method": "VDI.create"}, do="error",
                       error=["SR_FULL", "", "a, b (C_D)"])
    with vhdstream.Transfer(password=PASSWORD) as transfer:
        with pytest.raises(vhdstream.NoSpaceError) as failure:
            transfer.copy(small, pool.sr("nfs"))
        assert failure.value.refusal == ["SR_FULL", "", "a, b (C_D)"]
        with pytest.raises(vhdstream.NotFoundError) as failure:
            transfer.info("/nonexistent")
        assert failure.value.refusal == []


def test_a_transfer_that_is_closed(small):
    transfer = vhdstream.Transfer()
    transfer.close()
    transfer.close()
    transfer.cancel()
    assert transfer.progress.total == 0
    with pytest.raises(ValueError):
        transfer.info(small)


@pytest.mark.parametrize("call", [("walk", "x"), ("copy", "x"), ("info", "x", "y")])
def test_calls_that_are_none_close_what_they_were_given(transfer, call):
    fd = os.open("/dev/null", os.O_RDONLY)
    with pytest.raises((ValueError, TypeError)):
        transfer.start(*call, closing=[fd])
    with pytest.raises(OSError):
        os.close(fd)


def test_a_close_ends_what_runs(tmp_path):
    ours, theirs = os.pipe()
    transfer = vhdstream.Transfer()
    transfer.start("copy", "fd:%d" % ours, tmp_path / "b.raw", closing=[ours])
    transfer.close()
    os.close(theirs)
    assert not os.listdir(tmp_path)


def test_control_c_ends_what_runs(transfer, tmp_path):
    """The C code is in another thread, so the signal is not kept waiting by it."""
    ours, theirs = os.pipe()
    (tmp_path / "image").write_bytes(image_of(vhd(4 * MIB, {0: noise("c", 2 * MIB)})))
    os.write(theirs, (tmp_path / "image").read_bytes()[:5000])
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        transfer.copy("fd:%d" % ours, tmp_path / "b.raw")
    os.close(theirs)
    os.close(ours)
    assert os.listdir(tmp_path) == ["image"]


def test_sockets_do_not_pile_up(pool, small):
    before = len(open_here("socket"))
    for _ in range(5):
        with vhdstream.Transfer(dst_password=PASSWORD) as transfer:
            transfer.copy(small, pool.sr("nfs"))
    assert len(open_here("socket")) <= before


# --- in processes of their own ----------------------------------------------------------

def run(script, *args, **more):
    return subprocess.run([sys.executable, "-W", "ignore", "-c", script, *map(str, args)],
                          env=dict(os.environ, PYTHONPATH=os.path.join(ROOT, "python"), **more),
                          timeout=600, check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)


def test_a_library_that_is_not_there():
    done = run("import vhdstream; vhdstream.Transfer()", VHDSTREAM_LIBRARY="/no/libvhdstream.so.1")
    assert done.returncode == 1 and "OSError: /no/libvhdstream.so.1" in done.stderr


def test_an_end_of_the_process_cancels_what_runs(tmp_path):
    """Nobody reads to the end; what was begun is removed before Python ends."""
    script = """
import os, sys, vhdstream
ours, theirs = os.pipe()
transfer = vhdstream.Transfer(**{"from": "raw", "size": 1 << 20})
running = transfer.start("copy", "fd:%d" % ours, sys.argv[1])
for _ in range(100):
    os.write(theirs, bytes(10000))
print("begun")
"""
    done = run(script, tmp_path / "b.raw")
    assert (done.returncode, done.stdout) == (0, "begun\n"), done.stderr
    assert not os.listdir(tmp_path)
