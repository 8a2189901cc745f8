# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Logging in, finding the master, calls that go wrong."""

import time

import pytest

from peer.remote import Simulator
from tool_runner import CONTENT, SIZE, VHD, Tool, failed, nothing_left

LOGIN = "session.login_with_password"


def test_a_session_names_us_and_is_logged_out(sim, tool):
    assert tool.run("facts", "/sr/nfs").status == 0
    assert sim.rpc_calls(LOGIN)[0]["params"][3] == "vhdstream"
    nothing_left(sim)


def test_a_wrong_password_is_refused(sim, tool):
    tool.password = "wrong"
    failed(tool.run("facts", "/sr/nfs"), 5, "does not know this user or this password",
           "SESSION_AUTHENTICATION_FAILED")
    nothing_left(sim)


def test_without_a_password_nothing_is_sent(sim, tool):
    tool.password = None
    failed(tool.run("facts", "/sr/nfs"), 2, "no password is given for root")
    assert sim.log() == []


def test_an_unknown_certificate_is_refused_with_its_pin(sim, tool):
    tool.command = lambda name, path, *args, options=(): [tool.path, name, tool.place(path)]
    failed(tool.run("facts", "/sr/nfs"), 5, "--pin")
    assert sim.rpc_calls() == []


def test_a_pinned_certificate_is_enough(sim, tool):
    pin = "127.0.0.1=sha256:" + sim.fingerprint("one")
    tool.command = lambda name, path, *args, options=(): [tool.path, "-p", pin, name,
                                                          tool.place(path)]
    assert tool.run("facts", "/sr/nfs").status == 0


def test_a_slave_leads_to_the_master(sim, tool):
    tool.host = "two"
    result = tool.run("facts", "/sr/nfs")
    assert result.status == 0, result
    assert "host https://" + sim.authority("https", "one") in result.line
    nothing_left(sim)


def test_the_places_port_counts_for_other_hosts(xapitool):
    config = {"hosts": [{"name": "one"}, {"name": "two"}], "bare_addresses": True,
              "srs": [{"name": "local", "type": "ext", "hosts": ["two"]}]}
    with Simulator(config) as sim:
        tool = Tool(xapitool, sim)
        tool.host = "two"
        result = tool.put_vhd("local")
        assert result.status == 0, result


def test_the_master_moves_during_a_run(sim, tool):
    """The next call goes to the new one."""
    process = tool.start("import", "/sr/nfs", "vhd", SIZE)
    while not sim.rpc_calls(LOGIN):
        time.sleep(0.01)
    sim.set_master(host="two")
    out, err = process.communicate(VHD, timeout=60)
    assert process.returncode == 0, err
    assert tool.content(out.decode().strip()) == CONTENT
    assert sim.leftovers().keys() == {"vdis"}


def test_slaves_that_name_each_other_end(sim, tool):
    sim.set_fault(on="rpc", do="error", times=-1,
                  error=["HOST_IS_SLAVE", sim.authority("https", "two")])
    failed(tool.run("facts", "/sr/nfs"), 75, "not the pool's master", "HOST_IS_SLAVE")
    assert len(sim.rpc_calls(LOGIN)) == 6


def test_a_slave_that_names_no_host(sim, tool):
    sim.set_fault(on="rpc", do="error", error=["HOST_IS_SLAVE", "evil/?x"])
    failed(tool.run("facts", "/sr/nfs"), 75, "HOST_IS_SLAVE")


def test_a_given_session_is_used_and_not_logged_out(sim, tool):
    tool.run("facts", "/sr/nfs")
    tool.password = None
    from peer.plain_client import PlainClient
    client = PlainClient(sim)
    result = tool.run("facts", "/sr/nfs", options=["-s", client.session])
    assert result.status == 0, result
    assert sim.state()["sessions"] == [client.session]


def test_a_given_session_that_has_ended(sim, tool):
    tool.password = None
    result = tool.run("facts", "/sr/nfs", options=["-s", "OpaqueRef:1234-dead"])
    failed(result, 5, "the session has ended (SESSION_INVALID)")
    assert "dead" not in result.err


def test_a_session_the_server_forgot_is_opened_anew(sim, tool):
    sim.set_fault(on="rpc", do="error", match={"method": "SR.get_record"},
                  error=["SESSION_INVALID", "OpaqueRef:x"])
    assert tool.run("facts", "/sr/nfs").status == 0
    assert len(sim.rpc_calls(LOGIN)) == 2


def test_a_call_over_a_connection_that_died_is_made_again(sim, tool):
    sim.set_fault(on="rpc", do="reset", match={"method": "SR.get_record"})
    assert tool.run("facts", "/sr/nfs").status == 0
    nothing_left(sim)


def test_a_server_that_goes_away(sim, tool):
    sim.set_fault(on="rpc", do="close", match={"method": "SR.get_record"}, times=-1)
    failed(tool.run("facts", "/sr/nfs"), 75, "SR.get_record")
    nothing_left(sim)


def test_a_server_that_stalls(sim, tool):
    sim.set_fault(on="rpc", do="stall", match={"method": "SR.get_record"}, times=-1)
    failed(tool.run("facts", "/sr/nfs", options=["-t", "1"]), 75, "SR.get_record",
           "no byte in 1 seconds")


@pytest.mark.parametrize("answer, words", [
    ("<html>what?</html>", "no JSON"),
    ('{"id": 1}', "neither a result nor an error"),
    ('{"result": 7, "id": 1}', "no reference"),
    ('{"result": "a b", "id": 1}', "no reference"),
    ('{"error": {"code": 1}, "id": 1}', "without a code"),
    ("[" * 100000, "nests"),
])
def test_answers_of_a_hostile_server(sim, tool, answer, words):
    sim.set_fault(on="rpc", do="answer", text=answer, match={"method": "SR.get_by_name_label"},
                  times=-1)
    result = tool.run("facts", "/sr/nfs")
    assert result.status == 3 or "no list" in result.err, result
    assert words in result.err or "no list" in result.err


def test_an_endless_answer_is_cut_off(sim, tool):
    sim.set_fault(on="rpc", do="answer", text='["' + "x" * 65000, repeat=1000,
                  match={"method": "SR.get_by_name_label"}, times=-1)
    failed(tool.run("facts", "/sr/nfs"), 3, "the answer is longer than 8388608 bytes")


@pytest.mark.parametrize("status, ours", [(401, 5), (403, 5), (404, 4), (500, 75), (503, 75)])
def test_http_statuses_of_calls(sim, tool, status, ours):
    sim.set_fault(on="rpc", do="status", status=status, text="for a reason",
                  match={"method": "SR.get_by_name_label"}, times=-1)
    failed(tool.run("facts", "/sr/nfs"), ours, "SR.get_by_name_label", str(status),
           "for a reason")
    nothing_left(sim)


def test_the_same_without_tls(sim, tool):
    tool.scheme = "http"
    result = tool.run("facts", "/sr/nfs")
    assert "host http://" in result.line
    nothing_left(sim)
