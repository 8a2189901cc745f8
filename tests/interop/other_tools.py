# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Runs programs that are not ours."""

import shutil
import subprocess

import pytest


def pipe(command, data, **options):
    """What a program makes of its input; it must succeed, and say nothing."""
    if not shutil.which(command[0]):
        pytest.skip("no " + command[0])
    done = subprocess.run(command, input=data, timeout=120, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, **options)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert done.stderr == b""
    return done.stdout
