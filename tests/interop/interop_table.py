# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What ./dev interop found, as a table and as a page."""

HEAD = """<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Copyright the vhdstream authors -->
# Who reads which VHD

Written by `./dev interop`, which also prints the table: %(versions)s.
%(valid)d valid files (%(types)s) and %(bad)d broken ones, made byte by byte from the format's
description and by its producers; what is in each valid file, and what is wrong with each broken one,
is known from a model that shares no code with the program ([tests/corpus](../tests/corpus/README.md)).

"""

NOTES = """
*Wrong size*: the disk is opened with another size than its footer's current size. *Wrong content*: it is
read to its end without an error, and what comes is not what the format says; that includes a
differencing disk read as if it were a whole one. *Accepts broken*: the whole disk is read with
status 0, or for vhdiinfo, which reads no content, the file is described. *Dies*: a signal, or no end within five minutes.

qemu-img reads through `convert` and `compare`; it takes no parents. By default it computes the size of many
creators' disks from their geometry; `force_size_calc=current_size` takes the footer's. libvhdi is called as a library and is given
the right parents. %(unasked)sA file that a peer refuses for good reason of its own, such as a feature
that it does not claim to have, is counted all the same: the table tells what happens, not whose fault it is.
"""

CLASSES = (("refuses", "refuses valid"), ("size", "wrong size"), ("content", "wrong content"),
           ("accepts", "accepts broken"), ("dies", "dies"))


class Row:
    """One peer: the names of the files by what it made of them."""

    def __init__(self, title):
        self.title = title
        self.names = {key: [] for key, _ in CLASSES}
        self.unasked = []

    def count(self, kind, entry, verdict):
        if verdict is None:
            self.unasked.append(entry["name"])
        elif verdict != ("right" if kind == "valid" else "refuses"):
            self.names[verdict].append(entry["name"])

    def faults(self):
        return sorted(name for names in self.names.values() for name in names)


def rows(titles, verdicts):
    """verdicts: [(kind, entry, {title: verdict})]"""
    out = [Row(title) for title in titles]
    for row in out:
        for kind, entry, by_title in verdicts:
            row.count(kind, entry, by_title[row.title])
    return out


def table(rows_):
    lines = ["| | %s |" % " | ".join(text for _, text in CLASSES), "|---" * 6 + "|"]
    for row in rows_:
        lines.append("| %s | %s |" % (row.title, " | ".join(
            str(len(row.names[key])) for key, _ in CLASSES)))
    return "\n".join(lines)


def page(rows_, manifest, versions):
    types = [entry["type"] for entry in manifest["valid"]]
    told = ", ".join("%d %s" % (types.count(t), t) for t in ("fixed", "dynamic", "differencing"))
    text = HEAD % {"versions": "; ".join(dict.fromkeys(versions)), "types": told,
                   "valid": len(types), "bad": len(manifest["bad"])}
    return text + table(rows_) + "\n" + NOTES % {"unasked": unasked(rows_)} + files(rows_)


def unasked(rows_):
    names = max((row.unasked for row in rows_), key=len)
    if not names:
        return ""
    return ("It and vhdiinfo look for no parents, and are not asked about the %d files that are broken "
            "by their parents alone. " % len(names))


def files(rows_):
    """The names, by peer and class."""
    out = []
    for row in rows_:
        if row.faults():
            out.append("\n## %s\n" % row.title)
        for key, text in CLASSES:
            if row.names[key]:
                out.append("**%s** (%d): %s\n" % (text.capitalize(), len(row.names[key]),
                                                  ", ".join(sorted(row.names[key]))))
    return "\n".join(out)
