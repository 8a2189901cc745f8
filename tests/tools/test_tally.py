# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""tools/tally.py: what counts as passed, failed and skipped."""

import os
import subprocess

import pytest

TALLY = os.path.join(os.path.dirname(__file__), "..", "..", "tools", "tally.py")
CASES = """<testsuites><testsuite name="s">
<testcase name="a"/><testcase name="b"/>%s
</testsuite></testsuites>"""


@pytest.fixture
def tally(tmp_path):
    """Writes `stages` and the NAME.xml given; (exit status, the line)."""
    def run(stages, **files):
        (tmp_path / "stages").write_text(stages)
        for name, text in files.items():
            (tmp_path / (name + ".xml")).write_text(text)
        done = subprocess.run(["/usr/bin/python3", TALLY, str(tmp_path)],
                              stdout=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stdout.rstrip("\n")
    return run


def test_a_stage_without_tests_counts_as_one(tally):
    assert tally("style ok\n") == (0, "1 passed, 0 failed")
    assert tally("style FAILED\n") == (1, "0 passed, 1 failed")


def test_tests_are_counted_not_their_stage(tally):
    assert tally("unit ok\n", unit=CASES % "") == (0, "2 passed, 0 failed")


@pytest.mark.parametrize("what", ["failure", "error"])
def test_failed_tests_are_counted_not_their_stage(tally, what):
    bad = CASES % ('<testcase name="c"><%s/></testcase>' % what)
    assert tally("unit FAILED\n", unit=bad) == (1, "2 passed, 1 failed")


def test_a_stage_that_fails_though_its_tests_passed_counts(tally):
    assert tally("unit FAILED\n", unit=CASES % "") == (1, "2 passed, 1 failed")


def test_skipped_tests_are_named(tally):
    skipped = CASES % '<testcase name="c"><skipped/></testcase>'
    assert tally("unit ok\n", unit=skipped) == (0, "2 passed, 0 failed, 1 skipped")


def test_a_broken_result_file_is_no_pass(tally):
    assert tally("unit FAILED\n", unit="<testsuites") == (1, "0 passed, 1 failed")


def test_nothing_at_all_is_a_failure(tally):
    assert tally("") == (1, "0 passed, 0 failed")


def test_an_unfinished_stage_is_no_pass(tally):
    assert tally("unit\n") == (1, "0 passed, 1 failed")
