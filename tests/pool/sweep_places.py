# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Where a transfer can be struck: the layout of what goes over the wire in each form.

The offsets come from the formats (the VHD specification, XAPI's order of a VHD, its chunked
framing), not from a transfer that was watched.
"""

MIB = 1 << 20
BLOCK = 2 * MIB
SPAN = 512 + BLOCK                  # a block of a VHD with its bitmap
RECORD = 12 + BLOCK                 # a block in chunked framing

SIZE = 8 * MIB
USED = (0, 2, 3)                    # the blocks of the disk that hold data
LONG_USED = tuple(range(12))        # of the disk for stalls: more than both systems buffer
ODD_SIZE = 6 * MIB + 512            # which no VHD can have, so it is exported raw

HELD = 4096
HEAD, END = "head", "end"           # before any answer; all bytes through, no verdict yet


class Way:
    """One form of a transfer in one direction: the names of its places, and its length."""

    def __init__(self, name, kind, sr, length, places):
        self.name = name
        self.kind = kind
        self.sr = sr
        self.length = length
        self.places = {"answer": HEAD, **places, "after": END}

    @property
    def in_body(self):
        return [name for name, at in self.places.items() if not isinstance(at, str)]

    def offset(self, place):
        """From the beginning of the body; all of it has moved where nothing follows."""
        at = self.places[place]
        if at == END:
            return self.length
        return at + self.length if at < 0 else at

    def blocks_out(self, place):
        """"N of M blocks" that an export cut there has handed on. The last 4 KiB received may be
        the server's own words and are kept back; None where not even the table has come."""
        total = len(USED) if self.name == "export-vhd" else -(-ODD_SIZE // BLOCK)
        first, span = (2560, SPAN) if self.name == "export-vhd" else (0, BLOCK)
        known = self.offset(place) - HELD - first
        if known < 0:
            return None
        return "%d of %d blocks" % (min(known // span, total), total)


def vhd_places(table, used):
    """A VHD whose table begins at `table`; one sector of table, blocks back to back."""
    first = table + 512
    return first + used * SPAN + 512, {
        "first byte": 0,
        "footer copy": 200,
        "header": 700,
        "table": table + 5,
        "bitmap": first + 100,
        "block": first + 512 + MIB,
        "next bitmap": first + SPAN + 17,
        "last block": first + (used - 1) * SPAN + 512 + 3000,
        "trailing footer": -300,
        "last byte": -1,
    }


def raw_places(size):
    return size, {
        "first byte": 0,
        "sector": 300,
        "block": MIB,
        "block's end": BLOCK,
        "hole": BLOCK + MIB,
        "tail": -MIB,
        "last sector": -300,
        "last byte": -1,
    }


def chunked_places():
    """All blocks are sent, holes as zeros, and last a record of nothing."""
    return SIZE // BLOCK * RECORD + 12, {
        "first byte": 0,
        "record's head": 5,
        "block": MIB,
        "next record's head": RECORD + 5,
        "hole": -12 - MIB,
        "end marker": -6,
        "last byte": -1,
    }


def ways():
    return [Way("import-vhd", "import", "nfs", *vhd_places(1536, len(USED))),
            Way("import-raw", "import", "rawlv", *raw_places(SIZE)),
            Way("import-chunked", "import", "rawlv", *chunked_places()),
            Way("export-vhd", "export", "nfs", *vhd_places(2048, len(USED))),
            Way("export-raw", "export", "luns", *raw_places(ODD_SIZE))]
