# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""RPC calls on sessions, hosts and storage repositories."""

from .entity import Stamp


def _logout(caller):
    caller.pool.remove(caller.session)


def _this_host(caller, ref):
    return caller.pool.get("session", ref).host


def _servertime(caller, ref):
    caller.pool.get("host", ref)
    return Stamp(caller.pool.clock.now())


def _scan(caller, ref):
    caller.pool.get("SR", ref)


POOL_CALLS = {                      # name: (function, params with the session, and at most)
    "session.logout": (_logout, 1, 1),
    "session.get_this_host": (_this_host, 2, 2),
    "host.get_servertime": (_servertime, 2, 2),
    "SR.scan": (_scan, 2, 2),
    "SR.update": (_scan, 2, 2),
}
