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
import re

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

    def __str__(self):
        return self.args[0]


# As src/xapi/xapi_fault.c ends a message: "(SR_FULL: parameter, parameter)".
REFUSAL = re.compile(r" \(([A-Z]+(?:_[A-Z0-9]+)+)(?:: (.*?))?\)(?=$|[;,] )")


def refusal(text):
    """XAPI's code and parameters as a list, where the message tells of a refusal; else []."""
    found = REFUSAL.search(text)
    if not found:
        return []
    code, params = found.groups()
    return [code] + (params.split(", ") if params else [])


@functools.lru_cache(maxsize=None)
def _class(status, kinds):
    base = errors.CLASSES.get(status, errors.Error)
    bases = (ImageError, base) if base is not errors.Error else (ImageError,)
    return type(base.__name__, bases + kinds, {"__doc__": base.__doc__, "__module__": __name__})


def _kinds(status, text, importing, is_local):
    """Which of os_xenapi's exceptions it is."""
    refused = refusal(text)
    if importing and status == errors.CorruptError.status:
        yield peer.InvalidImage
    elif importing:
        yield peer.VdiImportFailure
    if refused:
        yield Failure
    if is_local or refused and refusal(text.partition("; ")[0]):
        return      # a refusal further on tells what else is known, and is not the reason
    if status in (errors.TemporaryError.status, errors.AuthError.status):
        yield peer.HostConnectionFailure
    elif status == errors.NotFoundError.status:
        yield peer.NotFound


def error(status, text, importing, is_local=False):
    """The exception of a failed transfer; is_local: of the caller's own end of it."""
    details = refusal(text)
    out = _class(status, tuple(_kinds(status, text, importing, is_local)))(text)
    if details:
        out.details = details
    return out
