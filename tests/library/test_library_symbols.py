# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""libvhdstream.so and its header: what the one declares is what the other shows."""

import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEADER = os.path.join(ROOT, "include", "vhdstream.h")


@pytest.fixture(scope="module")
def library(program):
    """The shared library beside the program."""
    build = os.path.dirname(os.path.dirname(os.path.realpath(program.path)))
    return os.path.join(build, "libvhdstream.so.1")


def declared():
    with open(HEADER, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    text = re.sub(r"^typedef .*?;$", "", text, flags=re.M | re.S)
    return set(re.findall(r"\b(vhdstream_\w+)\(", text))


def test_what_is_declared_is_what_is_shown(library):
    done = subprocess.run(["nm", "-D", "--defined-only", library], check=True, text=True,
                          stdout=subprocess.PIPE)
    shown = {line.split()[2] for line in done.stdout.splitlines()}
    assert {name.partition("@")[0] for name in shown} - {"VHDSTREAM_1"} == declared()
    assert all(name.endswith("@@VHDSTREAM_1") for name in shown - {"VHDSTREAM_1"})


def test_the_manual_page_has_every_call():
    with open(os.path.join(ROOT, "man", "libvhdstream.3"), encoding="utf-8") as file:
        synopsis = file.read().partition(".SH DESCRIPTION")[0]
    assert set(re.findall(r"\b(vhdstream_\w+)\(", synopsis)) == declared()


def test_soname(library):
    done = subprocess.run(["readelf", "-d", library], check=True, text=True,
                          stdout=subprocess.PIPE)
    assert "[libvhdstream.so.1]" in done.stdout


def test_the_program_uses_the_library(program, library):
    done = subprocess.run(["ldd", program.path], check=True, text=True, stdout=subprocess.PIPE)
    found = re.search(r"libvhdstream\.so\.1 => (\S+)", done.stdout).group(1)
    assert os.path.samefile(found, library)


@pytest.mark.parametrize("language", [["gcc", "-std=c99"], ["clang", "-std=c11"],
                                      ["clang", "-x", "c++", "-std=c++11"]],
                         ids=["C99", "C11", "C++11"])
def test_the_header_stands_alone(language):
    given = "#include \"vhdstream.h\"\n#include \"vhdstream.h\"\n"
    subprocess.run([*language, "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                    "-I", os.path.dirname(HEADER)] + ([] if "-x" in language else ["-x", "c"])
                   + ["-"], input=given, text=True, check=True)
