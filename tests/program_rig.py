# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Runs the program as a user would, and holds every run to what is always promised.

Whatever a test is about: no run may show a password or a session, no run may say a thing
on stderr without its name in front, and a run that fails says why.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

PASSWORD = "Kennwort-73.geheim"
SESSION = re.compile(r"session_id=(?!\.\.\.)")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
HINT = "Try `vhdstream --help`."
SANITIZER = 99
SHOWN = []      # what the runs of a test have shown, for a search for their sessions


# Runs a program and writes down its memory. A process counts what its parent had when it was
# made, so a small one measures.
MEASURE = """
import os, sys
pid = os.fork()
if not pid:
    os.execv(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(pid, 0)
with open(sys.argv[1], "w") as file:
    file.write(str(usage.ru_maxrss * 1024))
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""


class Result:
    """What a finished run left: its status and both of its streams."""

    def __init__(self, args, status, out, err):
        self.args = args
        self.status = status
        self.out = out
        self.err = err.decode("utf-8", "replace")

    @property
    def lines(self):
        """What it said on stderr, without its name in front."""
        return [line.removeprefix("vhdstream: ") for line in self.err.splitlines()]

    @property
    def line(self):
        """The one line that it said."""
        assert len(self.lines) == 1, self.err
        return self.lines[0]

    @property
    def text(self):
        return self.out.decode()

    @property
    def json(self):
        return json.loads(self.out)

    def check(self, status, bar=False):
        """Holds it to the status expected (None: any) and to what holds for all runs.

        bar: stderr has the progress bar in it, which is drawn with control characters.
        """
        about = "%s\nstatus %s, stderr:\n%s" % (self.args, self.status, self.err)
        assert self.status != SANITIZER, about
        assert self.status >= 0 and status in (None, self.status), about
        self._check_secrets(about)
        if self.status:
            assert self.err or bar, about
        for line in [] if bar else self.err.splitlines():
            assert line.startswith("vhdstream: ") or line == HINT, about
            assert not CONTROL.search(line), about
        return self

    def _check_secrets(self, about):
        shown = self.err + self.out[:100000].decode("latin-1")
        assert PASSWORD not in shown, about
        assert not SESSION.search(shown), about
        SHOWN.append(shown)


class Program:
    """program("copy", a, b) runs it; program.start(...) leaves it running."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.is_sanitized = b"__asan_init" in file.read()

    @staticmethod
    def environment(more=None):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("XENSERVER_", "OS_"))}
        env["XDG_CONFIG_HOME"] = "/nonexistent"
        env.update(more or {})
        return env

    def command(self, args):
        return [self.path] + [str(a) if isinstance(a, int) else os.fspath(a) for a in args]

    def __call__(self, *args, status=0, stdin=None, env=None, stdout=None, timeout=90,
                 bar=False, **more):
        """Runs to the end. `stdin`: bytes through a pipe, an open file, or nothing at all."""
        if isinstance(stdin, bytes):
            more["input"] = stdin
        else:
            more["stdin"] = stdin or subprocess.DEVNULL
        more.setdefault("start_new_session", True)      # no terminal to ask on
        done = subprocess.run(self.command(args), env=self.environment(env), timeout=timeout,
                              stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, **more)
        return Result(args, done.returncode, done.stdout or b"", done.stderr).check(status, bar)

    def bounded(self, *args, memory=48 << 20, seconds=60, status=0, **more):
        """A run that has to end in time and to do with so much memory at most."""
        with tempfile.NamedTemporaryFile() as peak:
            measured = Program.__new__(Program)
            measured.path = self.path
            measured.command = lambda words: [
                sys.executable, "-S", "-E", "-c", MEASURE, peak.name, *self.command(words)]
            result = measured(*args, status=status, timeout=seconds, **more)
            used = int(peak.read())
        assert self.is_sanitized or used <= memory, "%d KiB" % (used // 1024)
        return result

    def start(self, *args, env=None, **more):
        """A run under way: a Popen with the streams asked for, stderr always a pipe."""
        more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("start_new_session", True)
        return subprocess.Popen(self.command(args), env=self.environment(env),
                                stderr=subprocess.PIPE, **more)


def end(process, status, timeout=60, bar=False):
    """Waits for a run that was started, and checks it as any other.

    Its pipe stays open where a signal is to end it: the pipe's end could be seen before.
    """
    held = None
    if status in (130, 143):
        held, process.stdin = process.stdin, None
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError("it does not end; stderr so far: %r" % err) from None
    finally:
        if held:
            held.close()
    return Result(process.args, process.returncode, out or b"", err).check(status, bar)


def wait_until(true, what, seconds=30):
    """Waits for a condition that has to come true."""
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "waited %d seconds for: %s" % (seconds, what)
        time.sleep(0.01)


def is_blocked(pid, fd=None):
    """Whether the process's first thread waits for something (no byte can be moved)."""
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] == "S"


def killed_by(number):
    return -getattr(signal, "SIG" + number)


def hidden_files(folder):
    """What is in a folder, hidden names included: half-made outputs would be seen here."""
    return sorted(os.listdir(folder))


def output_of(pid, path):
    """A descriptor of ours on the file without a name that a run writes, or the hidden one."""
    folder = os.path.dirname(path)
    for fd in os.listdir("/proc/%d/fd" % pid):
        name = "/proc/%d/fd/%s" % (pid, fd)
        target = os.readlink(name)
        if target.startswith(folder) and not target.startswith(path) and \
                os.stat(name).st_mode & 0o100000:
            return os.open(name, os.O_RDWR)
    return None
