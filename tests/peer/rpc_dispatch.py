# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""From a method name to the code that does it."""

import threading

from .entity import Entity
from .generic_calls import find_generic
from .pool_calls import POOL_CALLS
from .task_calls import TASK_CALLS
from .vdi_calls import VDI_CALLS
from .xapi_error import XapiError

LOGIN = ("session.login_with_password", "session.slave_local_login_with_password")
CALLS = {**POOL_CALLS, **TASK_CALLS, **VDI_CALLS}


class Caller:
    """Who calls, and over which host."""

    def __init__(self, exchange):
        self.exchange = exchange
        self.pool = exchange.pool
        self.host = exchange.host
        self.session = None

    def master_address(self):
        wire = self.exchange.wire
        return self.exchange.server.authority(self.pool.master, wire.is_tls)


def dispatch(exchange, method, params):
    """The call's value; raises XapiError."""
    caller = Caller(exchange)
    if method in LOGIN:
        _count(method, params, 2, 4)
        _refuse_slave(caller)
        return _login(caller, *params)
    is_async = method.startswith("Async.")
    name = method[6:] if is_async else method
    function, least, most = _find(caller.pool, name, is_async, method)
    _count(method, params, least, most)
    _refuse_slave(caller)
    caller.session = caller.pool.session(params[0])
    _check_role(caller, name)
    if is_async:
        return _start(caller, name, function, params[1:])
    return _value(function(caller, *params[1:]))


def _find(pool, name, is_async, method):
    call = CALLS.get(name)
    if not call and not is_async:   # getters and setters have no Async form
        call = find_generic(pool, name)
    if not call:
        raise XapiError("MESSAGE_METHOD_UNKNOWN", method)
    return call


def _count(method, params, least, most):
    if not least <= len(params) <= most:
        expected = least if len(params) < least else most
        raise XapiError("MESSAGE_PARAMETER_COUNT_MISMATCH", method, expected, len(params))


def _refuse_slave(caller):
    if caller.host is not caller.pool.master:
        raise XapiError("HOST_IS_SLAVE", caller.master_address())


def _check_role(caller, name):
    reads = name == "session.logout" or name.partition(".")[2].startswith("get_")
    if not reads and caller.pool.is_read_only(caller.session):
        raise XapiError("RBAC_PERMISSION_DENIED", name, "No permission in user session")


def _login(caller, user, password, version="1.1", originator=""):
    del version
    return caller.pool.login(user, password, caller.host, originator).ref


def _start(caller, name, function, params):
    """Run the call in a thread; its task carries the value or the error."""
    task = caller.pool.create_task("Async." + name)

    def work():
        try:
            value = _value(function(caller, *params))
            task.succeed("<value>%s</value>" % value if value != "" else "")
        except XapiError as e:
            task.fail(e)
    threading.Thread(target=work, daemon=True).start()
    return task.ref


def _value(value):
    if value is None:
        return ""
    return value.ref if isinstance(value, Entity) else value
