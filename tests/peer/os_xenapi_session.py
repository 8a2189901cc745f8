# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What os_xenapi's image functions need of a session, on top of its own XenAPI.py.

Its full XenAPISession wants dom0 plugins and pickles, which no simulator has.
"""

from os_xenapi.client import XenAPI, objects


class OsXenapiSession:
    """Logs in over XML-RPC and offers session.VDI, session.task and so on."""

    def __init__(self, url, user, password):
        self.xapi = XenAPI.Session(url)
        self.xapi.login_with_password(user, password, "2.1", "os-xenapi")
        self.VDI, self.SR = objects.VDI(self), objects.SR(self)
        self.pool, self.host = objects.Pool(self), objects.Host(self)
        self.task = objects.Task(self)

    def call_xenapi(self, method, *args):
        return self.xapi.xenapi_request(method, args)

    def get_session_id(self):
        return self.xapi.handle

    def close(self):
        self.xapi.logout()
