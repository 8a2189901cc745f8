# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Each allocation and each call of the network fails in turn while a disk goes into Glance and
comes out of it: there is no image, or a whole one, or the message names what is left.

$VHDSTREAM_FAULT_STEP says which share of them is struck, one in so many; 1: all.
"""

import os
import subprocess

import pytest

from disk_rig import MIB, noise, raw_file
from program_rig import PASSWORD, SANITIZER

EVERY = int(os.environ.get("VHDSTREAM_FAULT_STEP", "7"))
SIZE = 2 * MIB


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return raw_file(tmp_path_factory.mktemp("small") / "a.raw", SIZE, [(0, noise("a", MIB))])


@pytest.fixture
def copy(faults, cloud):
    """copy(places, at=N) with a login to Keystone, and its N-th call struck."""
    cloud.tokens = type("Any", (), {"__contains__": lambda _, token: token is not None})()
    login = {"OS_AUTH_URL": cloud.origin, "OS_USERNAME": "anna", "OS_PASSWORD": PASSWORD,
             "OS_PROJECT_NAME": "tests"}

    def run(*args, **env):
        done = subprocess.run(
            [faults, "copy", "--threads", "0", "--retries", "0", "--digest", *map(str, args)],
            env={**os.environ, **login, **env}, timeout=60, stdin=subprocess.DEVNULL,
            capture_output=True, check=False)
        assert done.returncode not in (SANITIZER, -6, -11), (env, done.stderr)
        assert PASSWORD.encode() not in done.stderr
        return done
    return run


def points(copy, *args, folder):
    """Numbers of the calls that are made to fail, spread over all of them."""
    count = folder / "count"
    assert copy(*args, VHDSTREAM_FAULT_COUNT=str(count)).returncode == 0
    total = int(count.read_text())
    assert total > 50
    print("%d points" % total)
    return range(1 + total % EVERY, total + 1, EVERY)


def test_every_call_of_an_upload_fails_once(copy, cloud, small, tmp_path):
    args = [small, cloud.place("new", host=False), "--to", "raw"]
    for at in points(copy, *args, folder=tmp_path):
        cloud.images.clear()
        done = copy(*args, VHDSTREAM_FAULT_AT=str(at))
        if not done.returncode:
            assert list(cloud.images) == [done.stdout.decode().strip()], at
            assert cloud.contents[done.stdout.decode().strip()] == small.read_bytes(), at
            continue
        assert done.stderr.startswith(b"vhdstream: "), (at, done.stderr)
        assert done.returncode == 7 or not cloud.images, (at, done.stderr)
        assert all(image.encode() in done.stderr for image in cloud.images), (at, done.stderr)


def test_every_call_of_a_download_fails_once(copy, cloud, small, tmp_path):
    image = cloud.add(small.read_bytes(), disk_format="raw", container_format="bare")
    out = tmp_path / "out"
    out.mkdir()
    args = [cloud.place(image, host=False), out / "a.raw"]
    for at in points(copy, *args, folder=tmp_path):
        done = copy(*args, VHDSTREAM_FAULT_AT=str(at), TMPDIR=str(tmp_path))
        found = os.listdir(out)
        if done.returncode:
            assert done.stderr.startswith(b"vhdstream: "), (at, done.stderr)
        if "a.raw" in found:
            assert (out / "a.raw").read_bytes() == small.read_bytes(), (at, done.stderr)
            os.unlink(out / "a.raw")
        assert set(found) <= {"a.raw"}, (at, found)
