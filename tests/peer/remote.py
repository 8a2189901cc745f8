# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Start a simulator from a test, and talk to its control channel.

From a shell: python3 -m peer.remote CONTROL_PORT CALL ['{"arg": 1}']

    with Simulator({"srs": [{"type": "nfs"}]}) as sim:
        sim.url("https")            # https://127.0.0.1:PORT
        sim.state()["vdis"]         # any control call is a method
"""

import contextlib
import json
import os
import socket
import subprocess
import sys

PARENT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class ControlError(Exception):
    """A control call failed; the text says why."""


def ask(stream, name, args):
    """One control call over an open channel."""
    stream.write(json.dumps({"call": name, "args": args}).encode() + b"\n")
    stream.flush()
    answer = json.loads(stream.readline())
    if "error" in answer:
        raise ControlError(answer["error"])
    return answer["ok"]


class Simulator:
    """One pool in a process of its own, which ends with this object or this process."""

    def __init__(self, config=None, python=None):
        self._process = subprocess.Popen(
            [python or sys.executable, "-m", "peer", json.dumps(config or {})],
            cwd=PARENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the simulator did not start (exit status %d)"
                               % self._process.wait())
        self.ready = json.loads(line)
        self.tls_port = self.ready["tls_port"]
        self.http_port = self.ready["http_port"]
        self.hosts = self.ready["hosts"]
        self.srs = self.ready["srs"]
        self.vdis = self.ready["vdis"]
        self.ca_bundle = self.ready["ca_bundle"]
        self.state_dir = self.ready["state_dir"]
        self._control = socket.create_connection(("127.0.0.1", self.ready["control_port"]))
        self._stream = self._control.makefile("rwb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self._stream.close()
            self._control.close()
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    @property
    def pid(self):
        return self._process.pid

    # -- addresses ---------------------------------------------------------

    def address(self, host=None):
        return self.hosts[host or self.ready["master"]]["address"]

    def port(self, scheme="https"):
        return self.tls_port if scheme == "https" else self.http_port

    def url(self, scheme="https", host=None):
        return "%s://%s:%d" % (scheme, self.address(host), self.port(scheme))

    def authority(self, scheme="https", host=None):
        return "%s:%d" % (self.address(host), self.port(scheme))

    def fingerprint(self, host=None):
        """SHA-256 of the host's certificate, lower-case hex."""
        return self.hosts[host or self.ready["master"]]["sha256"]

    # -- control calls -----------------------------------------------------

    def call(self, name, /, **args):
        return ask(self._stream, name, args)

    def __getattr__(self, name):
        """sim.NAME(...) is the control call NAME, with keyword arguments."""
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda **args: self.call(name, **args)

    def vdi_path(self, vdi):
        """The raw file with the VDI's content, complete."""
        return self.call("vdi_path", vdi=vdi)

    def set_fault(self, **fault):
        """Returns the fault's id."""
        return self.call("set_fault", fault=fault)

    def rpc_calls(self, method=None):
        """The RPC calls logged so far, of one method or all."""
        calls = [e["rpc"] for e in self.call("log") if "rpc" in e]
        return [c for c in calls if method in (None, c["method"])]

    def leftovers(self):
        """VDIs, tasks, sessions and attachments: what should be gone after a failure."""
        state = self.call("state")
        return {k: state[k] for k in ("vdis", "tasks", "sessions", "attachments")
                if state[k]}


def main():
    """One control call from the command line; prints the answer as JSON."""
    port, call, args = sys.argv[1], sys.argv[2], json.loads((sys.argv[3:] or ["{}"])[0])
    with socket.create_connection(("127.0.0.1", int(port))) as sock:
        with sock.makefile("rwb") as stream:
            print(json.dumps(ask(stream, call, args), indent=1))


if __name__ == "__main__":
    main()
