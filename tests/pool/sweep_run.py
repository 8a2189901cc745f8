# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""One case of the sweep: started, struck, and judged."""

import hashlib
import os
import struct
import subprocess

from disk_rig import vhd
from program_rig import PASSWORD, Result, end
from sweep_places import BLOCK, SIZE, USED

AGAIN = ["--retries", "2", "--retry-delay", "0"]


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def chunked(path):
    """A raw disk in XAPI's chunked framing, a record a block."""
    with open(path, "rb") as file:
        blocks = iter(lambda: file.read(BLOCK), b"")
        return b"".join(struct.pack("<QI", n * BLOCK, len(data)) + data
                        for n, data in enumerate(blocks)) + bytes(12)


class Run:
    """A case under way: places, the process, and what was there before."""

    def __init__(self, case, pool, disks, folder):
        self.case, self.pool, self.sim, self.disks = case, pool, pool.sim, disks
        self.out = folder / "out"
        self.out.mkdir()
        self.is_export = case.way.kind == "export"
        self.content = disks["odd"] if case.way.name == "export-raw" else \
            disks["long"] if case.long else disks["raw"]
        self.uuid = self.is_export and pool.make_disk(
            case.way.sr, os.path.getsize(self.content), self.content)
        pool.remember()
        for strike in case.strikes:
            self.sim.set_fault(**self.named(strike))

    def named(self, strike):
        """The switch with hosts as servers name them."""
        error = [self.sim.authority("http", word[1:]) if word[:1] == "@" else word
                 for word in strike.get("error", ())]
        return dict(strike, error=error) if error else strike

    def places(self):
        if self.is_export:
            return self.pool.vdi(self.uuid, tls=self.case.tls), self.out / "o.raw"
        source = self.disks["shuffled"] if self.case.way.name == "import-chunked" else self.content
        return source, self.pool.sr(self.case.way.sr, tls=self.case.tls)

    def options(self):
        pin = ["--pin", "sha256:" + self.sim.fingerprint()] if self.case.tls else []
        return [*self.pool.login, *pin, *self.case.args, *(AGAIN if self.case.tries else [])]

    # -- running ---------------------------------------------------------------

    def run(self, program, xapitool):
        if self.case.tool:
            return self.run_tool(xapitool)
        if not self.case.action:
            return program("copy", *self.places(), *self.options(), status=None)
        process = program.start("copy", *self.places(), *self.options())
        self.sim.wait_transfer(moved=self.case.way.offset(self.case.place))
        self.act()
        return end(process, None)

    def act(self):
        """Something happens to the pool while the transfer stands still; then it goes on."""
        act = self.case.action
        if act in ("reboot", "crash"):
            self.sim.host_down(host="one", crashed=act == "crash")
            self.sim.host_up(host="one")
        elif act == "end sessions":
            self.sim.remove_all_sessions()
        elif act == "move master":
            self.sim.set_master(host="two")
        self.sim.advance_clock(seconds=3000)

    def run_tool(self, xapitool):
        """By xapitool, which waits one second for a verdict. It reports without a name."""
        place = self.places()[0 if self.is_export else 1].replace("://", "://root@")
        form = self.case.way.name.rpartition("-")[2]
        args = [xapitool, "-w", "1", self.case.way.kind, place, form]
        body = b""
        if not self.is_export:
            args.append(str(SIZE))
            body = self.body(form)
        done = subprocess.run(args, input=body, capture_output=True, timeout=90, check=False,
                              env=dict(os.environ, XAPITOOL_PASSWORD=PASSWORD))
        err = done.stderr and b"vhdstream: " + done.stderr
        return Result(args, done.returncode, b"", err).check(None)

    def body(self, form):
        if form == "chunked":
            return chunked(self.content)
        data = self.content.read_bytes()
        if form == "raw":
            return data
        return vhd(SIZE, {n: data[n * BLOCK:][:BLOCK] for n in USED})

    def forget_doomed(self):
        """A server destroys a task that is pending when it ends, or after a day. That this is
        asked of it is seldom worth a thing, but here it is all that can be done."""
        dislikes = {dislike["what"] for dislike in self.sim.state()["dislikes"]}
        assert dislikes <= {"task.destroy on a pending task: only marked"}
        self.pool.has_other_clients = True
        for ref, task in self.sim.state()["tasks"].items():
            assert task["doomed"] and task["status"] == "pending", task
            self.sim.remove_task(task=ref)

    # -- judging ---------------------------------------------------------------

    def judge(self, result):
        about = "%s\nstatus %d: %s" % (self.case.name, result.status, result.err)
        assert result.status in self.case.ends, about
        self.sim.clear_faults()
        self.sim.wait_quiet()
        if self.case.tool:
            self.forget_doomed()
        if result.status:
            self.judge_failure(result, about)
        else:
            self.judge_success(result, about)

    def judge_failure(self, result, about):
        for choice in self.case.words:
            assert any(word in result.lines[-1] for word in choice), (choice, about)
        assert self.is_told_once(result), about
        assert os.listdir(self.out) == [], about
        self.pool.nothing_left()

    def is_told_once(self, result):
        """One failure, one line; with retries a line for each."""
        tries = len([line for line in result.lines if "trying again" in line])
        return len(result.lines) == tries + 1 and (self.case.tries or not tries)

    def judge_success(self, result, about):
        if self.is_export:
            assert (self.out / "o.raw").read_bytes() == self.content.read_bytes(), about
        else:
            uuid, = result.text.split()
            assert self.pool.digest(uuid) == sha256(self.content), about
            assert self.pool.marks(uuid) == {}, about
            self.sim.destroy_vdi(vdi=uuid)
        self.pool.nothing_left()
