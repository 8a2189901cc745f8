# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""https:// and http:// as places, against web servers that are not ours."""

import http.server
import json
import os
import re
import shutil
import signal
import socket
import threading
import time

import pytest

from disk_rig import (MIB, content_of, image_of, noise, note_of, raw_file, read_raw, tail_of,
                      vhd)
from http_rig import Nginx, PythonServer
from program_rig import end, wait_until

ONCE = ["--retries", "0"]
pytestmark = pytest.mark.skipif(not (shutil.which("nginx") or os.path.exists("/usr/sbin/nginx")),
                                reason="no nginx")
SIZE = 20 * MIB


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    server = Nginx(tmp_path_factory.mktemp("nginx"))
    raw_file(server.path("a.raw"), SIZE, [(MIB, noise("http", 5 * MIB)), (15 * MIB, b"x" * 512)])
    yield server
    server.close()


@pytest.fixture(scope="module")
def forms(program, nginx):
    for form in ("vhd", "tar", "tgz"):
        program("copy", nginx.path("a.raw"), nginx.path("a." + form))
    return read_raw(nginx.path("a.raw"))


@pytest.mark.parametrize("form", ["raw", "vhd", "tar", "tgz"])
@pytest.mark.parametrize("tls", [False, True])
def test_get(program, nginx, forms, tmp_path, form, tls):
    program("copy", nginx.url("a." + form, tls), tmp_path / "o.raw", "--cacert", nginx.cert)
    assert read_raw(tmp_path / "o.raw") == forms


@pytest.mark.parametrize("form", ["raw", "vhd", "tar", "tgz"])
@pytest.mark.parametrize("tls", [False, True])
def test_put(program, nginx, forms, tmp_path, form, tls):
    name = "put-%s.%s" % (tls, form)
    program("copy", nginx.path("a.raw"), nginx.url(name, tls), "--cacert", nginx.cert)
    assert content_of(nginx.path(name), form, str(tmp_path)) == forms


@pytest.mark.parametrize("form", ["raw", "vhd", "tar"])
def test_length_of_a_put_is_announced(program, nginx, form):
    name = "length." + form
    program("copy", nginx.path("a.raw"), nginx.url(name))
    # nginx writes its log when it has answered.
    wait_until(lambda: any(r[1] == "/" + name for r in nginx.requests()), "the log")
    request, = [r for r in nginx.requests() if r[1] == "/" + name]
    assert int(request[4]) == os.path.getsize(nginx.path(name)) and request[3] == "-"


def test_what_is_read_back_counts_for_the_rate(program, nginx, tmp_path):
    """Once there, once back; only the lower bound of time that the limit promises."""
    disk = raw_file(tmp_path / "a.raw", 4 * MIB, [(0, noise("rate", 4 * MIB))])
    start = time.monotonic()
    program("copy", disk, nginx.url("rate.raw"), "--verify", "--limit-rate=4M")
    assert time.monotonic() - start >= 1.7


def test_info(program, nginx, forms):
    info = program("info", nginx.url("a.vhd"), "--json").json
    assert info["virtual_size"] == SIZE and info["format"] == "vhd"


@pytest.mark.parametrize("sr", ["nfs", "rawlv"])
def test_image_of_a_web_server_into_a_pool(program, pool, nginx, forms, sr):
    uuid = program("copy", nginx.url("a.tgz"), pool.sr(sr), *pool.login).text.strip()
    assert read_raw(pool.raw_path(uuid)) == forms


def test_pool_to_a_web_server(program, pool, nginx, forms, tmp_path):
    uuid = pool.make_disk("nfs", SIZE, nginx.path("a.raw"))
    program("copy", pool.vdi(uuid), nginx.url("pool.tgz"), *pool.login)
    assert content_of(nginx.path("pool.tgz"), "tgz", str(tmp_path)) == forms


def test_web_server_to_web_server(program, nginx, forms, tmp_path):
    program("copy", nginx.url("a.tgz"), nginx.url("other.vhd"))
    assert content_of(nginx.path("other.vhd"), "vhd", str(tmp_path)) == forms


def test_redirect_of_a_get(program, nginx, forms, tmp_path):
    program("copy", nginx.url("to/a.raw"), tmp_path / "o.raw")
    assert read_raw(tmp_path / "o.raw") == forms


def test_redirects_in_a_circle(program, nginx, tmp_path):
    program("copy", nginx.url("loop"), tmp_path / "o.raw", "--from=raw", *ONCE, status=None)
    assert list(tmp_path.iterdir()) == []


STATUSES = [("nothing.raw", 4), ("forbidden", 5), ("busy", 75), ("broken", 75)]


@pytest.mark.parametrize("path, status", STATUSES)
def test_refusals_of_a_get(program, nginx, tmp_path, path, status):
    result = program("copy", nginx.url(path), tmp_path / "o.raw", "--from=raw", *ONCE,
                     status=status)
    assert nginx.url(path) in result.line and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path, status", [("forbidden/x.raw", 5), ("busy/x.raw", 75),
                                          ("full/x.raw", 6), ("limited/x.raw", 6)])
def test_refusals_of_a_put(program, nginx, path, status):
    result = program("copy", nginx.path("a.raw"), nginx.url(path), *ONCE, status=status)
    assert nginx.url(path) in result.line


def test_certificate_that_is_not_known(program, nginx, tmp_path):
    result = program("copy", nginx.url("a.raw", True), tmp_path / "o.raw", status=5)
    pin = re.search(r"--pin (\S+)", result.line).group(1)
    program("copy", nginx.url("a.raw", True), tmp_path / "o.raw", "--pin", pin)
    assert os.path.getsize(tmp_path / "o.raw") == SIZE


def test_user_and_password(program, nginx, tmp_path):
    (tmp_path / "password").write_text("pass-73\n")
    program("copy", nginx.url("secret/a.raw"), tmp_path / "o.raw", status=5)
    program("copy", nginx.url("secret/a.raw"), tmp_path / "o.raw", "--src-user=user",
            "--src-password-file", tmp_path / "password")
    assert os.path.getsize(tmp_path / "o.raw") == SIZE


def test_password_of_the_pool_goes_to_no_web_server(program, pool, nginx, forms, tmp_path):
    """--password-file without a side is for pools; a URL gets it only when it is its own."""
    seen = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            seen.append(dict(self.headers))
            super().do_GET()

        def log_message(self, *args):
            pass

    server = PythonServer(nginx.files, Handler)
    program("copy", server.url("a.vhd"), pool.sr("nfs"), *pool.login)
    server.close()
    assert seen and all("Authorization" not in headers for headers in seen)


def test_query_is_not_shown(program, nginx, tmp_path):
    """It may hold a signature."""
    url = nginx.url("nothing.raw?X-Amz-Signature=feedbeef73")
    result = program("copy", url, tmp_path / "o.raw", status=4)
    assert "feedbeef73" not in result.err
    result = program("copy", nginx.url("a.raw?token=feedbeef73"), tmp_path / "o.raw", "--json")
    assert "feedbeef73" not in result.text


def test_password_in_a_url_is_not_shown(program, nginx, tmp_path):
    result = program("copy", nginx.url("nothing.raw", user="user:hunter2@"), tmp_path / "o.raw",
                     status=None)
    assert result.status and "hunter2" not in result.err


# -- servers that end early ----------------------------------------------------------


class Careless(http.server.SimpleHTTPRequestHandler):
    """Promises a length and does not keep it, or gives none at all."""

    keeps = 1.0
    length = True

    def do_GET(self):
        with open(self.translate_path(self.path), "rb") as file:
            data = file.read()
        self.send_response(200)
        if self.length:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:int(len(data) * self.keeps)])

    def log_message(self, *args):
        pass


def careless(folder, keeps, length):
    kind = type("Kind", (Careless,), {"keeps": keeps, "length": length})
    return PythonServer(folder, kind)


@pytest.mark.parametrize("form", ["raw", "vhd", "tgz"])
@pytest.mark.parametrize("keeps", [0.0, 0.0001, 0.5, 0.999999])
def test_server_that_sends_less_than_it_promised(program, nginx, forms, tmp_path, form, keeps):
    server = careless(nginx.files, keeps, True)
    result = program("copy", server.url("a." + form), tmp_path / "o.raw", *ONCE, status=None)
    server.close()
    assert result.status in (3, 75) and list(tmp_path.iterdir()) == []


class CarelessOnce(Careless):
    """Breaks off in the first answer, and in no other."""

    answers = 0

    def do_GET(self):
        kind = type(self)
        kind.answers += 1
        self.keeps = 0.9 if kind.answers == 1 else 1.0
        super().do_GET()


@pytest.mark.parametrize("digest, status", [(None, 0), ("0" * 64, 3)])
def test_digest_behind_an_image_is_believed_after_a_break(program, tmp_path, digest, status):
    """What stands behind the archive is read from the second answer."""
    content = noise("broken off", 8 * MIB)
    blocks = {i: content[i * 2 * MIB:(i + 1) * 2 * MIB] for i in range(4)}
    note = note_of(content)
    note["digest"] = digest or note["digest"]
    (tmp_path / "a.tar").write_bytes(image_of(vhd(8 * MIB, blocks), mode="w:")
                                     + tail_of(json.dumps(note)))
    kind = type("Kind", (CarelessOnce,), {})
    server = PythonServer(tmp_path, kind)
    result = program("copy", server.url("a.tar"), tmp_path / "o.raw", "--digest",
                     "--retry-delay", "0", status=status)
    server.close()
    assert kind.answers == 2 and "trying again" in result.lines[0]
    assert status == 0 or "0" * 64 in result.lines[-1]


@pytest.mark.parametrize("form", ["vhd", "tar", "tgz"])
def test_server_without_a_length(program, nginx, forms, tmp_path, form):
    server = careless(nginx.files, 1.0, False)
    program("copy", server.url("a." + form), tmp_path / "o.raw")
    server.close()
    assert read_raw(tmp_path / "o.raw") == forms


@pytest.mark.parametrize("form", ["vhd", "tar", "tgz"])
@pytest.mark.parametrize("keeps", [0.3, 0.99])
def test_cut_without_a_length(program, nginx, forms, tmp_path, form, keeps):
    """Nothing but the disk's own structure tells."""
    server = careless(nginx.files, keeps, False)
    program("copy", server.url("a." + form), tmp_path / "o.raw", status=3)
    server.close()
    assert list(tmp_path.iterdir()) == []


def test_raw_disk_without_a_length(program, nginx, forms, tmp_path):
    server = careless(nginx.files, 1.0, False)
    program("copy", server.url("a.raw"), tmp_path / "o.raw", status=2)
    program("copy", server.url("a.raw"), tmp_path / "o.raw", "--size", SIZE)
    server.close()
    assert read_raw(tmp_path / "o.raw") == forms


def test_nobody_listens(program, tmp_path):
    program("copy", "http://127.0.0.1:1/a.raw", tmp_path / "o.raw", *ONCE, status=75)


def test_put_that_is_stopped_is_no_file(program, nginx, tmp_path):
    process = program.start("copy", "-", nginx.url("stopped.vhd"), "--from=raw",
                            "--size=%d" % SIZE, stdin=-1)
    process.stdin.write(noise("stopped", 8 * MIB))
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    process.wait(30)
    end(process, 130)
    assert not os.path.exists(nginx.path("stopped.vhd"))


def test_put_of_a_bad_source_is_no_file(program, nginx, forms, tmp_path):
    """The upload is broken off, not ended."""
    with open(nginx.path("a.tgz"), "rb") as file:
        image = file.read()
    program("copy", "-", nginx.url("bad.tgz"), "--from=tgz", stdin=image[:-9], status=3)
    assert not os.path.exists(nginx.path("bad.tgz"))


def test_put_of_a_delta_with_the_next_list(program, nginx, tmp_path):
    """The digest that is taken is the disk's and not the delta's, so no note of it is sent."""
    program("copy", "--blocks", tmp_path / "list", nginx.path("a.raw"), tmp_path / "full.vhd")
    program("copy", "--base", tmp_path / "list", "--blocks", tmp_path / "next",
            nginx.path("a.raw"), nginx.url("delta.tar"), *ONCE)
    assert (tmp_path / "next").read_text().splitlines()[-1] == \
        (tmp_path / "list").read_text().splitlines()[-1]


def test_pythons_own_server(program, nginx, forms, tmp_path):
    server = PythonServer(nginx.files, type("Quiet", (http.server.SimpleHTTPRequestHandler,),
                                            {"log_message": lambda *a: None}))
    for form in ("raw", "vhd", "tgz"):
        program("copy", server.url("a." + form), tmp_path / "o.raw", "--force")
        assert read_raw(tmp_path / "o.raw") == forms
    result = program("copy", nginx.path("a.raw"), server.url("new.raw"), *ONCE, status=None)
    server.close()
    assert result.status == 1 and "501" in result.line      # it knows no PUT


# --- --verify -----------------------------------------------------------------


class Store(http.server.SimpleHTTPRequestHandler):
    """Keeps what is put; but one byte of it, at `spoilt`, becomes another."""

    spoilt = None

    def do_PUT(self):
        data = bytearray(self.rfile.read(int(self.headers["Content-Length"])))
        if self.spoilt is not None:
            data[self.spoilt] ^= 1
        with open(self.translate_path(self.path), "wb") as file:
            file.write(data)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


class SpoilingStore(Store):
    spoilt = 7 * 65536 + 4


@pytest.mark.parametrize("form", ["raw", "vhd", "tar", "tgz", "vhd-fixed"])
def test_put_is_read_back(program, nginx, form):
    name = "verify." + form
    result = program("copy", nginx.path("a.raw"), nginx.url(name), "--verify", "--json", "--to",
                     form).json
    assert result["verified"] is True


def test_put_that_was_stored_otherwise(program, nginx, tmp_path):
    server = PythonServer(tmp_path, SpoilingStore)
    result = program("copy", nginx.path("a.raw"), server.url("o.raw"), "--verify", status=3)
    server.close()
    assert "from byte %d of the disk" % (7 * 65536) in result.line
    assert "still has what was sent" in result.line


def test_length_of_an_image_with_a_digest_is_announced(program, nginx, tmp_path):
    server = PythonServer(tmp_path, Store)
    program("copy", nginx.path("a.raw"), server.url("o.tar"), "--verify")
    server.close()
    assert os.path.getsize(tmp_path / "o.tar") % 10240 == 0


# --- breaks ------------------------------------------------------------------


class Cutter:
    """A way to a server on which each answer is cut after so many bytes."""

    def __init__(self, port, after):
        self.port, self.after, self.heads = port, after, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.own_port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self.port)) as server:
                self.heads.append(client.recv(65536))
                server.sendall(self.heads[-1])
                self.pass_on(server, client)

    def pass_on(self, server, client):
        left = self.after
        while left and (data := server.recv(min(left, 65536))):
            client.sendall(data)
            left -= len(data)


def test_a_download_is_gone_on_with_at_each_break(program, nginx, forms, tmp_path):
    """By nginx's own ETag and Range."""
    cutter = Cutter(nginx.port, 3 * MIB)
    program("copy", "http://127.0.0.1:%d/a.raw" % cutter.own_port, tmp_path / "o.raw",
            "--retry-delay", "0", "-q")
    cutter.listener.close()
    assert read_raw(tmp_path / "o.raw") == forms
    assert len(cutter.heads) == 7 and all(b"If-Match: " in head for head in cutter.heads[1:])


def test_a_file_that_changed_at_a_break_is_not_gone_on_with(program, nginx, tmp_path):
    raw_file(nginx.path("changing.raw"), 8 * MIB, [(0, noise("one", 8 * MIB))])

    class Changer(Cutter):
        def pass_on(self, server, client):
            super().pass_on(server, client)
            raw_file(nginx.path("changing.raw"), 8 * MIB + 512, [(0, noise("two", 8 * MIB))])

    cutter = Changer(nginx.port, 5 * MIB)
    line = program("copy", "http://127.0.0.1:%d/changing.raw" % cutter.own_port,
                   tmp_path / "o.raw", "--retry-delay", "0", status=1).lines[-1]
    cutter.listener.close()
    assert "has changed on the server since the download began" in line
    assert not (tmp_path / "o.raw").exists()
