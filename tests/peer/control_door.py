# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The control channel: one JSON object a line, each way, over loopback TCP.

    {"call": "state", "args": {}}   ->   {"ok": ...}   or   {"error": "text"}
"""

import json
import socket
import threading


class ControlDoor:
    def __init__(self, calls):
        self._calls = calls
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.port = self._sock.getsockname()[1]

    def start(self):
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            sock, _ = self._sock.accept()
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with sock, sock.makefile("rwb") as stream:
            for line in stream:
                try:
                    answer = {"ok": self._call(json.loads(line))}
                except Exception as e:      # a test must see its mistake, whatever it was
                    answer = {"error": "%s: %s" % (type(e).__name__, e)}
                stream.write(json.dumps(answer).encode() + b"\n")
                stream.flush()

    def _call(self, message):
        name = message["call"]
        if name.startswith("_") or not hasattr(self._calls, name):
            raise ValueError("no control call named %s" % name)
        return getattr(self._calls, name)(**message.get("args", {}))
