# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""An image that means harm: bounded memory and time, nothing run, nothing written elsewhere."""

import gzip
import io
import os
import struct
import subprocess
import tarfile

import pytest

from disk_rig import MIB, noise, vhd

WHOLE = vhd(8 * MIB, {1: noise("hostile", 2 * MIB)})


def tar_of(*members):
    """A tar of (name, content), with fields of the header where they are given."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content, *fields in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in (fields[0] if fields else {}).items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def refused(program, tmp_path):
    """Runs it on these bytes; nothing is made of them, nor anywhere else."""
    def run(data, suffix, status=3, to="o.raw"):
        os.mkdir(tmp_path / "in")
        os.mkdir(tmp_path / "out")
        (tmp_path / "in" / ("a" + suffix)).write_bytes(data)
        result = program.bounded("copy", tmp_path / "in" / ("a" + suffix), tmp_path / "out" / to,
                                 status=status, cwd=tmp_path / "out")
        assert os.listdir(tmp_path / "out") == ([to] if status == 0 else [])
        assert sorted(os.listdir(tmp_path)) == ["in", "out"]
        assert len(result.err) < 4000
        return result
    return run


# -- bombs ---------------------------------------------------------------------------


# A gzip member of 16 MiB of zeros, which is a thousand times smaller.
ZEROS = gzip.compress(bytes(16 * MIB))
GIB = 64 * ZEROS


def test_a_gzip_bomb_in_place_of_an_archive(refused):
    refused(GIB, ".tgz", status=2)


def test_a_gzip_bomb_as_another_member(refused):
    """A gigabyte that is no disk: passed over, not kept."""
    head = bytearray(tar_of(("readme", b""))[:512])
    head[124:136] = b"%011o\0" % (1024 * MIB)
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    refused(gzip.compress(head) + GIB + gzip.compress(tar_of(("0.vhd", WHOLE))), ".tgz", status=0)


def test_a_gzip_bomb_after_the_end_of_the_archive(refused):
    data = gzip.compress(tar_of(("0.vhd", WHOLE))) + GIB
    assert "after the end of the archive" in refused(data, ".tgz").line


def test_a_bomb_in_a_bomb(refused):
    refused(gzip.compress(GIB), ".tgz", status=2)


# -- archives ------------------------------------------------------------------------


def test_a_thousand_members(refused):
    refused(tar_of(*[("%d.txt" % i, b"x") for i in range(1000)]), ".tar")


def test_a_thousand_disks(refused):
    refused(tar_of(*[("%d.vhd" % i, WHOLE[:512]) for i in range(1000)]), ".tar")


@pytest.mark.parametrize("name", [
    "../../0.vhd", "/etc/0.vhd", "/dev/shm/0.vhd", "..\\0.vhd", "0.vhd;touch owned;.vhd",
    "$(touch owned).vhd", "`touch owned`.vhd", "|touch owned.vhd", "a\nb.vhd", "\x1b]0;x\x07.vhd",
    "-rf.vhd", "x" * 5000 + ".vhd", "\u202e.vhd"], ids=range(13))
def test_names_are_names_only(program, tmp_path, name):
    """The one disk is taken whatever it is called; no file is made by that name."""
    os.mkdir(tmp_path / "work")
    (tmp_path / "a.tar").write_bytes(tar_of((name, WHOLE)))
    result = program.bounded("copy", tmp_path / "a.tar", tmp_path / "work" / "o.raw",
                             status=None, cwd=tmp_path / "work")
    assert os.listdir(tmp_path / "work") == (["o.raw"] if result.status == 0 else [])
    assert sorted(os.listdir(tmp_path)) == ["a.tar", "work"]
    assert not os.path.exists("/dev/shm/0.vhd")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE,
                                  tarfile.FIFOTYPE, tarfile.DIRTYPE],
                         ids=["symlink", "link", "device", "fifo", "folder"])
def test_what_is_no_file_is_not_followed(refused, kind):
    member = ("0.vhd", b"", {"type": kind, "linkname": "/etc/passwd"})
    refused(tar_of(member), ".tar")


# -- sizes ---------------------------------------------------------------------------


def patched(at, fmt, value):
    """The VHD with a field changed in both footers and the sums right again."""
    data = bytearray(WHOLE)
    data[at:at + struct.calcsize(fmt)] = struct.pack(fmt, value)
    start, end, where = (512, 1536, 36) if at >= 512 else (0, 512, 64)
    data[start + where:start + where + 4] = bytes(4)
    total = ~sum(data[start:end]) & 0xffffffff
    data[start + where:start + where + 4] = struct.pack(">I", total)
    data[-512:] = data[:512]
    return bytes(data)


@pytest.mark.parametrize("at, fmt, value", [
    (48, ">Q", 1 << 62), (48, ">Q", (1 << 64) - 512), (16, ">Q", 1 << 60),
    (512 + 16, ">Q", 1 << 60), (512 + 28, ">I", 0xffffffff), (512 + 32, ">I", 0xfffffe00),
    (512 + 32, ">I", 0x80000000), (512 + 32, ">I", 0), (512 + 32, ">I", 3)],
    ids=["size", "size max", "header at", "table at", "entries", "block", "block 2G", "block 0",
         "block 3"])
def test_absurd_fields(refused, at, fmt, value):
    refused(patched(at, fmt, value), ".vhd")


# -- without an end ------------------------------------------------------------------


@pytest.mark.parametrize("data, name, words", [
    (bytes(4096), "raw", ["--from=raw", "--size=4096"]),
    (tar_of(("0.vhd", WHOLE)), "tar", ["--from=tar"]),
    (gzip.compress(tar_of(("0.vhd", WHOLE))), "tgz", ["--from=tgz"]),
    (WHOLE, "vhd", ["--from=vhd"])], ids=["raw", "tar", "tgz", "vhd"])
def test_zeros_without_an_end_after_the_disk(program, tmp_path, data, name, words):
    (tmp_path / name).write_bytes(data)
    with subprocess.Popen(["cat", tmp_path / name, "/dev/zero"],
                          stdout=subprocess.PIPE) as endless:
        program.bounded("copy", "-", tmp_path / "o.raw", *words, stdin=endless.stdout, status=3)
        endless.stdout.close()
    assert not (tmp_path / "o.raw").exists()


@pytest.mark.parametrize("data, words, said", [
    (WHOLE, [], "trailing-footer-missing"),
    (WHOLE[:1536], [], "trailing-footer-missing"),
    (WHOLE[:512], [], "trailing-footer-missing"),
    (b"", [], "not-a-vhd"),
    (b"", ["--size=4096"], "trailing-footer-missing")],
    ids=["disk", "cut table", "cut footer", "nothing", "fixed"])
def test_check_of_zeros_without_an_end(program, tmp_path, data, words, said):
    (tmp_path / "a").write_bytes(data)
    with subprocess.Popen(["cat", tmp_path / "a", "/dev/zero"], stdout=subprocess.PIPE) as endless:
        result = program.bounded("check", "--json", "--from=vhd", *words, "-",
                                 stdin=endless.stdout, status=3)
        endless.stdout.close()
    assert said in [f["id"] for f in result.json["findings"]]


def test_empty_gzip_members_without_an_end(program, tmp_path):
    (tmp_path / "empty").write_bytes(gzip.compress(b"") * 500000)
    with subprocess.Popen(["sh", "-c", "while cat empty; do :; done"], cwd=tmp_path,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as endless:
        result = program.bounded("copy", "-", tmp_path / "o.raw", "--from=tgz",
                                 stdin=endless.stdout, status=3)
        endless.stdout.close()
    assert "of gzip data without content" in result.line
