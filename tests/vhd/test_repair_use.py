# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""repair as its user meets it: files that are in use, places that are no files, what it prints."""

import fcntl
import hashlib
import re

import pytest

from test_repair import Case, backups, read
from vhd_rig import run


def can_tell_who_has_it_open(path):
    """Whether the file system knows leases."""
    with open(path, "r+b") as file:
        try:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except OSError:
            return False
    return True


def test_a_file_in_use_is_left(vhdstream, tmp_path):
    case = Case(str(tmp_path), "tail-sum")
    if not can_tell_who_has_it_open(case.path):
        pytest.skip("no leases here")
    with open(case.path, "rb"):
        result = run(vhdstream, "repair", case.path)
        assert result.status == 1 and "open" in result.line
        assert read(case.path) == case.damaged and not backups(case.path)
        assert run(vhdstream, "repair", "--dry-run", case.path).status == 0
        assert run(vhdstream, "repair", "--force", case.path).status == 0
    assert read(case.path) == case.sound


@pytest.mark.parametrize("place, status", [("-", 2), ("https://host.invalid/a.vhd", 2),
                                           ("/dev/null", 3), (".", 3), ("none.vhd", 4)])
def test_only_files_are_mended(program, tmp_path, place, status):
    program("repair", place, status=status, cwd=tmp_path)


def test_what_it_prints(vhdstream, tmp_path):
    case = Case(str(tmp_path), "tail-lost")
    digest = hashlib.sha256(case.damaged).digest()
    text = run(vhdstream, "repair", "--dry-run", case.path).text
    assert re.fullmatch(re.escape(case.path) + r":\d+: would be mended: .* "
                        r"\[trailing-footer-missing\]\n", text)
    first, second = run(vhdstream, "repair", case.path).text.splitlines()
    assert re.fullmatch(re.escape(case.path) + r":\d+: mended: .* \[trailing-footer-missing\]",
                        first)
    backup, = backups(case.path)
    assert second.endswith("is in " + backup)
    assert run(vhdstream, "repair", case.path).text == case.path + ": nothing was mended\n"
    assert run(vhdstream, "repair", "-q", case.path, "--undo", backup).text == ""
    assert hashlib.sha256(read(case.path)).digest() == digest
