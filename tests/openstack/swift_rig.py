# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A real Swift on loopback (one device, tempauth), and a real Glance that keeps images there."""

import contextlib
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import glance_rig

SERVERS = ("account", "container", "object")
USER, KEY = "test:tester", "testing"
SEGMENT = 1                         # MiB: what is larger goes in segments of that

COMMON = """
[swift-hash]
swift_hash_path_suffix = one
swift_hash_path_prefix = two
[storage-policy:0]
name = only
default = yes
"""

SERVER = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
user = {user}
workers = 0
log_name = {name}
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""

PROXY = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {folder}
user = {user}
workers = 0
[pipeline:main]
pipeline = catch_errors proxy-logging cache slo dlo tempauth proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{cache}
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""

GLANCE = """
[DEFAULT]
enabled_backends = swift1:swift
[glance_store]
default_backend = swift1
[swift1]
swift_store_auth_version = 1
swift_store_auth_address = {url}/auth/v1.0
swift_store_user = {user}
swift_store_key = {key}
swift_store_create_container_on_put = true
swift_store_large_object_size = {segment}
swift_store_large_object_chunk_size = {segment}
"""


class Swift:
    """The five processes."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.ports = {name: glance_rig.free_port() for name in (*SERVERS, "proxy", "cache")}
        self.url = "http://127.0.0.1:%d" % self.ports["proxy"]
        self.running = {}           # name: process

    def __enter__(self):
        self._make()
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in list(self.running):
            self._end(name)

    def _write(self, path, text, **more):
        user = "root" if os.getuid() == 0 else os.environ["USER"]
        with open(os.path.join(self.folder, path), "w", encoding="ascii") as file:
            file.write(text.format(folder=self.folder, user=user, **more))

    def _make(self):
        os.makedirs(os.path.join(self.folder, "devices", "one"))
        self._write("swift.conf", COMMON)
        for name in SERVERS:
            self._write(name + ".conf", SERVER, name=name, port=self.ports[name])
            for words in (["create", "4", "1", "0"],
                          ["add", "r1z1-127.0.0.1:%d/one" % self.ports[name], "1"],
                          ["rebalance"]):
                subprocess.run(["swift-ring-builder", name + ".builder", *words], check=True,
                               cwd=self.folder, capture_output=True)
        self._write("proxy.conf", PROXY, port=self.ports["proxy"], cache=self.ports["cache"])

    def _run(self, name, *words):
        with open(os.path.join(self.folder, "out.log"), "ab") as log:
            self.running[name] = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log,
                                                  stderr=log)

    def _end(self, name):
        process = self.running.pop(name)
        process.terminate()
        process.wait()

    def _serve(self, name):
        self._run(name, "swift-%s-server" % name, os.path.join(self.folder, name + ".conf"))

    @contextlib.contextmanager
    def without(self, name):
        """For so long that server is not there."""
        self._end(name)
        try:
            yield
        finally:
            self._serve(name)
            self._wait()

    def _start(self):
        self._run("cache", shutil.which("memcached") or "/usr/bin/memcached", "-u", "root", "-l",
                  "127.0.0.1", "-p", str(self.ports["cache"]))
        for name in (*SERVERS, "proxy"):
            self._serve(name)
        self._wait()

    def _wait(self):
        limit = time.monotonic() + 120
        while not self.token():
            assert time.monotonic() < limit, "Swift does not answer: see %s" % self.folder
            assert all(p.poll() is None for p in self.running.values()), self.folder
            time.sleep(0.2)

    def token(self):
        """One of tempauth's, or None."""
        request = urllib.request.Request(self.url + "/auth/v1.0", headers={
            "X-Storage-User": USER, "X-Storage-Pass": KEY})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.headers["X-Storage-Token"]
        except OSError:
            return None

    def objects(self):
        """The names in Glance's container."""
        request = urllib.request.Request(self.url + "/v1/AUTH_test/glance",
                                         headers={"X-Auth-Token": self.token()})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode().split()


@contextlib.contextmanager
def stored(folder):
    """Swift, and the port of a Glance whose store it is."""
    (folder / "swift").mkdir()
    with Swift(folder / "swift") as swift:
        process, port = glance_rig.launch(str(folder / "glance"), GLANCE.format(
            url=swift.url, user=USER, key=KEY, segment=SEGMENT))
        try:
            yield swift, port
        finally:
            glance_rig.end(process)
