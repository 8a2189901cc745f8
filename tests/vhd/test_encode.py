# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What is written is accepted by everybody: the model's check, qemu-img, libvhdi, XAPI's rules,
vhd-util's rules; with the content and the exact size of what it came from."""

import os
import subprocess

import pytest

from disk_rig import MIB, noise, qemu_compare, raw_file
from outside_judges import has_libvhdi, has_qemu, libvhdi
from peer.vhd_forward import check_footer, check_header
from vhd_check import check
from vhd_fields import Footer, Header, chs
from vhd_parts import locator_texts
from vhd_reader import read_content, read_raw
from vhd_rig import PIPE_UP_TO, Failures, run

SIZES = (512, 4096, 2 * MIB, 2 * MIB + 512, 17 * MIB - 512, 33 * MIB)
FORMS = ("vhd", "vhd-fixed")


@pytest.fixture(params=SIZES)
def raw(request, tmp_path):
    """Data at the start, in the middle and at the very end; holes between."""
    size = request.param
    middle = size // 1024 * 512
    return raw_file(str(tmp_path / "in.raw"), size, [
        (0, noise("start", 512)), (middle, noise("middle", min(300000, size - middle))),
        (size - 512, noise("end", 512))])


def findings(path):
    """Warnings and errors, and notes that no new disk deserves."""
    return [f for f in check(path) if f.severity in ("error", "warning")
            or f.id in ("geometry", "geometry-cuts", "footers-differ-state", "timestamp-future",
                        "creator-unknown", "resized", "uuid-null", "entries-more",
                        "block-size-uncommon", "trailing-padding", "footer-reserved",
                        "header-reserved", "bits-past-end")]


def judge(path, content):
    """All that others would say of a whole disk."""
    assert not findings(path)
    assert read_content([path]) == content
    if has_libvhdi():
        assert libvhdi([path], content) == "right"


@pytest.mark.parametrize("form", FORMS)
def test_a_raw_disk(program, raw, tmp_path, form):
    out = str(tmp_path / "out.vhd")
    program("copy", "--to", form, raw, out)
    judge(out, read_raw(raw))
    if has_qemu():
        qemu_compare(out, raw)


@pytest.mark.parametrize("form", FORMS)
def test_through_pipes(program, raw, tmp_path, form):
    """The same bytes as into a file, but for uuid and time."""
    size = os.path.getsize(raw)
    with open(raw, "rb") as file:
        out = program("copy", "--from", "raw", "--size", size, "--to", form, "-", "-",
                      stdin=file.read()).out
    path = str(tmp_path / "out.vhd")
    with open(path, "wb") as file:
        file.write(out)
    judge(path, read_raw(raw))
    with open(path, "rb") as file:
        back = program("copy", "--from", form, "--size", len(out), "--to", "raw", "-", "-",
                       stdin=file.read()).out
    with open(raw, "rb") as file:
        assert back == file.read()


@pytest.mark.parametrize("form", FORMS)
def test_the_size_is_told_before(program, raw, tmp_path, form):
    out = str(tmp_path / "out.vhd")
    told = program("info", "--json", raw).json["size_as"][form]
    done = program("copy", "--json", "--to", form, raw, out).json
    assert os.path.getsize(out) == told
    assert done["format"] == form and done["virtual_size"] == os.path.getsize(raw)


@pytest.mark.parametrize("form", FORMS)
def test_every_disk_of_the_corpus_written_anew(vhdstream, corpus, tmp_path, form):
    """From every producer's form, in every block size and order."""
    failures = Failures()
    out = str(tmp_path / "out.vhd")
    for entry in corpus.valid("dynamic", "fixed", "differencing"):
        if entry["virtual_size"] > 0xFF000000 * 512:
            continue
        if form == "vhd-fixed" and entry["virtual_size"] > PIPE_UP_TO:
            continue
        result = run(vhdstream, "copy", "--force", "--to", form, *corpus.args(entry),
                     corpus.path(entry["path"]), out)
        failures.expect(result.status == 0, entry["name"], result.err)
        if result.status == 0:
            _judge_copy(failures, entry, out)
    failures.check()


def _judge_copy(failures, entry, out):
    found = [f for f in findings(out) if f.id != "timestamp-future"]    # kept as it was
    failures.expect(not found, entry["name"], found)
    failures.expect(read_content([out]).digest() == entry["digest"], entry["name"], "content")
    uuid = Footer.unpack(head_of(out)[-1]).uuid.hex()
    failures.expect(uuid == entry["uuid"] or not int(entry["uuid"], 16), entry["name"], "uuid")


def head_of(path):
    """(copy at 0, header, trailing footer) as raw bytes."""
    with open(path, "rb") as file:
        head = file.read(1536)
        file.seek(-512, os.SEEK_END)
        return head[:512], head[512:], file.read()


# --- fixed --------------------------------------------------------------------


def test_fixed_is_the_content_and_one_footer(program, raw, tmp_path):
    out = tmp_path / "out.vhd"
    program("copy", "--to", "vhd-fixed", raw, out)
    data = out.read_bytes()
    with open(raw, "rb") as file:
        assert data[:-512] == file.read()
    footer = Footer.unpack(data[-512:])
    assert footer.type == 2 and footer.data_offset == (1 << 64) - 1
    assert footer.current_size == footer.original_size == len(data) - 512
    assert footer.geometry == chs(footer.current_size)


def test_fixed_in_a_file_is_sparse(program, tmp_path):
    raw = raw_file(str(tmp_path / "in.raw"), 900 * MIB, [(500 * MIB, b"x" * 4096)])
    program("copy", "--to", "vhd-fixed", raw, tmp_path / "out.vhd")
    assert os.stat(tmp_path / "out.vhd").st_blocks * 512 < 8 * MIB


def test_a_block_with_little_in_it_takes_little_of_a_file(program, tmp_path):
    parts = [(2 * MIB * i + at, b"x" * 512) for i in range(4) for at in (0, 2 * MIB - 512)]
    raw = raw_file(str(tmp_path / "in.raw"), 10 * MIB, parts)
    program("copy", raw, tmp_path / "out.vhd")
    there = os.stat(tmp_path / "out.vhd")
    assert there.st_size > 8 * MIB and there.st_blocks * 512 < MIB
    qemu_compare(tmp_path / "out.vhd", raw)


def test_azure_pads_to_a_whole_mib_and_says_so(program, tmp_path):
    raw = raw_file(str(tmp_path / "in.raw"), 3 * MIB + 512, [(3 * MIB, b"x" * 512)])
    out = str(tmp_path / "out.vhd")
    assert "padded" in program("copy", "--azure", raw, out).line
    assert os.path.getsize(out) == 4 * MIB + 512
    content = read_content([out])
    assert content.size == 4 * MIB
    assert content.read(3 * MIB, MIB) == b"x" * 512 + bytes(MIB - 512)
    judge(out, content)


def test_azure_leaves_a_whole_mib_alone(program, tmp_path):
    raw = raw_file(str(tmp_path / "in.raw"), 3 * MIB, [(0, b"x" * 512)])
    assert not program("copy", "--azure", "--to", "vhd-fixed", raw, tmp_path / "a.vhd").err
    assert os.path.getsize(tmp_path / "a.vhd") == 3 * MIB + 512


@pytest.mark.parametrize("name", ["a.raw", "a.img", "a.tgz", "a.tar"])
def test_azure_does_not_hide_under_another_name(vhdstream, tmp_path, name):
    (tmp_path / "in.raw").write_bytes(bytes(MIB))
    result = run(vhdstream, "copy", "--azure", tmp_path / "in.raw", tmp_path / name)
    assert result.status == 2 and "--to vhd-fixed" in result.err
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("form", ["vhd", "raw", "tgz"])
def test_azure_takes_only_fixed_disks(program, tmp_path, form):
    raw = raw_file(str(tmp_path / "in.raw"), MIB)
    assert "vhd-fixed" in program("copy", "--azure", "--to", form, raw, tmp_path / "out",
                                  status=2).line


def test_too_large_for_a_vhd(program, tmp_path):
    raw = raw_file(str(tmp_path / "in.raw"), 0xFF000000 * 512 + 512)
    for form in FORMS:
        assert "2040 GiB" in program("copy", "--to", form, raw, tmp_path / "out.vhd",
                                     status=6).line
    assert os.listdir(tmp_path) == ["in.raw"]


def test_the_largest_disk(program, tmp_path):
    size = 0xFF000000 * 512
    raw = raw_file(str(tmp_path / "in.raw"), size, [(0, b"a" * 512), (size - 512, b"z" * 512)])
    out = str(tmp_path / "out.vhd")
    program("copy", raw, out)
    judge(out, read_raw(raw))
    if has_qemu():
        told = subprocess.run(["qemu-img", "info", "-f", "vpc", out], capture_output=True,
                              check=True).stdout
        assert str(size).encode() in told


# --- differencing -------------------------------------------------------------


@pytest.fixture(params=["diff-one-block", "blktap-child", "hyperv-child"])
def kept(request, program, corpus, tmp_path):
    """(entry, path of the child written anew, paths of its parents)"""
    entry = next(v for v in corpus.valid("differencing") if v["name"] == request.param)
    out = str(tmp_path / "child.vhd")
    program("copy", "--keep-parent", corpus.path(entry["path"]), out)
    parents = []
    for path in entry["parents"]:
        parents.append(str(tmp_path / os.path.basename(path)))
        os.symlink(corpus.path(path), parents[-1])
    return entry, out, parents


def test_a_child_is_taken_by_xapis_rules(kept):
    _, path, _ = kept
    first, header, last = head_of(path)
    assert check_footer(first, "copy") == 512
    assert first == last
    table, entries, block = check_header(header)
    assert (block, entries) == (2 * MIB, 10) and table >= 1536 and table % 512 == 0


def test_a_child_keeps_uuids_and_time(kept, corpus):
    entry, path, _ = kept
    first, header, _ = head_of(corpus.path(entry["path"]))
    new_first, new_header, _ = head_of(path)
    assert Footer.unpack(new_first).uuid == Footer.unpack(first).uuid
    assert Footer.unpack(new_first).timestamp == Footer.unpack(first).timestamp
    assert Header.unpack(new_header).parent_uuid == Header.unpack(header).parent_uuid
    assert Header.unpack(new_header).parent_time == Header.unpack(header).parent_time


def test_every_locator_leads_to_the_parent(kept):
    """As vhd-util demands; and the one of Windows begins as Windows wants it."""
    _, path, parents = kept
    name = os.path.basename(parents[0])
    texts = locator_texts(path)
    assert texts == [("MacX", "file://./" + name), ("W2ku", ".\\" + name),
                     ("W2ru", ".\\" + name)]
    assert Header.unpack(head_of(path)[1]).parent_name.decode("utf-16-be").rstrip("\0") == name


def test_a_child_is_sound_with_its_chain(kept):
    entry, path, parents = kept
    assert not [f for f in check(path, chain=True) if f.severity in ("error", "warning")]
    assert read_content([path] + parents).digest() == entry["digest"]


def test_libvhdi_opens_a_child(kept):
    if not has_libvhdi():
        pytest.skip("no libvhdi")
    entry, path, parents = kept
    told = subprocess.run(["vhdiinfo", path], capture_output=True, check=True).stdout.decode()
    assert "Differential" in told and os.path.basename(parents[0]) in told
    assert "(%d bytes)" % entry["virtual_size"] in told


def test_a_path_of_another_host_becomes_a_bare_name(program, corpus, tmp_path):
    """XAPI names the parent by its place on the host that it came from."""
    entry = next(v for v in corpus.valid("differencing") if v["name"] == "xapi-delta")
    path = corpus.path(entry["path"])
    out = str(tmp_path / "child.vhd")
    program("copy", "--keep-parent", path, out)
    assert not [f for f in check(out) if f.severity in ("error", "warning")]
    assert [text for _, text in locator_texts(out)][1] == ".\\5c1e8a72-base.vhd"
    assert read_content([out] + [corpus.path(p) for p in entry["parents"]]).digest() \
        == entry["digest"]
