# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Makes one file of the corpus and its entry in the manifest, and proves the one by the other.

The expectation written by hand with the case, the content that the description means, what
the reader model reads and what the check model finds must all agree, or the build stops.
"""

import os

from corpus_case import uuid_of
from peer_limits import limits
from vhd_check import check
from vhd_edit import Edit
from vhd_fields import MIB
from vhd_reader import Vhd, read_content, read_raw
from vhd_writer import intended, write

PLAIN_UP_TO = 64 * MIB
TYPES = {2: "fixed", 3: "dynamic", 4: "differencing"}


class Wrong(Exception):
    """The corpus contradicts itself."""


def demand(true, name, text):
    if not true:
        raise Wrong("%s: %s" % (name, text))


def make_file(case, path):
    """Writes the file; returns (Edit, content by the description or None)."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if case.make:
        return Edit(path, None), case.make(path)
    case.disk.footer = {"uuid": uuid_of(case.name), **case.disk.footer}
    edit = Edit(path, write(case.disk, path))
    if case.edit:
        case.edit(edit)
    return edit, None


def mode_entry(path, pipe=False, chain=False, parent=None):
    found = check(path, pipe=pipe, chain=chain, parent=parent)
    refuse = any(f.severity == "error" for f in found)
    return {"verdict": "refuse" if refuse else "read", "findings": [f.as_json() for f in found]}


def ids(mode, severity):
    return {f["id"] for f in mode["findings"] if f["severity"] == severity}


def good_entry(case, root, contents):
    """`contents` keeps the content of finished files by name, for their children."""
    path = os.path.join(root, case.folder or "valid", case.name + ".vhd")
    edit, meant = make_file(case, path)
    chain = [path] + [_parent_path(path, name, contents) for name in case.parents]
    content = read_content(chain)
    contents[case.name] = (path, content)
    if case.disk and case.intended:
        below = contents[case.parents[0]][1] if case.parents else None
        meant = intended(case.disk, below)
    if meant is not None:
        demand(content == meant, case.name, "content differs from what was meant, at byte %s"
               % content.first_difference(meant))
    entry = _describe(case, path, root)
    entry.update(_content_fields(content))
    entry["parents"] = [os.path.relpath(p, root) for p in chain[1:]]
    entry["args"] = list(case.args)
    _good_modes(case, path, entry, chain)
    entry["unable"] = _peers(chain, entry)
    return entry


def _parent_path(path, name, contents):
    """A parent that no case made is a file that the child's own edit laid beside it."""
    if name not in contents:
        beside = os.path.join(os.path.dirname(path), name)
        contents[name] = (beside, read_raw(beside))
    return contents[name][0]


def _peers(chain, entry):
    found = {f["id"] for mode in ("file", "pipe") for f in entry[mode]["findings"]}
    return limits(chain, found)


def _content_fields(content):
    out = {"virtual_size": content.size, "digest": content.digest()}
    out["sha256"] = content.sha256() if content.size <= PLAIN_UP_TO else None
    return out


def _describe(case, path, root):
    disk = Vhd(path)
    f, h = disk.footer, disk.header
    out = {"name": case.name, "path": os.path.relpath(path, root), "type": TYPES[f.type],
           "file_size": os.path.getsize(path), "quick": case.quick,
           "creator": f.creator.decode("latin-1").rstrip("\0 "), "uuid": f.uuid.hex(),
           "block_size": h.block_size if h else None,
           "max_entries": h.max_entries if h else None,
           "mapped": sum(1 for _ in disk.blocks()) if h else None}
    disk.close()
    return out


def _good_modes(case, path, entry, chain):
    entry["file"] = mode_entry(path)
    demand(not ids(entry["file"], "error"), case.name, "has errors: %s" % entry["file"])
    demand(ids(entry["file"], "warning") == set(case.warns), case.name,
           "warnings %s" % ids(entry["file"], "warning"))
    entry["pipe"] = mode_entry(path, pipe=True)
    errors = ids(entry["pipe"], "error")
    demand((case.pipe == "read" and not errors) or case.pipe in errors, case.name,
           "on a pipe: %s" % errors)
    if entry["type"] == "differencing":
        given = chain[1] if "--parent" in case.args else None
        entry["chain"] = mode_entry(path, chain=True, parent=given)
        demand(not ids(entry["chain"], "error"), case.name, "chain: %s" % entry["chain"])


def bad_entry(case, root):
    path = os.path.join(root, "bad", case.name + ".vhd")
    edit, _ = make_file(case, path)
    entry = {"name": case.name, "path": os.path.relpath(path, root), "quick": case.quick,
             "file_size": os.path.getsize(path), "args": list(case.args),
             "expect": {"id": case.finds, "offset": case.at(edit) if case.at else None}}
    entry["file"] = mode_entry(path)
    entry["pipe"] = mode_entry(path, pipe=True)
    found = entry["file"]
    if case.chain_only:
        entry["chain"] = mode_entry(path, chain=True)
        found = entry["chain"]
        demand(not ids(entry["file"], "error"), case.name, "refused without --chain too")
    _bad_modes(case, entry, found, edit)
    return entry


def _bad_modes(case, entry, found, edit):
    hits = [f for f in found["findings"]
            if f["id"] == case.finds and f["severity"] == "error"
            and entry["expect"]["offset"] in (None, f["offset"])]
    demand(hits, case.name, "expected %s, found %s" % (entry["expect"], found))
    entry["expect"]["offset"] = hits[0]["offset"]
    pipe = case.pipe or case.finds
    if pipe == "read":
        demand(not ids(entry["pipe"], "error"), case.name, "on a pipe: %s" % entry["pipe"])
    else:
        demand(pipe in ids(entry["pipe"], "error"), case.name, "on a pipe: %s" % entry["pipe"])
