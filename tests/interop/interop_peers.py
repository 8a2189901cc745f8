# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The readers that ./dev interop asks, each about a valid file and about a broken one.

Of a valid file a reader makes 'right', 'size', 'content' or 'refuses'; a broken one it
'accepts' or 'refuses'; either may be 'dies': a signal, or no end within the time.  None is
'not asked'.  Whoever reads reads all of the disk, for some defects show on the way only.
"""

import os
import re
import resource
import subprocess
import sys

import outside_judges
from vhd_rig import same_content

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 300
PATIENCE = 20               # for a giant without an end: who still reads then has accepted it
MEMORY = 4 << 30            # a broken file may ask for more than there is
BY_SIZE = "force_size_calc=current_size,"
# As large as an image can be for qemu-img: takes any disk and keeps nothing.
NOWHERE = "driver=null-co,size=%d" % ((1 << 62) - (1 << 20))


LATE = -1000


def call(command, seconds=SECONDS):
    """(status, text); the status is negative when it died, LATE when it did not end."""
    bound = lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))  # noqa: E731
    try:
        done = subprocess.run([os.fspath(word) for word in command], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=seconds, check=False,
                              preexec_fn=bound)
    except subprocess.TimeoutExpired:
        return LATE, ""
    return done.returncode, done.stdout.decode("utf-8", "replace")


def taken(command):
    return verdict_of(call(command)[0])


def verdict_of(status):
    return "dies" if status < 0 else "refuses" if status else "accepts"


class Peer:
    """One row of the table."""

    def __init__(self, title):
        self.title = title

    def version(self):
        """What it says of itself, in one line."""

    def valid(self, job):
        """The verdict on a valid file."""

    def bad(self, job):
        """The verdict on a broken file, or None."""


class Ours(Peer):
    def __init__(self, program):
        super().__init__("vhdstream")
        self.program = program

    def version(self):
        return call([self.program, "--version"])[1].split("\n")[0]

    def valid(self, job):
        out = os.path.join(job.scratch, "ours.raw")
        done = taken([self.program, "copy", "--force", *job.args, job.path, out])
        if done == "accepts":
            done = self._content(job.entry, out)
        self._remove(out)
        return done

    def _content(self, entry, out):
        if not os.path.exists(out) or os.path.getsize(out) != entry["virtual_size"]:
            return "size"
        return "right" if same_content(out, entry) else "content"

    def bad(self, job):
        out = os.path.join(job.scratch, "ours.raw")
        done = taken([self.program, "copy", "--from", "vhd", *job.args, job.path, out])
        if os.path.exists(out):         # what was refused leaves nothing
            done = "accepts"
        self._remove(out)
        return done

    def _remove(self, out):
        if os.path.exists(out):
            os.remove(out)


class Qemu(Peer):
    def __init__(self, title, options):
        super().__init__(title)
        self.options = options

    def version(self):
        return call(["qemu-img", "--version"])[1].split("\n")[0]

    def valid(self, job):
        return outside_judges.qemu(job.path, job.content, job.scratch, self.options)

    def bad(self, job):
        image = "driver=vpc,%sfile.filename=%s" % (self.options, job.path)
        status, _ = call(["qemu-img", "convert", "-n", "--image-opts", image,
                          "--target-image-opts", NOWHERE], PATIENCE)
        if status == LATE:      # opened, and reads on
            return taken(["qemu-img", "info", "--image-opts", image])
        return verdict_of(status)


class Vhdiinfo(Peer):
    """It reads no content and looks for no parent."""

    def version(self):
        return call(["vhdiinfo", "-V"])[1].split("\n")[0]

    def valid(self, job):
        status, text = call(["vhdiinfo", job.path])
        if status < 0:
            return "dies"
        size = re.search(r"Media size\s*:.*?(\d+)(?: bytes\)|\s*$)", text, re.M)
        if status or not size:
            return "refuses"
        return "right" if int(size.group(1)) == job.entry["virtual_size"] else "size"

    def bad(self, job):
        return None if job.by_parents else taken(["vhdiinfo", job.path])


class Libvhdi(Peer):
    """In a process of its own: a broken file may take it down."""

    def version(self):
        return call([sys.executable, os.path.join(HERE, "libvhdi_apart.py"), "version"])[1].strip()

    def _ask(self, what, chain):
        status, text = call([sys.executable, os.path.join(HERE, "libvhdi_apart.py"), what, *chain])
        return "dies" if status else text.strip()

    def valid(self, job):
        return self._ask("valid", job.chain)

    def bad(self, job):
        return None if job.by_parents else self._ask("bad", [job.path])


def all_peers(program):
    """vhdstream is the first."""
    return [Ours(program), Qemu("qemu-img", ""),
            Qemu("qemu-img, force_size_calc=current_size", BY_SIZE), Vhdiinfo("vhdiinfo"),
            Libvhdi("libvhdi, parents handed to it")]
