# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Failures of image transfers: vhdstream's exceptions and os_xenapi's in one.

What is raised is an ImageError, the vhdstream exception of its status (NoSpaceError ...), and
what os_xenapi raised for a thing of the kind, so that code written for it catches it: all are an
OsXenApiException; a failed import is a VdiImportFailure, or an InvalidImage where the image is at
fault; trouble on the way to the host a HostConnectionFailure; what is not there NotFound; and
what XAPI has refused a XenAPI.Failure with its details. Without os_xenapi they are classes of
the same names from here.
"""

import functools

from vhdstream import errors

try:
    from os_xenapi.client import exception as peer
    from os_xenapi.client.XenAPI import Failure
except ImportError:
    class peer:
        """The exceptions of os_xenapi, where it is not installed."""

        class OsXenApiException(Exception):
            """Base of them."""

        class InvalidImage(OsXenApiException):
            """The image is at fault."""

        class HostConnectionFailure(OsXenApiException):
            """The host was not reached, or not any more."""

        class NotFound(OsXenApiException):
            """There is no such thing."""

        class VdiImportFailure(OsXenApiException):
            """The image did not become a VDI."""

    class Failure(Exception):
        """XAPI has refused a call."""

        def __init__(self, details):
            super().__init__(details)
            self.details = details


class ImageError(errors.Error, peer.OsXenApiException):
    """A transfer of an image failed; status and text are the library's."""

    kinds = ()      # those of os_xenapi that it is beside

    def __str__(self):
        return self.args[0]

    def __reduce__(self):
        return _again, (self.status, self.kinds, self.args[0], self.__dict__)


@functools.lru_cache(maxsize=None)
def _class(status, kinds):
    base = errors.CLASSES.get(status, errors.Error)
    bases = (ImageError, base) if base is not errors.Error else (ImageError,)
    return type(base.__name__, bases + kinds,
                {"__doc__": base.__doc__, "__module__": __name__, "kinds": kinds})


def _again(status, kinds, text, state):
    """For pickle and copy, which find no class of these names."""
    out = _class(status, kinds)(text)
    out.__dict__.update(state)
    return out


# Whose fault it is: the host's, or on the way there; the image's; the caller's own.
HOST, IMAGE, CALLER = range(3)


def _kinds(failure, importing, side):
    """Which of os_xenapi's exceptions it is."""
    status = failure.status
    if importing and side == IMAGE and status == errors.CorruptError.status:
        yield peer.InvalidImage
    elif importing:
        yield peer.VdiImportFailure
    if failure.refusal:
        yield Failure
    if side != HOST or failure.refusal and failure.refusal[0] in str(failure).partition("; ")[0]:
        return      # a refusal further on tells what else is known, and is not the reason
    if status in (errors.TemporaryError.status, errors.AuthError.status):
        yield peer.HostConnectionFailure
    elif status == errors.NotFoundError.status:
        yield peer.NotFound


def error(failure, importing, side=HOST):
    """The exception of a transfer that ended with this Error."""
    out = _class(failure.status, tuple(_kinds(failure, importing, side)))(str(failure))
    out.refusal = failure.refusal
    if failure.refusal:
        out.details = failure.refusal
    return out
