# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""libvhdi's verdict, as the one word that is printed: libvhdi_apart.py WHAT CHAIN...

valid: right, size, content or refuses; bad: accepts or refuses; version: libvhdi's.
"""

import ctypes
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "corpus"))

import outside_judges                   # noqa: E402
from vhd_reader import read_content     # noqa: E402

STEP = 1 << 20
ENDS = 256 * STEP


def places(size):
    """All of a disk of common size; of a giant its beginning and its end."""
    starts = range(0, size, STEP)
    if size > 8 * ENDS:
        return [p for p in starts[:ENDS // STEP]] + [p for p in starts[-ENDS // STEP:]]
    return starts


def bad(path):
    file = outside_judges.libvhdi_file(path)
    size = file.size() if file.ok else None
    if size is None:
        return "refuses"
    for pos in places(size):
        length = min(STEP, size - pos)
        got = file.read(pos, length)
        if got is None or len(got) != length:
            return "refuses"
    return "accepts"


def version():
    lib = outside_judges.libvhdi_library()
    lib.libvhdi_get_version.restype = ctypes.c_char_p
    return "libvhdi " + lib.libvhdi_get_version().decode()


def main(what, chain):
    if what == "version":
        print(version())
    elif what == "bad":
        print(bad(chain[0]))
    else:
        print(outside_judges.libvhdi(chain, read_content(chain)))
    # what a handle on a broken file does when it is freed is not asked
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
