# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A real Keystone on loopback (sqlite, fernet tokens), and a real Glance that asks it."""

import contextlib
import json
import os
import subprocess
import time
import urllib.error
import urllib.request

import glance_rig

REGION = "north"
ADMIN_PASSWORD = "of the one who set it up"

CONFIG = """
[DEFAULT]
log_file = {folder}/keystone.log
[database]
connection = sqlite:///{folder}/keystone.db
[fernet_tokens]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[token]
provider = fernet
"""

GLANCE = """
[paste_deploy]
flavor = keystone
[keystone_authtoken]
www_authenticate_uri = {url}
auth_url = {url}
auth_type = password
username = admin
password = {password}
project_name = admin
user_domain_id = default
project_domain_id = default
"""


class Keystone:
    """The server, and what an administrator does there."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.config = os.path.join(self.folder, "keystone.conf")
        self.port = glance_rig.free_port()
        self.url = "http://127.0.0.1:%d/v3" % self.port
        self.process = None
        self.token = None

    def __enter__(self):
        self._make()
        with open(os.path.join(self.folder, "out.log"), "wb") as log:
            self.process = subprocess.Popen(
                ["keystone-wsgi-public", "-b", "127.0.0.1", "-p", str(self.port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, OS_KEYSTONE_CONFIG_FILES=self.config))
        limit = time.monotonic() + 120
        while not glance_rig.answers(self.url):
            assert self.process.poll() is None and time.monotonic() < limit, self.folder
            time.sleep(0.1)
        self.token = self.login(self.by_password("admin", ADMIN_PASSWORD), "admin")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def _make(self):
        for name in ("fernet", "credential"):
            os.mkdir(os.path.join(self.folder, name))
        with open(self.config, "w", encoding="ascii") as file:
            file.write(CONFIG.format(folder=self.folder))
        self._manage("db_sync")
        for name in ("fernet_setup", "credential_setup"):
            self._manage(name, "--keystone-user", str(os.getuid()),
                         "--keystone-group", str(os.getgid()))
        self._manage("bootstrap", "--bootstrap-password", ADMIN_PASSWORD,
                     "--bootstrap-public-url", self.url, "--bootstrap-internal-url", self.url,
                     "--bootstrap-region-id", REGION)

    def _manage(self, *words):
        # Debian's version may write a trace at its exit, after all was done.
        subprocess.run(["keystone-manage", "--config-file", self.config, *words],
                       capture_output=True, check=True)

    # -- the interface of version 3 ------------------------------------------

    def call(self, method, path, body=None, token=None):
        """(status, headers, the answer as an object)"""
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode() if body else None, method=method,
            headers={"Content-Type": "application/json", "X-Auth-Token": token or self.token or ""})
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.status, answer.headers, json.loads(text) if text else None

    @staticmethod
    def by_password(name, password):
        return {"methods": ["password"], "password": {"user": {
            "name": name, "domain": {"id": "default"}, "password": password}}}

    def login(self, identity, project):
        scope = {"project": {"name": project, "domain": {"id": "default"}}}
        headers = self.call("POST", "/auth/tokens",
                            {"auth": {"identity": identity, "scope": scope}})[1]
        return headers["X-Subject-Token"]

    def make(self, kind, **fields):
        """A thing of that kind; its id."""
        return self.call("POST", "/%ss" % kind, {kind: fields})[2][kind]["id"]

    def set(self, kind, ident, **fields):
        self.call("PATCH", "/%ss/%s" % (kind, ident), {kind: fields})

    def role(self, name):
        return self.call("GET", "/roles?name=" + name)[2]["roles"][0]["id"]

    def user(self, name, password, project):
        """A user who may work in a project; the ids of both."""
        user = self.make("user", name=name, password=password, domain_id="default")
        group = self.make("project", name=project, domain_id="default")
        self.call("PUT", "/projects/%s/users/%s/roles/%s" % (group, user, self.role("member")))
        return user, group

    def credential(self, user, token, name, secret):
        """An application credential of that user's; its id."""
        kind = "application_credential"
        return self.call("POST", "/users/%s/%ss" % (user, kind),
                         {kind: {"name": name, "secret": secret}}, token)[2][kind]["id"]

    def revoke(self, token):
        request = urllib.request.Request(self.url + "/auth/tokens", method="DELETE", headers={
            "X-Auth-Token": self.token, "X-Subject-Token": token})
        urllib.request.urlopen(request, timeout=60).close()


@contextlib.contextmanager
def cloud(folder):
    """Keystone, and a Glance that is in its catalogue; both, and the Glance's port."""
    (folder / "keystone").mkdir()
    with Keystone(folder / "keystone") as keystone:
        more = GLANCE.format(url=keystone.url, password=ADMIN_PASSWORD)
        process, port = glance_rig.launch(str(folder / "glance"), more)
        try:
            service = keystone.make("service", type="image", name="glance")
            keystone.make("endpoint", service_id=service, interface="public", region_id=REGION,
                          url="http://127.0.0.1:%d" % port)
            yield keystone, port
        finally:
            glance_rig.end(process)
