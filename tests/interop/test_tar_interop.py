# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Our tar is read by everybody's, and everybody's by ours."""

import io
import os
import subprocess
import tarfile

import pytest
from other_tools import pipe

EXTRACT = {
    "GNU tar": ["tar", "-xzOf", "-", "0.vhd"],
    "bsdtar": ["bsdtar", "-xOf", "-", "0.vhd"],
    "busybox": ["busybox", "tar", "-xzOf", "-", "0.vhd"],
}
LIST = {
    "GNU tar": ["tar", "-tvf"],
    "bsdtar": ["bsdtar", "-tvf"],
    "busybox": ["busybox", "tar", "-tvf"],
    "7z": ["7z", "l", "-ttar"],
}
GNU = ["v7", "oldgnu", "gnu", "ustar", "posix"]
GNU_SPARSE = [("oldgnu", None), ("gnu", None), ("posix", "0.0"), ("posix", "0.1"),
              ("posix", "1.0")]
LARGE = (8 << 30) + 12345


@pytest.mark.parametrize("reader", EXTRACT)
def test_everybody_reads_our_image(streamtool, mixed, reader):
    packed = streamtool("gzip", 1, 2, "tar", "0.vhd", len(mixed), data=mixed)
    assert pipe(EXTRACT[reader], packed) == mixed


def test_7z_reads_our_image(streamtool, mixed):
    tar = streamtool("tar", "0.vhd", len(mixed), data=mixed)
    assert pipe(["7z", "e", "-si", "-so", "-ttar", "-bso0", "-bsp0"], tar) == mixed


@pytest.fixture(scope="module")
def large(streamtool, tmp_path_factory):
    """An archive with a member above 8 GiB, all of it a hole."""
    path = tmp_path_factory.mktemp("large") / "large.tar"
    hole = path.with_name("hole")
    with open(hole, "wb") as file:
        file.truncate(LARGE)
    header = streamtool.run("tar", "0.vhd", LARGE, data=b"").stdout
    assert len(header) == 512
    with open(path, "wb") as file:
        file.write(header)
        file.truncate(512 + (LARGE + 511) // 512 * 512 + 1024)
    return path


@pytest.mark.parametrize("reader", LIST)
def test_everybody_takes_the_size_above_8_gib(large, reader):
    listed = pipe(LIST[reader] + [str(large)], b"").decode()
    assert str(LARGE) in listed and "0.vhd" in listed


def test_python_takes_the_size_above_8_gib(large):
    with tarfile.open(large) as tar:
        assert [(m.name, m.size) for m in tar.getmembers()] == [("0.vhd", LARGE)]


def test_a_short_image_looks_whole_to_nobody(streamtool, mixed):
    done = streamtool.run("gzip", 1, 2, "tar", "0.vhd", len(mixed) + 1, data=mixed)
    assert done.returncode == 3
    assert "promises" in done.stderr.decode()
    failed = subprocess.run(["gzip", "-t"], input=done.stdout, capture_output=True, check=False)
    assert failed.returncode != 0
    failed = subprocess.run(["tar", "-xzOf", "-"], input=done.stdout, capture_output=True,
                            check=False)
    assert failed.returncode != 0


# --- theirs to us -----------------------------------------------------------

@pytest.fixture
def folder(tmp_path, mixed):
    """With the file 0.vhd in it, and others."""
    (tmp_path / "0.vhd").write_bytes(mixed)
    (tmp_path / "read.me").write_bytes(b"hello")
    (tmp_path / "sub").mkdir()
    return tmp_path


@pytest.mark.parametrize("form", GNU)
def test_ours_reads_gnu_tar(streamtool, mixed, folder, form):
    tar = pipe(["tar", "-cf", "-", "--format", form, "sub", "read.me", "0.vhd"], b"", cwd=folder)
    assert streamtool("untar", data=tar) == mixed
    for cut in (512, 20480, len(mixed), len(mixed) + 3000):
        assert "tar archive" in streamtool.error("untar", data=tar[:cut])


@pytest.mark.parametrize("form", ["ustar", "pax", "gnutar", "v7"])
def test_ours_reads_bsdtar(streamtool, mixed, folder, form):
    tar = pipe(["bsdtar", "-cf", "-", "--format", form, "0.vhd", "read.me", "sub"], b"",
               cwd=folder)
    assert streamtool("untar", data=tar) == mixed


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_ours_reads_python(streamtool, mixed, form):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=form) as tar:
        member = tarfile.TarInfo("folder/of/a/disk/" * 5 + "0.vhd")
        member.size = len(mixed)
        tar.addfile(member, io.BytesIO(mixed))
    assert streamtool("untar", data=archive.getvalue()) == mixed


@pytest.mark.parametrize("command", [["busybox", "tar", "-cf", "-", "0.vhd"],
                                     ["7z", "a", "-ttar", "-so", "-bso0", "-bsp0", "x", "0.vhd"]],
                         ids=["busybox", "7z"])
def test_ours_reads_others(streamtool, mixed, folder, command):
    assert streamtool("untar", data=pipe(command, b"", cwd=folder)) == mixed


def make_sparse(path):
    """A file of 60 MiB with some data, also at its end or not."""
    content = bytearray(60 << 20)
    with open(path, "wb") as file:
        file.truncate(len(content))
        for place in range(0, 50 << 20, 3 << 20):
            data = os.urandom(70000)
            file.seek(place + 4096)
            file.write(data)
            content[place + 4096:place + 4096 + len(data)] = data
    return bytes(content)


@pytest.mark.parametrize("form, version", GNU_SPARSE)
def test_ours_reads_gnu_sparse(streamtool, tmp_path, form, version):
    content = make_sparse(tmp_path / "disk.raw")
    more = ["--sparse-version", version] if version else []
    tar = pipe(["tar", "-cSf", "-", "--format", form, *more, "disk.raw"], b"", cwd=tmp_path)
    assert len(tar) < len(content) / 4
    assert streamtool("untar", data=tar) == content


def test_ours_reads_pax_sparse_of_bsdtar(streamtool, tmp_path):
    content = make_sparse(tmp_path / "disk.raw")
    tar = pipe(["bsdtar", "-cf", "-", "--format", "pax", "disk.raw"], b"", cwd=tmp_path)
    assert len(tar) < len(content) / 4
    assert streamtool("untar", data=tar) == content


def test_an_image_through_everything(streamtool, mixed):
    packed = streamtool("behind", "gzip", 6, 2, "tar", "0.vhd", len(mixed), data=mixed)
    assert streamtool("ahead", "gunzip", "untar", data=packed) == mixed
    for cut in (1, 10, 1000, len(packed) - 1):
        streamtool.error("ahead", "gunzip", "untar", data=packed[:-cut])
