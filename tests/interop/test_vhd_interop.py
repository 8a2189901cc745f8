# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""./dev interop over a corpus of three files: what it counts, writes and ends with."""

import json
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "vhd"), os.path.join(HERE, "..", "corpus")]

import interop_peers                                            # noqa: E402
import interop_table                                            # noqa: E402
from corpus_case import block, uuid_of                          # noqa: E402
from vhd_fields import DIFFERENCING, MIB                        # noqa: E402
from vhd_reader import read_content                             # noqa: E402
from vhd_writer import Disk, write                              # noqa: E402

HEAD = "| | refuses valid | wrong size | wrong content | accepts broken | dies |"


def valid_entry(folder, name, kind, parents=()):
    content = read_content([os.path.join(folder, p) for p in (name + ".vhd", *parents)])
    return {"name": name, "path": name + ".vhd", "type": kind, "virtual_size": content.size,
            "sha256": content.sha256(), "digest": content.digest(),
            "parents": list(parents), "args": []}


@pytest.fixture
def small(tmp_path):
    """A folder with a whole disk, its child, and a file that is no disk."""
    base = Disk(size=6 * MIB, blocks=[block(0), block(2)], footer={"uuid": uuid_of("base")})
    child = Disk(size=6 * MIB, blocks=[block(1)], footer={"uuid": uuid_of("child"),
                                                         "type": DIFFERENCING},
                 header={"parent_uuid": uuid_of("base"),
                         "parent_name": "base.vhd".encode("utf-16-be").ljust(512, b"\0")})
    write(base, str(tmp_path / "base.vhd"))
    write(child, str(tmp_path / "child.vhd"))
    (tmp_path / "torn.vhd").write_bytes(bytes(4096))
    manifest = {"valid": [valid_entry(tmp_path, "base", "dynamic"),
                          valid_entry(tmp_path, "child", "differencing", ["base.vhd"])],
                "bad": [{"name": "torn", "path": "torn.vhd", "args": [],
                         "expect": {"id": "not-a-vhd", "offset": 0}}]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


def interop(folder, program):
    page = folder / "interop.md"
    done = subprocess.run([sys.executable, os.path.join(HERE, "interop.py"), folder, page],
                          env={**os.environ, "VHDSTREAM": program}, capture_output=True,
                          text=True, check=False, cwd=folder)      # a wrong program writes there
    return done.returncode, done.stdout, done.stderr, page.read_text()


def test_peers_are_asked_and_the_page_written(program, vhdstream, small):
    if program.is_sanitized:
        pytest.skip("sanitizers take their own memory")     # beyond what a reader is given
    status, out, err, page = interop(small, vhdstream)
    assert (status, err) == (0, "")
    assert out.startswith(HEAD) and out.strip() in page
    assert "| vhdstream | 0 | 0 | 0 | 0 | 0 |" in out
    # without its parent a child is a disk of other content
    assert "| qemu-img, force_size_calc=current_size | 0 | 0 | 1 | 0 | 0 |" in out
    assert "| vhdiinfo | 0 | 0 | 0 | 0 | 0 |" in out
    assert "| libvhdi, parents handed to it | 0 | 0 | 0 | 0 | 0 |" in out
    assert "**Wrong content** (1): child" in page
    assert str(small) not in page


@pytest.mark.parametrize("body, row, named", [
    ("exit 3", "2 | 0 | 0 | 0 | 0", "base, child"),
    ('for out; do :; done; : >"$out"', "0 | 2 | 0 | 1 | 0", "base, child, torn"),
    ('for out; do :; done; truncate -s 6M "$out"', "0 | 0 | 2 | 1 | 0", "base, child, torn"),
    ("kill -11 $$", "0 | 0 | 0 | 0 | 3", "base, child, torn")])
def test_a_vhdstream_that_is_wrong_fails(small, body, row, named):
    program = small / "program"
    program.write_text("#!/bin/sh\n%s\n" % body)
    program.chmod(0o755)
    status, out, err, _ = interop(small, str(program))
    assert status == 1
    assert "| vhdstream | %s |" % row in out
    assert "vhdstream is wrong about: %s\n" % named == err


def test_what_was_not_asked_is_not_counted():
    row, = interop_table.rows(["peer"], [("bad", {"name": "a"}, {"peer": None}),
                                         ("bad", {"name": "b"}, {"peer": "accepts"})])
    assert (row.unasked, row.faults()) == (["a"], ["b"])


@pytest.mark.parametrize("opens, verdict", [(0, "accepts"), (1, "refuses")])
def test_who_has_opened_it_and_reads_on_has_accepted_it(tmp_path, monkeypatch, opens, verdict):
    peer = tmp_path / "qemu-img"
    peer.write_text('#!/bin/sh\n[ $1 = info ] && exit %d\nexec sleep 60\n' % opens)
    peer.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(interop_peers, "PATIENCE", 0.1)
    job = type("Job", (), {"path": "endless.vhd"})
    assert interop_peers.Qemu("qemu-img", "").bad(job) == verdict
