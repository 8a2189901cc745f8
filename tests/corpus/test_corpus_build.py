# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The corpus as a whole: complete, the same each time, and described by README.md."""

import hashlib
import os
import re
import subprocess
import sys

import build
import deep_chain
import make_bad
import make_valid
from vhd_check import check
from vhd_findings import TABLE, markdown

HERE = os.path.dirname(os.path.abspath(__file__))


def test_enough_files():
    assert len(make_valid.cases()) >= 150 and len(make_bad.cases()) >= 100


def test_every_finding_has_a_file():
    """Errors by a broken file, warnings by a valid one; read from the cases' own words."""
    errors = {case.finds for case in make_bad.cases()}
    warnings = {name for case in make_valid.cases() for name in case.warns}
    streams = {case.pipe for case in make_valid.cases()} | {c.pipe for c in make_bad.cases()}
    for name, (on_file, on_pipe, _, _) in TABLE.items():
        if on_file == "E":
            assert name in errors | {deep_chain.ENTRY["expect"]["id"]}, name
        elif on_file == "W":
            assert name in warnings, name
        if on_pipe == "E" and on_file != "E":
            assert name in streams, name


def test_readme_has_the_table():
    with open(os.path.join(HERE, "README.md"), encoding="utf-8") as file:
        assert markdown() in file.read()


def test_house_rules():
    for name in os.listdir(HERE):
        if name.endswith(".py"):
            with open(os.path.join(HERE, name), encoding="utf-8") as file:
                lines = file.read().splitlines()
            assert "# SPDX-License-Identifier: Apache-2.0" in lines[:2], name
            assert len(lines) < 400 and max(map(len, lines)) <= 100, name


def test_names_and_files(corpus):
    folder, manifest = corpus
    for entry in manifest["valid"] + manifest["bad"]:
        assert os.path.getsize(os.path.join(folder, entry["path"])) == entry["file_size"]
        assert re.fullmatch(r"[a-z0-9-]+", entry["name"])
    for entry in manifest["bad"]:
        where = entry.get("chain", entry["file"])
        assert where["verdict"] == "refuse"
        assert any(f["id"] == entry["expect"]["id"] for f in where["findings"])


def test_every_finding_is_in_the_table(corpus):
    for entry in corpus[1]["valid"] + corpus[1]["bad"]:
        for mode in ("file", "pipe", "chain"):
            for found in entry.get(mode, {"findings": []})["findings"]:
                assert found["id"] in TABLE


def _sums(folder):
    out = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    out[os.path.relpath(path, folder)] = hashlib.sha256(file.read()).digest()
    return out


def test_same_bytes_each_time(tmp_path):
    for name in ("a", "b"):
        subprocess.run([sys.executable, os.path.join(HERE, "build.py"), "--quick",
                        str(tmp_path / name)], check=True, stdout=subprocess.DEVNULL)
    assert _sums(tmp_path / "a") == _sums(tmp_path / "b")
    again = subprocess.run([sys.executable, os.path.join(HERE, "build.py"), "--quick",
                            str(tmp_path / "a")], capture_output=True, text=True, check=True)
    assert "current" in again.stdout


def test_deep_chain(tmp_path):
    leaf = deep_chain.build(str(tmp_path), 1000)
    assert not [f for f in check(leaf, chain=True) if f.severity == "error"]
    leaf = deep_chain.build(str(tmp_path), 1025)
    assert [f.id for f in check(leaf) if f.severity == "error"] == ["chain-too-deep"]


def test_stamp_tells_quick_from_full():
    assert build.stamp(True) != build.stamp(False)
