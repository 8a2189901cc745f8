# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What the tests of the Python package do again and again. Importing it puts the package of this
tree on Python's path, and the library beside the program under test behind it."""

import contextlib
import gc
import os
import queue
import sys

from program_rig import PASSWORD

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("VHDSTREAM") or os.path.join(ROOT, "build", "check", "plain", "cli",
                                                      "vhdstream")
os.environ["VHDSTREAM_LIBRARY"] = os.path.join(os.path.dirname(os.path.dirname(
    os.path.realpath(PROGRAM))), "libvhdstream.so.1")
sys.path.insert(0, os.path.join(ROOT, "python"))

INSTANCE = {"name": "guest", "uuid": "11111111-2222-3333-4444-555555555555"}


def open_here(*kinds):
    """What descriptors of this process lead to, where that is of one of the kinds."""
    gc.collect()
    out = set()
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            out.add(os.readlink("/proc/self/fd/" + fd))
    return {target for target in out if target.partition(":")[0] in kinds}


def left_here():
    """Pipes, polls and threads of this process. The session has sockets, which come and go."""
    return open_here("pipe", "anon_inode"), set(os.listdir("/proc/self/task"))


def new_session(url, password=PASSWORD, concurrent=2):
    """XAPI sessions as os_xenapi's XenAPISession has them: its own code, but for the calls of
    plugins that its constructor makes, which no simulator has."""
    from os_xenapi.client import XenAPI, session
    made = object.__new__(session.XenAPISession)
    made.XenAPI, made.originator, made.timeout, made.concurrent = XenAPI, "test", 10, concurrent
    made._sessions, made.is_slave, made.url = queue.Queue(), False, url
    made.master_url = made._create_first_session(url, "root", password)
    made._populate_session_pool(made.master_url, "root", password)
    session.apply_session_helpers(made)
    return made


def import_it(pool, session, data, scheme="http", sr="nfs"):
    """uuid of the new VDI."""
    from vhdstream import image
    vdis = image.stream_to_vdis(None, session, INSTANCE, pool.sim.url(scheme),
                                pool.sim.srs[sr]["ref"], data)
    assert list(vdis) == ["root"] and list(vdis["root"]) == ["uuid"]
    return vdis["root"]["uuid"]


def export_it(pool, session, uuid, *level, scheme="http"):
    """The image, whole."""
    from vhdstream import image
    return b"".join(image.stream_from_vdis(None, session, INSTANCE, pool.sim.url(scheme),
                                           [uuid, "that of its parent"], *level))
