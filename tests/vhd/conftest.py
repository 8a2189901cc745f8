# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The corpus: a quick one, or the one in the folder that VHDSTREAM_CORPUS names."""

import json
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
for path in (HERE, os.path.join(HERE, "..", "corpus")):
    if path not in sys.path:
        sys.path.insert(0, path)

import build                # noqa: E402
from vhd_rig import Corpus  # noqa: E402


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    folder = os.environ.get("VHDSTREAM_CORPUS")
    if not folder:
        folder = str(tmp_path_factory.mktemp("corpus"))
        build.build(folder, quick=True)
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
        return Corpus(os.path.abspath(folder), json.load(file))
