# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""VHDs made by qemu-img and qemu-io, in all forms that it makes."""

import json
import os
import subprocess

import pytest

from disk_rig import BLOCK, MIB, read_content, read_raw

SIZE = 12 * MIB + 512 * 3


def qemu_io(path, *commands):
    args = [a for c in commands for a in ("-c", c)]
    subprocess.run(["qemu-io", "-f", "vpc", *args, path], check=True, stdout=subprocess.DEVNULL)


def make(path, raw, *options):
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o", ",".join(options),
                    raw, path], check=True)
    return path


def size_by_qemu(path):
    info = subprocess.run(["qemu-img", "info", "-f", "vpc", "--output=json", path], check=True,
                          capture_output=True)
    return json.loads(info.stdout)["virtual-size"]


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    path = tmp_path_factory.mktemp("qemu") / "a.raw"
    with open(path, "wb") as file:
        file.truncate(SIZE)
        for at in (0, 3 * MIB, 9 * MIB + 512):
            file.seek(at)
            file.write(os.urandom(MIB))
    return str(path)


@pytest.mark.parametrize("forced", ["on", "off"])
@pytest.mark.parametrize("subformat", ["dynamic", "fixed"])
def test_vpc_of_qemu(program, raw, tmp_path, subformat, forced):
    """Without force_size qemu makes the disk larger, to what its geometry can say."""
    path = make(tmp_path / "a.vhd", raw, "subformat=" + subformat, "force_size=" + forced)
    program("copy", path, tmp_path / "o.raw")
    wanted = read_raw(raw)
    wanted.resize(size_by_qemu(path))
    assert read_raw(tmp_path / "o.raw") == wanted


@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
@pytest.mark.parametrize("target", ["vhd", "tgz", "nfs", "rawlv"])
def test_blocks_that_qemu_wrote_out_of_order(program, pool, tmp_path, target, piped):
    path = tmp_path / "a.vhd"
    subprocess.run(["qemu-img", "create", "-q", "-f", "vpc", "-o", "force_size=on", path, "20M"],
                   check=True)
    qemu_io(path, "write -P 0x11 15M 1M", "write -P 0x22 1M 4k", "write -P 0x33 8M 3M",
            "write -P 0x44 3M 512")
    wanted = read_content([path])
    source, stdin = ("-", path.read_bytes()) if piped else (path, None)
    if target in ("nfs", "rawlv"):
        uuid = program("copy", source, pool.sr(target), *pool.login, stdin=stdin).text.strip()
        found = read_raw(pool.raw_path(uuid))
    else:
        program("copy", source, tmp_path / ("o." + target), stdin=stdin)
        program("copy", tmp_path / ("o." + target), tmp_path / "back.raw")
        found = read_raw(tmp_path / "back.raw")
    assert found == wanted


def test_blocks_out_of_order_cannot_go_raw_into_a_pipe_from_a_pipe(program, tmp_path):
    path = tmp_path / "a.vhd"
    subprocess.run(["qemu-img", "create", "-q", "-f", "vpc", "-o", "force_size=on", path, "20M"],
                   check=True)
    qemu_io(path, "write -P 0x11 15M 1M", "write -P 0x22 1M 4k")
    result = program("copy", "-", "-", "--to=raw", stdin=path.read_bytes(), status=3)
    assert "order" in result.line and result.out == b""


def test_blocks_out_of_order_go_raw_into_a_pipe_from_a_file(program, tmp_path):
    path = tmp_path / "a.vhd"
    subprocess.run(["qemu-img", "create", "-q", "-f", "vpc", "-o", "force_size=on", path, "20M"],
                   check=True)
    qemu_io(path, "write -P 0x11 15M 1M", "write -P 0x22 1M 4k")
    out = program("copy", path, "-", "--to=raw").out
    assert out[15 * MIB:16 * MIB] == b"\x11" * MIB and out[MIB:MIB + 4096] == b"\x22" * 4096
    assert len(out) == 20 * MIB


def test_qemu_converts_ours_and_we_convert_qemus(program, raw, tmp_path):
    """There and back through qemu's own format."""
    program("copy", raw, tmp_path / "a.vhd")
    subprocess.run(["qemu-img", "convert", "-f", "vpc", "-O", "qcow2", tmp_path / "a.vhd",
                    tmp_path / "a.qcow2"], check=True)
    make_vpc = ["qemu-img", "convert", "-f", "qcow2", "-O", "vpc", "-o", "force_size=on"]
    subprocess.run(make_vpc + [tmp_path / "a.qcow2", tmp_path / "b.vhd"], check=True)
    program("copy", tmp_path / "b.vhd", tmp_path / "b.raw")
    assert read_raw(tmp_path / "b.raw") == read_raw(raw)


def test_qemu_writes_into_ours(program, raw, tmp_path):
    """What we make is a VHD that others go on with."""
    program("copy", raw, tmp_path / "a.vhd")
    qemu_io(tmp_path / "a.vhd", "write -P 0x77 6M 1M", "write -P 0x78 0 512")
    program("copy", tmp_path / "a.vhd", tmp_path / "o.raw")
    wanted = read_raw(raw)
    wanted.write(6 * MIB, b"\x77" * MIB)
    wanted.write(0, b"\x78" * 512)
    assert read_raw(tmp_path / "o.raw") == wanted
    assert os.path.getsize(tmp_path / "a.vhd") > BLOCK
