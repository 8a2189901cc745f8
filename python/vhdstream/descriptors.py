# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Descriptors that a child of fork() lets go of.

Who waits for the end of a pipe would else wait for the end of a child that knows nothing of it.
"""

import os
import weakref

_OPEN = weakref.WeakSet()


class Descriptor:
    """A file descriptor of ours."""

    def __init__(self, fd):
        self._fd = fd
        _OPEN.add(self)

    def fileno(self):
        """The number, while it is open."""
        if self._fd is None:
            raise ValueError("the descriptor is closed")
        return self._fd

    @property
    def closed(self):
        """Whether it is, as in a child of fork()."""
        return self._fd is None

    def close(self):
        """Closes it. To be called again, too."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def pipe():
    """A pipe's two ends: to read from, to write to."""
    return tuple(Descriptor(fd) for fd in os.pipe())


def close_all(descriptors):
    """Closes all of them."""
    for one in descriptors:
        one.close()


def _let_go():
    close_all(list(_OPEN))


os.register_at_fork(after_in_child=_let_go)
