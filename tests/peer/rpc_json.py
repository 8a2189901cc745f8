# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""JSON-RPC 1.0 and 2.0 as XAPI speaks them."""

import json

from .entity import Stamp
from .xapi_error import XapiError


class JsonCall:
    """One parsed call and the form its answer takes."""

    def __init__(self, body):
        self.is_v2 = True
        self.id = None
        self.ready = False          # errors before this point have a form of their own
        try:
            call = json.loads(body)
        except ValueError as e:
            raise XapiError("INTERNAL_ERROR", "JSON: %s" % e) from e
        if not isinstance(call, dict):
            raise XapiError("INTERNAL_ERROR", "JSON-RPC: not an object")
        self._take(call)

    def _take(self, call):
        self.is_v2 = "jsonrpc" in call
        self.id = call.get("id")
        if self.is_v2 and (call["jsonrpc"] != "2.0" or not self._good_id()):
            raise XapiError("INTERNAL_ERROR", "JSON-RPC: bad version or id")
        self.method = call.get("method")
        self.params = call.get("params", [])
        if not isinstance(self.method, str) or not isinstance(self.params, list):
            raise XapiError("INTERNAL_ERROR", "JSON-RPC: no method or params")
        self.ready = True

    def _good_id(self):
        return isinstance(self.id, (int, str)) and not isinstance(self.id, bool)

    def success(self, value):
        value = _plain(value)
        if self.is_v2:
            return _dump({"jsonrpc": "2.0", "result": value, "id": self.id})
        return _dump({"result": value, "error": None, "id": self.id})

    def failure(self, error):
        if not self.is_v2:
            return _dump({"result": None, "error": error.as_list(), "id": self.id})
        return _dump({"jsonrpc": "2.0", "id": self.id, "error":
                      {"code": 1, "message": error.code, "data": error.params}})


def early_failure(error):
    """The form of errors raised before dispatch: 2.0, but a plain array."""
    return _dump({"jsonrpc": "2.0", "error": error.as_list(), "id": 0})


def _dump(answer):
    return json.dumps(answer).encode()


def _plain(value):
    if isinstance(value, Stamp):
        return value.iso()
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value
