# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The RPC side: dialects, sessions, records, tasks, errors."""

import http.client
import json
import time
import xmlrpc.client

import pytest

from .plain_client import PlainClient, RpcFailure
from .vhd_maker import MIB


def post(client, path, body):
    http_call = http.client.HTTPConnection(client.address, client.sim.http_port, timeout=5)
    http_call.request("POST", path, body)
    response = http_call.getresponse()
    data = response.read().decode()
    http_call.close()
    return response.status, data


def failure(call, *args):
    with pytest.raises(RpcFailure) as caught:
        call(*args)
    return caught.value.args[0]


# -- dialects ------------------------------------------------------------------


def test_json_1_0(client):
    ask = {"method": "pool.get_all", "params": [client.session], "id": 7}
    answer = json.loads(post(client, "/jsonrpc", json.dumps(ask))[1])
    assert answer["error"] is None and answer["id"] == 7 and len(answer["result"]) == 1
    ask["params"] = ["x"]
    answer = json.loads(post(client, "/jsonrpc", json.dumps(ask))[1])
    assert answer == {"result": None, "error": ["SESSION_INVALID", "x"], "id": 7}


def test_json_2_0_failure(client):
    ask = {"jsonrpc": "2.0", "method": "pool.get_all", "params": ["x"], "id": "a"}
    assert json.loads(post(client, "/jsonrpc", json.dumps(ask))[1]) == {
        "jsonrpc": "2.0", "id": "a",
        "error": {"code": 1, "message": "SESSION_INVALID", "data": ["x"]}}


@pytest.mark.parametrize("body", ["{", "[]", '{"jsonrpc":"2.0","method":"a","params":[]}'])
def test_json_errors_before_dispatch_are_a_plain_array(client, body):
    status, text = post(client, "/jsonrpc", body)
    assert status == 200 and json.loads(text)["error"][0] == "INTERNAL_ERROR"


def xml_call(method, *values):
    return "<?xml version='1.0'?><methodCall><methodName>%s</methodName><params>%s" \
        "</params></methodCall>" % (method, "".join(
            "<param><value>%s</value></param>" % v for v in values))


def test_xml_values_are_bare(client):
    disk = client.create_vdi("nfs", 4 * MIB)
    for path in ("/", "/RPC2", "/json", "/anything"):
        status, text = post(client, path,
                            xml_call("VDI.get_virtual_size", client.session, disk))
        assert status == 200 and "<value>4194304</value>" in text
        assert "<value>Success</value>" in text


def test_xml_boolean_true_is_false(client, sim):
    struct = "".join("<member><name>%s</name><value>%s</value></member>" % m for m in (
        ("SR", sim.srs["nfs"]["ref"]), ("virtual_size", "<i8>2097152</i8>"),
        ("type", "<string>user</string>"), ("sharable", "<boolean>true</boolean>"),
        ("read_only", "<boolean>1</boolean>"), ("other_config", "<struct/>")))
    _, text = post(client, "/", xml_call("VDI.create", client.session,
                                         "<struct>%s</struct>" % struct))
    ref = text.split("OpaqueRef:")[1].split("<")[0]
    record = client.call("VDI.get_record", "OpaqueRef:" + ref)
    assert record["sharable"] is False and record["read_only"] is True


def test_xml_failures_and_types(client, sim):
    proxy = xmlrpc.client.ServerProxy(sim.url("http"))
    answer = proxy.VDI.get_record(client.session, "OpaqueRef:no")
    assert answer == {"Status": "Failure",
                      "ErrorDescription": ["HANDLE_INVALID", "VDI", "OpaqueRef:no"]}
    record = proxy.task.get_record(client.session, client.task())["Value"]
    assert record["progress"] == 0.0 and record["subtasks"] == []
    assert isinstance(record["created"], xmlrpc.client.DateTime)


def test_xml_rubbish_is_500(client):
    assert post(client, "/", "<methodCall>")[0] == 500


# -- sessions ------------------------------------------------------------------


def test_logout_ends_the_session(client):
    client.call("session.logout")
    assert failure(client.call, "pool.get_all") == ["SESSION_INVALID", client.session]


def test_bad_password_takes_five_seconds_of_the_clock(client, sim):
    before, real = sim.state()["clock"], time.monotonic()
    error = failure(client.rpc, "session.login_with_password", "root", "wrong")
    assert error[:2] == ["SESSION_AUTHENTICATION_FAILED", "root"]
    assert sim.state()["clock"] - before >= 5
    assert time.monotonic() - real < 2


def test_session_dies_after_a_day_without_calls(client, sim):
    sim.advance_clock(seconds=23 * 3600)
    client.call("pool.get_all")
    sim.advance_clock(seconds=25 * 3600)
    assert failure(client.call, "pool.get_all")[0] == "SESSION_INVALID"


def test_slaves_name_the_master(client, sim):
    session, client.address = client.session, sim.address("two")
    master = ["HOST_IS_SLAVE", sim.authority("http", "one")]
    assert failure(client.rpc, "session.login_with_password", "root", "secret") == master
    assert failure(client.rpc, "pool.get_all", session) == master
    sim.set_master(host="two")
    try:
        assert client.rpc("pool.get_all", session)
    finally:
        sim.set_master(host="one")


def test_wrong_calls(client):
    assert failure(client.call, "VDI.fly") == ["MESSAGE_METHOD_UNKNOWN", "VDI.fly"]
    assert failure(client.call, "VDI.get_uuid") == [
        "MESSAGE_PARAMETER_COUNT_MISMATCH", "VDI.get_uuid", "2", "1"]
    assert failure(client.call, "VDI.get_by_uuid", "x") == ["UUID_INVALID", "VDI", "x"]
    assert failure(client.call, "VDI.destroy", "x") == ["HANDLE_INVALID", "VDI", "x"]


# -- VDI.create ----------------------------------------------------------------


@pytest.mark.parametrize("field", ["SR", "virtual_size", "type", "sharable", "read_only",
                                   "other_config"])
def test_create_needs_its_fields(client, sim, field):
    record = {"SR": sim.srs["nfs"]["ref"], "virtual_size": "1", "type": "user",
              "sharable": False, "read_only": False, "other_config": {}}
    del record[field]
    code, text = failure(client.call, "VDI.create", record)
    assert code == "INTERNAL_ERROR" and "FieldNotFound" in text and field in text


@pytest.mark.parametrize("sr, asked, given", [
    ("nfs", 1, 2 * MIB), ("nfs", 4 * MIB + 1, 6 * MIB), ("lvhd", 3 * MIB, 4 * MIB),
    ("rawlv", 5 * MIB, 8 * MIB), ("luns", 5 * MIB + 512, 5 * MIB + 512)])
def test_create_rounds_sizes(client, sr, asked, given):
    disk = client.create_vdi(sr, asked)
    assert client.call("VDI.get_virtual_size", disk) == given
    assert len(client.export_disk(disk)[0]) == given


def test_create_limits(client, sim):
    assert failure(client.create_vdi, "nfs", (2040 << 30) + 1)[0] == "SR_BACKEND_FAILURE_79"
    assert failure(client.create_vdi, "rawlv", 2 << 40)[0] == "SR_BACKEND_FAILURE_44"
    assert failure(client.create_vdi, "lost", MIB)[0] == "SR_NOT_ATTACHED"
    client.create_vdi("nfs", 2040 << 30)        # thin: larger than the SR itself


def test_names_and_other_config(client):
    disk = client.create_vdi("nfs", 1, name_label="a", other_config={"k": "v"})
    client.call("VDI.set_name_label", disk, "b")
    client.call("VDI.add_to_other_config", disk, "l", "w")
    client.call("VDI.remove_from_other_config", disk, "k")
    assert client.call("VDI.get_other_config", disk) == {"l": "w"}
    assert client.call("VDI.get_by_name_label", "b") == [disk]
    assert failure(client.call, "VDI.add_to_other_config", disk, "l", "w")[0] \
        == "MAP_DUPLICATE_KEY"


def test_the_way_to_the_right_host(client, sim):
    disk = client.create_vdi("local", 1)
    pbds = client.call("SR.get_PBDs", client.call("VDI.get_SR", disk))
    plugged = [p for p in pbds if client.call("PBD.get_currently_attached", p)]
    host, = {client.call("PBD.get_host", p) for p in plugged}
    assert client.call("host.get_address", host) == sim.address("two")


# -- tasks ---------------------------------------------------------------------


def test_pending_task_is_only_marked_for_destruction(client, sim):
    task = client.task()
    client.call("task.destroy", task)
    assert client.call("task.get_status", task) == "pending"
    client.call("task.set_status", task, "success")
    assert failure(client.call, "task.get_status", task) == ["HANDLE_INVALID", "task", task]


def test_a_task_completes_once(client):
    task, disk = client.task(), client.create_vdi("nfs", 1)
    client.call("task.set_status", task, "cancelled")
    client.get(client.target("export", disk, task))
    assert client.call("task.get_status", task) == "cancelled"


def test_cancel_does_not_stop_a_copy(client, sim):
    task, disk = client.task(), client.create_vdi("nfs", 1)
    sim.set_fault(on="import", do="stall", seconds=30)
    import threading
    mover = threading.Thread(target=client.put, args=(
        client.target("import", disk, task), bytes(2 * MIB)))
    mover.start()
    client.call("task.cancel", task)
    mover.join()
    assert client.wait(task) == ("success", [])


def test_old_tasks_are_swept(client, sim):
    done, pending = client.task(), client.task()
    client.call("task.set_status", done, "success")
    sim.advance_clock(seconds=66 * 60)
    assert failure(client.call, "task.get_status", done)[0] == "HANDLE_INVALID"
    assert client.call("task.get_status", pending) == "pending"
    sim.advance_clock(seconds=24 * 3600)
    client.session = PlainClient(sim).session
    for progress in (0.5, 0.500001):
        assert client.call("task.get_status", pending) == "pending"
        client.call("task.set_progress", pending, progress)
        sim.advance_clock(seconds=31)
    assert client.call("task.get_status", pending) == "pending"
    sim.advance_clock(seconds=31)
    assert failure(client.call, "task.get_status", pending)[0] == "HANDLE_INVALID"


def test_async_gives_a_task(client):
    disk = client.create_vdi("nfs", 1)
    task = client.call("Async.VDI.snapshot", disk)
    assert client.wait(task)[0] == "success"
    assert client.call("task.get_result", task).startswith("<value>OpaqueRef:")
    assert failure(client.call, "Async.VDI.get_uuid", disk)[0] == "MESSAGE_METHOD_UNKNOWN"


# -- in use --------------------------------------------------------------------


def test_detach_lag_holds_task_and_disk(client, sim):
    disk, task = client.create_vdi("nfs", 1), client.task()
    sim.set_detach_lag(seconds=60)
    import threading
    mover = threading.Thread(target=client.put, args=(
        client.target("import", disk, task), bytes(2 * MIB)))
    mover.start()
    try:
        while not sim.state()["attachments"]:
            time.sleep(0.01)
        time.sleep(0.1)
        assert client.call("task.get_status", task) == "pending"
        assert failure(client.call, "VDI.destroy", disk)[:2] == ["VDI_IN_USE", disk]
        assert client.wait(task) == ("success", [])
        client.call("VDI.destroy", disk)
    finally:
        sim.set_detach_lag(seconds=0)
        mover.join()


def test_destroy_can_be_busy_for_some_calls(client, sim):
    disk = client.create_vdi("nfs", 1)
    sim.make_vdi_busy(vdi=disk, calls=2)
    assert failure(client.call, "VDI.destroy", disk)[0] == "VDI_IN_USE"
    assert failure(client.call, "VDI.destroy", disk)[0] == "VDI_IN_USE"
    client.call("VDI.destroy", disk)
    assert sim.state()["vdis"] == {}


def test_space_is_given_back(client, sim):
    client.call("VDI.destroy", client.create_vdi("rawlv", 8 * MIB))
    disk = client.create_vdi("nfs", 8 * MIB)
    client.import_disk(disk, bytes(8 * MIB))
    snap = client.call("VDI.snapshot", disk)
    assert sim.state()["srs"]["nfs"]["used"] == 8 * MIB
    client.call("VDI.destroy", disk)
    assert sim.state()["srs"]["nfs"]["used"] == 8 * MIB
    client.call("VDI.destroy", snap)
    assert {sr["used"] for sr in sim.state()["srs"].values()} == {0}
