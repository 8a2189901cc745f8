# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Every form into every form, through files, pipes and pools, and the disk is the same."""

import os

import pytest

from disk_rig import MIB, footer_of, qemu_compare, read_raw

SOURCES = ["raw", "vhd", "tar", "tgz", "qemu", "python"]
TARGETS = ["raw", "vhd", "tar", "tgz"]
SRS = ["nfs", "local", "lvhd", "rawlv", "lvm", "luns"]
DISKS = ["odd", "sparse", "ext4"]
EVERY_DISK = ["empty", "zeros", "full", "sector", "odd", "rounded", "bytes", "sparse", "ext4",
              "vfat"]


@pytest.mark.parametrize("disk", DISKS)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("target", TARGETS)
def test_file_to_file(program, samples, tmp_path, disk, source, target):
    sample = samples(disk)
    program("copy", sample.form(source), tmp_path / ("o." + target))
    sample.check(tmp_path / ("o." + target), target, tmp_path)


@pytest.mark.parametrize("disk", EVERY_DISK)
@pytest.mark.parametrize("target", TARGETS)
def test_every_disk_goes_there_and_back(program, samples, tmp_path, disk, target):
    sample = samples(disk)
    program("copy", sample.raw, tmp_path / ("o." + target))
    sample.check(tmp_path / ("o." + target), target, tmp_path)
    program("copy", tmp_path / ("o." + target), tmp_path / "back.raw")
    sample.check(tmp_path / "back.raw", "raw", tmp_path)


@pytest.mark.parametrize("source, target", [("raw", "tzst"), ("tzst", "raw"), ("tgz", "tzst"),
                                            ("tzst", "tgz"), ("tzst", "tzst")])
def test_zstd_to_file(program, samples, tmp_path, source, target):
    sample = samples("odd")
    program("copy", sample.form(source), tmp_path / ("o." + target))
    sample.check(tmp_path / ("o." + target), target, tmp_path)


@pytest.mark.parametrize("disk", DISKS)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("target", TARGETS)
def test_pipe_to_pipe(program, samples, tmp_path, disk, source, target):
    sample = samples(disk)
    args = ["--from=raw", "--size=%d" % os.path.getsize(sample.raw)] if source == "raw" else []
    with open(sample.form(source), "rb") as file:
        out = program("copy", "-", "-", "--to", target, *args, stdin=file.read()).out
    (tmp_path / ("o." + target)).write_bytes(out)
    sample.check(tmp_path / ("o." + target), target, tmp_path)


@pytest.mark.parametrize("disk", EVERY_DISK)
def test_raw_out_of_a_pipe_is_as_long_as_the_disk(program, samples, disk):
    sample = samples(disk)
    out = program("copy", sample.form("vhd"), "-", "--to=raw").out
    assert len(out) == sample.content.size


@pytest.mark.parametrize("disk", ["odd", "ext4"])
@pytest.mark.parametrize("source", ["raw", "vhd", "tgz"])
@pytest.mark.parametrize("sr", SRS)
def test_file_to_pool_and_back(program, pool, samples, tmp_path, disk, source, sr):
    sample = samples(disk)
    uuid = program("copy", sample.form(source), pool.sr(sr), *pool.login).text.strip()
    same_in_pool(pool, uuid, sample)
    program("copy", pool.vdi(uuid), tmp_path / "o.tgz", *pool.login)
    program("copy", tmp_path / "o.tgz", tmp_path / "back.raw")
    found = read_raw(tmp_path / "back.raw")
    found.resize(sample.content.size)       # SRs round sizes up
    assert found == sample.content


def same_in_pool(pool, uuid, sample):
    """The VDI holds the disk, and zeros behind it where the SR made it larger."""
    found = read_raw(pool.raw_path(uuid))
    assert sample.content.size <= found.size == pool.disks[uuid]["virtual_size"]
    wanted = sample.content.copy()
    wanted.resize(found.size)
    assert found == wanted, "differs at byte %s" % found.first_difference(wanted)


@pytest.mark.parametrize("disk", EVERY_DISK)
@pytest.mark.parametrize("sr", ["nfs", "rawlv", "luns"])
def test_every_disk_into_every_kind_of_sr(program, pool, samples, disk, sr):
    sample = samples(disk)
    uuid = program("copy", sample.raw, pool.sr(sr), *pool.login).text.strip()
    same_in_pool(pool, uuid, sample)


@pytest.mark.parametrize("source", ["vhd", "tgz", "python", "qemu"])
@pytest.mark.parametrize("sr", SRS)
def test_pipe_to_pool(program, pool, samples, source, sr):
    sample = samples("ext4")
    with open(sample.form(source), "rb") as file:
        uuid = program("copy", "-", pool.sr(sr), *pool.login, stdin=file.read()).text.strip()
    same_in_pool(pool, uuid, sample)


@pytest.mark.parametrize("target", TARGETS)
def test_pool_to_pipe(program, pool, samples, tmp_path, target):
    sample = samples("ext4")
    uuid = pool.make_disk("nfs", sample.content.size, sample.raw)
    out = program("copy", pool.vdi(uuid), "-", "--to", target, *pool.login).out
    (tmp_path / ("o." + target)).write_bytes(out)
    sample.check(tmp_path / ("o." + target), target, tmp_path)


@pytest.mark.parametrize("there", SRS)
@pytest.mark.parametrize("here", ["nfs", "lvhd", "rawlv", "luns"])
def test_pool_to_pool(program, pool, samples, here, there):
    sample = samples("ext4")
    uuid = program("copy", sample.raw, pool.sr(here), *pool.login).text.strip()
    other = program("copy", pool.vdi(uuid), pool.sr(there), *pool.login).text.strip()
    same_in_pool(pool, other, sample)


def test_pool_to_another_pool(program, pool, own_pool, samples, tmp_path):
    other = own_pool({"users": [{"name": "root", "password": "other-73"}]})
    sample = samples("ext4")
    uuid = pool.make_disk("nfs", sample.content.size, sample.raw)
    other_secret = tmp_path / "other"
    other_secret.write_text("other-73")
    new = program("copy", pool.vdi(uuid, tls=True), other.sr("rawlv", tls=True),
                  "--src-password-file", pool.login[-1], "--dst-password-file", other_secret,
                  "--src-cacert", pool.sim.ca_bundle, "--dst-cacert", other.sim.ca_bundle)
    same_in_pool(other, new.text.strip(), sample)


@pytest.mark.parametrize("disk", EVERY_DISK)
def test_qemu_sees_our_vhds_at_their_size_and_content(program, samples, tmp_path, disk):
    """With the exact size asked for, and left to itself."""
    sample = samples(disk)
    raw = sample.raw
    if os.path.getsize(raw) % 512:
        raw = str(tmp_path / "whole.raw")
        sample.content.save(raw)
    qemu_compare(sample.form("vhd"), raw)


def test_time_and_uuid_of_a_vhd_survive(program, samples, tmp_path):
    """A copy of a VHD is the same disk, not a new one."""
    sample = samples("sparse")
    program("copy", sample.form("vhd"), tmp_path / "o.vhd")
    old, new = footer_of(sample.form("vhd")), footer_of(tmp_path / "o.vhd")
    assert (new.uuid, new.timestamp) == (old.uuid, old.timestamp)


def test_second_copy_is_the_same_to_the_byte(program, samples, tmp_path):
    """Ours in, ours out."""
    sample = samples("ext4")
    program("copy", sample.form("vhd"), tmp_path / "o.vhd")
    with open(sample.form("vhd"), "rb") as file:
        assert (tmp_path / "o.vhd").read_bytes() == file.read()


def test_size_of_ext4_is_that_of_what_is_in_it(program, samples):
    """Holes and blocks of zeros are left out."""
    sample = samples("sparse")
    assert os.path.getsize(sample.form("vhd")) < 30 * MIB
