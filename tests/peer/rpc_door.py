# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""POST: read the body, find the dialect, dispatch, answer."""

import time

from . import http_head, rpc_json, rpc_xml
from .rpc_dispatch import dispatch
from .xapi_error import LinkClosed, XapiError

BODY_LIMIT = 300 << 10


def handle_rpc(exchange):
    """Returns whether the connection stays open."""
    request = exchange.request
    length = request.content_length()
    if length is None or length > BODY_LIMIT:
        exchange.reply(500, http_head.error_page(500, "no or too large body"))
        return False
    body = bytearray(length)
    if exchange.wire.fill(memoryview(body)) < length:
        raise LinkClosed("RPC body cut")
    if request.path.startswith("/jsonrpc"):
        return _answer_json(exchange, bytes(body))
    return _answer_xml(exchange, bytes(body))


def _answer_json(exchange, body):
    try:
        call = rpc_json.JsonCall(body)
    except XapiError as e:
        return _reply(exchange, rpc_json.early_failure(e), "application/json")
    return _answer(exchange, "json", call.method, call.params, call, "application/json")


def _answer_xml(exchange, body):
    try:
        method, params = rpc_xml.parse_call(body)
    except rpc_xml.BadCall as e:
        exchange.reply(500, http_head.error_page(500, str(e)))
        return False
    return _answer(exchange, "xml", method, params, rpc_xml, "text/xml")


def _answer(exchange, protocol, method, params, codec, content_type):
    """Run the call, with the fault switches before and after it."""
    exchange.entry["rpc"] = {"protocol": protocol, "method": method, "params": params}
    exchange.draw_faults(method=method)
    before, after = _split(exchange.plan.faults)
    if _strikes(exchange, before):
        return False
    data = _run(exchange, method, params, codec, before)
    if _strikes(exchange, after):
        return False
    return _reply(exchange, data, content_type)


def _split(faults):
    """Faults strike before the call is run unless they say `when: after`."""
    after = [dict(f, at="head") for f in faults if f.get("when") == "after"]
    before = [dict(f, at="head") for f in faults if f.get("when") != "after"]
    return before, after


def _strikes(exchange, faults):
    exchange.plan.faults = [f for f in faults if f["do"] != "error"]
    return exchange.plan.at_head()


def _run(exchange, method, params, codec, faults):
    try:
        for fault in faults:
            if fault["do"] == "error":
                exchange.entry["faults"].append(fault["id"])
                raise XapiError(*fault["error"])
        value = dispatch(exchange, method, params)
    except XapiError as e:
        exchange.entry["rpc"]["error"] = e.as_list()
        return codec.failure(e)
    if isinstance(value, str):
        exchange.entry["rpc"]["result"] = value
    return codec.success(value)


def _reply(exchange, body, content_type):
    keep = not exchange.request.wants_close()
    exchange.entry["answered_after"] = time.monotonic() - exchange.entry["monotonic"]
    exchange.reply(200, http_head.rpc_head(content_type, len(body), keep) + body)
    return keep
