# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Runs xapitool on a simulated pool."""

import os
import subprocess

from peer.vhd_maker import MIB, vhd

SIZE = 10 * MIB
ONE, FOUR = os.urandom(2 * MIB), os.urandom(2 * MIB)
VHD = vhd(SIZE, {1: ONE, 4: FOUR})
CONTENT = bytes(2 * MIB) + ONE + bytes(4 * MIB) + FOUR


class Result:
    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.err = err

    @property
    def line(self):
        """The one line of the output."""
        return self.out.decode().strip()

    def __repr__(self):
        return "status %d, %d bytes, %s" % (self.status, len(self.out), self.err)


class Tool:
    """tool(COMMAND, PLACE, ...) on the pool: PLACE is what follows the host."""

    def __init__(self, path, sim):
        self.path = path
        self.sim = sim
        self.user = "root"
        self.password = "secret"
        self.host = None
        self.scheme = "https"
        self.options = ["-w", "20"]

    def place(self, path):
        prefix = "xapi://" if self.scheme == "https" else "xapi+http://"
        return "%s%s@%s%s" % (prefix, self.user,
                              self.sim.authority(self.scheme, self.host), path)

    def command(self, name, path, *args, options=()):
        trust = ["-c", self.sim.ca_bundle] if self.scheme == "https" else []
        return [self.path, *trust, *self.options, *options, name, self.place(path),
                *[str(a) for a in args]]

    def environment(self):
        env = dict(os.environ, XAPITOOL_PASSWORD=self.password)
        if self.password is None:
            del env["XAPITOOL_PASSWORD"]
        return env

    def start(self, name, path, *args, options=()):
        """The process, with pipes, for tests that meddle while it runs."""
        return subprocess.Popen(self.command(name, path, *args, options=options),
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=self.environment())

    def run(self, name, path, *args, body=b"", options=()):
        process = self.start(name, path, *args, options=options)
        out, err = process.communicate(body, timeout=120)
        return Result(process.returncode, out, err.decode().strip())

    # -- what most tests do ------------------------------------------------

    def put_vhd(self, sr="nfs", body=VHD, size=SIZE, options=()):
        return self.run("import", "/sr/" + sr, "vhd", size, body=body, options=options)

    def get(self, vdi, form="vhd", *args, options=()):
        return self.run("export", "/vdi/" + vdi, form, *args, options=options)

    def content(self, vdi):
        with open(self.sim.vdi_path(vdi), "rb") as file:
            return file.read()


def nothing_left(sim, *vdis):
    """Nothing of a run is in the pool; only these VDIs, which were there before."""
    sim.wait_quiet()
    left = sim.leftovers()
    for vdi in vdis:
        assert left["vdis"].pop(vdi)
    assert not left.pop("vdis", {})
    assert left == {}


def failed(result, status, *parts):
    """The run ended in this status with these parts in its message."""
    assert result.status == status, result
    for part in parts:
        assert part in result.err, result.err
    assert "OpaqueRef:" not in result.err or "session" not in result.err
    assert "secret" not in result.err
