# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Ways a run can end badly on this machine: full disks, closed streams, no rights, kill -9."""

import os
import re
import resource
import subprocess

import pytest

from disk_rig import MIB, noise
from program_rig import end, wait_until

DATA = noise("ends", 8 * MIB)
FORMS = ("o.raw", "o.vhd", "o.tar", "o.tgz")


@pytest.fixture
def disk(tmp_path):
    os.mkdir(tmp_path / "in")
    path = tmp_path / "in" / "a.raw"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB, where the machine lets us make one."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", folder],
                          capture_output=True, check=False)
    if made.returncode:
        pytest.skip("a tmpfs cannot be mounted here: %s" % made.stderr.decode().strip())
    yield folder
    subprocess.run(["umount", folder], check=True)


# -- no room --------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMS)
def test_full_file_system(program, disk, small_disk, name):
    result = program("copy", disk, small_disk / name, status=6)
    assert str(small_disk / name) in result.line and "No space left on device" in result.line
    assert os.listdir(small_disk) == []


def test_full_file_system_keeps_what_was_there(program, disk, small_disk):
    (small_disk / "o.raw").write_bytes(b"precious")
    program("copy", disk, small_disk / "o.raw", "--force", status=6)
    assert (small_disk / "o.raw").read_bytes() == b"precious"
    assert os.listdir(small_disk) == ["o.raw"]


@pytest.mark.parametrize("name", FORMS)
def test_limit_of_file_size(program, disk, tmp_path, name):
    """ulimit -f: no death by SIGXFSZ, but a sentence."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MIB, 3 * MIB))  # noqa: E731
    result = program("copy", disk, tmp_path / name, status=6, preexec_fn=limit)
    assert name in result.line and "File too large" in result.line
    assert os.listdir(tmp_path) == ["in"]


def test_full_device(program, disk):
    result = program("copy", disk, "/dev/full", "--to=raw", status=6)
    assert "/dev/full" in result.line and "No space left on device" in result.line


@pytest.mark.parametrize("form", ["raw", "vhd", "tar", "tgz"])
def test_full_stdout(program, disk, form):
    with open("/dev/full", "wb") as full:
        result = program("copy", disk, "-", "--to", form, stdout=full, status=6)
    assert "standard output" in result.line and "No space left on device" in result.line


# -- no rights ------------------------------------------------------------------


def nobody():
    """Gives up what root may; nothing where we are somebody else already."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


def open_to_all(folder):
    """pytest's folders are for their owner alone."""
    while not os.stat(folder).st_mode & 0o001:
        os.chmod(folder, 0o755)
        folder = folder.parent


def test_folder_without_write_permission(program, disk, tmp_path):
    open_to_all(tmp_path)
    os.mkdir(tmp_path / "closed")
    os.chmod(tmp_path / "closed", 0o555)
    result = program("copy", disk, tmp_path / "closed" / "o.raw", status=1, preexec_fn=nobody)
    assert "closed/o.raw" in result.line and "Permission denied" in result.line


def test_source_without_read_permission(program, disk, tmp_path):
    open_to_all(tmp_path)
    os.chmod(disk, 0)
    os.chmod(tmp_path, 0o777)
    result = program("copy", disk, tmp_path / "o.raw", status=1, preexec_fn=nobody)
    assert "a.raw" in result.line and "Permission denied" in result.line
    assert os.listdir(tmp_path) == ["in"]


def test_folder_where_no_file_can_be_made(program, disk):
    result = program("copy", disk, "/proc/o.raw", status=4)
    assert result.line.startswith("/proc/o.raw: no file can be made in its folder: ")


# -- streams that are closed -----------------------------------------------------


def closed(*fds):
    def close():
        for fd in fds:
            os.close(fd)
    return close


def test_closed_stdout_fails_a_copy_to_it(program, disk):
    result = program("copy", disk, "-", "--to=raw", status=1, preexec_fn=closed(1))
    assert result.line.startswith("standard output: ")


@pytest.mark.parametrize("args", [["--version"], ["--help"], ["info", "DISK"],
                                  ["info", "DISK", "--json"]])
def test_closed_stdout_fails_what_prints(program, disk, args):
    args = [str(disk) if a == "DISK" else a for a in args]
    result = program(*args, status=1, preexec_fn=closed(1))
    assert result.line == "standard output: Bad file descriptor"


@pytest.mark.parametrize("fds", [(0,), (1,), (2,), (0, 1), (0, 1, 2)])
@pytest.mark.parametrize("name", ["o.raw", "o.vhd"])
def test_closed_streams_do_not_get_into_the_file(program, disk, tmp_path, fds, name):
    """A file that is opened as descriptor 1 or 2 would take in what is printed there."""
    program("copy", disk, tmp_path / name, "--progress", preexec_fn=closed(*fds), bar=True)
    program("copy", tmp_path / name, tmp_path / "back.raw")
    assert (tmp_path / "back.raw").read_bytes() == DATA


def test_closed_stdin_is_no_source(program, tmp_path):
    result = program("copy", "-", tmp_path / "o.vhd", status=1, preexec_fn=closed(0))
    assert result.line.startswith("standard input: ")


def test_uuid_that_cannot_be_printed(program, pool, disk):
    """The disk is complete, but the script that wanted its uuid has to hear that it is lost."""
    result = program("copy", disk, pool.sr("nfs"), *pool.login, status=1, preexec_fn=closed(1))
    uuid, = pool.disks
    assert uuid in result.err


def test_uuid_to_a_full_disk(program, pool, disk):
    with open("/dev/full", "wb") as full:
        result = program("copy", disk, pool.sr("nfs"), *pool.login, stdout=full, status=1)
    assert list(pool.disks)[0] in result.err


@pytest.mark.parametrize("form", ["raw", "vhd", "tar", "tgz"])
def test_reader_that_closes_the_pipe(program, disk, form):
    process = program.start("copy", disk, "-", "--to", form)
    process.stdout.read(1000)
    process.stdout.close()
    process.stdout = None
    result = end(process, 1)
    assert re.fullmatch(r"standard output: closed by its reader after byte \d+", result.line)


def test_stdin_that_cannot_be_read(program, tmp_path):
    (tmp_path / "w").write_bytes(DATA)
    with open(tmp_path / "w", "ab") as file:
        file.seek(0)
        result = program("copy", "-", tmp_path / "o.vhd", stdin=file, status=1)
    assert result.line.startswith("standard input: ")


# -- death ----------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMS)
def test_kill_9_leaves_nothing_under_the_name(program, tmp_path, name):
    process = program.start("copy", "-", tmp_path / name, "--from=raw", "--size=%d" % len(DATA),
                            stdin=subprocess.PIPE)
    process.stdin.write(DATA[:5 * MIB])
    process.stdin.flush()
    process.kill()
    process.wait(timeout=30)
    process.stdin.close()
    assert not (tmp_path / name).exists()
    assert os.listdir(tmp_path) == []


def test_kill_9_during_force_leaves_the_old_file(program, tmp_path):
    (tmp_path / "o.raw").write_bytes(b"precious")
    process = program.start("copy", "-", tmp_path / "o.raw", "--from=raw", "--force",
                            "--size=%d" % len(DATA), stdin=subprocess.PIPE)
    process.stdin.write(DATA[:5 * MIB])
    process.stdin.flush()
    process.kill()
    process.wait(timeout=30)
    process.stdin.close()
    assert (tmp_path / "o.raw").read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["o.raw"]


def test_no_core_file_can_hold_a_password(program):
    process = program.start("copy", "-", "/dev/null", "--from=raw", "--size=1024", "--to=raw",
                            stdin=subprocess.PIPE)
    limits = lambda: open("/proc/%d/limits" % process.pid, encoding="ascii").read()  # noqa: E731
    wait_until(lambda: "Max core file size        0                    0" in limits(),
               "no core files")
    process.kill()
    process.communicate(timeout=30)
