# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""--limit-rate: what is counted, that it holds, and that it trips no other limit.

Only lower bounds of time are asserted: those that the limit promises.
"""

import signal
import time

import pytest

from disk_rig import MIB, noise, raw_file
from program_rig import end

DATA = noise("rate", 3 * MIB)


@pytest.fixture
def disk(tmp_path):
    return raw_file(tmp_path / "a.raw", 64 * MIB, [(0, DATA)])


@pytest.fixture
def seconds(program):
    """Runs the program; how long that took."""
    def run(*args, **more):
        start = time.monotonic()
        program(*args, **more)
        return time.monotonic() - start
    return run


def test_what_is_sent_to_a_pool_counts(seconds, pool, disk):
    """Two blocks; holes cost nothing. No second passes without a byte."""
    spent = seconds("copy", disk, pool.sr("nfs"), *pool.login, "--limit-rate", "3M",
                    "--timeout", "1")
    assert spent >= 4 / 3
    assert pool.digest(list(pool.disks)[0])


def test_what_is_read_back_from_a_pool_counts(seconds, pool, disk):
    """Two blocks there, and two back."""
    assert seconds("copy", disk, pool.sr("nfs"), *pool.login, "--verify",
                   "--limit-rate", "4M") >= 1.7


def test_what_a_pool_sends_counts_not_the_small_file(seconds, pool, tmp_path):
    letters = raw_file(tmp_path / "b.raw", 4 * MIB, [(0, b"compress me!" * (4 * MIB // 12))])
    uuid = pool.make_disk("nfs", 4 * MIB, letters)
    spent = seconds("copy", pool.vdi(uuid), tmp_path / "o.tgz", *pool.login,
                    "--limit-rate", "4096k", "--timeout", "1")
    assert (tmp_path / "o.tgz").stat().st_size < MIB and spent >= 1


def test_between_files_what_is_written_counts(seconds, disk, tmp_path):
    assert seconds("copy", disk, tmp_path / "o.raw", "--limit-rate=3145728") >= 1
    assert (tmp_path / "o.raw").read_bytes()[:len(DATA)] == DATA


def test_a_place_that_is_only_read_counts(seconds, disk):
    """Its holes do not."""
    assert seconds("digest", disk, "--limit-rate=3M") >= 1


def test_a_stop_does_not_wait_for_the_next_byte(program, disk):
    process = program.start("copy", disk, "-", "--to=raw", "--limit-rate=1")
    process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    end(process, 130)


@pytest.mark.parametrize("rate", ["0", "", "-1", "K", "1.5M", "1MB", "1Mi", "1 M", "9999999999G"])
def test_rate_that_is_none(program, rate):
    result = program("copy", "--limit-rate=" + rate, "a", "b", status=2)
    assert result.lines[0].startswith("--limit-rate %s: expected bytes a second" % rate)


@pytest.mark.parametrize("rate", ["99999", "99999b", "99999B", "1k", "64K", "10m", "10M", "1g",
                                  "1G", "8T"])
def test_rates_as_curl_takes_them(program, tmp_path, rate):
    raw_file(tmp_path / "s.raw", 512)
    program("copy", "--limit-rate", rate, tmp_path / "s.raw", tmp_path / "o.raw")
