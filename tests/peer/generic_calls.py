# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Getters and setters that every class has."""

import re

from .xapi_error import XapiError

WHERE = re.compile(r'field\s+"(\w+)"\s*=\s*"([^"]*)"')


def find_generic(pool, name):
    """(function, fewest params, most params) for CLASS.verb, or None."""
    klass, _, verb = name.partition(".")
    if klass not in pool.objects:
        return None
    if verb in WHOLE_CLASS:
        function, count = WHOLE_CLASS[verb]
        return (lambda caller, *args: function(caller.pool, klass, *args)), count, count
    for prefix, maker, count in ONE_FIELD:
        if verb.startswith(prefix):
            function = maker(pool, klass, verb[len(prefix):])
            return function and (function, count, count)
    return None


# -- verbs on the class ----------------------------------------------------


def _get_all(pool, klass):
    return [e.ref for e in pool.all(klass)]


def _get_all_records(pool, klass):
    return {e.ref: e.record() for e in pool.all(klass)}


def _get_all_records_where(pool, klass, condition):
    found = WHERE.fullmatch(condition.strip())
    if not found and condition.strip() != "true":
        raise XapiError("INTERNAL_ERROR", "cannot parse the condition " + condition)
    field, wanted = found.groups() if found else (None, None)
    return {e.ref: e.record() for e in pool.all(klass)
            if field is None or _text(e.record().get(field)) == wanted}


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _get_by_uuid(pool, klass, uuid):
    return pool.by_uuid(klass, uuid).ref


def _get_by_name_label(pool, klass, label):
    return [e.ref for e in pool.all(klass) if e.record().get("name_label") == label]


def _get_record(pool, klass, ref):
    return pool.get(klass, ref).record()


WHOLE_CLASS = {                     # verb: (function, params with the session)
    "get_all": (_get_all, 1),
    "get_all_records": (_get_all_records, 1),
    "get_all_records_where": (_get_all_records_where, 2),
    "get_by_uuid": (_get_by_uuid, 2),
    "get_by_name_label": (_get_by_name_label, 2),
    "get_record": (_get_record, 2),
}


# -- verbs on one field ----------------------------------------------------


def _getter(_pool, klass, field):
    def get(caller, ref):
        record = caller.pool.get(klass, ref).record()
        if field not in record:
            raise XapiError("MESSAGE_METHOD_UNKNOWN", "%s.get_%s" % (klass, field))
        return record[field]
    return get


def _setter(_pool, klass, field):
    def put(caller, ref, value):
        entity = caller.pool.get(klass, ref)
        _check_settable(entity.settable, klass, "set_" + field, field)
        if not isinstance(value, type(getattr(entity, field))):
            raise XapiError("FIELD_TYPE_ERROR", field)
        setattr(entity, field, value)
    return put


def _adder(_pool, klass, field):
    def add(caller, ref, key, value):
        entity = caller.pool.get(klass, ref)
        _check_settable(entity.maps, klass, "add_to_" + field, field)
        with caller.pool.lock:
            known = getattr(entity, field)
            if key in known:
                raise XapiError("MAP_DUPLICATE_KEY", klass, field, ref, key)
            setattr(entity, field, {**known, key: value})
    return add


def _remover(_pool, klass, field):
    def remove(caller, ref, key):
        entity = caller.pool.get(klass, ref)
        _check_settable(entity.maps, klass, "remove_from_" + field, field)
        with caller.pool.lock:
            known = getattr(entity, field)
            setattr(entity, field, {k: v for k, v in known.items() if k != key})
    return remove


def _check_settable(allowed, klass, verb, field):
    if field not in allowed:
        raise XapiError("MESSAGE_METHOD_UNKNOWN", "%s.%s" % (klass, verb))


ONE_FIELD = (                       # prefix, maker, params with the session
    ("get_", _getter, 2),
    ("set_", _setter, 3),
    ("add_to_", _adder, 4),
    ("remove_from_", _remover, 3),
)
