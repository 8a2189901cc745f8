# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Every file of the corpus, from a file and through a pipe: read right, or refused.

VHDSTREAM_CORPUS=DIR takes a corpus made before (a full one, say); else a quick one is made.
"""

import hashlib
import json
import os

import pytest

import build
import make_bad
import make_valid
from disk_rig import read_raw
from vhd_fields import Footer

# What the program cannot do yet, by name of the file and way it comes: the reason.
GAPS = {}
DIFFERENCING = 4
PIPED_UP_TO = 2 << 30


def named(entries):
    given = os.environ.get("VHDSTREAM_CORPUS")
    if given:
        with open(os.path.join(given, "manifest.json"), encoding="utf-8") as file:
            return [e["name"] for e in json.load(file)[entries]]
    cases = (make_valid if entries == "valid" else make_bad).cases(quick=True)
    return [case.name for case in cases]


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
    entries = {e["name"]: e for kind in ("valid", "bad") for e in manifest[kind]}
    return lambda name: (os.path.join(folder, entries[name]["path"]), entries[name])


def gap(name, way):
    if (name, way) in GAPS:
        pytest.xfail(GAPS[name, way])


def check_content(path, entry):
    assert os.path.getsize(path) == entry["virtual_size"]
    if entry["sha256"]:
        with open(path, "rb") as file:
            assert hashlib.sha256(file.read()).hexdigest() == entry["sha256"]
    else:
        assert read_raw(path).digest() == entry["digest"]


def is_child(path, entry):
    """A differencing disk alone is no disk: the copy has to say so."""
    if "type" in entry:
        return entry["type"] == "differencing"
    with open(path, "rb") as file:
        return Footer.unpack(file.read(512)).type == DIFFERENCING


def run(program, tmp_path, path, entry, mode):
    """Copies to raw as `mode` says, and holds it to the manifest; whether it was read."""
    wanted = entry[mode]["verdict"] == "read" and not is_child(path, entry)
    source, data = path, None
    if mode == "pipe" and entry["file_size"] > PIPED_UP_TO:
        pytest.skip("a sparse file of %d bytes" % entry["file_size"])
    if mode == "pipe":
        source = "-"
        with open(path, "rb") as file:
            data = file.read()
    result = program("copy", source, tmp_path / "o.raw", "--from=vhd", stdin=data,
                     status=0 if wanted else 3)
    if not wanted:
        assert os.listdir(tmp_path) == []
    if entry[mode]["verdict"] == "read" and not wanted:
        assert "differencing disk" in result.lines[-1]
    return wanted


@pytest.mark.parametrize("mode", ["file", "pipe"])
@pytest.mark.parametrize("name", named("valid"))
def test_valid_file(program, corpus, tmp_path, name, mode):
    path, entry = corpus(name)
    gap(name, mode)
    if run(program, tmp_path, path, entry, mode):
        check_content(tmp_path / "o.raw", entry)


@pytest.mark.parametrize("mode", ["file", "pipe"])
@pytest.mark.parametrize("name", named("bad"))
def test_bad_file(program, corpus, tmp_path, name, mode):
    path, entry = corpus(name)
    gap(name, mode)
    run(program, tmp_path, path, entry, mode)
