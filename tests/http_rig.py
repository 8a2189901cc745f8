# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Web servers that are not ours: nginx with WebDAV, and Python's http.server."""

import http.server
import os
import shutil
import socket
import subprocess
import threading
import time

NGINX = """
daemon off; master_process off; pid %(folder)s/pid; error_log %(folder)s/error.log;
events { worker_connections 64; }
http {
    access_log off; client_max_body_size 0;
    client_body_temp_path %(folder)s/body; proxy_temp_path %(folder)s/p;
    fastcgi_temp_path %(folder)s/f; uwsgi_temp_path %(folder)s/u; scgi_temp_path %(folder)s/s;
    log_format seen '$request_method $request_uri $status $http_expect $content_length';
    server {
        listen 127.0.0.1:%(port)d; listen 127.0.0.1:%(tls_port)d ssl;
        ssl_certificate %(folder)s/cert.pem; ssl_certificate_key %(folder)s/key.pem;
        access_log %(folder)s/access.log seen;
        root %(folder)s/files;
        location / { dav_methods PUT DELETE; create_full_put_path on; }
        location /moved/ { return 302 http://127.0.0.1:%(port)d/; }
        location /to/ { rewrite ^/to/(.*)$ /$1 redirect; }
        location /loop { return 302 /loop; }
        location /secret/ {
            auth_basic x; auth_basic_user_file %(folder)s/users; dav_methods PUT;
            alias %(folder)s/files/;
        }
        location /forbidden { return 403; }
        location /broken { return 500; }
        location /busy { return 503; }
        location /full { return 507; }
        location /limited { client_max_body_size 1m; dav_methods PUT; }
    }
}
"""


def free_ports(count):
    socks = [socket.socket() for _ in range(count)]
    for sock in socks:
        sock.bind(("127.0.0.1", 0))
    ports = [sock.getsockname()[1] for sock in socks]
    for sock in socks:
        sock.close()
    return ports


class Nginx:
    """nginx with PUT, both with and without TLS, on a folder of files."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.files = os.path.join(self.folder, "files")
        os.makedirs(self.files)
        self.port, self.tls_port = free_ports(2)
        self._write("nginx.conf", NGINX % vars(self))
        self._write("users", "user:{PLAIN}pass-73\n")
        self.cert = os.path.join(self.folder, "cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", os.path.join(self.folder, "key.pem"), "-out", self.cert],
                       check=True, capture_output=True)
        self.process = subprocess.Popen(
            [shutil.which("nginx") or "/usr/sbin/nginx", "-p", self.folder, "-c",
             os.path.join(self.folder, "nginx.conf")], stderr=subprocess.DEVNULL)
        self._wait()

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
            file.write(text)

    def _wait(self):
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.tls_port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None, "nginx does not start"
                time.sleep(0.02)
        raise AssertionError("nginx does not listen")

    def url(self, path, tls=False, user=""):
        return "%s://%s127.0.0.1:%d/%s" % ("https" if tls else "http", user,
                                           self.tls_port if tls else self.port, path)

    def path(self, name):
        return os.path.join(self.files, name)

    def requests(self):
        """(method, target, status, Expect, Content-Length) of each so far."""
        with open(os.path.join(self.folder, "access.log"), encoding="ascii") as file:
            return [line.split() for line in file]

    def close(self):
        self.process.terminate()
        self.process.wait(30)


class PythonServer:
    """http.server on a folder; `handler` adds to what it does."""

    def __init__(self, folder, handler=http.server.SimpleHTTPRequestHandler):
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), lambda *a: handler(*a, directory=str(folder)))
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def url(self, path):
        return "http://127.0.0.1:%d/%s" % (self.port, path)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
