# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""check finds in every file of the corpus what the model finds: all of it, and nothing else."""

import array
import collections
import os
import re
import socket
import subprocess
import sys

import pytest

from disk_rig import image_of
from vhd_findings import TABLE
from vhd_rig import MIB, PIPE_UP_TO, Failures, errors, is_sanitized, peak_of, run

MANY = 8        # of one id the manifest lists as many
HERE = os.path.dirname(os.path.abspath(__file__))


def triples(findings):
    return {(f["id"], f["severity"], f["offset"]) for f in findings}


def expect_findings(failures, entry, mode, result):
    """The findings are those of the manifest, and the status tells whether one is an error."""
    wanted = triples(entry[mode]["findings"])
    status = 3 if errors(entry[mode]) else 0
    failures.expect(result.status == status, entry["name"],
                    "status %d, %s" % (result.status, result.err))
    if result.status not in (0, 3):
        return
    found = triples(result.json["findings"])
    many = {name for name, n in collections.Counter(w[0] for w in wanted).items() if n >= MANY}
    missing = wanted - found
    surplus = {f for f in found - wanted if f[0] not in many}
    failures.expect(not missing and not surplus, entry["name"],
                    "missing %s, surplus %s" % (sorted(missing)[:5], sorted(surplus)[:5]))


def entries(corpus):
    """All but the one that --from vhd calls gzip."""
    return [e for e in corpus.manifest["valid"] + corpus.manifest["bad"]
            if not e["name"].endswith("gzip-head")]


def test_a_file(vhdstream, corpus):
    failures = Failures()
    for entry in entries(corpus):
        result = run(vhdstream, "check", "--json", "--from", "vhd", corpus.path(entry["path"]))
        expect_findings(failures, entry, "file", result)
    failures.check()


def test_a_pipe(vhdstream, corpus):
    failures = Failures()
    for entry in entries(corpus):
        if entry["file_size"] < PIPE_UP_TO:
            result = run(vhdstream, "check", "--json", "--from", "vhd", "-",
                         stdin=corpus.path(entry["path"]))
            expect_findings(failures, entry, "pipe", result)
    failures.check()


def test_a_chain(vhdstream, corpus):
    failures = Failures()
    for entry in entries(corpus):
        if "chain" in entry:
            result = run(vhdstream, "check", "--json", "--chain", corpus.path(entry["path"]),
                         *corpus.args(entry))
            expect_findings(failures, entry, "chain", result)
    failures.check()


def test_every_disk_of_the_chains(vhdstream, corpus):
    failures = Failures()
    for chain in corpus.manifest["chains"]:
        for i, member in enumerate(chain["members"]):
            words = [] if chain["style"] == "sparse" else [
                w for m in chain["members"][i + 1:] for w in ("--parent", corpus.path(m["path"]))]
            result = run(vhdstream, "check", "--chain", corpus.path(member["path"]), *words)
            failures.expect(result.status == 0, member["path"], result.text + result.err)
    failures.check()


def test_a_copy_is_refused_for_an_error_that_check_finds(vhdstream, corpus, tmp_path):
    """Opening and checking are one judgement: the message names the finding."""
    failures = Failures()
    for entry in corpus.manifest["bad"]:
        named = entry["expect"]["id"].startswith("parent-")
        if entry in entries(corpus) and errors(entry["file"]) and not named:
            result = run(vhdstream, "copy", "--from", "vhd", corpus.path(entry["path"]),
                         tmp_path / "out.raw")
            known = {f["id"] for f in errors(entry["file"])}
            said = re.search(r"\(byte (\d+), ([a-z0-9-]+)\)$", result.err.strip())
            failures.expect(result.status == 3 and said and said.group(2) in known,
                            entry["name"], result.err)
    failures.check()


# --- places ------------------------------------------------------------------


@pytest.fixture
def sound(corpus):
    return next(v for v in corpus.valid("dynamic") if not v["file"]["findings"])


@pytest.fixture
def fixed(corpus):
    return next(v for v in corpus.valid("fixed") if not errors(v["file"]))


def test_a_disk_in_an_image_is_checked_as_a_stream(vhdstream, corpus, sound, tmp_path):
    with open(corpus.path(sound["path"]), "rb") as file:
        data = file.read()
    path = tmp_path / "disk.tgz"
    path.write_bytes(image_of(data))
    result = run(vhdstream, "check", "--json", path)
    assert result.status == 0 and result.json["read_as"] == "stream"
    assert result.json["verdict"] == "sound"


def test_a_fixed_disk_in_an_image_is_known_by_its_length(vhdstream, corpus, fixed, tmp_path):
    with open(corpus.path(fixed["path"]), "rb") as file:
        data = file.read()
    path = tmp_path / "disk.tgz"
    path.write_bytes(image_of(data))
    result = run(vhdstream, "check", "--json", path)
    assert result.status == 0 and result.json["vhd"]["type"] == "fixed"
    assert triples(result.json["findings"]) == triples(fixed["file"]["findings"])


def test_a_fixed_disk_in_a_pipe_is_known_with_size(vhdstream, corpus, fixed):
    result = run(vhdstream, "check", "--json", "--size", str(fixed["file_size"]), "-",
                 "--from", "vhd", stdin=corpus.path(fixed["path"]))
    assert triples(result.json["findings"]) == triples(fixed["file"]["findings"])


def test_what_is_no_disk_is_not_a_vhd(vhdstream, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no disk\n" * 100)
    result = run(vhdstream, "check", "--json", path)
    assert result.status == 3
    assert [f["id"] for f in result.json["findings"]] == ["not-a-vhd"]
    assert "vhd" not in result.json


def test_a_raw_disk_has_nothing_to_check(program, tmp_path):
    (tmp_path / "disk.raw").write_bytes(bytes(4096))
    assert "raw" in program("check", tmp_path / "disk.raw", status=2).line


def test_what_is_not_there(program, tmp_path):
    program("check", tmp_path / "none.vhd", status=4)


def named(corpus, *names):
    entries = {e["name"]: corpus.path(e["path"]) for e in corpus.manifest["valid"]}
    return [word for name in names for word in ("--parent", entries.get(name, name))] + [
        entries["diff-leaf"]]


def test_more_parents_than_there_are_disks(vhdstream, corpus):
    result = run(vhdstream, "check", *named(corpus, "diff-mid", "diff-base", "dyn-full"))
    assert result.status == 2 and "dyn-full" in result.err and not result.out
    assert run(vhdstream, "check", *named(corpus, "diff-mid", "diff-base")).status == 0


def test_a_parent_named_in_vain_is_told(vhdstream, corpus, tmp_path):
    result = run(vhdstream, "check", *named(corpus, str(tmp_path / "none")))
    assert result.status == 3 and str(tmp_path / "none") in result.text
    assert "parent-not-at-hand" in result.text


def test_a_device_that_the_user_names_is_still_no_disk(vhdstream, corpus):
    result = run(vhdstream, "check", *named(corpus, "/dev/zero"))
    assert result.status == 3 and "parent-not-a-disk" in result.text
    assert "a file or a block device" in result.text


def test_a_whole_disk_has_no_parent_to_name(program, corpus, sound):
    program("check", corpus.path(sound["path"]), "--parent", corpus.path(sound["path"]), status=2)


def test_a_parent_of_a_stream_is_not_searched(vhdstream, corpus):
    child = next(v for v in corpus.valid("differencing") if v["pipe"]["verdict"] == "read")
    with open(corpus.path(child["path"]), "rb") as file:
        data = file.read()
    done = subprocess.run([vhdstream, "check", "-"], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    done = subprocess.run([vhdstream, "check", "--chain", "-"], input=data, capture_output=True,
                          check=False)
    assert done.returncode == 3 and b"stream" in done.stderr


# --- what it prints ----------------------------------------------------------


@pytest.fixture
def broken(corpus):
    return next(b for b in corpus.manifest["bad"] if b["name"] == "bat-entry-past-end")


def test_one_line_for_each_finding(vhdstream, corpus, broken):
    path = corpus.path(broken["path"])
    result = run(vhdstream, "check", path)
    lines = result.text.splitlines()
    assert len(lines) == len(broken["file"]["findings"])
    pattern = re.escape(path) + r":(\d+): (error|warning|note): .+ \[([a-z0-9-]+)\]"
    found = [re.fullmatch(pattern, line).groups() for line in lines]
    assert {(i, s, int(o)) for o, s, i in found} == triples(broken["file"]["findings"])
    assert "1 error" in result.line


def test_a_sound_disk_has_one_line(vhdstream, corpus, sound):
    path = corpus.path(sound["path"])
    assert run(vhdstream, "check", path).text == "%s: sound (0 warnings, 0 notes)\n" % path


def test_quiet_prints_errors_only(program, corpus, sound, broken):
    assert program("check", "-q", corpus.path(sound["path"])).text == ""
    text = program("check", "-q", corpus.path(broken["path"]), status=3).text
    assert [": error: " in line for line in text.splitlines()] == [True]


def test_findings_come_by_offset(vhdstream, corpus):
    for entry in entries(corpus):
        found = run(vhdstream, "check", "--json", "--from", "vhd",
                    corpus.path(entry["path"])).json["findings"]
        assert [f["offset"] for f in found] == sorted(f["offset"] for f in found)


def test_the_counts_are_those_of_the_findings(vhdstream, corpus, broken):
    result = run(vhdstream, "check", "--json", corpus.path(broken["path"])).json
    count = collections.Counter(f["severity"] for f in result["findings"])
    assert (result["errors"], result["warnings"], result["notes"]) == (
        count["error"], count["warning"], count["note"])
    assert result["not_listed"] == 0 and result["verdict"] == "broken"


def test_of_a_million_findings_the_first_are_listed(vhdstream, tmp_path):
    """A shrunk disk with more blocks past its end than are listed."""
    from corpus_case import block
    from vhd_writer import Disk, write
    path = str(tmp_path / "shrunk.vhd")
    write(Disk(size=MIB, block_size=4096, entries=4096, blocks=[
        block(i, 0, 1) for i in range(300, 3300)]), path)
    result = run(vhdstream, "check", "--json", path)
    assert result.status == 0 and len(result.json["findings"]) < 1100
    assert result.json["notes"] > 3000 and result.json["not_listed"] > 1900
    assert "more findings" in run(vhdstream, "check", path).text


def test_the_man_page_lists_every_finding():
    with open(os.path.join(HERE, "..", "..", "man", "vhdstream-check.1"),
              encoding="utf-8") as file:
        listed = re.findall(r"^\.FI ([a-z0-9-]+) (\S+) (\S+)$", file.read(), re.M)
    assert {name: (on_file, on_pipe) for name, on_file, on_pipe in listed} == {
        name: row[:2] for name, row in TABLE.items()}


# --- limits ------------------------------------------------------------------


def write_full_table(path):
    """As many blocks as are taken, 4 KiB each, the last one first in a file of 18 GiB."""
    from vhd_fields import Footer, Header, chs
    count, span = 4 << 20, (512 + 4096) // 512
    size = count * 4096
    footer = Footer(creator=b"win ", original_size=size, current_size=size, geometry=chs(size),
                    uuid=bytes(range(16))).pack()
    table = array.array("I", range(count))
    first = (1536 + 4 * count) // 512
    for i in range(count):
        table[i] = first + (count - 1 - i) * span
    if sys.byteorder == "little":
        table.byteswap()
    with open(path, "wb") as file:
        file.write(footer + Header(max_entries=count, block_size=4096).pack())
        table.tofile(file)
        file.seek((first + count * span) * 512)
        file.write(footer)


def test_memory_is_bounded(vhdstream, tmp_path):
    """The greatest table that is taken, all of it used and in the worst order."""
    if is_sanitized(vhdstream):
        pytest.skip("a sanitizer's memory is its own")
    path = str(tmp_path / "full.vhd")
    write_full_table(path)
    assert peak_of(vhdstream, "check", "-q", path) < 64 * MIB


def test_hostile_parents_are_not_opened(vhdstream, corpus, tmp_path):
    """A FIFO and a socket under the parent's name: nobody connects, nobody waits."""
    child = next(v for v in corpus.valid("differencing") if v["quick"] and not v["args"])
    with open(corpus.path(child["path"]), "rb") as file:
        (tmp_path / "child.vhd").write_bytes(file.read())
    parent = tmp_path / os.path.basename(child["parents"][0])
    os.mkfifo(parent)
    result = run(vhdstream, "check", "--json", tmp_path / "child.vhd", timeout=20)
    assert "parent-not-a-disk" in {f["id"] for f in result.json["findings"]}
    os.unlink(parent)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(parent))
        listener.listen()
        listener.setblocking(False)
        result = run(vhdstream, "check", "--json", tmp_path / "child.vhd", timeout=20)
        assert "parent-not-a-disk" in {f["id"] for f in result.json["findings"]}
        with pytest.raises(BlockingIOError):
            listener.accept()
