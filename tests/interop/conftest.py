# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""streamtool (tests/unit/streamtool.c) against tools that are not ours."""

import os
import random
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = b"the disk has a block of zeros in its table and a sector of data ".split()


class StreamTool:
    """tool("gzip", 1, 2, data=B): what it writes; fails where it should not."""

    def __init__(self, path):
        self.path = path

    def run(self, *words, data=b""):
        return subprocess.run([self.path, *map(str, words)], input=data, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def __call__(self, *words, data=b""):
        done = self.run(*words, data=data)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def error(self, *words, data=b"", status=3):
        """The message of a run that ends in that status."""
        done = self.run(*words, data=data)
        assert done.returncode == status, (done.returncode, done.stderr.decode())
        return done.stderr.decode()


@pytest.fixture(scope="session")
def streamtool():
    """$STREAMTOOL, else beside the program under test, else of ./dev check."""
    program = os.environ.get("VHDSTREAM") or \
        os.path.join(HERE, "..", "..", "build", "check", "plain", "cli", "vhdstream")
    beside = os.path.join(os.path.dirname(program), "..", "tests", "unit", "streamtool")
    path = os.environ.get("STREAMTOOL") or beside
    assert os.access(path, os.X_OK), "no streamtool at %s: set STREAMTOOL" % path
    return StreamTool(os.path.abspath(path))


@pytest.fixture(scope="session")
def mixed():
    """Some 3 MiB of text, random bytes and zeros, the same on every run."""
    source = random.Random(7)
    parts = []
    for _ in range(12):
        parts.append(b" ".join(source.choices(WORDS, k=source.randrange(40000))))
        parts.append(source.randbytes(source.randrange(100000)))
        parts.append(bytes(source.randrange(300000)))
    return b"".join(parts)
