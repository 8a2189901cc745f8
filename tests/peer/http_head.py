# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Request heads as XAPI reads them, response heads as it writes them."""

import html
from urllib.parse import unquote

HEAD_LIMIT = 1006
END = b"\r\n\r\n"


class BadHead(Exception):
    """The head cannot be parsed; status says how XAPI answers."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


class Request:
    """A parsed head. Query and cookies are (key, value) lists: the first one wins."""

    def __init__(self, method, target, version, headers):
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers              # list of (lower-case name, value)
        self.path, _, query = target.partition("?")
        self.query = parse_query(query)
        self.cookies = parse_cookies(self.header("cookie") or "")

    def header(self, name):
        for key, value in self.headers:
            if key == name:
                return value
        return None

    def query_value(self, key):
        return _first(self.query, key)

    def param(self, key):
        """Cookie first, then query, as the session and the task are looked up."""
        value = _first(self.cookies, key)
        return value if value is not None else self.query_value(key)

    def content_length(self):
        text = self.header("content-length")
        if text is None:
            return None
        if not text.strip().isdigit():
            raise BadHead(500)
        return int(text)

    def wants_close(self):
        option = (self.header("connection") or "").lower()
        if option in ("close", "keep-alive"):
            return option == "close"
        return self.version == "HTTP/1.0"


def _first(pairs, key):
    for k, value in pairs:
        if k == key:
            return value
    return None


def parse_query(text):
    pairs = []
    for part in text.split("&") if text else []:
        key, _, value = part.partition("=")
        pairs.append((unquote(key), unquote(value)))
    return pairs


def parse_cookies(text):
    """Cut at ';' (or at '&' when there is none); the keys are not trimmed."""
    pairs = []
    for part in text.split(";" if ";" in text else "&") if text else []:
        key, equals, value = part.partition("=")
        if equals:
            pairs.append((unquote(key), unquote(value)))
    return pairs


def parse_head(data):
    """data: the head without the blank line."""
    lines = data.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadHead(500)
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadHead(500)
        headers.append((name.strip().lower(), value.strip()))
    return Request(words[0], words[1], words[2], headers)


# -- responses -----------------------------------------------------------------

CLOSE = "Connection: close\r\nCache-Control: no-cache, no-store\r\n"
REASONS = {302: "Found", 400: "Bad Request", 401: "Unauthorised", 403: "Forbidden",
           404: "Not Found", 408: "Request Timeout", 500: "Internal Error",
           431: "Request Header Fields Too Large", 501: "Method Not Implemented",
           503: "Service Unavailable"}


def stream_head(task_ref, content_type, filename=None):
    """The early 200 of a disk transfer."""
    space = "" if filename else " "
    head = "HTTP/1.1 200 OK\r\n" + CLOSE
    head += "task-id:%s\r\ncontent-type:%s%s\r\n" % (task_ref, space, content_type)
    if filename:
        head += 'content-disposition: attachment; filename="%s"\r\n' % filename
    return (head + "\r\n").encode()


def bare(status, version="1.1", extra=""):
    """A head with an empty body of no stated length, then close."""
    return ("HTTP/%s %d %s\r\n%s%s\r\n" % (version, status, REASONS.get(status, "Error"),
                                           CLOSE, extra)).encode()


def error_page(status, detail="", extra=""):
    """A head and a small HTML body; detail goes last, escaped."""
    body = "<html><body><h1>HTTP %d %s</h1>The request could not be served.<h1>Additional " \
        "information</h1>%s</body></html>" % (status, REASONS.get(status, "Error"),
                                              html.escape(detail))
    return ("HTTP/1.1 %d %s\r\n%scontent-type: text/html\r\n%scontent-length: %d\r\n\r\n%s"
            % (status, REASONS.get(status, "Error"), CLOSE, extra, len(body.encode()),
               body)).encode()


def redirect(location):
    return bare(302, extra="Location: %s\r\n" % location)


def unauthorised():
    return error_page(401, "Authentication required",
                      'WWW-Authenticate: Basic realm="XenAPI"\r\n')


def rpc_head(content_type, length, keep_alive):
    return ("HTTP/1.1 200 OK\r\nConnection: %s\r\nCache-Control: no-cache, no-store\r\n"
            "content-type: %s\r\ncontent-length: %d\r\n\r\n"
            % ("keep-alive" if keep_alive else "close", content_type, length)
            ).encode()
