# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""./dev and .ci/run: what they say, and with which status they end."""

import os
import re
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHELL = shutil.which("dash") or "/bin/sh"


def dev(*args):
    done = subprocess.run([SHELL, os.path.join(ROOT, "dev"), *args], cwd="/", text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout, done.stderr


def test_without_argument_it_lists_its_commands():
    status, out, _ = dev()
    listed = re.findall(r"^  (\w+)", out, re.M)
    scripts = [n[4:-3] for n in os.listdir(os.path.join(ROOT, "tools"))
               if n.startswith("dev-") and n.endswith(".sh")]
    assert status == 0
    assert sorted(listed) == sorted(scripts)


def test_an_unknown_command_is_a_mistake():
    status, out, err = dev("chekc")
    assert (status, out) == (2, "")
    assert 'no command "chekc"' in err


@pytest.fixture
def ci(tmp_path):
    """.ci/run in a tree whose ./dev is the text given; (status, lines)."""
    def run(check):
        shutil.copytree(os.path.join(ROOT, ".ci"), tmp_path / ".ci")
        (tmp_path / "dev").write_text("#!/bin/sh\n" + check)
        (tmp_path / "dev").chmod(0o755)
        done = subprocess.run(["bash", ".ci/run"], cwd=tmp_path, text=True, check=False,
                              stdout=subprocess.PIPE)
        return done.returncode, done.stdout.splitlines()
    return run


COUNTED = "mkdir -p build/check/results; : >build/check/results/counted\n"


def test_ci_ends_with_the_line_of_the_check(ci):
    status, lines = ci(COUNTED + "echo '7 passed, 0 failed'\n")
    assert (status, lines[-1]) == (0, "7 passed, 0 failed")


def test_ci_fails_when_the_check_does(ci):
    status, lines = ci(COUNTED + "echo '6 passed, 1 failed'; exit 1\n")
    assert (status, lines[-1]) == (1, "6 passed, 1 failed")


@pytest.mark.parametrize("check", ["exit 3\n", "exit 0\n", "kill -9 $$\n"])
def test_a_check_that_ends_early_is_a_failure(ci, check):
    status, lines = ci(check)
    assert (status, lines[-1]) == (1, "0 passed, 1 failed")
