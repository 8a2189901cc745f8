# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Failures the way XAPI names them: a code and its parameters."""


class XapiError(Exception):
    """A failure that a client sees: in an RPC answer, or as a task's error_info."""

    def __init__(self, code, *params):
        super().__init__(code, *params)
        self.code = code
        self.params = [str(p) for p in params]

    def as_list(self):
        return [self.code] + self.params

    def text(self):
        return "%s: [ %s ]" % (self.code, "; ".join(self.params))


def io_error():
    """What the task says when the data-moving child failed, whatever the cause."""
    return XapiError("VDI_IO_ERROR", "Device I/O errors")


class ClientFault(XapiError):
    """The real server would have taken this and stored wrong data; we fail instead."""

    def __init__(self, what):
        super().__init__("VDI_IO_ERROR", "Device I/O errors")
        self.what = what


class DataError(XapiError):
    """The data path failed; `what` is for the test's eyes, the client sees VDI_IO_ERROR."""

    def __init__(self, what):
        super().__init__("VDI_IO_ERROR", "Device I/O errors")
        self.what = what


class LinkClosed(Exception):
    """The connection is gone (the client left, or a fault switch cut it)."""
