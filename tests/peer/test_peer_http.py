# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Heads, limits, routes, refusals: the HTTP that XAPI speaks."""

import base64
import http.client
import socket
import time

import pytest

from .conftest import CONFIG
from .plain_client import PlainClient, head_of, receive_all
from .remote import Simulator
from .vhd_maker import MIB, vhd


def status_of(answer):
    return answer.split(b"\r\n", 1)[0].decode()


@pytest.fixture
def disk(client):
    return client.create_vdi("nfs", 4 * MIB)


def test_import_head_is_exactly_this(client, disk):
    task = client.task()
    answer = client.put(client.target("import", disk, task, format="vhd"),
                        vhd(4 * MIB, {}))
    assert answer == (
        "HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: no-cache, no-store\r\n"
        "task-id:%s\r\ncontent-type: application/octet-stream\r\n\r\n" % task).encode()


def test_export_head_is_exactly_this(client, disk):
    task = client.task()
    answer = client.get(client.target("export", disk, task, format="vhd"))
    head = ("HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: no-cache, no-store\r\n"
            "task-id:%s\r\ncontent-type:application/vhd\r\n"
            'content-disposition: attachment; filename="%s.vhd"\r\n\r\n'
            % (task, client.uuid(disk))).encode()
    assert answer.startswith(head + b"conectix")


def test_200_comes_before_any_body_byte(client, disk):
    target = client.target("import", disk, client.task())
    with socket.create_connection((client.address, client.sim.http_port), 5) as sock:
        sock.sendall(head_of(["PUT %s HTTP/1.0" % target, "Content-Length: 4194304"]))
        assert sock.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("early, count", [(b"", 0), (b"body", 1)])
def test_who_leaves_before_the_200_has_sent_no_body(early, count):
    with Simulator({**CONFIG, "head_delay": 20}) as sim:
        client = PlainClient(sim)
        target = client.target("import", client.create_vdi("nfs", 10 * MIB), client.task())
        sock = socket.create_connection((client.address, sim.http_port), 5)
        sock.sendall(head_of(["PUT %s HTTP/1.0" % target, "Content-Length: 4194304"]) + early)
        if count:
            assert sock.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
        sock.close()
        while not [e for e in sim.log() if e["kind"] == "import" and "body_in" in e]:
            time.sleep(0.02)
        assert len(sim.state()["dislikes"]) == count


def test_expect_is_not_answered(client, sim, disk):
    target = client.target("import", disk, client.task())
    answer = client.put(target, bytes(4 * MIB), headers=["Expect: 100-continue"])
    assert b"100 Continue" not in answer
    assert "Expect" in sim.state()["dislikes"][0]["what"]


@pytest.mark.parametrize("size, status", [(1006, "404 Not Found"),
                                          (1007, "431 Request Header Fields Too Large")])
def test_head_limit(client, size, status):
    head = head_of(["GET /nothing HTTP/1.1", "X: "])
    answer = client.exchange(head.replace(b"X: ", b"X: " + b"x" * (size - len(head))))
    assert status_of(answer) == "HTTP/1.1 " + status


def test_endless_head_is_refused(client):
    answer = client.exchange(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1000)
    assert b"" == answer or status_of(answer).startswith("HTTP/1.1 431")


@pytest.mark.parametrize("line, status", [
    ("PUT /nowhere HTTP/1.1", 403), ("HEAD / HTTP/1.1", 501),
    ("DELETE /export_raw_vdi HTTP/1.1", 501), ("nonsense", 500),
    ("POST /jsonrpc HTTP/1.1", 500), ("GET /export_raw_vdi HTTP/1.1", 401)])
def test_routes_and_refusals(client, line, status):
    assert status_of(client.exchange(head_of([line]))).split()[1] == str(status)


def test_a_longer_path_takes_the_same_route(client, disk):
    target = client.target("export", disk).replace("vdi?", "vdi/?", 1)
    assert status_of(client.get(target)) == "HTTP/1.1 200 OK"


def test_large_rpc_body_is_refused(client):
    head = head_of(["POST /jsonrpc HTTP/1.1", "Content-Length: 307201"])
    assert status_of(client.exchange(head, b" " * 307201)).split()[1] == "500"


def test_rpc_connections_stay_open(client, sim):
    http_call = http.client.HTTPConnection(client.address, sim.http_port, timeout=5)
    for _ in range(3):
        http_call.request("POST", "/jsonrpc", '{"method":"x","params":[],"id":1}')
        response = http_call.getresponse()
        assert response.read() and not response.will_close
    http_call.close()


# -- who asks ------------------------------------------------------------------


def test_bad_session_is_401_and_leaves_the_task(client, disk):
    task = client.task()
    answer = client.put(client.target("import", disk, task, session_id="OpaqueRef:no"), b"")
    assert status_of(answer) == "HTTP/1.1 401 Unauthorised"
    assert b'WWW-Authenticate: Basic realm="' in answer
    assert client.call("task.get_status", task) == "pending"


def test_role_without_right_is_403_and_fails_the_task(client, disk, sim):
    task = client.task()
    guest = client.rpc("session.login_with_password", "guest", "look")
    answer = client.put(client.target("import", disk, task, session_id=guest), b"")
    assert status_of(answer).split()[1] == "403"
    assert client.wait(task)[1][0] == "RBAC_PERMISSION_DENIED"


def basic(user, password):
    text = base64.b64encode(("%s:%s" % (user, password)).encode()).decode()
    return ["Authorization: Basic " + text]


def test_basic_authorization(client, sim, disk):
    target = "/export_raw_vdi?vdi=%s" % client.uuid(disk)
    sessions = len(sim.state()["sessions"])
    assert status_of(client.get(target, basic("root", "secret"))) == "HTTP/1.1 200 OK"
    assert status_of(client.get(target, basic("root", "wrong"))).split()[1] == "401"
    assert status_of(client.get(target, ["Authorization: Digest x"])).split()[1] == "500"
    assert len(sim.state()["sessions"]) == sessions


def test_cookies_are_cut_but_not_trimmed(client, disk):
    for sign, found in ((";", True), ("&", True), ("; ", False)):
        task = client.task()
        cookie = "Cookie: session_id=%s%stask_id=%s" % (client.session, sign, task)
        client.get("/export_raw_vdi?vdi=%s" % disk, [cookie])
        assert (client.call("task.get_status", task) == "success") == found


def test_cookie_goes_before_query_for_the_session(client, disk):
    target = client.target("export", disk)
    assert status_of(client.get(target, ["Cookie: session_id=bad"])).split()[1] == "401"


def test_first_of_a_repeated_key_wins_and_values_are_decoded(client, disk):
    target = client.target("export", disk).replace(":", "%3A") + "&vdi=nothing"
    assert status_of(client.get(target)) == "HTTP/1.1 200 OK"


# -- before the data -----------------------------------------------------------


@pytest.mark.parametrize("verb", ["import", "export"])
def test_unknown_vdi_or_task_is_500_and_leaves_the_task(client, disk, verb):
    task = client.task()
    send = client.get if verb == "export" else (lambda t: client.put(t, b""))
    for query in ({"vdi": "OpaqueRef:no", "task": task},
                  {"vdi": disk, "task": client.call("task.get_uuid", task)}):
        answer = send(client.target(verb, **query))
        assert status_of(answer) == "HTTP/1.1 500 Internal Error"
        assert b"_INVALID" in answer
    assert client.call("task.get_status", task) == "pending"


def test_import_without_target_is_400(client):
    task = client.task()
    assert status_of(client.put(client.target("import", task=task), b"")).split()[1] == "400"
    assert client.wait(task) == ("failure", ["VDI_MISSING"])


def test_sr_id_is_a_ref_and_sr_uuid_a_uuid(client, sim):
    sr = sim.srs["nfs"]
    for query, status in (({"sr_id": sr["uuid"]}, "500"), ({"sr_uuid": sr["ref"]}, "500"),
                          ({"sr_uuid": sr["uuid"]}, "200")):
        answer = client.put(client.target("import", **query), bytes(512))
        assert status_of(answer).split()[1] == status


def test_export_without_vdi_is_500(client):
    answer = client.get(client.target("export"))
    assert b"Missing vdi query parameter" in answer


@pytest.mark.parametrize("query, headers, text", [
    ({"format": "vmdk"}, [], "Unknown format vmdk"),
    ({"format": "vhd", "chunked": 1}, [], "Cannot handle chunked VHD"),
    ({}, ["Transfer-Encoding: chunked"], "Cannot handle encoding: chunked")])
def test_what_is_answered_404(client, disk, query, headers, text):
    task = client.task()
    answer = client.put(client.target("import", disk, task, **query), b"", headers=headers)
    assert status_of(answer) == "HTTP/1.0 404 Not Found"
    assert client.wait(task) == ("failure", ["INTERNAL_ERROR", text])


def test_vhd_into_an_sr_is_400(client, sim):
    target = client.target("import", sr_id=sim.srs["nfs"]["ref"], format="vhd")
    assert status_of(client.put(target, b"")) == "HTTP/1.0 400 Bad Request"


def test_302_names_a_host_that_sees_the_sr(client, sim):
    disk, task = client.create_vdi("local", 4 * MIB), client.task()
    target = client.target("import", disk, task)
    answer = client.put(target, b"", headers=["Cookie: a=b"])
    assert status_of(answer) == "HTTP/1.1 302 Found"
    assert ("Location: https://%s%s\r\n" % (sim.authority("https", "two"), target)
            ).encode() in answer
    assert client.call("task.get_status", task) == "pending"


def test_no_host_is_400_with_a_second_answer(client, sim):
    disk, task = client.create_vdi("local", 4 * MIB), client.task()
    sim.unplug_sr(sr="local", host="two")
    try:
        answer = client.put(client.target("import", disk, task), b"")
    finally:
        sim.plug_sr(sr="local", host="two")
    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
    assert b"\r\n\r\nHTTP/1.1 500 Internal Error" in answer
    assert client.wait(task) == ("failure", ["NO_HOSTS_AVAILABLE"])


def test_slaves_serve_disks(client, sim):
    disk = client.create_vdi("local", 4 * MIB)
    client.address = sim.address("two")
    assert status_of(client.get(client.target("export", disk))) == "HTTP/1.1 200 OK"


def test_second_answer_after_a_late_failure(client, disk):
    answer = client.put(client.target("import", disk, format="vhd"), bytes(1024))
    head, _, late = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert late.startswith(b"HTTP/1.1 500 Internal Error\r\n")
    assert b"VDI_IO_ERROR" in late


def test_implicit_task_is_gone_at_the_end(client, sim, disk):
    answer = client.get(client.target("export", disk))
    ref = answer.split(b"task-id:")[1].split(b"\r\n")[0].decode()
    assert ref not in sim.state()["tasks"]


def test_slow_head_is_408():
    from .remote import Simulator
    with Simulator({"tls": False, "head_seconds": 0.2}) as sim:
        with socket.create_connection((sim.address(), sim.http_port), 5) as sock:
            sock.sendall(b"GET / HT")
            assert status_of(receive_all(sock)).split()[1] == "408"
