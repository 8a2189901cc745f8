# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A disk that an import could not remove, since its session had ended: its owner has another."""

import logging
import re
import time

from vhdstream import errors

LOG = logging.getLogger(__name__)
LEFT = re.compile(r"; left behind: VDI ([0-9a-f-]{36}) .*")
MARK = "vhdstream:run"      # on every disk that is not whole
BUSY = {"VDI_IN_USE", "OTHER_OPERATION_IN_PROGRESS", "SR_BACKEND_FAILURE_24"}
TRIES = 60


def _destroy(session, uuid):
    """Whether it is gone. The server lets go of it in its own time."""
    ref = session.VDI.get_by_uuid(uuid)
    if MARK not in session.VDI.get_other_config(ref):
        return False
    for _ in range(TRIES):
        try:
            session.VDI.destroy(ref)
            return True
        except Exception as failure:
            if (getattr(failure, "details", None) or [""])[0] not in BUSY:
                raise
        time.sleep(1)
    return False


def remove_left(session, failure):
    """The failure of an import, as an Error of vhdstream; the disk that it names is removed."""
    text = str(failure)
    found = LEFT.search(text)
    if failure.status != errors.UnsettledError.status or not found:
        return failure
    try:
        if not _destroy(session, found.group(1)):
            return failure
    except Exception as why:
        LOG.error("VDI %s could not be removed: %s", found.group(1), why)
        return failure
    ended = failure.refusal and failure.refusal[0].startswith("SESSION_")
    return errors.error(errors.AuthError.status if ended else 1, text[:found.start()],
                        refusal=failure.refusal)
