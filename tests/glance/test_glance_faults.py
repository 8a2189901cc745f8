# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A Glance that lies, breaks off, or says too much (fake_cloud.py)."""

import hashlib
import json

import pytest
from chain_rig import Chain, made
from fake_cloud import FakeCloud

from disk_rig import MIB, image_of, noise, vhd
from program_rig import wait_until

CONTENT = noise("stored", 2 * MIB)
IMAGE = image_of(vhd(4 * MIB, {1: CONTENT}))
ONCE = ["--retries", "0"]
RECORD, FILE = "/v2/images/ID", "/v2/images/ID/file"


def refuse_to_delete(cloud):
    cloud.ways["DELETE", RECORD] = (403, b"protected")


# --- downloads ---------------------------------------------------------------


def test_a_break_is_gone_on_from(program, cloud, tmp_path):
    image = cloud.add(IMAGE)

    def cut(answer):
        answer.send_file(IMAGE, 500000)

    cloud.ways["GET", FILE] = cut
    program("copy", cloud.place(image), tmp_path / "a.raw", "--retry-delay", "0", "-q")
    assert (tmp_path / "a.raw").read_bytes() == bytes(2 * MIB) + CONTENT
    asked = [h.get("Range") for h in cloud.asked("GET", "/file")]
    assert asked == [None] + ["bytes=%d-" % at for at in range(500000, len(IMAGE), 500000)]


def test_a_chain_is_gone_on_from(program, pool, cloud, tmp_path):
    """As snapshots of XenServer lie in Glance; a chain cannot be read twice on its way."""
    chain = Chain(made("chain", 6 * MIB, 3, writes=30), tmp_path)
    with open(chain.image((0, 1, 2)), "rb") as file:
        data = file.read()
    image = cloud.add(data)
    cloud.ways["GET", FILE] = lambda answer: answer.send_file(data, len(data) // 3 + 1)
    uuid = program("copy", cloud.place(image), pool.sr("nfs"), *pool.password, "--retry-delay",
                   "0", "-q").text.strip()
    assert pool.digest(uuid) == chain.sha256(pool.disks[uuid]["virtual_size"])
    assert len(cloud.asked("GET", "/file")) == 3


@pytest.mark.parametrize("field, value, found", [
    ("os_hash_value", "0" * 128, "has the sha512 0000"),
    ("checksum", "0" * 32, "has the checksum 0000"),
])
def test_another_sum_than_the_records(program, cloud, tmp_path, field, value, found):
    image = cloud.add(IMAGE, **{field: value})
    assert found in program("copy", cloud.place(image), tmp_path / "a.raw", status=3).line
    assert not (tmp_path / "a.raw").exists()


def test_another_byte_than_was_stored(program, cloud, tmp_path):
    """A raw disk, in which nothing else would notice."""
    image = cloud.add(CONTENT, disk_format="raw", container_format="bare")
    cloud.contents[image] = CONTENT[:-1] + b"!"
    line = program("copy", cloud.place(image), tmp_path / "a.raw", status=3).line
    assert hashlib.sha512(CONTENT).hexdigest() in line


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_another_length_than_the_records(program, cloud, tmp_path, size):
    image = cloud.add(CONTENT, disk_format="raw", container_format="bare", size=size)
    line = program("copy", cloud.place(image), tmp_path / "a.raw", status=3).line
    assert "has %d bytes by its record, but %d are announced" % (size, len(CONTENT)) in line


@pytest.mark.parametrize("more, found", [
    (b"!", "more than the %d bytes of its record come" % len(CONTENT)),
    (b"", "by its record, but %d were moved" % (len(CONTENT) - 1))])
def test_another_length_that_nobody_announced(program, cloud, tmp_path, more, found):
    image = cloud.add(CONTENT, disk_format="raw", container_format="bare")

    def send(answer):
        answer.send_response(200)
        answer.send_header("Transfer-Encoding", "chunked")
        answer.end_headers()
        data = CONTENT + more if more else CONTENT[:-1]
        answer.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))

    cloud.ways["GET", FILE] = send
    assert found in program("copy", cloud.place(image), tmp_path / "a.raw", *ONCE, status=3).line


def test_a_hash_that_is_not_known_is_told_and_the_checksum_counts(program, cloud, tmp_path):
    image = cloud.add(IMAGE, os_hash_algo="future512")
    assert "its MD5 checksum is checked" in \
        program("copy", cloud.place(image), tmp_path / "a.raw").line
    cloud.images[image]["checksum"] = "0" * 32
    program("copy", cloud.place(image), tmp_path / "b.raw", status=3)


def test_an_image_without_any_sum_has_its_length(program, cloud, tmp_path):
    image = cloud.add(IMAGE, os_hash_algo=None, os_hash_value=None, checksum=None)
    program("copy", cloud.place(image), tmp_path / "a.raw")


def test_an_image_that_is_saving_is_waited_for(program, cloud, disk):
    image = cloud.add(b"")
    cloud.images[image].update(status="saving", disk_format="raw", container_format="bare")
    line = program("copy", disk, cloud.place(image), "--retries", "0", "--timeout", "1",
                   status=75).line
    assert "is still saving" in line


def test_a_deactivated_image_can_be_read_where_the_server_lets(program, cloud, tmp_path):
    image = cloud.add(PLANTED, status="deactivated", container_format="bare")
    program("copy", cloud.place(image), tmp_path / "a.vhd")
    cloud.ways["GET", "/v2/images/ID/file"] = (403, b"deactivated")
    line = program("copy", cloud.place(image), tmp_path / "b.vhd", status=5).line
    assert "answered 403: deactivated" in line


PLANTED = vhd(4 * MIB, {1: noise("planted", 2 * MIB)})


@pytest.mark.parametrize("container", ["bare", "ovf", "docker", None])
@pytest.mark.parametrize("form", ["raw", "iso"])
@pytest.mark.parametrize("data", [PLANTED, image_of(PLANTED)], ids=["vhd", "tgz"])
def test_raw_by_its_record_is_raw(program, cloud, tmp_path, form, container, data):
    """A guest can write what it wants into its disk."""
    image = cloud.add(data, disk_format=form, container_format=container)
    program("copy", cloud.place(image), tmp_path / "a.raw")
    assert (tmp_path / "a.raw").read_bytes() == data + bytes(-len(data) % 512)


@pytest.mark.parametrize("container", ["bare", "ovf", "docker"])
@pytest.mark.parametrize("data", [noise("no disk", MIB), image_of(noise("no disk", MIB)),
                                  image_of(noise("no disk", MIB), "disk.raw")],
                         ids=["plain", "tgz", "named"])
def test_vhd_by_its_record_is_never_raw(program, cloud, tmp_path, container, data):
    image = cloud.add(data, container_format=container)
    result = program("copy", cloud.place(image), tmp_path / "a.raw", status=None)
    line = result.line
    assert result.status in (2, 3)
    assert ("not a VHD" in line or "--from" in line) and not (tmp_path / "a.raw").exists()
    with_word = program("copy", cloud.place(image), tmp_path / "a.raw", "--from", "raw")
    assert with_word.status == 0


def test_a_form_that_is_not_taken_is_no_raw_disk(program, cloud, tmp_path):
    image = cloud.add(CONTENT, disk_format="ploop", container_format="bare")
    assert "is ploop by its record" in \
        program("copy", cloud.place(image), tmp_path / "a.raw", status=3).line
    program("copy", cloud.place(image), tmp_path / "a.raw", "--from", "raw")
    assert (tmp_path / "a.raw").read_bytes() == CONTENT


@pytest.mark.parametrize("answer, status, found", [
    ((200, b"[" * 100000), 3, "nests deeper"),
    ((200, b"[" + b"1," * 200000 + b"1]"), 3, "more than 131072 values"),
    ((200, b" " * (5 << 20)), 3, "the answer is longer than 4194304 bytes"),
    ((200, b"<html>"), 3, "the answer is no JSON"),
    ((200, b"{}"), 3, "the answer has no image's id"),
    ((200, json.dumps({"id": "../../x", "status": "active"}).encode()), 3, "no image's id"),
    ((200, json.dumps({"id": "0" * 36, "status": 5}).encode()), 3, "no image's id"),
    ((302, b"", [("Location", "/v2/images/1")]), 1, "which points to"),
    ((503, b"busy"), 75, "answered 503: busy"),
    ((403, b"no"), 5, "answered 403: no"),
])
def test_answers_that_nobody_should_believe(program, cloud, tmp_path, answer, status, found):
    image = cloud.add(IMAGE)
    cloud.ways["GET", RECORD] = answer
    assert found in program.bounded("copy", cloud.place(image), tmp_path / "a.raw", *ONCE,
                                    status=status).line


@pytest.mark.parametrize("field, value", [
    ("status", 5), ("size", -1), ("size", "many"), ("size", 1 << 70), ("checksum", "0" * 1000),
    ("name", ["x"]), ("disk_format", {"a": 1}),
])
def test_a_field_of_another_kind(program, cloud, tmp_path, field, value):
    image = cloud.add(IMAGE, **{field: value})
    line = program("copy", cloud.place(image), tmp_path / "a.raw", status=3).line
    assert "the answer has no %s of the kind" % field in line or "the answer is no JSON" in line


def test_another_record_than_was_asked_for(program, cloud, tmp_path):
    one, two = cloud.add(IMAGE), cloud.add(IMAGE)
    cloud.images[one] = cloud.images[two]
    assert "another image's record" in \
        program("copy", cloud.place(one), tmp_path / "a.raw", status=3).line


def test_a_download_that_goes_round_in_redirects(program, cloud, tmp_path):
    image = cloud.add(IMAGE)
    cloud.ways["GET", FILE] = (302, b"", [("Location", "/v2/images/%s/file" % image)])
    assert "more than 10 redirects" in \
        program("copy", cloud.place(image), tmp_path / "a.raw", status=1).line


# --- uploads -----------------------------------------------------------------


@pytest.mark.parametrize("field, value", [
    ("checksum", "0" * 32), ("os_hash_value", "0" * 128), ("size", 5), ("status", "killed")])
def test_a_record_that_is_not_what_was_sent(program, cloud, disk, field, value):
    def lie(answer):
        for image in cloud.images.values():
            if image["status"] == "active":
                image[field] = value
        return True

    cloud.ways["GET", RECORD] = lie
    program("copy", disk, cloud.place("new"), status=1 if field == "status" else 3)
    assert len(cloud.asked("PUT")) == 1 and cloud.images == {}


def test_what_cannot_be_removed_is_told_with_the_command(program, cloud, disk):
    cloud.ways["PUT", FILE] = (500, b"no")
    refuse_to_delete(cloud)
    line = program("copy", disk, cloud.place("new"), *ONCE, status=7).line
    image, = cloud.images
    assert line.endswith("; left behind: image %s (%s: the server answered 403: protected); "
                         "remove it with: openstack image delete %s"
                         % (image, cloud.place("new"), image))


def test_an_image_that_was_there_and_cannot_be_emptied_is_told(program, cloud, disk):
    image = cloud.add(b"x")
    cloud.images[image].update(status="queued", size=None)

    def lie(answer):
        record = cloud.images[image]
        record["checksum"] = "0" * 32 if record["status"] == "active" else None
        return True

    cloud.ways["GET", RECORD] = lie
    line = program("copy", disk, cloud.place(image), status=7).line
    assert "; left behind: image %s, which is active with what was sent" % image in line
    assert cloud.asked("DELETE") == []


def test_an_upload_is_broken_off_and_never_ended(program, cloud):
    """The source turns out to be cut when most of it was sent."""
    data = IMAGE[:-100000]
    program("copy", "-", cloud.place("new"), "--to", "tgz", stdin=data, status=3)
    wait_until(lambda: cloud.cuts == 1, "the end of the upload")
    assert cloud.images == {}


def test_an_answer_that_was_lost_is_looked_for_in_the_record(program, cloud, disk):
    def lose(answer):
        answer.cloud.fill(answer.path.split("/")[3], answer.body())
        answer.reset()

    cloud.ways["PUT", FILE] = lose
    image = program("copy", disk, cloud.place("new"), *ONCE).text.strip()
    assert cloud.images[image]["status"] == "active"


def test_a_break_begins_anew_with_another_image(program, cloud, disk):
    def break_once(answer):
        cloud.ways.clear()
        answer.reset()

    cloud.ways["PUT", FILE] = break_once
    image = program("copy", disk, cloud.place("new"), "--retry-delay", "0", "-q").text.strip()
    assert list(cloud.images) == [image] and len(cloud.asked("DELETE")) == 1


def test_a_record_whose_making_was_not_answered_is_removed(program, cloud, disk):
    def lose(answer):
        answer.list_or_create = None
        fields = json.loads(answer.body())
        cloud.images[fields["id"]] = {"id": fields["id"]}
        answer.reset()

    cloud.ways["POST", "/v2/images"] = lose
    program("copy", disk, cloud.place("new"), *ONCE, status=75)
    assert cloud.images == {}


def test_a_record_that_nobody_was_asked_to_make_is_not_looked_for(program, disk):
    with FakeCloud() as gone:
        place = gone.place("new")
    line = program("copy", disk, place, *ONCE, status=75).line
    assert line.endswith("Couldn't connect to server")


def test_a_digest_that_cannot_be_noted_leaves_no_image(program, cloud, disk):
    cloud.ways["PATCH", RECORD] = (403, b"no")
    program("copy", disk, cloud.place("new"), "--digest", status=5)
    assert cloud.images == {}


def test_a_copy_that_is_not_what_was_written_is_removed(program, cloud, disk):
    """What Glance sums is what it was sent; what it gives back has a bit turned."""
    def turn(answer):
        image = answer.path.split("/")[3]
        data = bytearray(cloud.contents[image])
        data[-4 * MIB] ^= 1
        cloud.fill(image, bytes(data))
        return True

    cloud.ways["GET", FILE] = turn
    program("copy", disk, cloud.place("new"), "--to", "raw", "--verify", status=3)
    assert cloud.images == {}
