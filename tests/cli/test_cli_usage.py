# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Wrong command lines: exit status 2, and exactly this on stderr."""

import pytest

HINT = "Try `vhdstream --help`.\n"


def refused(program, *args, says, hint=True):
    result = program(*args, status=2)
    assert result.out == b""
    assert result.err == "vhdstream: " + says + "\n" + (HINT if hint else "")


def test_no_argument(program):
    refused(program, says="a verb is missing")


def test_unknown_verb(program):
    refused(program, "fly", says="fly: no such verb")


def test_no_place(program):
    refused(program, "copy", says="copy needs SOURCE... DEST")


def test_one_place_of_two(program):
    refused(program, "copy", "a.raw", says="copy needs SOURCE... DEST")


def test_one_place_too_many(program):
    refused(program, "info", "a.raw", "b.raw", says="b.raw: one place too many for info")


def test_info_needs_a_place(program):
    refused(program, "info", says="info needs PLACE")


def test_unknown_option(program):
    refused(program, "copy", "--fast", "a", "b", says="--fast: no such option")


def test_unknown_letter(program):
    refused(program, "copy", "-x", "a", "b", says="-x: no such option")


def test_prefix_of_an_option_is_none(program):
    refused(program, "copy", "--forc", "a", "b", says="--forc: no such option")


def test_option_of_one_side_only(program):
    refused(program, "copy", "--src-level", "1", "a", "b", says="--src-level: no such option")


def test_value_missing(program):
    refused(program, "copy", "a", "b", "--level", says="--level needs a value: N")


def test_value_of_a_switch(program):
    refused(program, "copy", "--force=yes", "a", "b", says="--force takes no value")


@pytest.mark.parametrize("value", ["0", "10", "", "fast", "1x", "-1", " 1", "+1", "1.0",
                                   "18446744073709551617"])
def test_level_out_of_range(program, value):
    refused(program, "copy", "--level=" + value, "a", "b",
            says="--level %s: expected a whole number from 1 to 9, or auto" % value)


def test_threads_out_of_range(program):
    result = program("copy", "--threads", "9999", "a", "b", status=2)
    assert result.lines[0].startswith("--threads 9999: expected a whole number from 0 to ")


@pytest.mark.parametrize("value", ["0", "86401", "2s"])
def test_timeout_out_of_range(program, value):
    refused(program, "copy", "--timeout", value, "a", "b",
            says="--timeout %s: expected a whole number from 1 to 86400" % value)


@pytest.mark.parametrize("value", ["0", "-512", "1G", "99999999999999999999"])
def test_size_that_is_none(program, value):
    result = program("copy", "--size", value, "a", "b", status=2)
    assert result.lines[0].startswith("--size %s: expected a whole number from 1 to " % value)


def test_unknown_format_lists_those_that_are_there(program):
    result = program("copy", "--to", "vmdk", "a.raw", "b", status=2)
    assert result.lines[0].startswith("--to vmdk: no such format; there are raw, vhd, ")


@pytest.mark.parametrize("value", ["x", "-1", "", "1e3", "99999999"])
def test_progress_fd_that_is_none(program, value):
    refused(program, "copy", "--progress-fd=" + value, "a", "b",
            says="--progress-fd %s: expected a descriptor's number" % value)


def test_option_of_another_verb(program):
    refused(program, "info", "--force", "a", says="--force has no meaning for info")


def test_option_before_the_verb(program):
    refused(program, "--force", "info", "a", says="--force: the verb comes before its options")


@pytest.mark.parametrize("pin", ["sha256:12", "md5:" + 32 * "0", "=sha256:" + 64 * "0",
                                 "sha256:" + 64 * "g", "h:443=sha256:" + 64 * "0"])
def test_pin_that_is_none(program, pin):
    result = program("copy", "--pin", pin, "a", "b", status=2)
    assert result.lines[0].startswith("pin '%s'" % pin)


def test_control_characters_of_a_word_are_not_repeated(program):
    program("fly\x1b[31m\n", status=2)
    program("copy", "--le\x1bvel=1", "a", "b", status=2)
    program("copy", "a", "b", "c\x07", status=2)


def test_control_characters_above_ascii_are_not_repeated(program):
    """U+009B alone begins what a terminal obeys, as ESC [ does."""
    assert "\x9b" not in program("info", "a\x9b31m.vhd", status=4).err
    assert "\x9b" not in program("fly\x9b31m", status=2).err


def test_words_after_two_dashes_are_places(program, tmp_path):
    (tmp_path / "--force").write_bytes(bytes(1024))
    program("copy", "--from=raw", "--to=raw", "--", "--force", "out", cwd=tmp_path)
    assert (tmp_path / "out").read_bytes() == bytes(1024)


def test_options_may_follow_the_places(program, tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(1024))
    program("copy", "a.raw", "b", "--to", "raw", cwd=tmp_path)
    assert (tmp_path / "b").stat().st_size == 1024


def test_json_and_disk_on_one_stdout(program):
    refused(program, "copy", "a.raw", "-", "--json", "--to", "raw",
            says="--json and the disk both want standard output")


def test_usage_is_judged_before_anything_is_read(program, tmp_path):
    program("copy", tmp_path / "absent.raw", tmp_path / "b.raw", "--level", "77", status=2)
