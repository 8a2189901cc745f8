# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The simulated clock: tests speed it up, stop it or push it forward."""

import threading
import time

POLL_SECONDS = 0.05     # how often a sleeper looks whether it should give up


class SimClock:
    """Seconds since the Unix epoch that run `scale` times as fast as real ones."""

    def __init__(self, scale=1.0):
        self._changed = threading.Condition()
        self._base = time.time()
        self._mark = time.monotonic()
        self._scale = float(scale)

    def now(self):
        with self._changed:
            return self._now()

    def advance(self, seconds):
        with self._changed:
            self._base += float(seconds)
            self._changed.notify_all()

    def set_scale(self, scale):
        with self._changed:
            self._base = self._now()
            self._mark = time.monotonic()
            self._scale = float(scale)
            self._changed.notify_all()

    def scale(self):
        with self._changed:
            return self._scale

    def sleep(self, seconds, give_up=None):
        """Sleep simulated seconds; True when they passed, False when give_up() said so."""
        return self.sleep_until(self.now() + seconds, give_up)

    def sleep_until(self, deadline, give_up=None):
        while True:
            if give_up and give_up():
                return False
            with self._changed:
                left = deadline - self._now()
                if left <= 0:
                    return True
                real = left / self._scale if self._scale > 0 else POLL_SECONDS
                self._changed.wait(min(real, POLL_SECONDS) if give_up else min(real, 1.0))

    def _now(self):
        return self._base + (time.monotonic() - self._mark) * self._scale
