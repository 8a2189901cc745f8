# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A file appears under its name when it is complete, and replaces nothing without --force."""

import os
import stat

import pytest

from disk_rig import MIB, noise

DATA = noise("replace", MIB)


@pytest.fixture
def disk(tmp_path):
    path = tmp_path / "a.raw"
    path.write_bytes(DATA)
    return path


def test_existing_file_is_not_replaced(program, disk, tmp_path):
    (tmp_path / "b.raw").write_bytes(b"precious")
    result = program("copy", disk, tmp_path / "b.raw", status=1)
    assert result.line == "%s/b.raw: exists already; --force replaces it" % tmp_path
    assert (tmp_path / "b.raw").read_bytes() == b"precious"


def test_existing_file_is_refused_before_the_source_is_touched(program, tmp_path):
    (tmp_path / "b.raw").write_bytes(b"precious")
    os.mkfifo(tmp_path / "never.raw")       # to open it would wait for ever
    program("copy", tmp_path / "never.raw", tmp_path / "b.raw", status=1, timeout=20)


def test_dangling_link_is_not_replaced(program, disk, tmp_path):
    os.symlink("nowhere", tmp_path / "b.raw")
    program("copy", disk, tmp_path / "b.raw", status=1)
    assert os.readlink(tmp_path / "b.raw") == "nowhere"
    assert not (tmp_path / "nowhere").exists()


def test_force_replaces(program, disk, tmp_path):
    (tmp_path / "b.raw").write_bytes(b"old")
    program("copy", disk, tmp_path / "b.raw", "--force")
    assert (tmp_path / "b.raw").read_bytes() == DATA


def test_force_on_nothing(program, disk, tmp_path):
    program("copy", disk, tmp_path / "b.raw", "--force")
    assert (tmp_path / "b.raw").read_bytes() == DATA


def test_force_keeps_the_mode(program, disk, tmp_path):
    (tmp_path / "b.raw").write_bytes(b"old")
    os.chmod(tmp_path / "b.raw", 0o600)
    program("copy", disk, tmp_path / "b.raw", "--force")
    assert stat.S_IMODE(os.stat(tmp_path / "b.raw").st_mode) == 0o600


def test_new_file_follows_the_umask(program, disk, tmp_path):
    program("copy", disk, tmp_path / "b.raw", umask=0o027)
    assert stat.S_IMODE(os.stat(tmp_path / "b.raw").st_mode) == 0o640


def test_force_writes_behind_a_link(program, disk, tmp_path):
    os.mkdir(tmp_path / "far")
    (tmp_path / "far" / "c.raw").write_bytes(b"old")
    os.symlink("far/c.raw", tmp_path / "b.raw")
    program("copy", disk, tmp_path / "b.raw", "--force")
    assert os.path.islink(tmp_path / "b.raw")
    assert (tmp_path / "far" / "c.raw").read_bytes() == DATA


def test_force_keeps_the_old_file_when_the_source_is_bad(program, tmp_path):
    (tmp_path / "b.raw").write_bytes(b"precious")
    (tmp_path / "bad.vhd").write_bytes(b"conectix" + bytes(5000))
    program("copy", tmp_path / "bad.vhd", tmp_path / "b.raw", "--force", status=3)
    assert (tmp_path / "b.raw").read_bytes() == b"precious"
    assert sorted(os.listdir(tmp_path)) == ["b.raw", "bad.vhd"]


def test_source_onto_itself(program, disk, tmp_path):
    """With --force the complete copy takes the name at the end: the content is the same."""
    program("copy", disk, disk, "--force")
    assert disk.read_bytes() == DATA


def test_source_onto_itself_without_force(program, disk):
    program("copy", disk, disk, status=1)
    assert disk.read_bytes() == DATA


def test_other_name_of_the_source_is_left_alone(program, disk, tmp_path):
    os.link(disk, tmp_path / "b.raw")
    program("copy", disk, tmp_path / "c.vhd")
    program("copy", tmp_path / "c.vhd", tmp_path / "b.raw", "--force")
    assert disk.read_bytes() == DATA and (tmp_path / "b.raw").read_bytes() == DATA


def test_failure_leaves_nothing(program, tmp_path):
    (tmp_path / "bad.vhd").write_bytes(b"conectix" + bytes(5000))
    for name in ("o.raw", "o.vhd", "o.tgz", "o.tar"):
        program("copy", tmp_path / "bad.vhd", tmp_path / name, status=3)
    assert os.listdir(tmp_path) == ["bad.vhd"]


def test_file_that_appears_meanwhile_is_not_replaced(program, tmp_path):
    """Somebody else makes the file while the copy runs: the copy fails and theirs stays."""
    process = program.start("copy", "-", tmp_path / "b.raw", "--from=raw", "--size=1024",
                            stdin=-1)
    process.stdin.write(bytes(512))
    process.stdin.flush()
    (tmp_path / "b.raw").write_bytes(b"theirs")
    process.stdin.write(bytes(512))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1 and b"exists already" in err
    assert (tmp_path / "b.raw").read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["b.raw"]


def test_nothing_is_seen_under_the_name_before_the_end(program, tmp_path):
    process = program.start("copy", "-", tmp_path / "b.raw", "--from=raw",
                            "--size=%d" % (8 * MIB), stdin=-1)
    process.stdin.write(bytes(4 * MIB))
    process.stdin.flush()
    assert not (tmp_path / "b.raw").exists()
    process.stdin.write(bytes(4 * MIB))
    process.communicate(timeout=30)
    assert process.returncode == 0 and (tmp_path / "b.raw").stat().st_size == 8 * MIB


def test_sync_of_the_result_is_asked_for(program, disk, tmp_path):
    """A crash of the machine after status 0 must not lose it: fsync before the name."""
    import shutil
    import subprocess
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    # The leak check of a program under sanitizers needs ptrace for itself.
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:exitcode=99")
    log = tmp_path / "log"
    traced = "trace=fsync,fdatasync,linkat,renameat2,rename"
    subprocess.run(["strace", "-f", "-o", log, "-e", traced, program.path, "copy", disk,
                    tmp_path / "b.raw"], check=True, env=environment)
    calls = [line.split("(")[0].split()[-1] for line in log.read_text().splitlines()
             if "(" in line and "resumed" not in line]
    assert calls.index("fsync") < min(calls.index(c) for c in calls if "link" in c or "rename" in c)
