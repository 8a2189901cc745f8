# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A function in a thread of the system's own, whose end can be waited for as a descriptor.

Where eventlet has put its own in place of threads, the call of a C function would hold all of
them up: here it does not, and waiting for the end lets the others go on.
"""

import os
import selectors
import sys
import threading

from vhdstream.descriptors import close_all, pipe


def _system_threading():
    patcher = sys.modules.get("eventlet.patcher")
    if patcher and patcher.is_monkey_patched("thread"):
        return patcher.original("threading")
    return threading


def wait_for(fd, events, other=None):
    """Waits for events of selectors at fd, or until `other` can be read; whether it was fd."""
    with selectors.DefaultSelector() as selector:
        selector.register(fd, events)
        if other is not None:
            selector.register(other, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in selector.select()]
            if ready:
                return other not in ready


class NativeThread:
    """Runs function(), then closes the descriptors of `closing`; also where it cannot begin."""

    def __init__(self, function, closing=()):
        self._function = function
        self._closing = list(closing)
        self._failure = self._value = None
        self.over = False
        try:
            self._end, self._tell = pipe()
        except OSError:
            close_all(self._closing)
            raise
        try:
            self._thread = _system_threading().Thread(target=self._run, name="vhdstream",
                                                      daemon=True)
            self._thread.start()
        except BaseException:
            close_all([self._end, self._tell, *self._closing])
            raise

    def _run(self):
        try:
            self._value = self._function()
        except BaseException as failure:
            self._failure = failure
        close_all(self._closing)
        self.over = True
        os.write(self._tell.fileno(), b".")     # another program may have a copy of the end
        self._tell.close()

    def fileno(self):
        """Can be read as soon as the function has returned, until join()."""
        if self._end is None:
            raise ValueError("it has ended")
        return self._end.fileno()

    def join(self):
        """Waits for the end: what the function returned, or raised. May be called again."""
        if self._end is not None:
            wait_for(self._end, selectors.EVENT_READ)
            self._thread.join()
            self._end.close()
            self._end = None
        if self._failure:
            raise self._failure
        return self._value

    def forget(self, value):
        """In a child of fork(), where the thread is not: it has returned this, if it has not
        returned already."""
        if not self.over:
            self._value = value
        self._end, self.over = None, True
