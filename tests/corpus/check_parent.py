# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Findings about parent locators, and the search for the parent that they lead to.

Only what lies in the child's own folder, or below it, is opened without being asked for.
"""

import os
import stat
from urllib.parse import unquote_to_bytes

from sparse_content import is_zero
from vhd_fields import (FOOTER_COOKIE, LOCATOR_CODES, LOCATOR_LEN, LOCATORS_AT, POISON_COOKIE,
                        SECTOR)
from vhd_reader import Refused, Vhd

MAX_LOCATOR = 64 * 1024
MAX_OFFSET = 1 << 48        # no file is that long
MAX_DEPTH = 1024
RAW_SUFFIXES = (".raw", ".img", ".iso", ".bin")
# relative paths first, then what is absolute by its code and often relative in practice
ORDER = (b"W2ru", b"Wi2r", b"MacX", b"W2ku", b"Wi2k")


def check_locators(c):
    """Also adds the room of sound ones to the parts that no block may touch."""
    base = c.footer.data_offset + LOCATORS_AT
    for number, entry in enumerate(c.header.locators):
        if entry.code != bytes(4):
            _check_locator(c, base + number * LOCATOR_LEN, entry)
    _check_name(c)


def _check_locator(c, at, entry):
    if entry.code not in LOCATOR_CODES:
        c.add("locator-code", at)
    if entry.length == 0:
        c.add("locator-blank", at + 16)
        return
    room = entry.space_bytes
    if room is None:
        c.add("locator-space", at + 4)
        room = entry.length
    elif entry.length > room or entry.length > MAX_LOCATOR:
        c.add("locator-length", at + 8)
        room = min(entry.length, room)
    end = entry.offset + room
    past = end > c.limit
    if past:
        c.add("locator-past-end", at + 16)
    if past and (not c.pipe or entry.offset > MAX_OFFSET):
        return
    if any(entry.offset < high and end > low and name != "locator"
             for name, low, high in c.parts):
        c.add("locator-overlap", at + 16)
    else:
        c.parts.append(("locator", entry.offset, end))
        if not past:
            _check_text(c, at, entry)


def _usable(c, entry):
    room = entry.space_bytes
    return (entry.code in LOCATOR_CODES and entry.code != b"Mac " and room is not None
            and 0 < entry.length <= min(room, MAX_LOCATOR)
            and entry.offset + entry.length <= c.limit)


def _check_text(c, at, entry):
    if not _usable(c, entry):
        return
    raw = c.data.at(entry.offset, entry.length)
    if is_zero(raw):
        c.add("locator-blank", at + 16)
        return
    text = locator_path(entry.code, raw)
    if text is None:
        c.add("locator-text", entry.offset)
    elif not stays_inside(text):
        c.add("locator-outside", entry.offset)


def locator_path(code, raw):
    """The path as text with slashes, or None when it is no path."""
    try:
        if code in (b"W2ru", b"W2ku"):
            text = raw.decode("utf-16-le").rstrip("\0")
        elif code == b"MacX":
            text = _from_url(raw.rstrip(b"\0"))
        else:
            text = raw.rstrip(b"\0").decode("latin-1")
    except UnicodeError:
        return None
    return clean_path(text.replace("\\", "/") if code != b"MacX" else text)


def _from_url(raw):
    if not raw.startswith(b"file://"):
        raise UnicodeError("no file URL")
    rest = raw[len(b"file://"):]
    if rest.startswith(b"localhost/"):
        rest = rest[len(b"localhost"):]
    return unquote_to_bytes(rest).decode("utf-8")


def clean_path(text):
    """None for text that cannot be a path or could play tricks on a terminal."""
    if not text or any(ord(ch) < 32 or 127 <= ord(ch) < 160 for ch in text):
        return None
    return text


def stays_inside(path):
    drive = len(path) > 1 and path[1] == ":"
    return not (path.startswith("/") or drive or ".." in path.split("/"))


def parent_name(c):
    """The name in the header, up to its NUL, or None when it is no text."""
    raw = c.header.parent_name
    text = raw.decode("utf-16-be", "surrogatepass").split("\0")[0]
    if not text:
        return ""
    if any(0xD800 <= ord(ch) < 0xE000 for ch in text):
        return None
    return clean_path(text)


def _check_name(c):
    at = c.footer.data_offset + 64
    name = parent_name(c)
    if name is None:
        c.add("parent-name-text", at)
    elif not name:
        c.add("parent-name-missing", at)


def candidates(c):
    """Paths to try, in order, without doubles: locators, the name, then bare file names."""
    if c.parent:
        return [c.parent]
    texts = []
    for code in ORDER:
        for entry in c.header.locators:
            if entry.code == code and _usable(c, entry):
                texts.append(locator_path(code, c.data.at(entry.offset, entry.length)))
    name = parent_name(c)
    texts.append(name.replace("\\", "/") if name else None)
    texts = [text for text in texts if text]
    inside = [text for text in texts if stays_inside(text)]
    bare = [text.rsplit("/", 1)[-1] for text in texts if not stays_inside(text)]
    if c.header.parent_uuid == bytes(16):
        bare = []       # nothing proves that a raw file of the same name is the one
    folder = os.path.dirname(os.path.abspath(c.path))
    paths = [os.path.normpath(os.path.join(folder, text)) for text in inside + bare
             if text not in ("", ".", "..") and len(text.encode("utf-8", "replace")) < 4096]
    return list(dict.fromkeys(paths))


def find_parent(c):
    """(path, None), (None, finding) where something is wrong, (None, None) for nothing there."""
    seen = None
    for path in candidates(c):
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            if error.errno == 40:      # ELOOP: symbolic links in a circle
                seen = seen or "parent-not-a-disk"
            continue
        verdict = _judge(c, path, mode)
        if verdict is None:
            return path, None
        seen = seen or verdict
    return None, seen


def _judge(c, path, mode):
    """None when this is the parent, else the finding that it deserves."""
    if not stat.S_ISREG(mode):
        return "parent-not-a-disk"
    raw = c.header.parent_uuid == bytes(16)
    with open(path, "rb") as file:
        has_head = file.read(8) in (FOOTER_COOKIE, POISON_COOKIE)
    if raw:
        named_raw = path.lower().endswith(RAW_SUFFIXES)
        return "parent-ambiguous" if has_head and not named_raw else None
    try:
        disk = Vhd(path)
    except Refused:
        return "parent-broken" if has_head else "parent-not-a-disk"
    uuid = disk.footer.uuid
    disk.close()
    return None if uuid == c.header.parent_uuid else "parent-foreign"


def check_parent(c):
    """Walks to the base; what is wrong further down is told of this disk's parent."""
    import vhd_check
    at = c.footer.data_offset + 40
    if c.header.parent_uuid == bytes(16):
        c.add("raw-parent", at)
    walk, passed, first = c, {os.path.realpath(c.path)}, True
    for _ in range(MAX_DEPTH - 1):
        path, wrong = find_parent(walk)
        if path is None:
            c.add(wrong or "parent-not-at-hand", at)
            return
        if os.path.realpath(path) in passed:
            c.add("parent-loop", at)
            return
        passed.add(os.path.realpath(path))
        if walk.header.parent_uuid == bytes(16):
            _compare_size(c, os.path.getsize(path), first, at)
            return
        walk = _open_parent(c, vhd_check, path, first, at)
        if walk is None:
            return
        first = False
    c.add("chain-too-deep", at)


def _compare_size(c, size, first, at):
    if first and size // SECTOR * SECTOR != c.footer.current_size:
        c.add("parent-size", at)


def _open_parent(c, vhd_check, path, first, at):
    """The parent's own check when it is differencing, so that the walk goes on; else None."""
    parent = vhd_check.check_alone(path)
    if parent.failed:
        c.add("parent-broken", at)
        return None
    _compare_size(c, parent.footer.current_size, first, at)
    return parent if parent.footer.type == 4 else None
