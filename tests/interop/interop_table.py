# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What ./dev interop found, as a table and as a page."""

import textwrap

HEAD = """<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Copyright the vhdstream authors -->
# Who reads which VHD

Written by `./dev interop`, which also prints the table. Measured with:

%(versions)s

%(valid)d valid files (%(types)s) and %(bad)d broken ones, made byte by byte from the
format's description and by qemu-img; what is in each valid file, and what is wrong with each
broken one, is known from a model that shares no code with the program
([tests/corpus](../tests/corpus/README.md)). Valid is what can be read without a guess: also a
disk whose one footer is lost or hurt while the other is sound, or an old one of 511 bytes.

"""

NOTES = """
*Refuses valid*: ends with an error. *Wrong size*: opens the disk with another size than its
footer's current size. *Wrong content*: reads it to the end without an error, and what comes
is not what the format says; a differencing disk read as if it were a dynamic one counts here.
*Accepts broken*: reads the whole disk with status 0 (libvhdi: of a disk above 2 GiB its first
and last 256 MiB; qemu-img: or has opened it and still reads after 20 seconds); or, for
vhdiinfo, describes it. *Dies*: a signal, or no end in five minutes.

qemu-img reads with `compare` and `convert`, and takes no parents. By default it computes the
size of many creators' disks from their geometry; with `force_size_calc=current_size` it
takes the footer's: %(by_size)s
vhdiinfo reads no content. libvhdi is called as a library
and is given the right parents.%(unasked)s The table tells what happens, not whose fault it is:
a feature that a peer does not claim to have counts, too.
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
    text = HEAD % {"versions": "\n".join("* " + v for v in dict.fromkeys(versions)),
                   "types": told,
                   "valid": len(types), "bad": len(manifest["bad"])}
    notes = NOTES % {"unasked": unasked(rows_), "by_size": by_size(rows_[1], rows_[2])}
    return text + table(rows_) + "\n" + notes + files(rows_)


def by_size(default, current):
    """What the option changes: both are rows of qemu-img."""
    size, refused = set(default.names["size"]), set(default.names["refuses"])
    then = set(current.names["content"])
    right = (size | refused) - set(current.faults())
    return ("%d files with another size and %d refused become\n%d right ones and %d children of "
            "wrong content." % (len(size - set(current.names["size"])),
                                len(refused - set(current.names["refuses"])),
                                len(right), len((size | refused) & then)))


def unasked(rows_):
    names = max((row.unasked for row in rows_), key=len)
    if not names:
        return ""
    return (" These two look for no parents, and are not asked about the\n%d files that "
            "are broken by their parents alone." % len(names))


def files(rows_):
    """The names, by peer and class."""
    out = []
    for row in rows_:
        if row.faults():
            out.append("\n## %s\n" % row.title)
        for key, text in CLASSES:
            if row.names[key]:
                told = "**%s** (%d): %s" % (text.capitalize(), len(row.names[key]),
                                            ", ".join(sorted(row.names[key])))
                out.append(textwrap.fill(told, 100, break_on_hyphens=False) + "\n")
    return "\n".join(out)
