# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The examples, built as others build: against an installed library, by pkg-config."""

import os
import random
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MIB = 1 << 20
EXAMPLES = ("copy_disk", "split_disk", "used_space")


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


@pytest.fixture(scope="module")
def installed(program, tmp_path_factory):
    """{example: path}, and the environment that they run in."""
    folder = tmp_path_factory.mktemp("installed")
    build = os.path.dirname(os.path.dirname(os.path.realpath(program.path)))
    run("/usr/bin/meson", "install", "-C", build, "--no-rebuild", "--quiet",
        "--destdir", str(folder))
    found = run("find", str(folder), "-name", "vhdstream.pc").strip()
    env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(found),
               PKG_CONFIG_SYSROOT_DIR=str(folder))
    flags = run("pkg-config", "--cflags", "--libs", "vhdstream", env=env).split()
    assert flags, "pkg-config knows no vhdstream"
    sanitize = ["-fsanitize=address,undefined"] if "asan" in build else []
    for name in EXAMPLES:
        run("gcc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", *sanitize, "-o",
            str(folder / name), os.path.join(ROOT, "examples", name + ".c"), *flags)
    env["LD_LIBRARY_PATH"] = os.path.dirname(os.path.dirname(found))
    return lambda name, *args: [str(folder / name), *args], env


@pytest.fixture
def disk(tmp_path):
    """5 MiB at the start of 20, 1 byte at the end."""
    path = tmp_path / "disk.raw"
    path.write_bytes(random.Random(5).randbytes(5 * MIB) + bytes(15 * MIB - 1) + b"x")
    return path


def test_a_copy(installed, disk, tmp_path):
    command, env = installed
    made = tmp_path / "disk.vhd"
    assert '"destination"' in run(*command("copy_disk", str(disk), str(made)), env=env)
    run("qemu-img", "compare", "-f", "raw", "-F", "vpc", str(disk), str(made))


def test_a_copy_that_fails_says_why(installed, tmp_path):
    command, env = installed
    done = subprocess.run(command("copy_disk", str(tmp_path / "none.vhd"), str(tmp_path / "x.vhd")),
                          env=env, check=False, text=True, stderr=subprocess.PIPE)
    assert done.returncode == 4
    assert "not found: " in done.stderr and "none.vhd" in done.stderr


def test_pieces_by_the_callers_function(installed, disk, tmp_path):
    command, env = installed
    size, _, count, _ = run(*command("split_disk", str(disk), str(tmp_path / "part")),
                            env=env).split()
    count = int(count)
    parts = [(tmp_path / ("part.%d" % i)).read_bytes() for i in range(count)]
    assert count > 6 and all(len(part) == MIB for part in parts[:-1])
    assert sum(map(len, parts)) == int(size)
    (tmp_path / "whole.vhd").write_bytes(b"".join(parts))
    run("qemu-img", "compare", "-f", "raw", "-F", "vpc", str(disk), str(tmp_path / "whole.vhd"))


def test_a_function_that_refuses_ends_the_copy(installed, disk, tmp_path):
    command, env = installed
    done = subprocess.run(command("split_disk", str(disk), str(tmp_path / "no" / "folder")),
                          env=env, check=False, text=True, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert "the caller's stream: the caller's function failed at byte" in done.stderr


def test_extents(installed, disk):
    command, env = installed
    lines = run(*command("used_space", str(disk)), env=env).splitlines()
    assert lines[0].split() == ["0", str(5 * MIB), "data"]
    kinds = [line.split() for line in lines[:-1]]
    assert sum(int(length) for _, length, _ in kinds) == 20 * MIB
    assert int(lines[-1].split()[1]) == sum(int(n) for _, n, kind in kinds if kind == "data")
