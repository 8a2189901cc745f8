# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What was asked: one entry per connection fault, request and RPC call."""

import threading
import time


class RequestLog:
    def __init__(self, clock):
        self._clock = clock
        self._lock = threading.Lock()
        self._entries = []
        self._count = 0

    def add(self, **fields):
        """A new entry; the caller goes on filling it in."""
        entry = {"time": self._clock.now(), "monotonic": time.monotonic(),
                 "done": False, "faults": []}
        entry.update(fields)
        with self._lock:
            self._count += 1
            entry["n"] = self._count
            self._entries.append(entry)
        return entry

    def entries(self):
        with self._lock:
            return [dict(e) for e in self._entries]

    def unfinished(self):
        with self._lock:
            return [e["n"] for e in self._entries if not e["done"]]

    def clear(self):
        with self._lock:
            self._entries = []
