# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""One corpus for all tests here: VHDSTREAM_CORPUS names one made before, else a quick one."""

import json
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import build  # noqa: E402


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """(folder, manifest)"""
    given = os.environ.get("VHDSTREAM_CORPUS")
    if given:
        with open(os.path.join(given, "manifest.json"), encoding="utf-8") as file:
            return given, json.load(file)
    folder = str(tmp_path_factory.mktemp("corpus"))
    return folder, build.build(folder, quick=True)
