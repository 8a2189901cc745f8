# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""XML-RPC as XAPI speaks it: bare values for strings and integers."""

from xml.etree import ElementTree
from xml.sax.saxutils import escape

from .entity import Stamp


class BadCall(Exception):
    """Not an RPC call; the answer is HTTP 500, not a fault."""


def parse_call(body):
    """(method, params)"""
    try:
        root = ElementTree.fromstring(body)
        method = root.findtext("methodName").strip()
        params = [_value(v) for v in root.findall("params/param/value")]
    except (ElementTree.ParseError, AttributeError, ValueError, IndexError) as e:
        raise BadCall(str(e)) from e
    return method, params


def _value(node):
    if len(node) == 0:
        return node.text or ""
    kind = node[0]
    text = kind.text or ""
    if kind.tag in ("string", "dateTime.iso8601", "base64"):
        return text
    if kind.tag in ("int", "i4", "i8"):
        return int(text)
    if kind.tag == "boolean":
        return text == "1"          # anything else is false, "true" included
    if kind.tag == "double":
        return float(text)
    if kind.tag == "nil":
        return None
    if kind.tag == "array":
        return [_value(v) for v in kind.findall("data/value")]
    if kind.tag == "struct":
        return {m.findtext("name"): _value(m.find("value"))
                for m in kind.findall("member")}
    raise ValueError("unknown type %s" % kind.tag)


def _to_xml(value):
    if value is None:
        return "<value><nil/></value>"
    if isinstance(value, bool):
        return "<value><boolean>%d</boolean></value>" % value
    if isinstance(value, Stamp):
        return "<value><dateTime.iso8601>%s</dateTime.iso8601></value>" % value.iso()
    if isinstance(value, float):
        return "<value><double>%r</double></value>" % value
    if isinstance(value, (list, tuple)):
        return "<value><array><data>%s</data></array></value>" % \
            "".join(map(_to_xml, value))
    if isinstance(value, dict):
        members = ("<member><name>%s</name>%s</member>" % (escape(str(k)), _to_xml(v))
                   for k, v in value.items())
        return "<value><struct>%s</struct></value>" % "".join(members)
    return "<value>%s</value>" % escape(str(value))


def _answer(members):
    return ('<?xml version="1.0"?><methodResponse><params><param>%s</param></params>'
            '</methodResponse>' % _to_xml(members)).encode()


def success(value):
    return _answer({"Status": "Success", "Value": value})


def failure(error):
    return _answer({"Status": "Failure", "ErrorDescription": error.as_list()})
