# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Base of everything that has an OpaqueRef and a record."""

import time
import uuid

NULL_REF = "OpaqueRef:NULL"


class Stamp(float):
    """Seconds since the epoch that go out as dateTime.iso8601."""

    def iso(self):
        return time.strftime("%Y%m%dT%H:%M:%SZ", time.gmtime(self))


def new_uuid():
    return str(uuid.uuid4())


class Entity:
    """An object of the pool database. `klass` is its name in RPC method names."""

    klass = ""
    settable = ()           # fields with plain setters
    maps = ()               # settable fields that are maps: add_to_X, remove_from_X

    def __init__(self, uuid_text=None):
        self.uuid = uuid_text or new_uuid()
        self.ref = "OpaqueRef:" + new_uuid()

    def record(self):
        """All fields as Python values: str, int, bool, float, Stamp, list, dict."""
        raise NotImplementedError

    def base_record(self):
        return {"uuid": self.uuid}
