# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Runs the program over the corpus, and judges what it wrote by the model's hashes."""

import hashlib
import os
import re
import subprocess
import sys

from program_rig import PASSWORD, SANITIZER, Result
from vhd_reader import read_raw

PIPE_UP_TO = 3 << 30        # larger files are sparse giants: not sent through pipes
MIB = 1 << 20


class Corpus:
    """The folder and its manifest."""

    def __init__(self, folder, manifest):
        self.folder = folder
        self.manifest = manifest
        self.quick = manifest["quick"]

    def path(self, relative):
        return os.path.join(self.folder, relative)

    def valid(self, *types):
        return [v for v in self.manifest["valid"] if v["type"] in types]

    def args(self, entry):
        """What must be said to have it read, with paths that hold anywhere."""
        return [a if a.startswith("--") else self.path(a) for a in entry["args"]]

    def parents(self, entry):
        """--parent for each disk that it stands on."""
        return [word for p in entry["parents"] for word in ("--parent", self.path(p))]


class Failures:
    """All that goes wrong over many files, told at the end of the test together."""

    def __init__(self):
        self.lines = []
        self.count = 0

    def expect(self, true, name, text):
        self.count += 1
        if not true:
            self.lines.append("%s: %s" % (name, text))

    def check(self):
        assert self.count, "nothing was tried"
        assert not self.lines, "%d of %d wrong\n%s" % (
            len(self.lines), self.count, "\n".join(self.lines))


def run(vhdstream, *args, stdin=None, timeout=120):
    """One run, whatever its status; `stdin` is a path that comes through a pipe."""
    feeder = None
    if stdin:
        feeder = subprocess.Popen(["cat", stdin], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)
    done = subprocess.run([vhdstream] + [os.fspath(a) for a in args],
                          stdin=feeder.stdout if feeder else subprocess.DEVNULL,
                          capture_output=True, timeout=timeout, check=False)
    if feeder:
        feeder.stdout.close()
        feeder.wait()
    result = Result(args, done.returncode, done.stdout, done.stderr)
    assert result.status not in (SANITIZER, -6, -11), result.err
    assert PASSWORD not in result.err
    return result


def same_content(path, entry):
    """Whether the raw file is the disk that the manifest tells of."""
    if os.path.getsize(path) != entry["virtual_size"]:
        return False
    if entry["sha256"] is None:
        return read_raw(path).digest() == entry["digest"]
    total = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(MIB), b""):
            total.update(piece)
    return total.hexdigest() == entry["sha256"]


def expect_copy(failures, vhdstream, entry, out, *args, stdin=None):
    """The copy to the raw file `out` succeeds, and is right; the file is removed."""
    result = run(vhdstream, "copy", *args, out, stdin=stdin)
    if result.status:
        failures.expect(False, entry["name"], "status %d, %s" % (result.status, result.err))
        return
    failures.expect(same_content(out, entry), entry["name"], "wrong content")
    os.remove(out)


def expect_refusal(failures, entry, result, out, statuses=(3,)):
    failures.expect(result.status in statuses, entry["name"],
                    "status %d, %s" % (result.status, result.err))
    failures.expect(not os.path.exists(out), entry["name"], "left something behind")


def numbers(text):
    return {int(number) for number in re.findall(r"\d+", text)}


def errors(mode):
    return [f for f in mode["findings"] if f["severity"] == "error"]


def is_sanitized(vhdstream):
    with open(vhdstream, "rb") as file:
        return b"__asan_init" in file.read()


# A process counts what its parent had in memory when it was made, so a small one measures. A
# process that has ended but was not waited for still tells the bytes and calls it read.
MEASURE = """
import os, sys
pid = os.fork()
if not pid:
    os.execv(sys.argv[1], sys.argv[1:])
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
with open("/proc/%d/io" % pid) as file:
    io = dict(line.split() for line in file)
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024, io["rchar:"], io["syscr:"])
"""


class Use:
    """What one run used: memory at most, bytes read and calls that read, by the kernel's count."""

    def __init__(self, vhdstream, *args):
        done = subprocess.run([sys.executable, "-S", "-E", "-c", MEASURE, vhdstream]
                              + [os.fspath(a) for a in args], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        self.err = done.stderr.decode("utf-8", "replace")
        self.status, self.peak, self.read, self.calls = map(
            int, done.stdout.decode().split("\n")[-2].split())


def peak_of(vhdstream, *args):
    """Bytes of memory that one successful run took at most."""
    use = Use(vhdstream, *args)
    assert use.status == 0, use.err
    return use.peak
