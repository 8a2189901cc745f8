# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""vhdstream.image without os_xenapi, and among eventlet's threads, in processes of their own."""

import json
import os
import subprocess
import sys

import pytest

from python_rig import ROOT
from program_rig import PASSWORD

# What is needed of a session, over JSON-RPC and the standard library.
SESSION = """
import json, os, sys, urllib.request

class Refused(Exception):
    pass

class Of:
    def __init__(self, session, name):
        self.session, self.name = session, name
    def __getattr__(self, method):
        return lambda *args: self.session.call(self.name + "." + method, *args)

class Session:
    def __init__(self, url, password):
        self.url, self.ref = url, None
        self.ref = self.call("session.login_with_password", "root", password)
        self.VDI, self.SR = Of(self, "VDI"), Of(self, "SR")
    def call(self, method, *args):
        params = ([self.ref] if self.ref else []) + list(args)
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1})
        request = urllib.request.Request(self.url + "/jsonrpc", body.encode())
        with urllib.request.urlopen(request) as answer:
            said = json.load(answer)
        if "error" in said:
            raise Refused(said["error"])
        return said["result"]
    def get_session_id(self):
        return self.ref

url, sr, uuid, password, path = sys.argv[1:]
"""

ALONE = """
import sys
sys.modules["os_xenapi"] = sys.modules["eventlet"] = None
""" + SESSION + """
import vhdstream
from vhdstream import image
from vhdstream.image import image_errors
session = Session(url, password)
instance = {"name": "guest", "uuid": "u"}
parts = image.stream_from_vdis(None, session, instance, url, [uuid])
print(image.stream_to_vdis(None, session, instance, url, sr, parts)["root"]["uuid"])
try:
    image.stream_to_vdis(None, session, instance, url, sr, [b"no image"])
except image_errors.peer.InvalidImage as failure:
    assert isinstance(failure, vhdstream.CorruptError), failure
    print(failure)
session.get_session_id = lambda: "OpaqueRef:none"
try:
    list(image.stream_from_vdis(None, session, instance, url, [uuid]))
except image_errors.Failure as failure:
    assert isinstance(failure, vhdstream.AuthError), failure
    print(failure.details)
session.call("session.logout")
"""

# All of its traffic goes by green threads of this process: if a transfer held them up, it would
# wait for itself.
GREEN = """
import eventlet
eventlet.monkey_patch()
""" + SESSION + """
from vhdstream import image

def forward(one, other):
    while part := one.recv(65536):
        other.sendall(part)
    other.shutdown(1)

def serve(client, _):
    server = eventlet.connect(("127.0.0.1", int(url.rpartition(":")[2])))
    back = eventlet.spawn(forward, server, client)
    forward(client, server)
    back.wait()

door = eventlet.listen(("127.0.0.1", 0))
eventlet.spawn(eventlet.serve, door, serve)
mine = "http://127.0.0.1:%d" % door.getsockname()[1]
session = Session(mine, password)
instance = {"name": "guest", "uuid": "u"}
parts = image.stream_from_vdis(None, session, instance, mine, [uuid])
print(image.stream_to_vdis(None, session, instance, mine, sr, parts)["root"]["uuid"])
session.call("session.logout")
"""

# Children of the caller's, forked while a transfer is under way: one that ends as Python does, and
# one that outlives the transfer. Both have a copy of all that was open.
FORKED = SESSION + """
import vhdstream
from vhdstream import image
session = Session(url, password)
instance = {"name": "guest", "uuid": "u"}
wait, release = os.pipe()

def fork(ends):
    child = os.fork()
    if child:
        return child
    os.close(release)
    if not ends:
        os.read(wait, 1)
    sys.exit(0)

def inherit(parts):
    # What a child has from its parent ends there at once, and says why.
    child = os.fork()
    if not child:
        try:
            list(parts)
        except vhdstream.CancelledError as failure:
            os._exit(0 if "forked" in str(failure) else 1)
        os._exit(2)
    return os.waitpid(child, 0)[1]

def parts(children):
    for part in image.stream_from_vdis(None, session, instance, url, [uuid], 1):
        if not children:
            children += [fork(True), fork(False)]
            assert os.waitpid(children[0], 0)[1] == 0
        yield part

export = image.stream_from_vdis(None, session, instance, url, [uuid], 1)
next(export)
assert inherit(export) == 0
export.close()
children = []
print(image.stream_to_vdis(None, session, instance, url, sr, parts(children))["root"]["uuid"])
assert os.waitpid(children[1], os.WNOHANG) == (0, 0)
os.close(release)
assert os.waitpid(children[1], 0)[1] == 0
session.call("session.logout")
"""


@pytest.fixture
def run(pool, disk):
    """run(SCRIPT): its lines, of a pool with a VDI."""
    uuid = pool.make_disk("nfs", 20 << 20, disk)
    pool.has_other_clients = True

    def start(script):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script, pool.sim.url("http"),
             pool.sim.srs["nfs"]["ref"], uuid, PASSWORD, str(disk)],
            env=dict(os.environ, PYTHONPATH=os.path.join(ROOT, "python")), check=False,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
        assert not done.returncode and not done.stderr, done.stderr
        return uuid, done.stdout.splitlines()

    yield start
    pool.sim.wait_quiet()
    assert not set(pool.sim.leftovers()) - {"vdis"}


def test_without_os_xenapi(pool, run):
    uuid, lines = run(ALONE)
    assert pool.digest(lines[0]) == pool.digest(uuid)
    assert "no image" not in lines[1] and lines[1].startswith("the image: ")
    assert json.loads(lines[2].replace("'", '"'))[0] == "SESSION_INVALID"
    assert set(pool.disks) == {uuid, lines[0]}


def test_among_green_threads_the_others_go_on(pool, run):
    pytest.importorskip("eventlet")
    uuid, lines = run(GREEN)
    assert pool.digest(lines[0]) == pool.digest(uuid)


def test_children_hold_nothing_up(pool, run):
    uuid, lines = run(FORKED)
    assert pool.digest(lines[0]) == pool.digest(uuid)
