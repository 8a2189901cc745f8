# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""One VHD file on a storage repository: which blocks its BAT has, and its parent."""

import uuid

from .storage_rules import BLOCK


class VhdNode:
    """A link of a chain. Counts its users, gives its space back with the last one."""

    def __init__(self, sr, parent=None, charge_blocks=True):
        self.unique_id = uuid.uuid4().bytes     # the one in the VHD's footer
        self.name = str(uuid.uuid4())           # its file on the SR
        self.sr = sr
        self.parent = parent
        self.blocks = set()
        self._charge_blocks = charge_blocks
        self._users = 1
        if parent:
            parent.hold()

    def hold(self):
        self._users += 1

    def release(self):
        self._users -= 1
        if self._users:
            return
        if self._charge_blocks:
            self.sr.give_back(len(self.blocks) * BLOCK)
        if self.parent:
            self.parent.release()

    def allocate(self, first, last):
        """Blocks first..last get written: make sure the BAT has them."""
        for index in range(first, last + 1):
            if index not in self.blocks:
                if self._charge_blocks:
                    self.sr.take(BLOCK)
                self.blocks.add(index)

    def chain(self):
        """This node and all its ancestors, leaf first."""
        node = self
        while node:
            yield node
            node = node.parent

    def chain_blocks(self):
        return set().union(*(node.blocks for node in self.chain()))

    def blocks_since(self, base):
        """Blocks in the BATs of the files that only one of the two chains has."""
        mine, theirs = set(self.chain()), set(base.chain())
        return set().union(*(node.blocks for node in mine ^ theirs))
