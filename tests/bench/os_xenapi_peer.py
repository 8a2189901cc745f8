#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Debian's os_xenapi as a command, for comparisons.

    os_xenapi_peer.py export URL VDI-UUID FILE LEVEL
    os_xenapi_peer.py import URL SR-REF FILE

One fault is repaired, since it could not be compared otherwise: its pipes are
unbuffered, and under Python 3 such a file writes and reads less than it was asked
to. The exports of anything but tiny disks end early, and count as whole.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from os_xenapi.client.image import stream_from_vdis, stream_to_vdis     # noqa: E402
from os_xenapi.client import utils                                      # noqa: E402
from peer.os_xenapi_session import OsXenapiSession                      # noqa: E402

INSTANCE = {"name": "bench", "uuid": "11111111-2222-3333-4444-555555555555"}
unrepaired_pipe = utils.create_pipe


class WholePipe:
    """A pipe's end that moves all it was asked to move, as it did under Python 2."""

    def __init__(self, end):
        self._end = end
        self.close = end.close

    def write(self, data):
        rest = memoryview(data)
        while rest:
            rest = rest[self._end.write(rest):]
        return len(data)

    def read(self, size):
        parts = []
        while size > 0:
            part = self._end.read(size)
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def repaired_pipe():
    return tuple(WholePipe(end) for end in unrepaired_pipe())


def main(verb, url, name, path, level="6"):
    utils.create_pipe = repaired_pipe
    session = OsXenapiSession(url, "root", os.environ["XENSERVER_PASSWORD"])
    if verb == "export":
        with open(path, "wb") as file:
            for part in stream_from_vdis(None, session, INSTANCE, url, [name], int(level)):
                file.write(part)
    else:
        with open(path, "rb") as file:
            print(stream_to_vdis(None, session, INSTANCE, url, name, file)["root"]["uuid"])
    session.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
