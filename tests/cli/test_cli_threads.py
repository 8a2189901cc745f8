# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""--threads changes how fast, never what: the same bytes with none, one, two and five."""

import hashlib

import pytest

from disk_rig import MIB, bits, image_of, noise, raw_file, vhd

COUNTS = (0, 1, 2, 5)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A raw disk with holes and zeros, a VHD out of order, an image of it, as files."""
    folder = tmp_path_factory.mktemp("threads")
    parts = [(0, noise("a", 3 * MIB)), (9 * MIB, b"text " * MIB), (20 * MIB, noise("b", 5000)),
             (30 * MIB, bytes(MIB) + noise("c", MIB))]
    raw_file(folder / "a.raw", 41 * MIB + 512, parts)
    blocks = {i: noise(i, 2 * MIB) for i in range(0, 16, 3)}
    blocks[7] = (bits(*range(100)), noise("bits", 2 * MIB))
    data = vhd(33 * MIB, blocks, order=[9, 0, 15, 7, 3, 12, 6])
    (folder / "a.vhd").write_bytes(data)
    (folder / "a.tgz").write_bytes(image_of(data))
    return folder


def sums(program, sources, source, *args):
    """The distinct outputs, told apart by what may not differ."""
    found = set()
    for count in COUNTS:
        out = program("copy", sources / source, "-", *args, "--threads", count).out
        found.add((len(out), hashlib.sha256(out).hexdigest()))
    return found


@pytest.mark.parametrize("source", ["a.vhd", "a.tgz"])
@pytest.mark.parametrize("form", ["raw", "vhd", "tar"])
def test_same_bytes_of_what_is_not_compressed(program, sources, source, form):
    if (source, form) == ("a.tgz", "raw"):
        pytest.skip("out of order, and no way back in a pipe")
    assert len(sums(program, sources, source, "--to", form)) == 1


@pytest.mark.parametrize("level", [1, 4, 6, 9])
@pytest.mark.parametrize("source", ["a.vhd", "a.tgz"])
def test_same_bytes_of_what_is_compressed(program, sources, source, level):
    assert len(sums(program, sources, source, "--to=tgz", "--level", level)) == 1


@pytest.mark.parametrize("form", ["raw", "vhd"])
def test_same_disk_of_a_raw_source(program, sources, tmp_path, form):
    """A raw source has no uuid and no time, so a VHD of it gets new ones: content then."""
    found = set()
    for count in COUNTS:
        program("copy", sources / "a.raw", tmp_path / ("o." + form), "--force", "--threads", count)
        program("copy", tmp_path / ("o." + form), tmp_path / "back.raw", "--force")
        found.add(hashlib.sha256((tmp_path / "back.raw").read_bytes()).hexdigest())
    assert found == {hashlib.sha256((sources / "a.raw").read_bytes()).hexdigest()}


@pytest.mark.parametrize("count", COUNTS)
def test_corrupt_input_is_refused_with_any_number(program, sources, tmp_path, count):
    data = bytearray((sources / "a.tgz").read_bytes())
    data[len(data) // 2] ^= 0x40
    program("copy", "-", tmp_path / "o.vhd", "--threads", count, stdin=bytes(data), status=3)
    assert not (tmp_path / "o.vhd").exists()


@pytest.mark.parametrize("count", COUNTS)
def test_import_with_any_number(program, pool, sources, count):
    program("copy", sources / "a.vhd", pool.sr("nfs"), "--threads", count, *pool.login)
    program("copy", sources / "a.vhd", pool.sr("rawlv"), "--threads", count, *pool.login)
    a, b = pool.disks
    assert pool.disks[a]["virtual_size"] >= 33 * MIB and pool.digest(a) and pool.digest(b)
