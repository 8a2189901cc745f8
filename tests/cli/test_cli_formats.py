# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Which format a disk has: --from and --to, then the name, then (for input) the content."""

import io
import tarfile

import pytest

from disk_rig import MIB, image_of, noise, read_content, vhd, zstd_of

DATA = noise("formats", 2 * MIB)
DISK = vhd(2 * MIB, {0: DATA})
FORMS = {"raw": DATA, "vhd": DISK, "tar": image_of(DISK, mode="w"), "tgz": image_of(DISK),
         "tzst": zstd_of(image_of(DISK, mode="w"))}


def put(folder, name, data):
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize("name", ["a.raw", "a.img", "a.RAW", "a.vhd.raw"])
def test_name_says_raw(program, tmp_path, name):
    put(tmp_path, name, DATA)
    program("copy", tmp_path / name, tmp_path / "out.raw")
    assert (tmp_path / "out.raw").read_bytes() == DATA


@pytest.mark.parametrize("name", ["a.vhd", "a.VHD", "a.raw.vhd"])
def test_name_says_vhd(program, tmp_path, name):
    put(tmp_path, name, DISK)
    program("copy", tmp_path / name, tmp_path / "out.raw")
    assert (tmp_path / "out.raw").read_bytes() == DATA


@pytest.mark.parametrize("name, mode", [("a.tgz", "w:gz"), ("a.tar.gz", "w:gz"),
                                        ("a.TGZ", "w:gz"), ("a.tar", "w")])
def test_name_says_image(program, tmp_path, name, mode):
    put(tmp_path, name, image_of(DISK, mode=mode))
    program("copy", tmp_path / name, tmp_path / "out.raw")
    assert (tmp_path / "out.raw").read_bytes() == DATA


@pytest.mark.parametrize("name", ["a.tzst", "a.tar.zst", "a.TAR.ZST"])
def test_name_says_zstd_image(program, tmp_path, name):
    put(tmp_path, name, FORMS["tzst"])
    program("copy", tmp_path / name, tmp_path / "out.raw")
    assert (tmp_path / "out.raw").read_bytes() == DATA


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["disk", "disk.bin", "gz", ".vhd.bak"])
def test_content_decides_where_the_name_says_nothing(program, tmp_path, name, form):
    put(tmp_path, name, FORMS[form])
    program("copy", tmp_path / name, tmp_path / "out.raw")
    assert (tmp_path / "out.raw").read_bytes() == DATA


@pytest.mark.parametrize("form", ["vhd", "tgz", "tar", "tzst"])
def test_content_decides_on_a_pipe(program, form):
    assert program("copy", "-", "-", "--to=raw", stdin=FORMS[form]).out == DATA


def test_vhd_in_a_gzip_without_tar(program, tmp_path):
    import gzip
    put(tmp_path, "a.vhd.gz", gzip.compress(DISK, 1))
    program("copy", tmp_path / "a.vhd.gz", tmp_path / "out.raw")
    assert (tmp_path / "out.raw").read_bytes() == DATA


@pytest.mark.parametrize("name", ["a.vhd.zst", "a"])
def test_vhd_in_zstd_without_tar(program, tmp_path, name):
    put(tmp_path, name, zstd_of(DISK))
    program("copy", tmp_path / name, tmp_path / "out.raw")
    assert (tmp_path / "out.raw").read_bytes() == DATA


def test_raw_in_zstd_without_tar(program, tmp_path):
    put(tmp_path, "a.raw.zst", zstd_of(DATA))
    program("copy", tmp_path / "a.raw.zst", tmp_path / "out.raw", "--size", len(DATA))
    assert (tmp_path / "out.raw").read_bytes() == DATA


# -- name and content disagree --------------------------------------------------


@pytest.mark.parametrize("name, form, says", [
    ("a.vhd", "tgz", "gzip"), ("a.vhd", "tar", "tar"), ("a.tgz", "vhd", "VHD"),
    ("a.tgz", "tar", "tar"), ("a.tar", "tgz", "gzip"), ("a.tar", "vhd", "VHD"),
    ("a.tgz", "raw", "raw"), ("a.tar", "raw", "raw"), ("a.tzst", "tgz", "gzip"),
    ("a.tgz", "tzst", "zstd"), ("a.tzst", "vhd", "VHD"), ("a.vhd", "tzst", "zstd"),
])
def test_conflict_of_name_and_content_asks_for_from(program, tmp_path, name, form, says):
    path = put(tmp_path, name, FORMS[form])
    result = program("copy", path, tmp_path / "out.raw", status=2)
    assert result.line.startswith("%s: its name says %s, its content " % (path, name[2:]))
    assert says in result.line and "--from" in result.line
    assert not (tmp_path / "out.raw").exists()


@pytest.mark.parametrize("name, form", [("a.vhd", "tgz"), ("a.tgz", "vhd"), ("a.raw", "vhd"),
                                        ("a.vhd", "raw"), ("a.tar", "tgz"), ("a.raw", "tar")])
def test_from_decides_against_the_name(program, tmp_path, name, form):
    program("copy", put(tmp_path, name, FORMS[form]), tmp_path / "out.raw", "--from", form)
    assert (tmp_path / "out.raw").read_bytes() == DATA


@pytest.mark.parametrize("said, form", [("vhd", "raw"), ("tgz", "vhd"), ("tar", "raw"),
                                        ("tgz", "tar"), ("vhd", "tgz"), ("tar", "tgz"),
                                        ("tzst", "tgz"), ("tgz", "tzst"), ("tar", "tzst")])
def test_from_that_is_not_so_is_a_mismatch(program, tmp_path, said, form):
    program("copy", put(tmp_path, "a", FORMS[form]), tmp_path / "out.raw", "--from", said,
            status=3)
    assert not (tmp_path / "out.raw").exists()


# -- what a guest planted -------------------------------------------------------


PLANTED = {
    "vhd": (DISK + bytes(2 * MIB))[:2 * MIB],
    "gzip": (image_of(DISK) + bytes(2 * MIB))[:2 * MIB],
    "qcow2": (b"QFI\xfb\0\0\0\3" + bytes(2 * MIB))[:2 * MIB],
    "tar": (image_of(b"x", mode="w") + bytes(2 * MIB))[:2 * MIB],
    "footer": bytes(2 * MIB - 512) + DISK[:512],
}


@pytest.mark.parametrize("kind", PLANTED)
def test_raw_disk_with_a_planted_head_is_raw_by_name(program, tmp_path, kind):
    path = put(tmp_path, "a.raw", PLANTED[kind])
    program("copy", path, tmp_path / "out.img")
    assert (tmp_path / "out.img").read_bytes() == PLANTED[kind]


@pytest.mark.parametrize("kind", PLANTED)
def test_raw_disk_with_a_planted_head_is_raw_by_from(program, tmp_path, kind):
    path = put(tmp_path, "a", PLANTED[kind])
    program("copy", path, tmp_path / "out.vhd", "--from=raw")
    assert read_content([str(tmp_path / "out.vhd")]).read(0, 2 * MIB) == PLANTED[kind]


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_head_inside_a_vhd_stays_data(program, tmp_path, kind):
    path = put(tmp_path, "a.vhd", vhd(2 * MIB, {0: PLANTED[kind]}))
    program("copy", path, tmp_path / "out.raw")
    assert (tmp_path / "out.raw").read_bytes() == PLANTED[kind]


@pytest.mark.parametrize("kind", PLANTED)
def test_raw_member_of_an_image_with_a_planted_head(program, tmp_path, kind):
    """In an archive the member's own name says what it is."""
    path = put(tmp_path, "a.tgz", image_of(PLANTED[kind], name="0.raw"))
    program("copy", path, tmp_path / "out.raw")
    assert (tmp_path / "out.raw").read_bytes() == PLANTED[kind]


# -- what is not taken ----------------------------------------------------------


FOREIGN = {"qcow2": b"QFI\xfb\0\0\0\3", "VHDX": b"vhdxfile", "VMDK": b"KDMV\1\0\0\0",
           "xz": b"\xfd7zXZ\0", "bzip2": b"BZh91AY&SY", "zip": b"PK\3\4\x14\0"}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_format_is_named(program, tmp_path, name):
    path = put(tmp_path, "disk", FOREIGN[name].ljust(4096, b"\0"))
    result = program("copy", path, tmp_path / "out.raw", status=3)
    assert name in result.line and not (tmp_path / "out.raw").exists()


@pytest.mark.parametrize("form", ["raw", "vhd", "tar", "tgz", "tzst"])
def test_to_decides_against_the_name(program, tmp_path, form):
    source = put(tmp_path, "a.raw", DATA)
    program("copy", source, tmp_path / "out.bin", "--to", form)
    start = (tmp_path / "out.bin").read_bytes()[:512]
    assert {"raw": start == DATA[:512], "vhd": start[:8] == b"conectix",
            "tar": start[257:262] == b"ustar", "tgz": start[:2] == b"\x1f\x8b",
            "tzst": start[:4] == b"\x28\xb5\x2f\xfd"}[form]


def test_name_of_the_output_that_says_nothing(program, tmp_path):
    result = program("copy", put(tmp_path, "a.raw", DATA), tmp_path / "out", status=2)
    assert result.line.startswith("%s/out: its name says no format; give one with --to" % tmp_path)


def test_empty_file_is_no_packed_disk(program, tmp_path):
    for name in ("a.vhd", "a.tgz", "a.tar"):
        path = put(tmp_path, name, b"")
        result = program("copy", path, tmp_path / "out.raw", "--from", name[2:], status=3)
        assert name in result.line


def test_members_that_are_no_disk(program, tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        member = tarfile.TarInfo("readme.txt")
        member.size = 4
        tar.addfile(member, io.BytesIO(b"text"))
    result = program("copy", put(tmp_path, "a.tgz", out.getvalue()), tmp_path / "o.raw", status=3)
    assert "a.tgz: no disk" in result.lines[-1] and "readme.txt" in result.lines[-1]
