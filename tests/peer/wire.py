# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""One connection: whole-buffer receive and send, with gates where faults strike."""

import os
import select
import socket
import ssl
import struct
import time

from .xapi_error import LinkClosed

SLOW_PIECE = 16 << 10
SEND_PIECE = 8 << 20


class Gate:
    """Calls fire() when the body reaches byte `at`, before that byte moves."""

    def __init__(self, at, fire):
        self.at = at
        self.fire = fire


class Wire:
    """A connected socket, cleartext or TLS, owned by one thread."""

    def __init__(self, sock, is_tls):
        self.sock = sock
        self.is_tls = is_tls
        self.closed = False
        self.crashed = False        # the host died: nothing is tidied up
        self._early = b""           # body bytes that came along with a request head
        self.begin_request()

    def begin_request(self):
        self.body_in = self.body_out = 0
        self.first_body_at = None
        self.gates_in = []
        self.gates_out = []
        self._corrupt = False
        self.rate = None            # bytes a (real) second, both ways

    # -- receiving ---------------------------------------------------------

    def push_back(self, data):
        self._early = bytes(data)

    def recv_some(self, limit):
        """Up to limit bytes, b"" at the end; for heads and small bodies."""
        if self._early:
            data, self._early = self._early[:limit], self._early[limit:]
            return data
        return self._guard(self.sock.recv, limit)

    def fill(self, view):
        """Fill view from the body. Less than its length only at end of stream."""
        done = 0
        while done < len(view):
            n = self._recv_body(view[done:])
            if n == 0:
                break
            done += n
        return done

    def _recv_body(self, view):
        view = view[:self._gated(self.gates_in, self.body_in, len(view))]
        if self._early:
            n = min(len(view), len(self._early))
            view[:n], self._early = self._early[:n], self._early[n:]
        elif self.is_tls:
            n = self._recv_tls(view)
        elif self.rate:
            n = self._guard(self.sock.recv_into, view)
        else:                       # one system call for a whole buffer
            n = self._guard(self.sock.recv_into, view, len(view), socket.MSG_WAITALL)
        if n and self.first_body_at is None:
            self.first_body_at = time.monotonic()
        self.body_in += n
        self._pace(n)
        return n

    def _recv_tls(self, view):
        """Behind stunnel a cut or reset connection just looks like the end."""
        try:
            return self.sock.recv_into(view)
        except (ssl.SSLEOFError, ConnectionResetError):
            return 0
        except (OSError, ValueError) as e:
            raise LinkClosed(str(e)) from e

    def readable(self):
        """True when the peer has sent something that nobody read yet."""
        return bool(self._early) or self._pending() or self._poll(select.POLLIN, 0)

    def peer_left(self):
        """True when the peer closed or reset (and sent nothing more before)."""
        poller = select.poll()
        poller.register(self.sock.fileno(), select.POLLRDHUP)
        return bool(poller.poll(0))

    def _pending(self):
        return self.is_tls and self.sock.pending() > 0

    def _poll(self, events, timeout_ms):
        poller = select.poll()
        poller.register(self.sock.fileno(), events)
        return bool(poller.poll(timeout_ms))

    # -- sending -----------------------------------------------------------

    def send_head(self, data):
        """Bytes that do not count as body."""
        self._guard(self.sock.sendall, data)

    def send(self, view):
        """Body bytes."""
        view = memoryview(view)
        while len(view):
            n = self._gated(self.gates_out, self.body_out, len(view))
            part = self._maybe_corrupt(view[:n])
            self._guard(self.sock.sendall, part)
            self.body_out += n
            self._pace(n)
            view = view[n:]

    def send_file(self, fd, offset, count):
        """Body bytes straight from a file (cleartext only)."""
        while count:
            n = self._gated(self.gates_out, self.body_out, min(count, SEND_PIECE))
            if self._corrupt:
                self.send(os.pread(fd, 1, offset))
                offset, count = offset + 1, count - 1
                continue
            sent = self._guard(os.sendfile, self.sock.fileno(), fd, offset, n)
            if sent == 0:
                raise LinkClosed("file shorter than the disk")
            self.body_out += sent
            self._pace(sent)
            offset += sent
            count -= sent

    def corrupt_next(self):
        """The next body byte that is sent will be another one."""
        self._corrupt = True

    def _maybe_corrupt(self, view):
        if not self._corrupt:
            return view
        self._corrupt = False
        changed = bytearray(view)
        changed[0] ^= 0xFF
        return changed

    # -- gates -------------------------------------------------------------

    def _gated(self, gates, pos, want):
        """How many of `want` bytes may move now; fires the gates that are due."""
        while gates and gates[0].at <= pos:
            gates.pop(0).fire()
        if gates:
            want = min(want, gates[0].at - pos)
        return min(want, SLOW_PIECE) if self.rate else want

    def _pace(self, n):
        if self.rate:
            time.sleep(n / self.rate)

    # -- ending ------------------------------------------------------------

    def close(self, notify=True):
        """A clean end: close_notify where there is TLS, then FIN."""
        if self.closed:
            return
        self.closed = True
        try:
            if self.is_tls and notify:
                self.sock.setblocking(False)
                self.sock.unwrap()
        except (OSError, ValueError):
            pass                    # the peer's own close_notify is not waited for
        _close_quietly(self.sock)

    def reset(self):
        """RST."""
        if self.closed:
            return
        self.closed = True
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
        except OSError:
            pass
        _close_quietly(self.sock)

    def abort(self):
        """Called from another thread: make the owner's calls fail; then it resets."""
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
        except OSError:
            pass

    def _guard(self, call, *args):
        try:
            return call(*args)
        except ssl.SSLEOFError as e:
            raise LinkClosed("TLS connection cut") from e
        except (socket.timeout, ssl.SSLWantReadError):
            raise
        except (OSError, ValueError) as e:
            raise LinkClosed(str(e)) from e


def _close_quietly(sock):
    try:
        sock.close()
    except OSError:
        pass
