# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Progress: a bar on terminals, JSON lines on a descriptor, nothing where nobody looks."""

import json
import os
import pty
import re
import subprocess

import pytest

from disk_rig import MIB, noise, raw_file
from program_rig import end

DATA = noise("progress", 4 * MIB)


@pytest.fixture
def disk(tmp_path):
    """12 MiB, of which 4 MiB are data."""
    return raw_file(tmp_path / "a.raw", 12 * MIB, [(4 * MIB, DATA)])


def json_lines(program, *args, stdin=None):
    read, write = os.pipe()
    try:
        program(*args, "--progress-fd", write, pass_fds=[write], stdin=stdin)
        os.close(write)
        write = None
        with os.fdopen(read, encoding="ascii") as file:
            return [json.loads(line) for line in file]
    finally:
        if write is not None:
            os.close(write)


def test_last_json_line_is_the_whole_transfer(program, disk, tmp_path):
    last = json_lines(program, "copy", disk, tmp_path / "o.vhd")[-1]
    assert last["total"] == last["done"] == 12 * MIB
    assert last["holes"] == 8 * MIB
    assert last["written"] == os.path.getsize(tmp_path / "o.vhd")
    assert last["seconds"] >= 0


def test_json_lines_never_go_back(program, tmp_path):
    lines = json_lines(program, "copy", "-", tmp_path / "o.raw", "--from=raw",
                       "--size=%d" % len(DATA), stdin=DATA)
    for key in ("done", "read", "written", "seconds"):
        values = [line[key] for line in lines]
        assert values == sorted(values)
    assert lines[-1]["read"] == len(DATA)


def test_json_line_after_a_failure_says_how_far_it_came(program, tmp_path):
    read, write = os.pipe()
    program("copy", "-", tmp_path / "o.raw", "--from=raw", "--size=%d" % (8 * MIB),
            "--progress-fd", write, pass_fds=[write], stdin=DATA, status=3)
    os.close(write)
    with os.fdopen(read, encoding="ascii") as file:
        last = [json.loads(line) for line in file][-1]
    assert last["total"] == 8 * MIB and last["done"] <= len(DATA)


def test_progress_reader_that_goes_away_stops_nothing(program, disk, tmp_path):
    read, write = os.pipe()
    os.close(read)
    program("copy", disk, tmp_path / "o.raw", "--progress-fd", write, pass_fds=[write])
    os.close(write)
    assert os.path.getsize(tmp_path / "o.raw") == 12 * MIB


def test_progress_fd_that_is_not_open(program, disk, tmp_path):
    result = program("copy", disk, tmp_path / "o.raw", "--progress-fd", "77", status=2)
    assert result.lines[0] == "--progress-fd 77: Bad file descriptor"


def test_progress_fd_that_is_the_disks(program, disk):
    result = program("copy", disk, "-", "--to=raw", "--progress-fd=1", status=2)
    assert "--progress-fd" in result.lines[0] and "standard output" in result.lines[0]


def test_no_bar_without_a_terminal(program, disk, tmp_path):
    assert program("copy", disk, tmp_path / "o.raw").err == ""


def on_terminal(program, *args, slow=False):
    """Runs it with stderr on a terminal; what was drawn there."""
    mother, child = pty.openpty()
    process = subprocess.Popen(program.command(args), stderr=child, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env=program.environment())
    os.close(child)
    drawn = b""
    if slow:                    # it waits for its input until the bar is there
        process.stdin.write(DATA[:MIB])
        process.stdin.flush()
        while b"]" not in drawn:
            drawn += os.read(mother, 4096)
        process.stdin.write(DATA[MIB:])
    process.stdin.close()
    while True:
        try:
            more = os.read(mother, 4096)
        except OSError:
            break
        if not more:
            break
        drawn += more
    os.close(mother)
    assert process.wait(timeout=30) == 0
    process.stdout.close()
    return drawn.decode()


STREAM = ["--from=raw", "--size=%d" % len(DATA)]


def test_bar_on_a_terminal_when_it_lasts(program, tmp_path):
    drawn = on_terminal(program, "copy", "-", tmp_path / "o.raw", *STREAM, slow=True)
    assert re.search(r"\r\[#+-*\] +\d+\.\d %", drawn)
    assert "100.0 %" in drawn and drawn.endswith("\r\n")


def test_no_bar_for_what_is_done_at_once(program, disk, tmp_path):
    assert on_terminal(program, "copy", disk, tmp_path / "o.raw") == ""


def test_no_progress_means_none(program, disk, tmp_path):
    assert on_terminal(program, "copy", disk, tmp_path / "o.raw", "--no-progress") == ""


def test_progress_wanted_is_shown_at_once_and_without_a_terminal(program, tmp_path):
    process = program.start("copy", "-", tmp_path / "o.raw", *STREAM, "--progress",
                            stdin=subprocess.PIPE)
    assert process.stderr.read(2) == b"\r["
    process.stdin.write(DATA)
    result = end(process, 0, bar=True)
    assert "100.0 %" in result.err and result.err.endswith("\n")


def test_message_of_a_failure_stands_on_a_line_of_its_own(program, tmp_path):
    process = program.start("copy", "-", tmp_path / "o.raw", *STREAM, "--progress",
                            stdin=subprocess.PIPE)
    assert process.stderr.read(2) == b"\r["
    process.stdin.write(DATA[:1000])
    result = end(process, 3, bar=True)
    assert re.search(r"\r\x1b\[Kvhdstream: .*\n$", result.err)
