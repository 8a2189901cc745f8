# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The version is said in several places, and is one."""

import glob
import os
import re

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACES = {
    "include/vhdstream.h": r'VHDSTREAM_VERSION_TEXT "([^"]+)"',
    "debian/changelog": r"vhdstream \(([^)]+)\)",
    "NEWS.md": r"\n## (\S+?),",
    **{os.path.relpath(page, ROOT): r'\.TH \S+ \d "" "vhdstream ([^"]+)"'
       for page in glob.glob(os.path.join(ROOT, "man", "*.[13]"))},
}


def first(path, pattern):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return re.search(pattern, file.read()).group(1)


@pytest.mark.parametrize("path", sorted(PLACES))
def test_it_is_that_of_the_build(path):
    assert first(path, PLACES[path]) == first("meson.build", r"\bversion: '([^']+)'")


def test_the_soname_is_that_of_the_package():
    number = first("meson.build", r"soversion: '(\d+)'")
    assert first("debian/control", r"\nPackage: libvhdstream(\d+)\n") == number
    assert first("debian/libvhdstream1.symbols", r"VHDSTREAM_(\d+) ") == number
