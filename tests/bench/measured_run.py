# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Runs commands and says what they cost, children included."""

import subprocess
import tempfile
import time


class Run:
    """One finished command (or pipeline of them)."""

    def __init__(self, command, status, out, err, wall, cpu, peak):
        self.command = command
        self.status = status
        self.out = out          # text
        self.err = err
        self.wall = wall        # seconds
        self.cpu = cpu          # seconds, user and system
        self.peak = peak        # bytes, of the largest process


class Failed(Exception):
    """A command that should have succeeded did not; the text has its words."""


def run(command, **options):
    """Runs it and measures it; `options` are Popen's. Raises Failed on a bad status."""
    done = attempt(command, **options)
    if done.status:
        shown = command if isinstance(command, str) else " ".join(command)
        raise Failed("%s\nstatus %d\n%s" % (shown, done.status, done.err.strip()))
    return done


def attempt(command, **options):
    """As run(), but any status will do. A text is a pipeline for bash, which then counts, too.

    GNU time stands between: a process begun by Python itself would be charged
    with Python's own memory, which it has until its exec.
    """
    if isinstance(command, str):
        command = ["bash", "-c", "set -o pipefail; " + command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, \
            tempfile.NamedTemporaryFile() as costs:
        options.setdefault("stdout", out)
        timed = ["/usr/bin/time", "-q", "-f", "%U %S %M", "-o", costs.name, *command]
        began = time.monotonic()
        status = subprocess.run(timed, stderr=err, check=False, **options).returncode
        wall = time.monotonic() - began
        user, system, peak = costs.read().split()
        return Run(command, status, _text(out), _text(err), wall,
                   float(user) + float(system), int(peak) * 1024)


def _text(file):
    file.seek(0)
    return file.read().decode(errors="replace")
