# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""--help and --version: on stdout, status 0, complete."""

import re

import pytest


def test_version_is_one_line(program):
    result = program("--version")
    assert re.fullmatch(r"vhdstream \d+\.\d+\.\d+\n", result.text) and not result.err


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["copy", "--help"], ["info", "-h"]])
def test_help_goes_to_stdout(program, args):
    result = program(*args)
    assert result.text and not result.err


def test_help_names_every_verb(program):
    text = program("--help").text
    for verb in ("copy", "info", "clean"):
        assert re.search(r"^  %s +" % verb, text, re.M)


def test_help_of_copy_names_every_option_of_issue_2(program):
    text = program("copy", "--help").text
    for option in ("from", "to", "level", "threads", "name-label", "description", "progress",
                   "no-progress", "progress-fd", "json", "timeout", "force", "size", "snapshot",
                   "cacert", "pin", "insecure", "user", "password-file", "password-fd",
                   "quiet", "verbose", "help", "version"):
        assert re.search(r"^ +(-\w, )?--%s\b" % option, text, re.M), option
    assert "--src-" in text and "--dst-" in text


def test_help_of_info_does_not_name_what_it_refuses(program):
    for option in re.findall(r"--([a-z-]+)", program("info", "--help").text):
        assert option not in ("force", "level", "name-label", "snapshot", "to")


@pytest.mark.parametrize("verb", ["", "copy", "info", "clean"])
def test_help_fits_80_columns(program, verb):
    for line in program(*[verb][:bool(verb)], "--help").text.splitlines():
        assert len(line) <= 80, line


def test_help_wins_over_what_is_missing(program):
    program("copy", "--help", "a.raw")


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["copy", "--help"]])
def test_help_to_a_full_disk_fails(program, args):
    with open("/dev/full", "wb") as full:
        result = program(*args, stdout=full, status=1)
    assert result.line == "standard output: No space left on device"
