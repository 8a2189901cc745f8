#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""First inputs for the fuzz targets: make_seeds.py FOLDER makes FOLDER/NAME/... for fuzz_NAME."""

import gzip
import io
import os
import struct
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "corpus"))

from vhd_model import Batmap, Block, Disk, Locator, write       # noqa: E402

BLOCK = 4096
SECTOR = b"sector" + bytes(506)
DISKS = {
    "plain": Disk(64 << 10, block_size=BLOCK,
                  blocks=[Block(0, [(0, SECTOR)]), Block(3, [(2, SECTOR)])]),
    "backwards": Disk(64 << 10, block_size=BLOCK,
                      blocks=[Block(9, [(0, SECTOR)]), Block(3, [(2, SECTOR)], gap=3)]),
    "batmap": Disk(20 << 10, block_size=BLOCK, blocks=[Block(1, [(0, SECTOR)])], batmap=Batmap()),
    "table-late": Disk(20 << 10, block_size=BLOCK, blocks=[Block(1, [(0, SECTOR)], bits="all")],
                       layout=("header", "locators", "batmap", "blocks", "bat")),
    "child": Disk(20 << 10, type=4, block_size=BLOCK, blocks=[Block(1, [(0, SECTOR)])],
                  locators=[Locator(b"W2ru", "p.vhd".encode("utf-16-le"))]),
    "fixed": Disk(8 << 10, type=2, runs=[(3, SECTOR)]),
}
ANSWERS = [
    '{"jsonrpc": "2.0", "id": 1, "result": "OpaqueRef:1"}',
    '{"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "SR_FULL", "data": ["1", "2"]}}',
    '{"result": {"a": [1, 2.5, true, null, {"b": "\\u20ac"}]}, "id": "x"}',
]


def put(folder, name, data):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def disks(folder, all_flags):
    """Each as the target's first byte has it: seekable, a stream ..."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "disk.tmp")
    for name, disk in DISKS.items():
        write(disk, path)
        with open(path, "rb") as file:
            data = file.read()
        for flags in all_flags:
            put(folder, "%s-%d" % (name, flags), bytes([flags]) + data)
    os.remove(path)


def parents(folder):
    """A header and its texts; places are from the header's first byte on."""
    texts = [(b"W2ru", ".\\p\\q.vhd".encode("utf-16-le")), (b"MacX", b"file://./a%20b.vhd"),
             (b"W2ku", "C:\\x\\y.vhd".encode("utf-16-le")), (b"Wi2r", b".\\caf\xe9.vhd")]
    header = bytearray(1024)
    header[40:56] = b"u" * 16
    header[64:84] = "../up.vhd".encode("utf-16-be") + bytes(2)
    for number, (code, text) in enumerate(texts):
        struct.pack_into(">4sIIIQ", header, 576 + 24 * number, code, 512, len(text), 0,
                         1024 + 512 * number)
    body = b"".join(text.ljust(512, b"\0") for _, text in texts)
    put(folder, "four", bytes(header) + body)
    put(folder, "raw", bytes(header[:40]) + bytes(16) + bytes(header[56:]) + body)


def archive(data, form=tarfile.GNU_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        member = tarfile.TarInfo("0.vhd")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def main(folder):
    disks(os.path.join(folder, "vhd"), (4, 5, 7, 13))
    disks(os.path.join(folder, "check"), (14, 15, 30, 16))
    parents(os.path.join(folder, "parent"))
    text = b"conectix" * 500
    for name, data in (("one", gzip.compress(text)), ("two", gzip.compress(text, 1) * 2),
                       ("stored", gzip.compress(os.urandom(300), 0)),
                       ("padded", gzip.compress(text) + bytes(99))):
        put(os.path.join(folder, "gunzip"), name, b"\x40" + data)
    for name, form in (("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
        put(os.path.join(folder, "untar"), name, b"\x40" + archive(text, form))
    for number, answer in enumerate(ANSWERS):
        put(os.path.join(folder, "rpc"), str(number), answer.encode())


if __name__ == "__main__":
    main(sys.argv[1])
