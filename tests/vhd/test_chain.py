# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Differencing disks: parents found and laid under, or kept; traps not followed."""

import os
import shutil

import pytest

import deep_chain
from corpus_case import block, uuid_of
from disk_rig import read_content
from program_rig import PASSWORD
from vhd_check import check
from vhd_fields import DIFFERENCING
from vhd_rig import (MIB, PIPE_UP_TO, Failures, expect_copy, expect_refusal, is_sanitized,
                     peak_of, run, same_content)
from vhd_writer import Disk, Locator, write


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "out.raw")


def test_every_child_is_read_with_its_parents(vhdstream, corpus, out):
    failures = Failures()
    for entry in corpus.valid("differencing"):
        expect_copy(failures, vhdstream, entry, out, *corpus.args(entry),
                    corpus.path(entry["path"]))
    failures.check()


def test_a_child_from_a_pipe_stands_on_parents_that_are_named(vhdstream, corpus, out):
    failures = Failures()
    for entry in corpus.valid("differencing"):
        stdin = corpus.path(entry["path"])
        args = ["--from", "vhd", *corpus.parents(entry), "-"]
        if entry["pipe"]["verdict"] == "read":
            expect_copy(failures, vhdstream, entry, out, *args, stdin=stdin)
        else:
            expect_refusal(failures, entry,
                           run(vhdstream, "copy", *args, out, stdin=stdin), out)
    failures.check()


def test_every_member_of_every_chain_is_flattened(vhdstream, corpus, out):
    failures = Failures()
    for chain in corpus.manifest["chains"]:
        paths = [corpus.path(m["path"]) for m in chain["members"]]
        for number, member in enumerate(chain["members"]):
            named = []
            if chain["style"] == "whole":       # its locators lead nowhere
                named = [w for p in paths[number + 1:] for w in ("--parent", p)]
            member["name"] = member["path"]
            expect_copy(failures, vhdstream, member, out, *named, paths[number])
    failures.check()


def test_every_chain_becomes_one_vhd(vhdstream, corpus, tmp_path):
    """Flat, in both forms: sound by the model, and with the content of the whole."""
    failures = Failures()
    for chain in corpus.manifest["chains"]:
        if chain["style"] == "whole":
            continue
        leaf = chain["members"][0]
        for form in ("vhd", "vhd-fixed"):
            if form == "vhd-fixed" and leaf["virtual_size"] > PIPE_UP_TO:
                continue
            flat = str(tmp_path / (form + ".vhd"))
            run(vhdstream, "copy", "--force", "--to", form, corpus.path(leaf["path"]), flat)
            failures.expect(read_content([flat]).digest() == leaf["digest"], chain["name"], form)
            failures.expect(not unsound(flat), chain["name"], unsound(flat))
    failures.check()


def unsound(path, **more):
    return [f for f in check(path, **more) if f.severity in ("error", "warning")]


def test_bad_parents_are_refused(vhdstream, corpus, out):
    """Within the time of a run: none hangs on a FIFO or a loop."""
    failures = Failures()
    for entry in corpus.manifest["bad"]:
        if entry["expect"]["id"].startswith(("parent", "grandparent", "raw-parent")):
            result = run(vhdstream, "copy", *corpus.args(entry), corpus.path(entry["path"]), out,
                         timeout=30)
            missing = entry["expect"]["id"] == "parent-not-at-hand"
            expect_refusal(failures, entry, result, out, statuses=(4,) if missing else (3,))
    failures.check()


def test_a_missing_parent_is_told_with_both_ways_out(vhdstream, corpus, out):
    failures = Failures()
    for entry in corpus.manifest["bad"]:
        if entry["expect"]["id"] == "parent-not-at-hand":
            said = run(vhdstream, "copy", corpus.path(entry["path"]), out).err
            failures.expect("--parent" in said and "--keep-parent" in said, entry["name"], said)
    failures.check()


# --- what the user says -------------------------------------------------------


@pytest.fixture
def family(tmp_path):
    """base.vhd in one folder, child.vhd in another, whose locator climbs to it."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    base, child = str(tmp_path / "one/base.vhd"), str(tmp_path / "two/child.vhd")
    write(Disk(size=5 * MIB, blocks=[block(0), block(2)],
               footer={"uuid": uuid_of("family")}), base)
    write(Disk(size=5 * MIB, type=DIFFERENCING, blocks=[block(0, 3, 2)],
               footer={"uuid": uuid_of("child")}, header={"parent_uuid": uuid_of("family")},
               locators=[Locator(b"W2ru", "../one/base.vhd".encode("utf-16-le"))]), child)
    return base, child


def test_a_parent_elsewhere_is_opened_when_the_user_says_so(program, family, out):
    base, child = family
    assert "../one/base.vhd" in program("copy", child, out, status=4).line
    program("copy", "--parent", base, child, out)
    with open(out, "rb") as file:
        assert file.read() == read_content([child, base]).read(0, 5 * MIB)


def test_a_wrong_parent_is_refused(program, family, corpus, out):
    _, child = family
    other = next(v for v in corpus.valid("dynamic"))
    assert "uuid" in program("copy", "--parent", corpus.path(other["path"]), child, out,
                             status=3).line
    program("copy", "--parent", "gone.vhd", child, out, status=4)


def test_a_disk_without_a_parent_takes_none(program, family, out):
    base, _ = family
    assert "--parent" in program("copy", "--parent", base, base, out, status=2).line


def test_nothing_is_written_before_the_parents_are_there(program, family):
    _, child = family
    assert program("copy", "--to", "raw", child, "-", status=4).out == b""


def test_info_needs_no_parents(program, family):
    base, child = family
    told = program("info", "--json", child).json
    assert told["vhd"]["type"] == "differencing"
    assert told["vhd"]["parent_uuid"].replace("-", "") == uuid_of("family").hex()


# --- children that stay children ----------------------------------------------


def laid_beside(corpus, entry, folder):
    """Copies of all that the child stands on, in one folder; their paths."""
    for path in entry["parents"]:
        target = os.path.join(folder, os.path.relpath(corpus.path(path),
                                                      os.path.dirname(corpus.path(
                                                          entry["path"]))))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.exists(target):
            shutil.copyfile(corpus.path(path), target)
        yield target


def recorded(corpus, entry):
    """--parent with the name that the copy shall have for a parent it does not name."""
    folder = os.path.dirname(corpus.path(entry["path"]))
    return ["--parent", os.path.relpath(corpus.path(entry["parents"][0]), folder)]


def expect_child(failures, vhdstream, corpus, entry, folder, stdin=None):
    source = corpus.path(entry["path"])
    parents = list(laid_beside(corpus, entry, folder))
    child = os.path.join(folder, "child.vhd")
    args = recorded(corpus, entry)
    args += ["--from", "vhd", "-"] if stdin else [source]
    result = run(vhdstream, "copy", "--keep-parent", "--force", *args, child, stdin=stdin)
    if result.status:
        failures.expect(False, entry["name"], result.err)
        return
    failures.expect(read_content([child] + parents).digest() == entry["digest"], entry["name"],
                    "other content on its parents")
    failures.expect(not unsound(child), entry["name"], unsound(child))
    flat = os.path.join(folder, "flat.raw")
    if not entry["args"]:
        failures.expect(not unsound(child, chain=True), entry["name"], "the chain is broken")
        result = run(vhdstream, "copy", "--force", child, flat)
        failures.expect(not result.status and same_content(flat, entry), entry["name"],
                        "not flattened: %s" % result.err)


def test_a_child_that_is_kept_stands_on_its_parents(vhdstream, corpus, tmp_path):
    failures = Failures()
    for entry in corpus.valid("differencing"):
        expect_child(failures, vhdstream, corpus, entry, str(tmp_path))
    failures.check()


def test_a_child_is_kept_through_a_pipe(vhdstream, corpus, tmp_path):
    failures = Failures()
    for entry in corpus.valid("differencing"):
        # parts of a new block far apart cannot be joined in one pass
        if entry["pipe"]["verdict"] == "read" and entry["block_size"] >= 2 * MIB:
            expect_child(failures, vhdstream, corpus, entry, str(tmp_path),
                         stdin=corpus.path(entry["path"]))
    failures.check()


def test_a_kept_child_names_its_parent_as_before(program, corpus, tmp_path):
    """Found by the new locators alone, with nothing said."""
    entry = next(v for v in corpus.valid("differencing") if v["name"] == "diff-one-block")
    list(laid_beside(corpus, entry, str(tmp_path)))
    program("copy", "--keep-parent", corpus.path(entry["path"]), tmp_path / "child.vhd")
    program("copy", tmp_path / "child.vhd", tmp_path / "flat.raw")
    assert same_content(tmp_path / "flat.raw", entry)


def test_a_kept_child_of_a_path_is_named_by_it(program, family, tmp_path):
    _, child = family
    new = tmp_path / "new"
    (new / "sub").mkdir(parents=True)
    program("copy", "--keep-parent", "--parent", "sub/base.vhd", child, new / "c.vhd")
    shutil.copyfile(tmp_path / "one/base.vhd", new / "sub/base.vhd")
    program("copy", new / "c.vhd", new / "flat.raw")


@pytest.mark.parametrize("args", [["out.raw"], ["--to", "vhd-fixed", "out.vhd"],
                                  ["xapi://root@127.0.0.1:1/sr/default"]])
def test_what_cannot_be_a_child_is_refused(program, family, tmp_path, args):
    _, child = family
    assert "--keep-parent" in program("copy", "--keep-parent", child, *args, cwd=tmp_path,
                                      env={"XENSERVER_PASSWORD": PASSWORD}, status=2).line
    assert not (tmp_path / args[-1]).exists()


def test_a_whole_disk_has_no_parent_to_keep(program, family, tmp_path):
    base, _ = family
    program("copy", "--keep-parent", base, tmp_path / "copy.vhd")
    assert read_content([str(tmp_path / "copy.vhd")]) == read_content([base])


# --- depth --------------------------------------------------------------------


def test_a_chain_of_a_thousand(vhdstream, tmp_path):
    """Read right, in bounded memory."""
    leaf = deep_chain.build(str(tmp_path), 1000)
    out = str(tmp_path / "out.raw")
    if is_sanitized(vhdstream):
        assert run(vhdstream, "copy", leaf, out).status == 0
    else:
        assert peak_of(vhdstream, "copy", leaf, out) < 64 * MIB
    with open(out, "rb") as file:
        assert file.read() == deep_chain.content(1000).read(0, deep_chain.SIZE)


def test_a_chain_of_more_than_a_thousand_is_refused(program, tmp_path):
    leaf = deep_chain.build(str(tmp_path), 1025)
    assert "1024 disks" in program("copy", leaf, tmp_path / "out.raw", status=3).line


def test_sectors_written_in_every_generation(program, tmp_path):
    """The youngest write of a sector counts, zeros too."""
    paths = []
    for number in range(20):
        path = str(tmp_path / ("%d.vhd" % number))
        first = number * 37 % 64
        zeros = Disk(size=MIB, block_size=64 << 10, blocks=[
            block(3, first, 9), block(number % 16, 0, 128 if number % 3 else 1)],
            footer={"uuid": uuid_of(("gen", number))})
        zeros.blocks = [b for i, b in enumerate(zeros.blocks)
                        if b.index not in [x.index for x in zeros.blocks[:i]]]
        if number:
            zeros.type = DIFFERENCING
            zeros.header = {"parent_uuid": uuid_of(("gen", number - 1))}
            zeros.locators = [Locator(b"W2ru", ("%d.vhd" % (number - 1)).encode("utf-16-le"))]
        write(zeros, path)
        paths.insert(0, path)
    program("copy", paths[0], tmp_path / "out.raw")
    with open(tmp_path / "out.raw", "rb") as file:
        assert file.read() == read_content(paths).read(0, MIB)
