# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Fault switches, hosts that go away, TLS, and the control channel itself."""

import hashlib
import http.client
import json
import socket
import ssl

import pytest

from .plain_client import PlainClient, RpcFailure, head_of, receive_all
from .remote import ControlError, Simulator
from .test_peer_import import B, DONE, IO_ERROR, pattern, send
from .vhd_maker import MIB, vhd


@pytest.fixture
def disk(client):
    return client.create_vdi("nfs", 10 * MIB)


def full(client, disk):
    data = vhd(10 * MIB, {i: pattern() for i in range(5)})
    assert send(client, disk, data) == DONE
    return data


@pytest.mark.parametrize("at", [0, 700, 3 * MIB, -1, "end"])
@pytest.mark.parametrize("do", ["close", "reset", "error"])
def test_import_is_struck_anywhere(client, sim, disk, do, at):
    sim.set_fault(on="import", do=do, at=at)
    data = vhd(10 * MIB, {i: pattern() for i in range(5)})
    unnoticed = at == "end" and do != "error"
    assert send(client, disk, data) == (DONE if unnoticed else IO_ERROR)
    assert sim.state()["attachments"] == []
    assert send(client, disk, data) == DONE


def test_export_ends_at_the_byte_asked_for(client, sim, disk):
    full(client, disk)
    for do in ("close", "cut", "error"):
        sim.set_fault(on="export", do=do, at=5000001, error=["SR_BACKEND_FAILURE_46", "a"])
        body, verdict = client.export_disk(disk, format="vhd")
        want = {"close": IO_ERROR, "cut": DONE,
                "error": ("failure", ["SR_BACKEND_FAILURE_46", "a"])}
        assert verdict == want[do]
        assert len(body) == 5000001 or body[5000001:].startswith(b"HTTP/1.1 500 ")


def test_export_can_be_corrupted_and_padded(client, sim, disk):
    full(client, disk)
    clean, _ = client.export_disk(disk)
    sim.set_fault(on="export", do="corrupt", at=4 * MIB + 3)
    sim.set_fault(on="export", do="insert", text="!", at="end")
    body, verdict = client.export_disk(disk)
    assert verdict == DONE and len(body) == len(clean) + 1
    changed = [i for i in range(4 * MIB, 4 * MIB + 9) if body[i] != clean[i]]
    assert changed == [4 * MIB + 3] and body[5 * MIB:-1] == clean[5 * MIB:]


@pytest.mark.parametrize("task, status", [("failure", "failure"), ("success", "success"),
                                          ("pending", "pending"), ("gone", None)])
def test_verdict_can_differ_from_the_transfer(client, sim, disk, task, status):
    sim.set_fault(on="import", do="verdict", task=task, error=["VDI_IO_ERROR", "x"])
    ref = client.task()
    client.put(client.target("import", disk, ref, format="vhd"), vhd(10 * MIB, {}))
    tasks = sim.state()["tasks"]
    assert (tasks[ref]["status"] if status else tasks.get(ref)) == status


def test_faults_strike_the_request_they_match(client, sim, disk):
    fault = sim.set_fault(on="rpc", match={"method": "VDI[.].*"}, do="error", nth=2,
                          error=["SR_BACKEND_FAILURE_99", "a"])
    assert client.uuid(disk)
    assert client.call("pool.get_all")
    with pytest.raises(RpcFailure):
        client.uuid(disk)
    assert client.uuid(disk)
    assert [e["rpc"]["method"] for e in sim.log() if fault in e["faults"]] == ["VDI.get_uuid"]


def test_lost_answer_leaves_the_work_done(client, sim):
    sim.set_fault(on="rpc", match={"method": "VDI.create"}, do="reset", when="after")
    with pytest.raises(OSError):
        client.create_vdi("nfs", 1)
    assert len(sim.state()["vdis"]) == 1


def test_answers_can_be_anything(client, sim, disk):
    sim.set_fault(on="import", do="status", status=503, task="failure", error=["A", "b"])
    task = client.task()
    answer = client.put(client.target("import", disk, task), b"")
    assert answer.startswith(b"HTTP/1.1 503 ") and client.wait(task) == ("failure", ["A", "b"])
    sim.set_fault(on="export", do="redirect", location="https://127.0.0.9:1/", times=2)
    for _ in range(2):
        assert b"Location: https://127.0.0.9:1/\r\n" in client.get(client.target("export", disk))
    sim.set_fault(on="rpc", do="answer", text="[" * 10, repeat=100)
    with pytest.raises((json.JSONDecodeError, RecursionError)):
        client.call("pool.get_all")
    sim.set_fault(on="connect", do="raw", text="SSH-2.0\r\n")
    with pytest.raises((http.client.BadStatusLine, OSError)):
        client.call("pool.get_all")


def test_late_error_may_leave_the_task_stuck(client, sim, disk):
    sim.set_fault(on="import", do="error", at=3 * MIB, error=["SR_BACKEND_FAILURE_1", "x"],
                  task="pending")
    task = client.task()
    answer = client.put(client.target("import", disk, task), bytes(4 * MIB))
    assert b"SR_BACKEND_FAILURE_1: [ x ]" in answer
    assert client.call("task.get_status", task) == "pending"


def test_redirects_can_go_in_a_circle(client, sim, disk):
    sim.set_fault(on="import", do="redirect", to="two", times=-1)
    for _ in range(3):
        answer = client.put(client.target("import", disk), b"")
        assert sim.authority("https", "two").encode() in answer


def test_transfers_under_way_can_be_awaited(client, sim, disk):
    sim.set_fault(on="import", do="stall", at=5 * MIB)
    target = client.target("import", disk, client.task())
    with socket.create_connection((client.address, sim.http_port), 5) as sock:
        sock.sendall(head_of(["PUT " + target + " HTTP/1.1"]) + bytes(6 * MIB))
        assert sim.wait_transfer(moved=4 * MIB)["kind"] == "import"
        with pytest.raises(ControlError):
            sim.wait_quiet(seconds=0.05)
    sim.wait_quiet()
    assert sim.state()["transfers"] == []


def test_slow_and_stalled_bodies(client, sim, disk):
    sim.set_fault(on="export", do="slow", rate=20 << 20)
    sim.set_fault(on="export", do="stall", at=MIB, seconds=20)
    before = sim.state()["clock"]
    assert client.export_disk(disk)[1] == DONE
    assert sim.state()["clock"] - before > 60       # 0.5 s of transfer, 0.2 s of stall


def test_host_goes_down_and_comes_back(client, sim, disk):
    task, target = client.task(), None
    sim.set_fault(on="import", do="stall", at=3 * MIB)
    target = client.target("import", disk, task)
    with socket.create_connection((client.address, sim.http_port), 5) as sock:
        sock.sendall(head_of(["PUT " + target + " HTTP/1.1", "Content-Length: 10485760"]))
        sock.recv(1000)
        sock.sendall(bytes(4 * MIB))
        sim.host_down(host="one", crashed=True)
        receive_all(sock)
    with pytest.raises(OSError):
        client.call("pool.get_all")
    state = sim.state()
    assert state["tasks"][task]["status"] == "pending" and state["attachments"]
    sim.host_up(host="one")
    assert client.wait(task)[0] == "cancelled"
    assert sim.state()["attachments"] == []


# -- TLS -----------------------------------------------------------------------


def test_tls_like_xapi(client, sim):
    context = ssl.create_default_context(cafile=sim.ca_bundle)
    with socket.create_connection((sim.address("two"), sim.tls_port)) as sock:
        with context.wrap_socket(sock, server_hostname=sim.address("two")) as tls:
            assert tls.version() == "TLSv1.2" and tls.cipher()[0].startswith("ECDHE-RSA")
            cert = tls.getpeercert(binary_form=True)
    assert hashlib.sha256(cert).hexdigest() == sim.fingerprint("two") != sim.fingerprint()


def tls_exchange(sim, data, close_notify=True):
    context = ssl.create_default_context(cafile=sim.ca_bundle)
    with socket.create_connection((sim.address(), sim.tls_port), 10) as sock:
        with context.wrap_socket(sock, server_hostname=sim.address(),
                                 suppress_ragged_eofs=False) as tls:
            tls.sendall(data)
            if not close_notify:
                socket.socket.shutdown(tls, socket.SHUT_WR)
            return receive_all(tls)


def test_transfers_over_tls(client, sim, disk):
    data, task = pattern(10 * MIB), client.task()
    head = head_of(["PUT %s HTTP/1.1" % client.target("import", disk, task),
                    "Content-Length: %d" % len(data)])
    assert tls_exchange(sim, head + data).startswith(b"HTTP/1.1 200 OK")
    assert client.wait(task) == DONE and client.content(disk) == data
    answer = tls_exchange(sim, head_of(["GET %s HTTP/1.1" % client.target("export", disk)]))
    assert answer.partition(b"\r\n\r\n")[2] == data


def test_cut_tls_import_fails(client, sim, disk):
    task = client.task()
    head = head_of(["PUT %s HTTP/1.1" % client.target("import", disk, task),
                    "Content-Length: 10485760"])
    tls_exchange(sim, head + bytes(B), close_notify=False)
    assert client.wait(task) == IO_ERROR


# -- the simulator itself ------------------------------------------------------


def test_log_has_what_was_asked(client, sim, disk):
    full(client, disk)
    entry, = [e for e in sim.log() if e["kind"] == "import"]
    assert entry["body_in"] == int(entry["content_length"]) and entry["status"] == 200
    assert entry["reader"]["blocks_read"] == 5
    login = sim.rpc_calls("session.login_with_password")[0]
    assert login["params"] == ["root", "secret"]


def test_wrong_control_calls_say_so(sim):
    for call, args in (("fly", {}), ("vdi_path", {"vdi": "x"}), ("_find_vdi", {"name": 1}),
                       ("set_fault", {"fault": {"on": "moon"}})):
        with pytest.raises(ControlError):
            sim.call(call, **args)


def test_vdis_come_from_files_patterns_and_the_configuration(tmp_path):
    raw = tmp_path / "a.raw"
    raw.write_bytes(bytes(3 * MIB) + pattern(MIB) + bytes(2 * MIB))
    config = {"tls": False, "vdis": [{"sr": "ext", "size": 6 * MIB, "file": str(raw)}]}
    with Simulator(config) as sim:
        vdi, = sim.vdis
        with open(sim.vdi_path(vdi["uuid"]), "rb") as file:
            assert file.read() == raw.read_bytes()
        assert sim.vdi_blocks(vdi=vdi["uuid"]) == [1]
        huge = sim.create_vdi(sr="ext", size=2040 << 30, pattern=[[1 << 40, 4096, 1]])
        assert sim.vdi_blocks(vdi=huge["uuid"]) == [1 << 19]
        assert len(PlainClient(sim).call("VDI.get_all")) == 2


def test_nothing_is_left_behind():
    import os
    with Simulator({"tls": False}) as sim:
        state_dir, pid = sim.state_dir, sim.pid
        assert os.path.isdir(state_dir)
    assert not os.path.exists(state_dir) and not os.path.exists("/proc/%d" % pid)


def test_unknown_configuration_keys_are_refused():
    from .sim_config import ConfigError, complete
    for bad in ({"host": []}, {"srs": [{"kind": "nfs"}]}, {"srs": [{"type": "nfs",
                                                                   "hosts": ["x"]}]}):
        with pytest.raises(ConfigError):
            complete(bad)
