# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The model's front: what tests outside this folder use.

    from vhd_model import Disk, Block, write, read_content, check
    write(Disk(size=10 << 20, blocks=[Block(0, [(0, b"x" * 512)])]), "a.vhd")
    read_content(["a.vhd"]).digest()
    check("a.vhd")
"""

from sparse_content import Content, noise
from vhd_check import check
from vhd_edit import Edit
from vhd_fields import Footer, Header, bitmap_len, chs
from vhd_findings import TABLE, Finding
from vhd_reader import Refused, Vhd, read_content
from vhd_writer import Batmap, Block, Disk, Locator, Placed, intended, write

__all__ = ["Batmap", "Block", "Content", "Disk", "Edit", "Finding", "Footer", "Header",
           "Locator", "Placed", "Refused", "TABLE", "Vhd", "bitmap_len", "check", "chs",
           "intended", "noise", "read_content", "write"]
