# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Fault switches: which request they strike, and what happens then.

A fault is a dictionary. `on` (import, export, rpc, connect) and `match` select
requests; `nth` skips the first ones, `times` says how often it strikes (-1: always).
`do` and `at` say what happens where; README.md lists them.
"""

import base64
import itertools
import re
import threading

from .http_head import error_page, redirect, rpc_head
from .wire import Gate
from .xapi_error import DataError, LinkClosed, XapiError

HEAD_ACTIONS = ("status", "redirect", "raw", "answer")
ACTIONS = HEAD_ACTIONS + ("close", "reset", "stall", "slow", "error", "corrupt", "insert",
                          "cut", "verdict")
KINDS = ("import", "export", "rpc", "connect")


class FaultSwitches:
    """All switches that are set. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self._faults = []
        self._ids = itertools.count(1)

    def set(self, fault):
        if fault.get("on") not in KINDS or fault.get("do") not in ACTIONS:
            raise ValueError("fault needs on: %s and do: %s"
                             % ("|".join(KINDS), "|".join(ACTIONS)))
        fault = dict(fault, id=next(self._ids), seen=0, fired=0)
        with self._lock:
            self._faults.append(fault)
        return fault["id"]

    def clear(self, fault_id=None):
        with self._lock:
            self._faults = [f for f in self._faults
                            if fault_id is not None and f["id"] != fault_id]

    def listing(self):
        with self._lock:
            return [dict(f) for f in self._faults]

    def due(self, kind, about):
        """Copies of the faults that strike this request; counts them."""
        struck = []
        with self._lock:
            for fault in self._faults:
                if fault["on"] == kind and _matches(fault.get("match", {}), about):
                    fault["seen"] += 1
                    if self._is_due(fault):
                        fault["fired"] += 1
                        struck.append(dict(fault))
        return struck

    @staticmethod
    def _is_due(fault):
        if fault["seen"] < fault.get("nth", 1):
            return False
        times = fault.get("times", 1)
        return times < 0 or fault["fired"] < times


def _matches(wanted, about):
    """Every wanted key's regular expression must match the whole value."""
    return all(re.fullmatch(str(pattern), str(about.get(key)))
               for key, pattern in wanted.items())


class FaultPlan:
    """The faults of one request, bound to its connection."""

    def __init__(self, faults, wire, clock, entry):
        self.faults = faults
        self.wire = wire
        self.clock = clock
        self.entry = entry
        self.verdict = None         # {"task": ..., "error": [...], "inband": ...}
        self.cut = False
        self._late = []

    def _take(self, places):
        return [f for f in self.faults if self._place(f) in places]

    @staticmethod
    def _place(fault):
        at = fault.get("at", "head" if fault["do"] in HEAD_ACTIONS else None)
        if at is None:
            at = "end" if fault["do"] in ("verdict", "error") else 0
        return at if isinstance(at, str) else "body"

    # -- before the response head ------------------------------------------

    def at_head(self):
        """True when a fault answered the request itself."""
        for fault in self._take(("head",)):
            self._note(fault)
            if fault["do"] in HEAD_ACTIONS:
                try:
                    self._answer(fault)
                except LinkClosed:          # with a word on the task, it is kept
                    if "task" not in fault:
                        raise
                self.verdict = fault
                return True
            self._strike(fault)
        return False

    def _answer(self, fault):
        if fault["do"] == "status":
            self.wire.send_head(error_page(fault["status"], fault.get("text", "")))
        elif fault["do"] == "redirect":
            self.wire.send_head(redirect(fault["location"]))
        else:
            self._send_raw(fault)

    def _send_raw(self, fault):
        """raw: bytes in place of the response; answer: in place of an RPC's JSON."""
        data = base64.b64decode(fault["base64"]) if "base64" in fault \
            else fault["text"].encode("latin-1")
        repeat = fault.get("repeat", 1)
        if fault["do"] == "answer":
            self.wire.send_head(rpc_head("application/json", len(data) * repeat, False))
        if "first" in fault:
            self.wire.send_head(fault["first"].encode("latin-1"))
        for _ in range(repeat):
            self.wire.send_head(data)
        then = fault.get("then", "close")
        if then != "close":
            self._strike(dict(fault, do=then))

    # -- in the body -------------------------------------------------------

    def arm(self, length):
        """Set gates; length is the body's, None when nobody knows it."""
        gates = self.wire.gates_in if self.entry["kind"] == "import" \
            else self.wire.gates_out
        for fault in self._take(("body",)):
            at = fault.get("at", 0)
            if at < 0:
                at = max(0, (length or 0) + at)
            if length is not None and at >= length:
                self._late.append(fault)        # no byte follows that could fire it
            else:
                gates.append(Gate(at, lambda f=fault: self._fire(f)))
        gates.sort(key=lambda g: g.at)

    def at_end(self):
        """After the last body byte, before the disk is detached."""
        for fault in self._late + self._take(("end",)):
            self._fire(fault)

    def _fire(self, fault):
        self._note(fault)
        self._strike(fault)

    def _strike(self, fault):
        do = fault["do"]
        if "task" in fault:
            self.verdict = fault
        if do == "stall":
            self._stall(fault)
        elif do == "slow":
            self.wire.rate = fault["rate"]
        elif do == "error":
            raise XapiError(*fault.get("error", ["VDI_IO_ERROR", "Device I/O errors"]))
        elif do == "insert":
            self.wire.send_head(fault.get("text", "?").encode("latin-1"))
        elif do == "corrupt":
            self.wire.corrupt_next()
        elif do == "cut":
            self.cut = True
            raise DataError("cut by a fault switch")
        elif do in ("close", "reset"):
            self._hang_up(do, fault)

    def _stall(self, fault):
        seconds = fault.get("seconds", 1e9)
        ended = self.clock.sleep(seconds, give_up=self.wire.peer_left)
        if not ended:
            raise LinkClosed("the client left during a stall")

    def _hang_up(self, do, fault):
        if do == "reset":
            self.wire.reset()
        else:
            self.wire.close(notify=fault.get("notify", True))
        raise LinkClosed("%s by a fault switch" % do)

    def _note(self, fault):
        self.entry["faults"].append(fault["id"])
