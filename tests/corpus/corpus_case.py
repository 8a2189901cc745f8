# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""One file of the corpus: how it is made and what is expected of whoever reads it."""

from dataclasses import dataclass

from sparse_content import noise
from vhd_fields import SECTOR
from vhd_writer import Block, Disk


@dataclass
class Good:
    """A file that must be read right.

    warns:   ids of the warnings on a seekable file, all of them
    pipe:    'read', or the id of the error that a stream of it ends in
    parents: names of the files it stands on, nearest first
    args:    what the user has to say to have it read right (never needed for most)
    edit:    called with an Edit after writing
    make:    makes the file instead of `disk`; called with its path, may return the content
    """
    name: str
    disk: Disk = None
    warns: tuple = ()
    pipe: str = "read"
    parents: tuple = ()
    args: tuple = ()
    edit: object = None
    make: object = None
    quick: bool = False
    intended: bool = True
    folder: str = ""


@dataclass
class Bad:
    """A file that must be refused: `finds` at byte `at` (a function of Edit) on a seekable file.

    pipe: the id that a stream of it ends in; None = the same.
    chain_only: sound alone, refused when it is to be read with its parents
    """
    name: str
    finds: str
    at: object = None
    disk: Disk = None
    edit: object = None
    pipe: str = None
    make: object = None
    args: tuple = ()
    chain_only: bool = False
    quick: bool = False


def sectors(key, count):
    return noise(key, count * SECTOR)


def block(index, first=0, count=8, **more):
    """A block with noise in `count` sectors from `first` on, and their bits alone set."""
    return Block(index, [(first, sectors((index, first), count))], **more)


def whole(index, block_size=2 << 20, key=0, **more):
    """A block full of noise."""
    return Block(index, [(0, noise((key, index), block_size))], bits="all", **more)


def uuid_of(name):
    """Every file's uuid follows from its name, so that children can be described by theirs."""
    return noise(("uuid", name), 16)
