# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The least client that can talk to a pool: http.client, raw sockets, JSON-RPC."""

import http.client
import json
import socket
import time


class RpcFailure(Exception):
    """XAPI's error as [code, params...] in args[0]."""


class PlainClient:
    def __init__(self, sim, host=None, user="root", password="secret"):
        self.sim = sim
        self.address = sim.address(host)
        self.session = self.rpc("session.login_with_password", user, password) if user \
            else None

    def rpc(self, method, *params):
        """One JSON-RPC 2.0 call over a connection of its own."""
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1})
        http_call = http.client.HTTPConnection(self.address, self.sim.http_port, timeout=20)
        http_call.request("POST", "/jsonrpc", body)
        answer = json.loads(http_call.getresponse().read())
        http_call.close()
        if "error" in answer:
            error = answer["error"]
            raise RpcFailure(error if isinstance(error, list)
                             else [error["message"]] + error["data"])
        return answer["result"]

    def call(self, method, *params):
        return self.rpc(method, self.session, *params)

    # -- short cuts --------------------------------------------------------

    def create_vdi(self, sr, size, **fields):
        record = {"SR": self.sim.srs[sr]["ref"], "virtual_size": size, "type": "user",
                  "sharable": False, "read_only": False, "other_config": {}, **fields}
        return self.call("VDI.create", record)

    def uuid(self, vdi):
        return self.call("VDI.get_uuid", vdi)

    def content(self, vdi):
        with open(self.sim.vdi_path(self.uuid(vdi)), "rb") as file:
            return file.read()

    def task(self):
        return self.call("task.create", "a task", "")

    def wait(self, task):
        """The task's (status, error_info) once it is no longer pending."""
        for _ in range(400):
            record = self.call("task.get_record", task)
            if record["status"] != "pending":
                return record["status"], record["error_info"]
            time.sleep(0.01)
        raise TimeoutError("the task stays pending")

    def target(self, verb, vdi=None, task=None, **query):
        query = {"session_id": self.session, "task_id": task, "vdi": vdi, **query}
        return "/%s_raw_vdi?%s" % (verb, "&".join(
            "%s=%s" % (k, v) for k, v in query.items() if v is not None))

    # -- transfers ---------------------------------------------------------

    def exchange(self, head, body=b"", half_close=True):
        """Send a head and a body over a raw socket; everything that comes back."""
        with socket.create_connection((self.address, self.sim.http_port), 20) as sock:
            try:
                sock.sendall(head)
                sock.sendall(body)
                if half_close:
                    sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return receive_all(sock)

    def put(self, target, body, length=True, headers=(), half_close=True):
        """PUT; length True means the body's, None means no Content-Length."""
        lines = ["PUT %s HTTP/1.1" % target, "Host: x"] + list(headers)
        if length is not None:
            lines.append("Content-Length: %d" % (len(body) if length is True else length))
        return self.exchange(head_of(lines), body, half_close)

    def get(self, target, headers=()):
        return self.exchange(head_of(["GET %s HTTP/1.1" % target, "Host: x", *headers]),
                             half_close=False)

    def import_disk(self, vdi, body, length=True, **query):
        """Import and give the task's verdict: (status, error_info)."""
        task = self.task()
        self.put(self.target("import", vdi, task, **query), body, length)
        return self.wait(task)

    def export_disk(self, vdi, **query):
        """The body of an export."""
        task = self.task()
        answer = self.get(self.target("export", vdi, task, **query))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        return body, self.wait(task)


def head_of(lines):
    return "\r\n".join(list(lines) + ["", ""]).encode("latin-1")


def receive_all(sock):
    parts = []
    while True:
        try:
            data = sock.recv(1 << 20)
        except OSError:
            break
        if not data:
            break
        parts.append(data)
    return b"".join(parts)
