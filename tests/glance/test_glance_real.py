# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Images in a real Glance."""

import gzip
import hashlib
import io
import signal
import tarfile
import urllib.parse
import uuid

import pytest
from chain_rig import Chain, made
from glance_rig import CAP

from disk_rig import MIB, blkhash, image_of, noise, raw_file, read_raw, vhd
from program_rig import end, wait_until


@pytest.fixture
def name():
    return "disk-" + uuid.uuid4().hex


def raw_of(disk):
    return disk.read_bytes()


def test_from_a_pool_through_glance_into_another(program, real_glance, pool, own_pool, disk, name):
    """Each way in the memory that any copy takes, and nothing of the disk beside it."""
    other = own_pool()
    first = pool.make_disk("nfs", 12 * MIB, file=disk)
    image = program.bounded("copy", pool.vdi(first), real_glance.place(name), *pool.login,
                            "--threads", "2").text.strip()
    record = real_glance.record(image)
    assert (record["status"], record["disk_format"], record["container_format"],
            record["name"], record["vhdstream_size"]) \
        == ("active", "vhd", "ovf", name, str(12 * MIB))
    with tarfile.open(fileobj=io.BytesIO(real_glance.content(image)), mode="r:gz") as tar:
        assert tar.getnames() == ["0.vhd"]
    last = program.bounded("copy", real_glance.place(name), other.sr("nfs"), *pool.login,
                           "--threads", "2").text.strip()
    assert read_raw(other.raw_path(last)) == read_raw(disk)
    assert other.disks[last]["name_label"] == name


@pytest.mark.parametrize("form, container", [("raw", "bare"), ("vhd", "bare"), ("tar", "ovf")])
def test_the_record_says_what_is_in_it(program, real_glance, disk, tmp_path, name, form, container):
    image = program("copy", disk, real_glance.place(name), "--to", form).text.strip()
    record = real_glance.record(image)
    data = real_glance.content(image)
    assert (record["disk_format"], record["container_format"]) \
        == ("raw" if form == "raw" else "vhd", container)
    assert record["os_hash_value"] == hashlib.sha512(data).hexdigest()
    program("copy", real_glance.place(image), tmp_path / "back.raw")
    assert (tmp_path / "back.raw").read_bytes() == raw_of(disk)


def test_a_raw_disk_with_a_guests_vhd_in_it_stays_raw(program, real_glance, tmp_path):
    data = vhd(4 * MIB, {0: noise("guest", 2 * MIB)})
    image = real_glance.make(data, disk_format="raw", container_format="bare")
    program("copy", real_glance.place(image), tmp_path / "a.raw")
    assert (tmp_path / "a.raw").read_bytes() == data


def test_an_image_made_by_others(program, real_glance, tmp_path):
    content = noise("theirs", 2 * MIB)
    image = real_glance.make(image_of(vhd(4 * MIB, {1: content})), name="theirs",
                             disk_format="vhd", container_format="ovf")
    program("copy", real_glance.place(image), tmp_path / "a.raw")
    assert (tmp_path / "a.raw").read_bytes() == bytes(2 * MIB) + content
    found = program("info", real_glance.place(image), "--json").json["image"]
    assert (found["id"], found["name"], found["status"]) == (image, "theirs", "active")


def test_a_disk_with_its_snapshots(program, real_glance, pool, tmp_path, name):
    """By --chain into one image, whose id is told, and out of it as a disk or as all of them."""
    chain = Chain(made("links", 6 * MIB, 3, writes=30), tmp_path)
    parents = [word for path in chain.paths[1:] for word in ("--parent", path)]
    image = program("copy", "--chain", chain.paths[0], real_glance.place(name), *parents)
    assert real_glance.record(image.text.strip())["name"] == name
    for more in [], ["--chain"]:
        uuid = program("copy", real_glance.place(name), pool.sr("nfs"), *pool.login, *more,
                       "-q").text.split()[0]
        assert pool.digest(uuid) == chain.sha256(pool.disks[uuid]["virtual_size"])


def test_verified_and_the_digest_goes_with_it(program, real_glance, disk, name):
    result = program("copy", disk, real_glance.place(), "--name-label", name, "--verify", "--json",
                     "--description", "for tests").json
    record, = real_glance.named(name)
    assert result["uuid"] == record["id"] and result["verified"] is True
    assert record["vhdstream_digest"] == \
        "blkhash-sha256:%s:%d" % (blkhash(raw_of(disk)), 12 * MIB)
    assert record["description"] == "for tests"


def test_a_queued_image_is_filled_and_an_active_one_is_not(program, real_glance, disk):
    image = real_glance.create(disk_format="raw", container_format="bare")
    assert program("copy", disk, real_glance.place(image)).text.strip() == image
    assert real_glance.content(image) == raw_of(disk)
    line = program("copy", disk, real_glance.place(image), status=1).line
    assert "image %s is active" % image in line
    assert real_glance.content(image) == raw_of(disk)


def test_a_queued_image_without_formats_gets_them(program, real_glance, disk):
    image = real_glance.create(name="bare record")
    program("copy", disk, real_glance.place(image))
    record = real_glance.record(image)
    assert (record["status"], record["disk_format"], record["container_format"]) \
        == ("active", "vhd", "ovf")


@pytest.mark.parametrize("half, form", [({"disk_format": "raw"}, ("raw", "bare")),
                                        ({"container_format": "bare"}, ("vhd", "bare")),
                                        ({"disk_format": "vhd"}, ("vhd", "ovf"))])
def test_a_queued_image_with_half_of_its_formats(program, real_glance, disk, half, form):
    image = real_glance.create(**half)
    program("copy", disk, real_glance.place(image))
    record = real_glance.record(image)
    assert (record["disk_format"], record["container_format"]) == form
    image = real_glance.create(disk_format="qcow2")
    assert "is to be qcow2 in anything" in \
        program("copy", disk, real_glance.place(image), status=3).line


@pytest.mark.parametrize("label", ["in:a", "in:a,b 'c' \\d", "in:", "a,b", 'a"b\\'])
def test_any_name_is_found(program, real_glance, disk, tmp_path, label, name):
    label += name
    program("copy", disk, real_glance.place(""), "--name-label", label, "--to", "raw")
    program("copy", real_glance.place(urllib.parse.quote(label, "")), tmp_path / "a.raw")
    assert (tmp_path / "a.raw").read_bytes() == raw_of(disk)


def test_a_name_that_glance_does_not_take(program, real_glance, pool, tmp_path):
    uuid = pool.make_disk("nfs", 4 * MIB, label="x" * 300)
    assert "--name-label gives another" in \
        program("copy", pool.vdi(uuid), real_glance.place(""), *pool.login, status=1).line
    program("copy", pool.vdi(uuid), real_glance.place(""), *pool.login, "--name-label", "short")
    pool.remember()


def test_what_has_no_meaning_for_an_image(program, real_glance, disk):
    assert "--other-config has no meaning" in program(
        "copy", disk, real_glance.place("x"), "--other-config", "a=b", status=2).lines[0]
    assert "is to be tgz by its record" in program(
        "copy", disk, real_glance.place("x"), "--azure", status=2).lines[0]


def test_cleartext_is_named_where_no_tls_is_spoken(program, real_glance, disk):
    place = real_glance.place("x").replace("glance+http:", "glance:")
    assert "glance+http://" in program("copy", disk, place, status=5).line


def test_a_record_of_another_form_is_not_filled(program, real_glance, disk):
    image = real_glance.create(disk_format="raw", container_format="bare")
    line = program("copy", disk, real_glance.place(image), "--to", "vhd", status=2).line
    assert "is to be raw in bare by its record, and vhd is vhd in bare" in line
    assert real_glance.record(image)["status"] == "queued"


def test_a_record_of_a_form_that_is_not_written(program, real_glance, disk):
    image = real_glance.create(disk_format="qcow2", container_format="bare")
    line = program("copy", disk, real_glance.place(image), status=3).line
    assert "is to be qcow2 in bare by its record" in line


def test_a_name_of_several_images_is_refused_with_the_ids(program, real_glance, tmp_path, name):
    ids = [real_glance.make(b"x", name=name, disk_format="raw", container_format="bare")
           for _ in range(2)]
    line = program("copy", real_glance.place(name), tmp_path / "a.raw", status=2).line
    assert all(image in line for image in ids)


@pytest.mark.parametrize("missing", ["no such name", "01234567-0000-4000-8000-000000000000"])
def test_an_image_that_is_not_there(program, real_glance, disk, tmp_path, missing):
    place = real_glance.place(missing.replace(" ", "%20"))
    assert "Glance has no image '%s'" % missing in \
        program("copy", place, tmp_path / "a.raw", status=4).line
    if " " not in missing:
        line = program("copy", disk, place, status=4).line
        assert "the server says:" in line and "No image found with ID" in line


def test_an_image_without_content_is_no_source(program, real_glance, tmp_path):
    image = real_glance.create(disk_format="raw", container_format="bare")
    line = program("copy", real_glance.place(image), tmp_path / "a.raw", status=1).line
    assert "is queued, so it has no content" in line


# --- what goes wrong ---------------------------------------------------------


@pytest.mark.parametrize("form", ["tgz", "vhd"])
def test_a_source_that_is_cut_leaves_no_image(program, real_glance, tmp_path, name, form):
    whole = gzip.compress(vhd(8 * MIB, {i: noise(i, 2 * MIB) for i in range(4)}))
    with open(tmp_path / "cut.vhd.gz", "wb") as file:
        file.write(whole[:len(whole) * 3 // 4])
    with open(tmp_path / "cut.vhd.gz", "rb") as file:
        program("copy", "-", real_glance.place(name), "--to", form, stdin=file, status=3)
    assert real_glance.named(name) == []


def test_a_store_that_takes_no_more_leaves_no_image(program, real_glance, tmp_path, name):
    raw_file(tmp_path / "a.raw", CAP + MIB)
    for form in ("raw", "vhd-fixed"):
        line = program("copy", tmp_path / "a.raw", real_glance.place(name), "--to", form,
                       status=6).line
        assert "413" in line
    assert real_glance.named(name) == []


def test_stopped_on_its_way_it_leaves_no_image(program, real_glance, tmp_path, name):
    raw_file(tmp_path / "a.raw", 32 * MIB, [(0, noise("slow", 32 * MIB))])
    run = program.start("copy", tmp_path / "a.raw", real_glance.place(name), "--to", "raw",
                        "--limit-rate", "1M")
    wait_until(lambda: [i["status"] for i in real_glance.named(name)] == ["saving"], "an upload")
    run.send_signal(signal.SIGTERM)
    end(run, 143)
    assert real_glance.named(name) == []


def test_a_queued_image_stays_so_when_its_upload_is_stopped(program, real_glance, tmp_path):
    image = real_glance.create(disk_format="raw", container_format="bare")
    raw_file(tmp_path / "a.raw", 32 * MIB, [(0, noise("slow", 32 * MIB))])
    run = program.start("copy", tmp_path / "a.raw", real_glance.place(image), "--limit-rate", "1M")
    wait_until(lambda: real_glance.record(image)["status"] == "saving", "an upload")
    run.send_signal(signal.SIGTERM)
    end(run, 143)
    wait_until(lambda: real_glance.record(image)["status"] == "queued", "the end of it")
