# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""No file, valid or broken, takes more memory, bytes or reads than it has a right to.

The kernel counts. A run that copies 512 bytes tells what the program reads for itself.
"""

import os

import pytest

from vhd_rig import MIB, Failures, Use, is_sanitized

MEMORY = 64 * MIB
PIECE = 64 << 10            # fewer bytes than any loop over data takes at a time
ENDS = 2048                 # both ends are looked at before anything is known
HEADS = 24                  # reads for footers, header, locators, batmap, table


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "out.raw")


@pytest.fixture
def use(vhdstream, tmp_path, out):
    """use(ARGUMENT...): the run, less what the program reads for itself."""
    if is_sanitized(vhdstream):
        pytest.skip("sanitizers take their own memory")
    disk = tmp_path / "least.raw"
    disk.write_bytes(b"x" * 512)
    least = Use(vhdstream, "copy", "--force", disk, out)
    assert least.status == 0, least.err
    least.read -= 512

    def measure(*args):
        done = Use(vhdstream, "copy", "--force", *args, out)
        done.read -= least.read
        done.calls -= least.calls
        if os.path.exists(out):
            os.remove(out)
        return done
    return measure


def expect_bounds(failures, name, use, length, blocks, disks=1):
    """`length`: of all files of the chain; `blocks`: those that are in them."""
    failures.expect(use.peak <= MEMORY, name, "%d KiB of memory" % (use.peak // 1024))
    failures.expect(use.read <= length + disks * ENDS, name,
                    "%d bytes read of %d" % (use.read, length))
    calls = disks * HEADS + 2 * blocks + length // PIECE
    failures.expect(use.calls <= calls, name, "%d reads, %d at most" % (use.calls, calls))


def test_no_valid_file_takes_more_than_it_should(use, corpus):
    """Bytes: no part is read twice. Reads: no loop is longer than the table."""
    failures = Failures()
    for entry in corpus.valid("dynamic", "fixed"):
        done = use(corpus.path(entry["path"]))
        failures.expect(done.status == 0, entry["name"], done.err)
        expect_bounds(failures, entry["name"], done, entry["file_size"], entry["mapped"] or 0)
    failures.check()


def test_no_child_takes_more_than_its_chain_should(use, corpus):
    failures = Failures()
    known = {v["path"]: v for v in corpus.manifest["valid"]}
    for entry in corpus.valid("differencing"):
        done = use(*corpus.args(entry), corpus.path(entry["path"]))
        failures.expect(done.status == 0, entry["name"], done.err)
        paths = [entry["path"], *entry["parents"]]
        length = sum(os.path.getsize(corpus.path(p)) for p in paths)
        # a parent's large block is read around each small one of the child
        blocks = entry["max_entries"] + sum(known[p]["mapped"] or 0 for p in paths if p in known)
        expect_bounds(failures, entry["name"], done, length, blocks, len(paths))
    failures.check()


def test_no_broken_file_takes_more_than_it_should(use, corpus):
    failures = Failures()
    for entry in corpus.manifest["bad"]:
        if entry["file"]["verdict"] == "read" or "parent" in entry["expect"]["id"]:
            continue        # they read other files, too; none hangs: test_chain.py
        done = use("--from", "vhd", *corpus.args(entry), corpus.path(entry["path"]))
        failures.expect(done.status == 3, entry["name"], done.err)
        expect_bounds(failures, entry["name"], done, entry["file_size"], 0)
    failures.check()
