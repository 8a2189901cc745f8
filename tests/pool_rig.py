# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A simulated pool with SRs of all kinds, as the tests of the program use it."""

import os

from peer.remote import Simulator
from program_rig import PASSWORD, SHOWN

GIB = 1 << 30
GUEST_PASSWORD = "nur-schauen"

CONFIG = {
    "hosts": [{"name": "one"}, {"name": "two"}],
    "srs": [
        {"name": "nfs", "type": "nfs", "capacity": 1024 * GIB},
        {"name": "local", "type": "ext", "hosts": ["two"], "capacity": 64 * GIB},
        {"name": "lvhd", "type": "lvmoiscsi", "use_vhd": True, "capacity": 1024 * GIB},
        {"name": "rawlv", "type": "lvmoiscsi", "capacity": 1024 * GIB},
        {"name": "lvm", "type": "lvm", "capacity": 1024 * GIB},
        {"name": "luns", "type": "iscsi", "capacity": 1024 * GIB},
        {"name": "gate", "type": "cslg", "capacity": 1024 * GIB},
        {"name": "thick", "type": "equal", "capacity": 1024 * GIB},
        {"name": "lost", "type": "nfs", "plugged": []},
        {"name": "twin", "type": "nfs", "uuid": "11111111-0000-4000-8000-000000000001"},
        {"name": "twin2", "type": "nfs", "uuid": "11111111-0000-4000-8000-000000000002"},
    ],
    "users": [{"name": "root", "password": PASSWORD},
              {"name": "guest", "password": GUEST_PASSWORD, "role": "read-only"}],
    "clock_scale": 100,
}


class Pool:
    """The simulator, with places in it and what a test asks of it."""

    def __init__(self, sim, folder):
        self.sim = sim
        self.folder = str(folder)
        self.before = None
        self.has_other_clients = False  # whose manners are not ours to judge

    # -- places ------------------------------------------------------------

    def place(self, rest, host=None, user="", tls=False):
        scheme = "xapi" if tls else "xapi+http"
        authority = self.sim.authority("https" if tls else "http", host)
        return "%s://%s%s/%s" % (scheme, user, authority, rest)

    def sr(self, name, **where):
        return self.place("sr/" + name, **where)

    def vdi(self, name, **where):
        return self.place("vdi/" + name, **where)

    @property
    def login(self):
        """The options of every run that moves a disk: a password, and one try."""
        return ["--retries", "0", *self.password]

    @property
    def password(self):
        """The options of every run: a password in a file."""
        path = os.path.join(self.folder, "pool-password")
        if not os.path.exists(path):
            with open(path, "w", encoding="ascii") as file:
                file.write(PASSWORD + "\n")
        return ["--password-file", path]

    # -- disks -------------------------------------------------------------

    def make_disk(self, sr, size, file=None, label="a disk", **more):
        """A VDI that was there before; its uuid."""
        made = self.sim.create_vdi(sr=sr, size=size, name_label=label,
                                   file=file and str(file), **more)
        return made["uuid"]

    @property
    def disks(self):
        return self.sim.state()["vdis"]

    def raw_path(self, uuid):
        return self.sim.vdi_path(uuid)

    def digest(self, uuid):
        """SHA-256 of all of it, with the old data that shows in unwritten parts."""
        return self.sim.vdi_digest(vdi=uuid)

    def marks(self, uuid):
        """What other_config has of a disk; but for the uuid of the VHD that it came from."""
        return {key: value for key, value in self.disks[uuid]["other_config"].items()
                if key != "vhdstream:vhd-uuid"}

    def blocks(self, uuid):
        return self.sim.vdi_blocks(vdi=uuid)

    # -- the log -----------------------------------------------------------

    def transfers(self, kind="import"):
        self.sim.wait_quiet()
        return [e for e in self.sim.log() if e["kind"] == kind]

    def transfer(self, kind="import"):
        """The one disk request that was made."""
        entry, = self.transfers(kind)
        return entry

    # -- before and after --------------------------------------------------

    def remember(self):
        """What is there now is what has to be there when nothing_left() is asked."""
        self.before = self.sim.leftovers()

    def nothing_left(self):
        """Asserts that disks, tasks, sessions and attachments are as remembered."""
        self.sim.wait_quiet()
        now = self.sim.leftovers()
        before = self.before or {}
        assert set(now.get("vdis", ())) == set(before.get("vdis", ())), now["vdis"]
        for kind in ("tasks", "sessions", "attachments"):
            assert now.get(kind) == before.get(kind), (kind, now)

    def check_manners(self):
        """What a real server would have turned into damage, or have choked on: nothing."""
        state = self.sim.state()
        assert state["bugs"] == []
        self._check_sessions()
        assert self.has_other_clients or state["dislikes"] == [], state["dislikes"]
        assert state["client_faults"] == []

    def _check_sessions(self):
        """No run has shown the session that it used."""
        shown = "".join(SHOWN)
        for call in self.sim.rpc_calls():
            if not call["method"].startswith("session.login"):
                assert not any(call["params"][:1]) or call["params"][0] not in shown, shown


def start(config=None):
    """A pool of its own kind; the caller closes it."""
    return Simulator(dict(CONFIG, **(config or {})))
