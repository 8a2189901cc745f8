#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""./dev demo: real disks through two simulated pools, with nothing but loopback.

Makes an ext4 disk with this system's files in it, packs it with tools that are
not ours, sends it through two pools with TLS and SRs of different kinds, and has
qemu-img compare what arrived.
"""

import contextlib
import os
import shlex
import shutil
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tests"), os.path.join(ROOT, "tests", "bench")]

import measured_run                                             # noqa: E402
import real_disk                                                # noqa: E402
from peer.remote import Simulator                               # noqa: E402

MIB = 1 << 20
DISK_SIZE = 2048 * MIB
PROGRAM = os.environ.get("VHDSTREAM") or os.path.join(ROOT, "build", "vhdstream")
PASSWORD = "a secret of this demo"
BOLD, DIM, GREEN, PLAIN = ("\033[1m", "\033[2m", "\033[32m", "\033[0m") \
    if sys.stdout.isatty() else ("", "", "", "")


class Wrong(Exception):
    """The demo showed what it must not show."""


class Place:
    """A simulated pool, as the command line names it."""

    def __init__(self, name, sr_type, **sr):
        sr = {"name": name + " storage", "type": sr_type, **sr}
        self.name = name
        self.type = sr_type
        self.sim = Simulator({"name": name, "srs": [sr],
                              "users": [{"name": "root", "password": PASSWORD}]})
        self.pin = "sha256:" + self.sim.fingerprint()

    def sr(self):
        return "xapi://root@%s/sr/default" % self.sim.authority()

    def vdi(self, uuid):
        return "xapi://root@%s/vdi/%s" % (self.sim.authority(), uuid)


class Demo:
    """The steps; each says what it does, does it, and has it judged."""

    def __init__(self, folder):
        self.folder = folder
        self.began = time.monotonic()
        self.secret = self.path("password")
        with open(self.secret, "w", encoding="utf-8") as file:
            file.write(PASSWORD + "\n")
        self.step = 0
        self.peak = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    # -- words ---------------------------------------------------------------

    def title(self, text):
        self.step += 1
        print("\n%s%d  %s%s" % (BOLD, self.step, text, PLAIN), flush=True)

    @staticmethod
    def say(text):
        print("   " + text, flush=True)

    def verdict(self, good, text):
        if not good:
            raise Wrong(text)
        self.say("%s✓%s %s" % (GREEN, PLAIN, text))

    # -- the program ---------------------------------------------------------

    def show(self, args, feeder=()):
        """The command as one would type it; the pins are long, so they are cut."""
        words = list(feeder) + ["|"] if feeder else []
        words += ["vhdstream", *args]
        shown = [w[:15] + "…" if w.startswith("sha256:") else w.replace(self.folder + "/", "")
                 for w in words]
        text = " ".join(shown).replace(" --", " \\\n         --", 1)
        self.say("%s$ %s%s" % (DIM, text, PLAIN))

    def copy(self, size, *args):
        """vhdstream copy ARGS; `size` bytes is what it moves, for the rate."""
        self.show(("copy",) + args)
        done = measured_run.run([PROGRAM, "copy", *args])
        self.peak = max(self.peak, done.peak)
        self.say("%.0f MB in %.1f s: %.0f MB/s, with %.1f s of CPU and %.1f MiB of memory"
                 % (size / 1e6, done.wall, size / 1e6 / done.wall, done.cpu, done.peak / MIB))
        return done.out.strip()

    # -- the steps -----------------------------------------------------------

    def make_disk(self):
        self.title("A real disk")
        files = self.path("files")
        count, total = real_disk.gather_files(files, 320 * MIB)
        raw, self.vhd, self.tgz = self.path("disk.raw"), self.path("disk.vhd"), self.path("a.tgz")
        real_disk.make_ext4(raw, DISK_SIZE, files)
        shutil.rmtree(files)
        real_disk.make_vhd(self.vhd, raw)
        os.remove(raw)
        real_disk.make_tgz(self.tgz, self.vhd, 1)
        self.size = os.path.getsize(self.vhd)
        self.say("ext4 of 2 GiB with %d files of this system, %.0f MB (mkfs.ext4)"
                 % (count, total / 1e6))
        self.say("disk.vhd, %.0f MB (qemu-img); a.tgz, %.0f MB (Python's tarfile and zlib)"
                 % (self.size / 1e6, os.path.getsize(self.tgz) / 1e6))

    def start_pools(self, stack):
        self.title("Two pools, each with a certificate of its own")
        self.one = Place("one", "lvmoiscsi")
        stack.callback(self.one.sim.close)
        self.two = Place("two", "nfs")
        stack.callback(self.two.sim.close)
        for place in self.one, self.two:
            self.say("pool %s at %s, SR of type %s, certificate %s…"
                     % (place.name, place.sim.authority(), place.type, place.pin[:23]))

    def import_image(self):
        self.title("Image → VDI, on a volume that takes raw only and is full of old data")
        self.first = self.copy(DISK_SIZE, self.tgz, self.one.sr(), "--name-label", "demo",
                               "--password-file", self.secret, "--pin", self.one.pin)
        self.say("new VDI " + self.first)
        self.same(("raw", self.one.sim.vdi_path(vdi=self.first)), "the volume")

    def export_image(self):
        self.title("VDI → image, compressed on all cores, its size known before the first byte")
        out = self.path("b.tgz")
        self.copy(self.size, self.one.vdi(self.first), out,
                  "--password-file", self.secret, "--pin", self.one.pin)
        unpacked = self.path("b.vhd")
        real_disk.first_member(out, unpacked)
        self.say("b.tgz, %.0f MB, unpacked by GNU tar and gzip" % (os.path.getsize(out) / 1e6))
        self.same(("vpc", unpacked), "the image")
        os.remove(unpacked)

    def pool_to_pool(self):
        self.title("Pool → pool, nothing on disk between them")
        secret = ["--src-password-file", self.secret, "--dst-password-file", self.secret]
        pins = ["--src-pin", self.one.pin, "--dst-pin", self.two.pin]
        uuid = self.copy(self.size, self.one.vdi(self.first), self.two.sr(), *secret, *pins)
        self.say("new VDI " + uuid)
        self.same(("raw", self.two.sim.vdi_path(vdi=uuid)), "the VDI")

    def cut_image(self):
        self.title("A cut image, from a pipe: an error that says so, and nothing left behind")
        before = self.two.sim.leftovers()
        head = ["head", "-c", str(os.path.getsize(self.tgz) // 2), self.tgz]
        args = ["copy", "-", self.two.sr(), "--password-file", self.secret,
                "--pin", self.two.pin]
        self.show(args, head)
        done = measured_run.attempt(shlex.join(head) + " | " + shlex.join([PROGRAM, *args]))
        self.say(done.err.strip().replace("\n", "\n   "))
        self.verdict(done.status == 3, "exit status 3: corrupt")
        self.verdict(self.two.sim.leftovers() == before, "no new VDI, task or session in the pool")

    def same(self, other, what):
        self.verdict(real_disk.same_content(("vpc", self.vhd), other),
                     "%s has the content of disk.vhd, says qemu-img compare" % what)

    def end(self):
        print("\n%sAll of it in %.0f s; vhdstream took %.1f MiB of memory at most, and no scratch"
              " space.%s" % (BOLD, time.monotonic() - self.began, self.peak / MIB, PLAIN))


def main():
    if not os.access(PROGRAM, os.X_OK):
        print("demo: no program at %s; ./dev build makes it" % PROGRAM, file=sys.stderr)
        return 1
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="vhdstream-demo-"))
        demo = Demo(folder)
        try:
            demo.make_disk()
            demo.start_pools(stack)
            demo.import_image()
            demo.export_image()
            demo.pool_to_pool()
            demo.cut_image()
        except (Wrong, measured_run.Failed, RuntimeError) as wrong:
            print("\ndemo: " + str(wrong), file=sys.stderr)
            return 1
        demo.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
