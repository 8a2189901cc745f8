# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Listeners of all hosts, one thread a connection, and the routing of requests."""

import contextlib
import socket
import ssl
import threading
import time
import traceback

from . import http_head
from .disk_export import handle_export
from .disk_import import handle_import
from .fault_switches import FaultPlan
from .http_head import HEAD_LIMIT, BadHead, parse_head
from .rpc_door import handle_rpc
from .wire import Wire
from .xapi_error import LinkClosed

MAX_CONNECTIONS = 800
HEAD_TOTAL_SECONDS = 60


class Exchange:
    """One request with everything its handler needs."""

    def __init__(self, server, host, wire, request, entry):
        self.server = server
        self.pool = server.pool
        self.host = host
        self.wire = wire
        self.request = request
        self.entry = entry
        self.plan = FaultPlan([], wire, server.pool.clock, entry)

    def draw_faults(self, **about):
        """Take the faults that strike this request."""
        about = dict(about, host=self.host.name_label, tls=self.wire.is_tls,
                     path=self.request.path)
        due = self.server.faults.due(self.entry["kind"], about)
        for fault in due:
            if "to" in fault:       # redirect: the same request at another host
                fault["location"] = self.elsewhere(self.pool.host_named(fault["to"]))
        self.plan = FaultPlan(due, self.wire, self.pool.clock, self.entry)

    def elsewhere(self, host):
        """The URL of this request at another host; real ones always say https."""
        is_tls = self.server.tls is not None
        return "%s://%s%s" % ("https" if is_tls else "http",
                              self.server.authority(host, is_tls), self.request.target)

    def dislike(self, what):
        """Write down what a real server would dislike, or never answer."""
        self.pool.dislikes.append({"what": what, "request": self.entry["n"],
                                   "kind": self.entry["kind"]})

    def check_manners(self):
        """Look for what real servers trip over."""
        request = self.request
        if request.header("expect") is not None:
            self.dislike("Expect header: never answered")
        keys = [k for k, _ in request.query]
        for key in sorted({k for k in keys if keys.count(k) > 1}):
            self.dislike("repeated query key %s: only the first counts" % key)
        for key, _ in request.cookies:
            if key != key.strip():
                self.dislike("cookie key %r is not trimmed" % key)

    def reply(self, status, data):
        """Send a complete answer and write it down."""
        self.entry["status"] = status
        self.wire.send_head(data)


class HttpServer:
    def __init__(self, pool, faults, log, tls):
        self.pool = pool
        self.faults = faults
        self.log = log
        self.tls = tls              # HostTls or None
        self.ports = {"http": pool.config["http_port"], "tls": pool.config["tls_port"]}
        self.under_way = set()      # exchanges
        self._listeners = {}        # host name -> sockets
        self._wires = {}            # host name -> set of wires
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)

    # -- hosts go up and down ----------------------------------------------

    def start(self):
        """Listen on all hosts, on the same ports; try others when one is taken."""
        wanted = dict(self.ports)
        for attempts_left in range(20, -1, -1):
            try:
                for host in self.pool.hosts:
                    self.host_up(host)
                return
            except OSError:
                if not attempts_left:
                    raise
                for host in self.pool.hosts:
                    self.host_down(host)
                self.ports = dict(wanted)

    def host_up(self, host):
        self._wires.setdefault(host.name_label, set())
        listeners = self._listeners.setdefault(host.name_label, [])
        for kind in ["http"] + (["tls"] if self.tls else []):
            listeners.append(self._listen(host, kind))
        host.up = True

    def host_down(self, host, crashed=False):
        """Stop listening and cut every connection."""
        host.up = False
        for sock in self._listeners.pop(host.name_label, []):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        self.drop_connections(host, crashed)

    def drop_connections(self, host, crashed=False):
        for wire in list(self._wires.get(host.name_label, ())):
            wire.crashed = crashed
            wire.abort()
        if crashed:                 # what they leave behind must lie there before we answer
            self._wait_until_quiet(host)

    def _wait_until_quiet(self, host):
        end = time.monotonic() + 10
        while self._wires.get(host.name_label) and time.monotonic() < end:
            time.sleep(0.01)

    def _listen(self, host, kind):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host.address, self.ports[kind]))
        self.ports[kind] = sock.getsockname()[1]    # the other hosts use the same
        sock.listen(128)
        threading.Thread(target=self._accept, args=(host, sock, kind == "tls"),
                         daemon=True).start()
        return sock

    def authority(self, host, is_tls):
        """address[:port] as a Location header or HOST_IS_SLAVE names a host."""
        port = self.ports["tls" if is_tls else "http"]
        if self.pool.config["bare_addresses"] or port == (443 if is_tls else 80):
            return host.address
        return "%s:%d" % (host.address, port)

    # -- connections -------------------------------------------------------

    def _accept(self, host, listener, is_tls):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if not self._slots.acquire(blocking=False):
                sock.close()
                continue
            threading.Thread(target=self._connection, args=(host, sock, is_tls),
                             daemon=True).start()

    def _connection(self, host, sock, is_tls):
        wire = Wire(sock, False)
        self._wires[host.name_label].add(wire)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connect_faults(host, wire, is_tls)
            if is_tls:
                self._handshake(host, wire)
            self._serve(host, wire)
        except (LinkClosed, OSError, ssl.SSLError):
            pass
        finally:
            wire.close()
            self._wires[host.name_label].discard(wire)
            self._slots.release()

    def _connect_faults(self, host, wire, is_tls):
        due = self.faults.due("connect", {"host": host.name_label, "tls": is_tls})
        if due:
            entry = self.log.add(kind="connect", host=host.name_label, tls=is_tls, done=True)
            FaultPlan([dict(f, at="head") for f in due], wire, self.pool.clock,
                      entry).at_head()
            if any(f["do"] == "raw" for f in due):
                raise LinkClosed("answered by a fault switch")

    def _handshake(self, host, wire):
        wire.sock.settimeout(HEAD_TOTAL_SECONDS)
        context = self.tls.contexts[host.name_label]
        wire.sock = context.wrap_socket(wire.sock, server_side=True)
        wire.is_tls = True

    def _serve(self, host, wire):
        first = True
        while True:
            wire.sock.settimeout(self.pool.config["head_seconds"] if first else None)
            try:
                head = self._read_head(wire, first)
                if head is None:
                    return
                request = parse_head(head)
                wire.sock.settimeout(None)
                keep = self._handle(host, wire, request)
            except BadHead as e:
                self.log.add(kind="bad head", host=host.name_label, status=e.status,
                             done=True)
                wire.send_head(http_head.error_page(e.status))
                return
            if not keep:
                return
            first = False

    @staticmethod
    def _read_head(wire, first):
        """The head without its blank line; None at the end of the connection."""
        data = b""
        end = time.monotonic() + HEAD_TOTAL_SECONDS
        while http_head.END not in data:
            if len(data) > HEAD_LIMIT:
                raise BadHead(431)
            try:
                more = wire.recv_some(4096)
            except (socket.timeout, ssl.SSLWantReadError):
                raise BadHead(408) from None
            if not more:
                return None
            data += more
            if first and time.monotonic() > end:
                raise BadHead(408)
        head, _, rest = data.partition(http_head.END)
        if len(head) + len(http_head.END) > HEAD_LIMIT:
            raise BadHead(431)
        wire.push_back(rest)
        return head

    # -- routing: the longest prefix wins ----------------------------------

    def _handle(self, host, wire, request):
        wire.begin_request()
        handler, kind = self._route(request)
        entry = self.log.add(
            kind=kind, host=host.name_label, tls=wire.is_tls, method=request.method,
            target=request.target, path=request.path, query=request.query,
            headers=request.headers, content_length=request.header("content-length"),
            status=None)
        exchange = Exchange(self, host, wire, request, entry)
        exchange.check_manners()
        self.under_way.add(exchange)
        try:
            return handler(exchange)
        except (LinkClosed, BadHead):
            raise
        except Exception:           # a mistake of ours: tests must see it
            self.pool.bugs.append(traceback.format_exc())
            exchange.reply(500, http_head.error_page(500, "simulator bug"))
            return False
        finally:
            self.under_way.discard(exchange)
            self._note_end(entry, wire)

    @staticmethod
    def _note_end(entry, wire):
        first = wire.first_body_at
        entry.update(body_in=wire.body_in, body_out=wire.body_out,
                     seconds=time.monotonic() - entry["monotonic"],
                     first_body_after=first and first - entry["monotonic"])
        entry["done"] = True

    @staticmethod
    def _route(request):
        method, path = request.method, request.path
        if method == "PUT" and path.startswith("/import_raw_vdi"):
            return handle_import, "import"
        if method == "GET" and path.startswith("/export_raw_vdi"):
            return handle_export, "export"
        if method == "POST":
            return handle_rpc, "rpc"
        if method == "PUT":
            return _answer_with(403), "other"
        if method == "GET":
            return _answer_with(404), "other"
        return _answer_with(501), "other"


def _answer_with(status):
    def handler(exchange):
        exchange.reply(status, http_head.error_page(status))
        return False
    return handler
