# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A false Glance and Keystone in one server, which does what a test wants done wrong.

Records and answers are as the real services give them (a real Glance is in glance_rig.py);
what a test sets in `ways` changes them.
"""

import contextlib
import hashlib
import json
import re
import socket
import ssl
import struct
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RANGE = re.compile(r"bytes=(\d+)-$")


class FakeCloud:
    """With it as a context the server runs."""

    def __init__(self, tls=None):
        self.images = {}        # id: record
        self.contents = {}      # id: bytes
        self.requests = []      # (method, path, headers)
        self.bodies = []        # of requests with JSON
        self.ways = {}          # what is done wrong: (method, path): answer, or a function
        self.cuts = 0           # bodies that did not come whole
        self.tokens = None      # those that Glance takes; None: it wants none
        self.logins = []        # what Keystone was sent
        self.catalogue = None   # of the answer to a login; None: this Glance
        self.lock = threading.Lock()
        cloud = self

        class Handler(Conversation):
            pass

        Handler.cloud = cloud
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.scheme = "https" if tls else "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def origin(self):
        return "%s://127.0.0.1:%d" % (self.scheme, self.port)

    def place(self, image="", host=True):
        scheme = "glance" if self.scheme == "https" else "glance+http"
        return "%s://%s/%s" % (scheme, "127.0.0.1:%d" % self.port if host else "", image)

    def add(self, data, name="an image", **more):
        """An active image; its id."""
        image = "%08x-0000-4000-8000-000000000000" % (len(self.images) + 1)
        self.images[image] = record(image, name=name, disk_format="vhd", container_format="ovf")
        self.fill(image, data)
        self.images[image].update(more)
        return image

    def fill(self, image, data):
        self.contents[image] = data
        self.images[image].update(
            status="active", size=len(data), checksum=hashlib.md5(data).hexdigest(),
            os_hash_algo="sha512", os_hash_value=hashlib.sha512(data).hexdigest())

    def asked(self, method, path=""):
        """The headers of the requests of this kind."""
        return [h for m, p, h in self.requests if m == method and path in p]


def record(image, **fields):
    plain = dict.fromkeys(("name", "size", "virtual_size", "checksum", "os_hash_algo",
                           "os_hash_value", "disk_format", "container_format"))
    return {**plain, "id": image, "status": "queued", "visibility": "shared", **fields}


class Conversation(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    cloud = None

    def log_message(self, *_):
        pass

    # -- answers -----------------------------------------------------------

    def say(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def say_json(self, status, value, headers=()):
        self.say(status, json.dumps(value).encode(), headers)

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def body(self):
        """The whole body; None where it was cut."""
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            size = int(self.headers.get("Content-Length", 0))
            data = self.rfile.read(size)
            return data if len(data) == size else None
        data = []
        while True:
            line = self.rfile.readline()
            if not line.strip():
                return None
            size = int(line, 16)
            chunk = self.rfile.read(size + 2)
            if len(chunk) < size + 2:
                return None
            if not size:
                return b"".join(data)
            data.append(chunk[:-2])

    # -- requests ----------------------------------------------------------

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True

    def serve(self):
        cloud = self.cloud
        with cloud.lock:
            cloud.requests.append((self.command, self.path, dict(self.headers)))
        path = re.sub(r"[0-9a-f-]{36}", "ID", self.path.split("?")[0])
        wrong = cloud.ways.get((self.command, path))
        if callable(wrong):
            wrong = wrong(self)
            if wrong is None:
                return
        elif wrong:
            self.say(*wrong)
            return
        self.route()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def route(self):
        if self.path == "/v3/auth/tokens":
            self.log_in()
            return
        if self.cloud.tokens is not None and \
                self.headers.get("X-Auth-Token") not in self.cloud.tokens:
            self.say(401, b"no")
            return
        path, _, query = self.path.partition("?")
        parts = path.split("/")[2:]
        if parts == ["images"]:
            self.list_or_create(query)
        elif parts[1] not in self.cloud.images:
            self.say(404, b"No image found")
        elif len(parts) == 3:
            self.file(parts[1])
        else:
            self.image(parts[1])

    def list_or_create(self, query):
        images = self.cloud.images
        if self.command == "POST":
            fields = json.loads(self.body())
            self.cloud.bodies.append(fields)
            images[fields["id"]] = record(**dict(fields, image=fields["id"]))
            self.say_json(201, images[fields["id"]])
            return
        name = urllib.parse.parse_qs(query)["name"][0]
        self.say_json(200, {"images": [i for i in images.values() if i["name"] == name]})

    def image(self, image):
        if self.command == "DELETE":
            self.cloud.images.pop(image)
            self.say(204)
            return
        if self.command == "PATCH":
            for change in json.loads(self.body()):
                self.cloud.images[image][change["path"][1:]] = change["value"]
        self.say_json(200, self.cloud.images[image])

    def file(self, image):
        if self.command == "GET":
            self.send_file(self.cloud.contents[image])
            return
        data = None
        with contextlib.suppress(ConnectionError):
            data = self.body()
        if data is None:
            self.cloud.cuts += 1
            self.close_connection = True
            return
        self.cloud.fill(image, data)
        self.say(204)

    def send_file(self, data, cut=None):
        """All, or what Range asks for; with `cut` it breaks off after so many bytes."""
        asked = RANGE.match(self.headers.get("Range", ""))
        start = int(asked.group(1)) if asked else 0
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start:] if cut is None else data[start:start + cut])
        if cut is not None:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def log_in(self):
        cloud = self.cloud
        auth = json.loads(self.body())["auth"]
        cloud.logins.append(auth)
        token = "token-%d" % len(cloud.logins)
        catalogue = cloud.catalogue
        if catalogue is None:
            catalogue = [service("image", cloud.origin)]
        self.say_json(201, {"token": {"catalog": catalogue, "methods": []}},
                      [("X-Subject-Token", token)])


def service(kind, url, interface="public", region="RegionOne"):
    return {"type": kind, "name": kind,
            "endpoints": [{"interface": interface, "region": region, "region_id": region,
                           "url": url}]}
