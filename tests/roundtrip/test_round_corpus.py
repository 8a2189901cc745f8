# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Every valid whole disk of the corpus goes right into a pool (into files: tests/vhd).

VHDSTREAM_CORPUS=DIR takes a corpus made before (a full one, say); else a quick one is made.
"""

import json
import os

import pytest

import build
import make_valid
from disk_rig import read_content, read_raw

# What cannot be done yet, by name of the file: the reason.
GAPS = {}
SENT_UP_TO = 1 << 30


def names():
    given = os.environ.get("VHDSTREAM_CORPUS")
    if given:
        with open(os.path.join(given, "manifest.json"), encoding="utf-8") as file:
            return [e["name"] for e in json.load(file)["valid"] if e["type"] != "differencing"]
    return [case.name for case in make_valid.cases(quick=True) if not case.parents]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """corpus(NAME): (path, entry of the manifest)."""
    folder = os.environ.get("VHDSTREAM_CORPUS")
    if folder:
        with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
            manifest = json.load(file)
    else:
        folder = str(tmp_path_factory.mktemp("corpus"))
        manifest = build.build(folder, quick=True)
    entries = {e["name"]: e for e in manifest["valid"]}
    return lambda name: (os.path.join(folder, entries[name]["path"]), entries[name])


@pytest.mark.parametrize("sr", ["nfs", "rawlv"])
@pytest.mark.parametrize("name", names())
def test_into_a_pool(program, pool, corpus, name, sr):
    """Through a pipe where it can be read in one pass, else from the file."""
    path, entry = corpus(name)
    if name in GAPS:
        pytest.xfail(GAPS[name])
    if entry["type"] == "differencing" or entry["virtual_size"] > SENT_UP_TO:
        pytest.skip("a part of a disk, or a huge one")
    source, data = path, None
    if entry["pipe"]["verdict"] == "read":
        source = "-"
        with open(path, "rb") as file:
            data = file.read()
    uuid = program("copy", source, pool.sr(sr), "--from=vhd", *pool.login, stdin=data)
    wanted = read_content([path])
    wanted.resize(pool.disks[uuid.text.strip()]["virtual_size"])
    assert read_raw(pool.raw_path(uuid.text.strip())) == wanted
