# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Each allocation and each call on a file fails in turn while a chain is copied: an error that
says so, no leak, nothing left behind; or, where it could be done without, the right disk."""

import json
import os
import subprocess

import pytest

from program_rig import SANITIZER
from vhd_reader import read_content


def run(program, args, out, **env):
    if os.path.exists(out):
        os.remove(out)
    done = subprocess.run([program, "copy", "--threads", "0", *args, out], timeout=60,
                          env={**os.environ, **env}, capture_output=True, check=False)
    assert done.returncode not in (SANITIZER, -6, -11), (env, done.stderr)
    return done


def count(program, args, out, folder):
    path = os.path.join(folder, "count")
    assert run(program, args, out, VHDSTREAM_FAULT_COUNT=path).returncode == 0
    with open(path, encoding="ascii") as file:
        return int(file.read())


@pytest.mark.parametrize("args, parents", [
    (["--to", "vhd"], []), (["--to", "vhd-fixed"], []), (["--to", "vhd", "--verify"], []),
    (["--to", "vhd", "--keep-parent"], ["diff-mid", "diff-base"])])
def test_every_call_fails_once(faults, corpus, tmp_path, args, parents):
    paths = {v["name"]: corpus.path(v["path"]) for v in corpus.manifest["valid"]}
    args = args + [paths["diff-leaf"]]
    out = str(tmp_path / "out" / "out.vhd")
    os.mkdir(tmp_path / "out")
    total = count(faults, args, out, str(tmp_path))
    below = [paths[name] for name in parents]
    meant = read_content([out] + below)
    first = 1
    if "--verify" in args:      # the way there is the same, and has its own run above
        plain = [a for a in args if a != "--verify"]
        first = count(faults, plain, out, str(tmp_path)) - 20
    for at in range(first, total + 1):
        done = run(faults, args, out, VHDSTREAM_FAULT_AT=str(at))
        if done.returncode:
            assert done.stderr.startswith(b"vhdstream: "), at
            assert os.listdir(tmp_path / "out") == [], (at, done.stderr)
        else:
            assert read_content([out] + below) == meant, at
    assert total > 50


def info(program, path, **env):
    done = subprocess.run([program, "info", "--json", path], timeout=60, check=False,
                          env={**os.environ, **env}, capture_output=True)
    assert done.returncode not in (SANITIZER, -6, -11), (env, done.stderr)
    return done


def test_what_is_told_of_a_chain_is_whole_or_an_error(faults, corpus, tmp_path):
    path, = (corpus.path(v["path"]) for v in corpus.manifest["valid"] if v["name"] == "diff-leaf")
    meant = json.loads(info(faults, path, VHDSTREAM_FAULT_COUNT=str(tmp_path / "n")).stdout)
    total = int((tmp_path / "n").read_text())
    for at in range(1, total + 1):
        done = info(faults, path, VHDSTREAM_FAULT_AT=str(at))
        if done.returncode:
            assert done.stderr.startswith(b"vhdstream: ") and not done.stdout, at
        else:
            told = json.loads(done.stdout)
            assert told == meant or "chain_broken" in told, at
    assert total > 20
