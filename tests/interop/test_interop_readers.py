# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Images and VHDs of the program in the hands of others, and theirs in ours."""

import io
import re
import shutil
import subprocess
import tarfile
import zlib

import pytest

from disk_rig import BLOCK, MIB, image_of, noise, qemu_compare, raw_file, read_raw, vhd

pytestmark = pytest.mark.of_others

READERS = {
    "GNU tar": "tar -xzOf %s 0.vhd",
    "bsdtar": "bsdtar -xOf %s 0.vhd",
    "busybox": "busybox tar -xzOf %s 0.vhd",
    "7z": "sh -c '7z x -so %s 2>/dev/null | 7z x -si -so -ttar 2>/dev/null'",
    "pigz and tar": "sh -c 'pigz -dc %s | tar -xOf - 0.vhd'",
}
CHECKERS = ["gzip -t %s", "pigz -t %s", "busybox gunzip -t %s", "tar -tzf %s", "bsdtar -tf %s"]


def shell(command):
    tool = [w for w in re.findall(r"\w+", command) if w not in ("sh", "c")][0]
    if not shutil.which(tool):
        pytest.skip("no " + tool)
    done = subprocess.run(command, shell=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    path = tmp_path_factory.mktemp("readers") / "a.raw"
    return raw_file(path, 33 * MIB + 512, [(MIB, noise("r", 5 * MIB)), (20 * MIB, b"t" * 4 * MIB)])


@pytest.fixture(scope="module")
def made(program, disk):
    """The disk as our VHD, and as our images at three levels."""
    folder = disk.parent
    program("copy", disk, folder / "a.vhd")
    program("copy", folder / "a.vhd", folder / "a.tar")
    for level in (1, 6, 9):
        program("copy", folder / "a.vhd", folder / ("a%d.tgz" % level), "--level", level)
    return folder


@pytest.mark.parametrize("level", [1, 6, 9])
@pytest.mark.parametrize("reader", READERS)
def test_everybody_gets_the_vhd_out_of_our_image(made, reader, level):
    assert shell(READERS[reader] % (made / ("a%d.tgz" % level))) == (made / "a.vhd").read_bytes()


@pytest.mark.parametrize("level", [1, 6, 9])
@pytest.mark.parametrize("checker", CHECKERS)
def test_everybody_finds_our_image_sound(made, checker, level):
    shell(checker % (made / ("a%d.tgz" % level)))


@pytest.mark.parametrize("mode", ["r:gz", "r|gz"])
@pytest.mark.parametrize("level", [1, 6, 9])
def test_python_reads_our_image_in_both_modes(made, mode, level):
    with open(made / ("a%d.tgz" % level), "rb") as file:
        with tarfile.open(fileobj=file, mode=mode) as tar:
            member = tar.next()
            assert tar.extractfile(member).read() == (made / "a.vhd").read_bytes()
            assert tar.next() is None


def test_image_is_one_gzip_member(made):
    """Nothing behind its trailer."""
    with open(made / "a1.tgz", "rb") as file:
        reader = zlib.decompressobj(wbits=31)
        reader.decompress(file.read())
    assert reader.eof and reader.unused_data == b""


def test_image_says_nothing_of_where_it_was_made(made):
    """No name, no time: the same disk gives the same bytes on another day."""
    head = (made / "a1.tgz").read_bytes()[:10]
    assert head[3] & 0x18 == 0 and head[4:8] == bytes(4)


def test_qemu_reads_our_vhd(made, disk):
    qemu_compare(str(made / "a.vhd"), str(disk))


def test_vhdiinfo_reads_our_vhd(made, disk):
    if not shutil.which("vhdiinfo"):
        pytest.skip("no vhdiinfo")
    text = shell("vhdiinfo %s" % (made / "a.vhd")).decode()
    size = disk.stat().st_size
    assert re.search(r"Media size\s*:.*\(%d bytes\)" % size, text), text
    assert re.search(r"Disk type\s*:\s*Dynamic", text)


def test_libvhdi_reads_the_content_of_our_vhd(made, disk):
    from outside_judges import has_libvhdi, libvhdi
    if not has_libvhdi():
        pytest.skip("no libvhdi")
    assert libvhdi([str(made / "a.vhd")], read_raw(disk)) == "right"


# -- theirs in ours ----------------------------------------------------------------


DATA = vhd(9 * MIB, {i: noise(("theirs", i), BLOCK) for i in (0, 3)})
WRITERS = {
    "tar and gzip": "tar -czf o.tgz 0.vhd",
    "tar and gzip -9": "tar -cf - 0.vhd | gzip -9 >o.tgz",
    "gnu": "tar --format=gnu -czf o.tgz 0.vhd",
    "v7": "tar --format=v7 -czf o.tgz 0.vhd",
    "ustar": "tar --format=ustar -czf o.tgz 0.vhd",
    "pax": "tar --format=posix -czf o.tgz 0.vhd",
    "sparse": "tar --sparse -czf o.tgz 0.vhd",
    "pigz": "tar -cf - 0.vhd | pigz -p 2 >o.tgz",
    "pigz -i": "tar -cf - 0.vhd | pigz -i -p 2 -b 32 >o.tgz",
    "gzip with name": "tar -cf o.tar 0.vhd; gzip -N o.tar; mv o.tar.gz o.tgz",
    "gzip stored": "tar -cf - 0.vhd | 7z a -si -so -tgzip -mx0 x 2>/dev/null >o.tgz",
    "bsdtar": "bsdtar -czf o.tgz 0.vhd",
    "bsdtar pax": "bsdtar --format pax -czf o.tgz 0.vhd",
    "busybox": "busybox tar -czf o.tgz 0.vhd",
    "with its folder": "tar -czf o.tgz ./0.vhd",
    "several members": "tar -cf - 0.vhd | split -b 3000000 - p.; "
                       "for p in p.*; do gzip -1 <$p; done >o.tgz",
    "owner and mode": "tar --owner=7 --group=8 --mode=600 -czf o.tgz 0.vhd",
    "blocking factor": "tar -b 1 -czf o.tgz 0.vhd",
    "another name": "cp 0.vhd disk-22.04.vhd; tar -czf o.tgz disk-22.04.vhd",
    "long name": "n=$(printf 'x%.0s' $(seq 1 180)).vhd; cp 0.vhd $n; tar -czf o.tgz $n",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "0.vhd").write_bytes(DATA)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
@pytest.mark.parametrize("writer", WRITERS)
def test_we_read_images_of_everybody(program, folder, writer, piped):
    command = WRITERS[writer]
    for tool in ("pigz", "bsdtar", "busybox", "7z"):
        if tool in command and not shutil.which(tool):
            pytest.skip("no " + tool)
    subprocess.run(command, shell=True, check=True)
    image = (folder / "o.tgz").read_bytes()
    if piped:
        program("copy", "-", folder / "o.raw", stdin=image)
    else:
        program("copy", folder / "o.tgz", folder / "o.raw")
    (folder / "w.vhd").write_bytes(DATA)
    program("copy", folder / "w.vhd", folder / "w.raw")
    assert (folder / "o.raw").read_bytes() == (folder / "w.raw").read_bytes()
    assert (folder / "o.raw").read_bytes()[:BLOCK] == noise(("theirs", 0), BLOCK)


@pytest.mark.parametrize("level", [0, 1, 6, 9])
@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE,
                                      zlib.Z_FIXED])
def test_we_read_every_kind_of_deflate(program, level, strategy):
    packer = zlib.compressobj(level, wbits=31, strategy=strategy)
    image = packer.compress(image_of(DATA, mode="w")) + packer.flush()
    out = program("copy", "-", "-", "--to=vhd", stdin=image).out
    assert out[-512:-504] == b"conectix"


def test_we_read_a_gzip_with_every_field(program):
    """FTEXT, FHCRC, FEXTRA, FNAME, FCOMMENT."""
    packer = zlib.compressobj(1, wbits=-15)
    plain = image_of(DATA, mode="w")
    head = b"\x1f\x8b\x08\x1f\0\0\0\0\0\x03" + b"\x04\0abcd" + b"name\0" + b"comment\0"
    head += (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little")
    image = head + packer.compress(plain) + packer.flush()
    image += zlib.crc32(plain).to_bytes(4, "little") + len(plain).to_bytes(4, "little")
    program("copy", "-", "-", "--to=vhd", stdin=image)


def test_zeros_after_a_gzip_are_padding(program):
    """As of tapes and block devices; gzip ignores them, too."""
    program("copy", "-", "-", "--to=vhd", stdin=image_of(DATA) + bytes(512))


def archive(*members, mode="w:gz"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        for member, data in members:
            member = tarfile.TarInfo(member) if isinstance(member, str) else member
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize("members", [
    [("swap.vhd", b"x" * 1000), ("0.vhd", DATA)], [("0.vhd", DATA), ("readme.txt", b"text")],
    [("manifest.json", b"{}"), ("0.vhd", DATA)]], ids=["swap", "after", "before"])
def test_members_that_are_no_disk_are_passed_by(program, members):
    result = program("copy", "-", "-", "--to=vhd", stdin=archive(*members))
    assert result.out[-512:-504] == b"conectix"


@pytest.mark.parametrize("name", ["../../etc/0.vhd", "/etc/0.vhd", "a\nb.vhd", "\x1b[31m.vhd"])
def test_hostile_names_of_members_are_names_alone(program, tmp_path, name):
    program("copy", "-", tmp_path / "o.vhd", stdin=archive((name, DATA)))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.vhd"]


def test_member_that_is_a_link(program, tmp_path):
    link = tarfile.TarInfo("0.vhd")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    result = program("copy", "-", tmp_path / "o.raw", stdin=archive((link, b"")), status=3)
    assert "root:" not in result.err and list(tmp_path.iterdir()) == []


def test_image_of_two_disks_that_have_nothing_in_common(program, tmp_path):
    image = archive(("0.vhd", DATA), ("1.vhd", DATA))
    result = program("copy", "-", tmp_path / "o.raw", stdin=image, status=None)
    assert result.status in (2, 3) and list(tmp_path.iterdir()) == []
