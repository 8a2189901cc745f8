# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What went wrong, as exceptions: one class for each status of the library."""


class Error(Exception):
    """An operation failed; the text is the library's one line on it.

    status is that of include/vhdstream.h, which docs/errors.md explains. result is what the
    operation has to say all the same (the findings of a check), or None. refusal is the code and
    the parameters of what XAPI has refused, where that is why; else an empty list.
    """

    status = 1

    def __init__(self, text, result=None, refusal=()):
        super().__init__(text)
        self.result = result
        self.refusal = list(refusal)


class UsageError(Error):
    """The call itself: an option, a place, their combination. Nothing was begun."""

    status = 2


class CorruptError(Error):
    """The data are broken or cut, or of a form that is not taken."""

    status = 3


class NotFoundError(Error):
    """There is no such file, disk, SR or URL."""

    status = 4


class AuthError(Error):
    """Credentials, permission, or trust in a certificate; a session that has ended, too."""

    status = 5


class NoSpaceError(Error):
    """Something is full, or takes no disk of this size."""

    status = 6


class UnsettledError(Error):
    """The server's verdict could not be learnt, or something is left there; the text says what."""

    status = 7


class TemporaryError(Error):
    """The same may work later."""

    status = 75


class CancelledError(Error):
    """cancel() was called; all was cleaned up."""

    status = 130


CLASSES = {cls.status: cls for cls in (
    Error, UsageError, CorruptError, NotFoundError, AuthError, NoSpaceError, UnsettledError,
    TemporaryError, CancelledError)}


def error(status, text, result=None, refusal=()):
    """The exception of a status other than 0."""
    return CLASSES.get(status, Error)(text, result, refusal)
