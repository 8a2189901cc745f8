# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Damages a finished file in one exact place; sums are made right again unless told not to."""

import os
import struct
from dataclasses import replace

from vhd_fields import FOOTER_LEN, HEADER_LEN, LOCATOR_LEN, LOCATORS_AT, Footer, Header


class Edit:
    """One file being damaged; `placed` tells where the writer put its parts."""

    def __init__(self, path, placed):
        self.path, self.placed = path, placed
        self.folder = os.path.dirname(path)

    def read(self, pos, length):
        with open(self.path, "rb") as file:
            file.seek(pos)
            return file.read(length)

    def put(self, pos, data):
        with open(self.path, "r+b") as file:
            file.seek(pos)
            file.write(data)

    def flip(self, pos):
        """One bit of one byte, no sum mended."""
        self.put(pos, bytes([self.read(pos, 1)[0] ^ 0x40]))

    @property
    def size(self):
        return os.path.getsize(self.path)

    def cut(self, size):
        os.truncate(self.path, size)

    def footer(self, **fields):
        self.copy(**fields)
        self.tail(**fields)

    def copy(self, **fields):
        self._refoot(0, fields)

    def tail(self, **fields):
        self._refoot(self.placed.footer, fields)

    def _refoot(self, pos, fields):
        old = Footer.unpack(self.read(pos, FOOTER_LEN))
        self.put(pos, replace(old, **{"checksum": None, **fields}).pack())

    def header(self, **fields):
        old = Header.unpack(self.read(self.placed.header, HEADER_LEN))
        self.put(self.placed.header, replace(old, **{"checksum": None, **fields}).pack())

    def locator(self, number, **fields):
        old = Header.unpack(self.read(self.placed.header, HEADER_LEN))
        entries = list(old.locators)
        entries[number] = replace(entries[number], **fields)
        self.header(locators=entries)

    def locator_at(self, number):
        return self.placed.header + LOCATORS_AT + number * LOCATOR_LEN

    def bat(self, index, sector):
        self.put(self.bat_at(index), struct.pack(">I", sector))

    def bat_at(self, index):
        return self.placed.bat + 4 * index
