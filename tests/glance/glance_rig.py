# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A real glance-api on loopback: sqlite, files, no Keystone; one for all workers of a run."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

CAP = 48 << 20      # a larger image is refused, as a full store refuses it

CONFIG = """
[DEFAULT]
bind_host = 127.0.0.1
bind_port = {port}
workers = 0
enabled_backends = file1:file
image_size_cap = {cap}
log_file = {folder}/api.log
[database]
connection = sqlite:///{folder}/glance.db
[glance_store]
default_backend = file1
[file1]
filesystem_store_datadir = {folder}/images
[os_glance_staging_store]
filesystem_store_datadir = {folder}/staging
[os_glance_tasks_store]
filesystem_store_datadir = {folder}/tasks
[paste_deploy]
config_file = /usr/share/glance-common/glance-api-paste.ini
[oslo_concurrency]
lock_path = {folder}/lock
"""


def is_there():
    return shutil.which("glance-api") is not None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url):
    """Whether a server does, be it with a refusal."""
    try:
        urllib.request.urlopen(url).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def make(folder, more):
    """Writes the configuration and the database; the port."""
    port = free_port()
    for name in ("images", "staging", "tasks", "lock"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    config = os.path.join(folder, "glance-api.conf")
    with open(config, "w", encoding="ascii") as file:
        file.write(CONFIG.format(port=port, folder=folder, cap=CAP) + more)
    subprocess.run(["glance-manage", "--config-file", config, "db_sync"],
                   capture_output=True, check=True)
    return port


def end(pid):
    os.killpg(pid, signal.SIGTERM)


def launch(folder, more=""):
    """Starts it, with more in its configuration; (process id, port). It ends by itself when
    nobody has ended it."""
    port = make(folder, more)
    with open(os.path.join(folder, "out.log"), "wb") as log:
        process = subprocess.Popen(
            ["timeout", "1500", "glance-api", "--config-file",
             os.path.join(folder, "glance-api.conf")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    limit = time.monotonic() + 120
    while not answers("http://127.0.0.1:%d/v2/images" % port):
        assert process.poll() is None, "glance-api has ended: see %s" % folder
        assert time.monotonic() < limit, "glance-api does not answer: see %s" % folder
        time.sleep(0.1)
    return process.pid, port


class Shared:
    """The server of all workers: whoever comes first starts it, whoever goes last ends it."""

    def __init__(self, root):
        self.folder = os.path.join(root, "glance")
        os.makedirs(self.folder, exist_ok=True)
        self.note = os.path.join(self.folder, "users.json")

    @contextlib.contextmanager
    def locked(self):
        with open(os.path.join(self.folder, "lock-of-users"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = {"users": 0}
            if os.path.exists(self.note):
                with open(self.note, encoding="ascii") as file:
                    state = json.load(file)
            yield state
            with open(self.note, "w", encoding="ascii") as file:
                json.dump(state, file)

    def __enter__(self):
        with self.locked() as state:
            if not state["users"]:
                started = os.path.join(self.folder, str(time.time_ns()))
                state["pid"], state["port"] = launch(started)
            state["users"] += 1
            return Glance(state["port"])

    def __exit__(self, *_):
        with self.locked() as state:
            state["users"] -= 1
            if not state["users"]:
                end(state["pid"])


class Glance:
    """A Glance as a client other than ours sees it."""

    def __init__(self, port):
        self.port = port

    def place(self, image=""):
        return "glance+http://127.0.0.1:%d/%s" % (self.port, image)

    def url(self, path):
        return "http://127.0.0.1:%d/v2%s" % (self.port, path)

    def call(self, method, path, body=None, kind="application/json"):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url(path), data, {"Content-Type": kind},
                                         method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def create(self, **fields):
        return json.loads(self.call("POST", "/images", fields))["id"]

    def fill(self, image, data):
        self.call("PUT", "/images/%s/file" % image, data, "application/octet-stream")

    def make(self, data, **fields):
        """An image with content; its id."""
        image = self.create(**fields)
        self.fill(image, data)
        return image

    def record(self, image):
        return json.loads(self.call("GET", "/images/" + image))

    def content(self, image):
        return self.call("GET", "/images/%s/file" % image)

    def named(self, name):
        """The records of that name."""
        return json.loads(self.call("GET", "/images?name=" + name))["images"]
