# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Every valid VHD reads right, from a file and from a pipe; every broken one is refused."""

import os

import pytest

from disk_rig import image_of
from vhd_reader import read_content
from vhd_rig import (MIB, PIPE_UP_TO, Failures, errors, expect_copy, expect_refusal,
                     numbers, run, same_content)

WHOLE = ("dynamic", "fixed")


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "out.raw")


def test_every_valid_file_reads_right(vhdstream, corpus, out):
    failures = Failures()
    for entry in corpus.valid(*WHOLE):
        expect_copy(failures, vhdstream, entry, out, corpus.path(entry["path"]))
    failures.check()


def test_what_can_be_read_in_one_pass_is(vhdstream, corpus, out):
    failures = Failures()
    for entry in corpus.valid(*WHOLE):
        if entry["pipe"]["verdict"] == "read" and entry["file_size"] < PIPE_UP_TO:
            expect_copy(failures, vhdstream, entry, out, "--from", "vhd", "-",
                        stdin=corpus.path(entry["path"]))
    failures.check()


def test_what_one_pass_cannot_read_is_refused(vhdstream, corpus, out):
    failures = Failures()
    for entry in corpus.valid(*WHOLE):
        if entry["pipe"]["verdict"] == "refuse" and entry["file_size"] < PIPE_UP_TO:
            result = run(vhdstream, "copy", "--from", "vhd", "-", out,
                         stdin=corpus.path(entry["path"]))
            expect_refusal(failures, entry, result, out)
    failures.check()


def fits_its_length(entry):
    """A fixed disk that a stream of known length shows as what it is."""
    notes = {f["id"] for f in entry["file"]["findings"]}
    return (entry["file_size"] < PIPE_UP_TO
            and not notes & {"guest-vhd-head", "fixed-slack"})


def test_a_fixed_disk_comes_through_a_pipe_of_known_length(vhdstream, corpus, out):
    failures = Failures()
    for entry in filter(fits_its_length, corpus.valid("fixed")):
        expect_copy(failures, vhdstream, entry, out, "--from", "vhd-fixed", "--size",
                    str(entry["file_size"]), "-", stdin=corpus.path(entry["path"]))
    failures.check()


def test_a_fixed_disk_in_an_image_knows_its_length(vhdstream, corpus, out, tmp_path):
    failures = Failures()
    image = tmp_path / "image.tgz"
    for entry in filter(fits_its_length, corpus.valid("fixed")):
        if entry["file_size"] < 32 * MIB:
            with open(corpus.path(entry["path"]), "rb") as file:
                image.write_bytes(image_of(file.read()))
            expect_copy(failures, vhdstream, entry, out, str(image))
    failures.check()


def test_a_wrong_length_is_an_error(vhdstream, corpus, out):
    failures = Failures()
    for entry in filter(fits_its_length, corpus.valid("fixed")):
        for wrong in (-512, 512, entry["virtual_size"] - entry["file_size"]):
            result = run(vhdstream, "copy", "--from", "vhd", "--size",
                         str(max(1, entry["file_size"] + wrong)), "-", out,
                         stdin=corpus.path(entry["path"]))
            expect_refusal(failures, entry, result, out)
    failures.check()


def test_a_fixed_disk_is_known_by_its_end_without_a_name(vhdstream, corpus, out, tmp_path):
    failures = Failures()
    for entry in corpus.valid("fixed"):
        link = tmp_path / "disk"
        link.unlink(missing_ok=True)
        link.symlink_to(corpus.path(entry["path"]))
        expect_copy(failures, vhdstream, entry, out, str(link))
    failures.check()


def test_warnings_are_told(vhdstream, corpus, out):
    failures = Failures()
    lost = {"trailing-footer-missing", "trailing-footer-checksum", "footer-copy-missing",
            "footer-copy-checksum", "footers-conflict"}
    for entry in corpus.valid("dynamic"):
        if lost & {f["id"] for f in entry["file"]["findings"]}:
            result = run(vhdstream, "copy", "--force", corpus.path(entry["path"]), out)
            failures.expect("footer" in result.err, entry["name"], "not a word")
    failures.check()


def test_every_broken_file_is_refused_at_its_place(vhdstream, corpus, out):
    failures = Failures()
    for entry in corpus.manifest["bad"]:
        if entry["expect"]["id"].startswith(("parent", "grandparent")):
            continue        # test_chain.py
        result = run(vhdstream, "copy", "--from", "vhd", *corpus.args(entry),
                     corpus.path(entry["path"]), out)
        expect_refusal(failures, entry, result, out)
        places = {f["offset"] for f in errors(entry["file"])}
        failures.expect(entry["path"] in result.err, entry["name"], result.err)
        failures.expect(places & numbers(result.err) or places == {0}, entry["name"],
                        "none of the bytes %s in: %s" % (places, result.err))
    failures.check()


def test_every_broken_stream_is_refused(vhdstream, corpus, out):
    failures = Failures()
    for entry in corpus.manifest["bad"]:
        if entry["pipe"]["verdict"] == "refuse" and entry["file_size"] < PIPE_UP_TO:
            result = run(vhdstream, "copy", "--from", "vhd", "--keep-parent", "--to", "vhd", "-",
                         out, stdin=corpus.path(entry["path"]))
            expect_refusal(failures, entry, result, out)
    failures.check()


def test_size_from_chs(vhdstream, corpus, out):
    failures = Failures()
    for entry in corpus.valid("dynamic"):
        path = corpus.path(entry["path"])
        geometry = chs_size(path)
        # the greatest geometry there is tells no size
        if not 0 < geometry < entry["virtual_size"] or geometry == 65535 * 16 * 255 * 512:
            continue
        meant = read_content([path])
        meant.resize(geometry)
        result = run(vhdstream, "copy", "--size-from", "chs", path, out)
        right = not result.status and same_content(out, {
            "virtual_size": geometry, "sha256": None, "digest": meant.digest()})
        failures.expect(right, entry["name"], "wrong by its geometry: %s" % result.err)
        if os.path.exists(out):
            os.remove(out)
    failures.check()


def chs_size(path):
    with open(path, "rb") as file:
        head = file.read(512)
    cylinders, heads, sectors = int.from_bytes(head[56:58], "big"), head[58], head[59]
    return cylinders * heads * sectors * 512


def test_size_from_the_footer_is_the_default(program, corpus, tmp_path):
    entry = corpus.valid("dynamic")[0]
    path = corpus.path(entry["path"])
    for words in ([], ["--size-from", "current"]):
        size = program("info", "--json", *words, path).json["virtual_size"]
        assert size == entry["virtual_size"]
    assert "--size-from tracks" in program(
        "copy", "--size-from", "tracks", path, tmp_path / "a.raw", status=2).err
