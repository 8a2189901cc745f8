# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The far side of an image's transfer, as os_xenapi's callers name it: session and host_url."""

import fcntl
import os
import selectors
import urllib.parse

from vhdstream import errors
from vhdstream.descriptors import pipe
from vhdstream.image import image_errors
from vhdstream.native_thread import wait_for

CHUNK_SIZE = 1 << 20
SCHEMES = {"http": "xapi+http", "https": "xapi"}
ROUNDS_MAX = 16

# Options of vhdstream that hold for all transfers, beside those that an image's own need.
options = {}


def pool_place(host_url, kind, uuid):
    """The place of an SR or a VDI: "https://xs1", "sr", UUID is "xapi://xs1/sr/UUID"."""
    url = urllib.parse.urlparse(host_url)
    if url.scheme not in SCHEMES or not url.hostname:
        raise image_errors.error(
            errors.UsageError("%s: expected http://HOST or https://HOST" % host_url), False)
    host = url.netloc.rpartition("@")[2]
    return "%s://%s/%s/%s" % (SCHEMES[url.scheme], host, kind, uuid)


def _is_open(session, ref):
    """Asks by another call of the session, which opens itself anew where that is needed."""
    try:
        session.call_xenapi("session.get_this_host", ref)
    except image_errors.Failure:
        return False
    return True


def session_ref(session):
    """The ref of a session that is open now.

    An XAPI session ends after a day without a call, and os_xenapi notices at the next one; but
    it has several in turn, and get_session_id() may name one that has not been called yet.
    """
    ref = session.get_session_id()
    if not hasattr(session, "call_xenapi"):
        return ref
    for calls in range(1, ROUNDS_MAX + 1):
        if _is_open(session, ref):
            break
        for _ in range(calls):
            _is_open(session, ref)
        ref = session.get_session_id()
    return ref


def all_options(side, session, own):
    """Options of a transfer, as keywords of vhdstream.Transfer; `side` is "src" or "dst".

    The file of $SSL_CERT_FILE is believed, as it is by Python's own HTTPS.
    """
    out = {name.replace("-", "_"): value for name, value in options.items()}
    given = {"cacert", "pin", "insecure", side + "_cacert", side + "_pin", side + "_insecure"}
    if os.environ.get("SSL_CERT_FILE") and not given & set(out):
        out["cacert"] = os.environ["SSL_CERT_FILE"]
    for name, value in own.items():
        out.setdefault(name, value)
    out[side + "_session"] = session_ref(session)
    return out


# --- the near side -----------------------------------------------------------

def make_pipe(near):
    """(read, write) ends; that with the index `near` is for us and does not block."""
    ends = pipe()
    os.set_blocking(ends[near].fileno(), False)
    try:
        fcntl.fcntl(ends[1].fileno(), fcntl.F_SETPIPE_SZ, CHUNK_SIZE)
    except (AttributeError, OSError):
        pass        # the size that it has will do
    return ends


def _parts(data):
    read = getattr(data, "read", None)
    if read is None:
        yield from data
        return
    while True:
        part = read(CHUNK_SIZE)
        if not part:
            return
        yield part


def feed(data, end, running):
    """Writes all of it to our end, as long as somebody there wants it."""
    for part in _parts(data):
        rest = memoryview(part).cast("B")
        while rest:
            if end.closed or not wait_for(end, selectors.EVENT_WRITE, running):
                return
            try:
                rest = rest[os.write(end.fileno(), rest):]
            except BlockingIOError:
                pass
            except BrokenPipeError:
                return


def drain(end, running):
    """What comes from our end, in parts, until its writer has ended."""
    while not end.closed:
        over = not wait_for(end, selectors.EVENT_READ, running)
        try:
            part = os.read(end.fileno(), CHUNK_SIZE)
        except BlockingIOError:
            if over:
                return
            continue
        if not part:
            return
        yield part
