# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""RPC calls on virtual disk images."""

from .vdi_model import TYPES
from .xapi_error import XapiError

REQUIRED = ("SR", "virtual_size", "type", "sharable", "read_only", "other_config")

FIELD_TYPES = {"SR": str, "type": str, "sharable": bool, "read_only": bool,
               "name_label": str, "name_description": str, "other_config": dict,
               "sm_config": dict, "xenstore_data": dict, "tags": list}


def _create(caller, record):
    if not isinstance(record, dict):
        raise XapiError("INTERNAL_ERROR", "VDI.create: the record is no struct")
    for field in REQUIRED:
        if field not in record:
            raise XapiError("INTERNAL_ERROR", 'FieldNotFound("%s")' % field)
    _check_types(record)
    fields = dict(record, type=str(record["type"]).lower())
    if fields["type"] not in TYPES:
        raise XapiError("INTERNAL_ERROR", "unknown VDI type %s" % record["type"])
    sr = caller.pool.get("SR", record["SR"])
    check_plugged(sr)
    return caller.pool.create_vdi(sr, as_int(record["virtual_size"]), fields)


def _check_types(record):
    for field, kind in FIELD_TYPES.items():
        if field in record and not isinstance(record[field], kind):
            raise XapiError("FIELD_TYPE_ERROR", field)
    for field in ("other_config", "sm_config", "xenstore_data"):
        if not all(isinstance(v, str) for v in record.get(field, {}).values()):
            raise XapiError("FIELD_TYPE_ERROR", field)


def as_int(value):
    """64-bit integers come as numbers or as strings."""
    try:
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            return int(value)
    except ValueError:
        pass
    raise XapiError("INTERNAL_ERROR", "not an integer: %r" % (value,))


def check_plugged(sr):
    if not sr.pbds():
        raise XapiError("SR_HAS_NO_PBDS", sr.ref)
    if not sr.plugged_hosts():
        raise XapiError("SR_NOT_ATTACHED", sr.ref)


def _destroy(caller, ref):
    vdi = caller.pool.get("VDI", ref)
    check_plugged(vdi.sr)
    caller.pool.destroy_vdi(vdi)


def _snapshot(caller, ref, _driver_params=None):
    vdi = caller.pool.get("VDI", ref)
    check_plugged(vdi.sr)
    return caller.pool.branch_vdi(vdi, snapshot=True)


def _clone(caller, ref, _driver_params=None):
    vdi = caller.pool.get("VDI", ref)
    check_plugged(vdi.sr)
    return caller.pool.branch_vdi(vdi, snapshot=False)


def _copy(caller, ref, sr_ref, _base=None, _into=None):
    return caller.pool.copy_vdi(caller.pool.get("VDI", ref), caller.pool.get("SR", sr_ref))


def _resize(caller, ref, size):
    caller.pool.resize_vdi(caller.pool.get("VDI", ref), as_int(size))


def _update(caller, ref):
    caller.pool.get("VDI", ref)


VDI_CALLS = {                       # name: (function, params with the session, and at most)
    "VDI.create": (_create, 2, 2),
    "VDI.destroy": (_destroy, 2, 2),
    "VDI.snapshot": (_snapshot, 2, 3),
    "VDI.clone": (_clone, 2, 3),
    "VDI.copy": (_copy, 3, 5),
    "VDI.resize": (_resize, 3, 3),
    "VDI.resize_online": (_resize, 3, 3),
    "VDI.update": (_update, 2, 2),
}
