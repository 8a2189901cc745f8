# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The VHD that XAPI sends: footer, header, BAT at 2048, ascending blocks, footer."""

import struct
import uuid
from array import array

from .storage_rules import BLOCK, round_up
from .vhd_forward import UNUSED, checksum

SECTOR = 512
TABLE_AT = 2048
BITMAP = b"\xff" * SECTOR


def geometry(size):
    """Cylinders, heads, sectors per track by the specification's formula."""
    n = min(size // SECTOR, 65535 * 16 * 255)
    if n > 65535 * 16 * 63:
        spt, heads, cth = 255, 16, n // 255
    else:
        spt, cth = 17, n // 17
        heads = max(4, (cth + 1023) // 1024)
        if cth >= heads * 1024 or heads > 16:
            spt, heads, cth = 31, 16, n // 31
        if cth >= heads * 1024:
            spt, heads, cth = 63, 16, n // 63
    return cth // heads, heads, spt


def footer(size, disk_type, unique_id):
    out = bytearray(SECTOR)
    struct.pack_into(">8sIIQI4sIIQQHBBI", out, 0, b"conectix", 2, 0x00010000, SECTOR, 0,
                     b"caml", 1, 0, size, size, *geometry(size), disk_type)
    out[68:84] = unique_id
    struct.pack_into(">I", out, 64, checksum(out, 64))
    return bytes(out)


def header(entries, parent=None):
    """parent: (unique id, timestamp, path on the host) or None."""
    out = bytearray(1024)
    struct.pack_into(">8sQQIII", out, 0, b"cxsparse", 0xFFFFFFFFFFFFFFFF, TABLE_AT,
                     0x00010000, entries, BLOCK)
    if parent:
        unique_id, stamp, path = parent
        out[40:56] = unique_id
        struct.pack_into(">I", out, 56, stamp)
        name = path.encode("utf-16-be")[:512]
        out[64:64 + len(name)] = name
        struct.pack_into(">4sIIIQ", out, 576, b"MacX", 1, len("file://" + path), 0, 1536)
    struct.pack_into(">I", out, 36, checksum(out, 36))
    return bytes(out)


def table(entries, blocks):
    """The BAT for ascending blocks laid back to back."""
    padded = round_up(entries * 4, SECTOR)
    bat = array("I", [UNUSED]) * (padded // 4)
    sector = (TABLE_AT + padded) // SECTOR
    for index in blocks:
        bat[index] = sector
        sector += (SECTOR + BLOCK) // SECTOR
    bat.byteswap()
    return bat.tobytes()


class VhdLayout:
    """Everything before the first block, and the footer behind the last."""

    def __init__(self, size, blocks, parent=None):
        self.size = size
        self.blocks = sorted(blocks)
        entries = round_up(size, BLOCK) // BLOCK
        self.trailer = footer(size, 4 if parent else 3, uuid.uuid4().bytes)
        self.prelude = b"".join((self.trailer, header(entries, parent), bytes(SECTOR),
                                 table(entries, self.blocks)))
        self.length = len(self.prelude) + len(self.blocks) * (SECTOR + BLOCK) + SECTOR
