#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""First inputs for the fuzz targets: make_seeds.py FOLDER makes FOLDER/NAME/... for fuzz_NAME."""

import gzip
import io
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "corpus"))

from corpus_seeds import small_files                            # noqa: E402
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

RECORDS = [
    '{"id": "01234567-89ab-cdef-0123-456789abcdef", "name": "a", "status": "active", "size": 5, '
    '"disk_format": "vhd", "container_format": "ovf", "checksum": null, "os_hash_algo": "sha512", '
    '"os_hash_value": "00", "vhdstream_digest": "x"}',
    '{"token": {"catalog": [{"type": "image", "endpoints": [{"interface": "public", '
    '"region": "a", "region_id": "a", "url": "https://h/v2"}]}]}}',
    "glance+http://[::1]:9292/a%20b", "glance:///01234567-89ab-cdef-0123-456789abcdef",
]

PAGES = [
    b"bytes of a disk" + b"HTTP/1.1 500 Internal Error\r\nconnection: close\r\n\r\n<html><body>"
    b"<h1>HTTP 500</h1>Your &quot;VDI&quot; OpaqueRef:4f-1 &amp; more</body></html>",
    b"HTTP/1.0 403 Forbidden\r\n\r\n", b"a%20name%c3%a9 hunter2hunter2",
    b"<!DOCTYPE html><p>two  words\n&nbsp;&lt;b&gt;",
]
PLACES = [
    b"xapi://root@xs1.example:443/vdi/4c2b3f0e-0a4e-4b25-9d5f-0f4b3e3b0c11",
    b"xapi+http://[fe80::1]:80/sr/Local%20storage", b"@xs1/sr/default", b"xs1:443", b"::1",
    b"https://u:p@h.example:8443/a/../b.vhd?sig=x#y", b"../c?d", b"//other.example/e",
]


def put(folder, name, data):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def make_disks():
    """The few above, and all of the corpus that can be had in small."""
    few, path = {}, tempfile.mkstemp()[1]
    for name, disk in DISKS.items():
        write(disk, path)
        with open(path, "rb") as file:
            few[name] = file.read()
    corpus = dict(small_files(path))
    os.remove(path)
    return few, corpus


def disks(folder, all_flags, few, corpus):
    """As the target's first byte has it (seekable, a stream ...): each of the few in every
    way, each of the corpus in one."""
    for flags in all_flags:
        for name, data in few.items():
            put(folder, "%s-%d" % (name, flags), bytes([flags]) + data)
    for number, (name, data) in enumerate(corpus.items()):
        put(folder, name, bytes([all_flags[number % len(all_flags)]]) + data)


def layer(data, flags=14):
    units = (len(data) + 15) // 16
    return struct.pack(">BH", flags, units) + data.ljust(16 * units, b"\0")


def chains(folder, few):
    """A child must end with its footer, so it is filled up in front of that."""
    def whole(name):
        data = few[name]
        return data[:-512] + bytes(-len(data) % 16) + data[-512:]
    child = whole("child")
    for name in few:
        put(folder, name, layer(child) + layer(whole(name)))
        put(folder, name + "-stream", layer(child, 15) + layer(whole(name)))
    put(folder, "three", layer(child) * 3 + layer(whole("plain")))


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


def archive(data, form=tarfile.GNU_FORMAT, name="0.vhd"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def packed(folder, few):
    """Archives and others for fuzz_open: flags, then what they are about."""
    for name, data in few.items():
        for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT):
            put(folder, "tar-%s-%d" % (name, form), b"\3" + archive(data, form))
            put(folder, "tgz-%s-%d" % (name, form), b"\7" + archive(data, form))
        put(folder, "raw-" + name, bytes([2 << 5 | 8]) + data)
        put(folder, "sized-" + name, b"\x0a" + data)
    put(folder, "gzip", b"\0" + gzip.compress(archive(few["plain"])))
    for name in ("", "x.raw", "swap.vhd"):
        put(folder, "two-" + name, b"\1" + archive(b"x" * 700, name=name or "a") [:1536] +
            archive(few["plain"]))


def backups(folder):
    """A backup of 8 KiB of zeros whose first sector was mended, and one appended."""
    line, zeros = b"ab" * 32 + b"\n", b"00" * 32 + b"\n"
    text = (b"vhdstream backup 1\nsize 8192 8704\nrange 0 512 512\nold\n" + zeros * 16 + b"new\n" +
            zeros * 16 + b"range 8192 512 0\nold\nnew\n" + line * 16 + b"sum " + b"0" * 16 + b"\n")
    put(folder, "two", b"\1" + text)
    put(folder, "none", b"\1vhdstream backup 1\nsize 8192 8192\nsum " + b"0" * 16 + b"\n")


def hash_lists(folder):
    head = b"vhdstream block digests 1\nsize 393728\nblock 65536\nhash sha256\n"
    end = b"digest " + b"0" * 64 + b"\n"
    put(folder, "mixed", b"\1" + head + b"zero 1\n" + b"a1" * 32 + b"\nzero 4\n" + b"0f" * 32 +
        b"\n" + end)
    put(folder, "zeros", b"\1" + head.replace(b"393728", b"9000000000000") + b"zero 137329101\n" +
        b"0f" * 32 + b"\n" + end)


def chunked(parts, wrong=0, tail=b"\3\0"):
    """A gzip member with a marker before each part (src/io/gzip_marker.h)."""
    out = gzip.compress(b"")[:10]
    for part in parts:
        packer = zlib.compressobj(1, zlib.DEFLATED, -15)
        chunk = packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH)
        number = (len(chunk) + wrong) << 13 | 0x1b5a
        out += b"".join(bytes([(number >> 5 * i & 31) << 3, 0, 0, 255, 255]) for i in range(9))
        out += chunk
    content = b"".join(parts)
    return out + tail + struct.pack("<II", zlib.crc32(content), len(content))


def gzips(folder):
    text, parts = b"conectix" * 500, [b"block " * 12000, bytes(70000), b"end"]
    for name, data in (("one", gzip.compress(text)), ("two", gzip.compress(text, 1) * 2),
                       ("stored", gzip.compress(os.urandom(300), 0)),
                       ("padded", gzip.compress(text) + bytes(99)), ("chunks", chunked(parts)),
                       ("wrong", chunked(parts, 1)), ("back", chunked(parts, 0, b"\3\2\0")),
                       ("members", chunked(parts[1:2]) + chunked(parts, -1) + chunked(parts))):
        put(folder, name, b"\x40" + data)
        put(folder, name + "-threads", b"\xff" + data)


def announced(parts, wrong=0):
    """zstd frames, each behind a marker of its size (src/io/zst_frame.h)."""
    out = b""
    for part in parts:
        frame = zstd(part)
        out += struct.pack("<III", 0x184D2A50, 4, len(frame) + wrong) + frame
    return out + struct.pack("<III", 0x184D2A50, 4, 0)


def zstd(data, *options):
    return subprocess.run(["zstd", "-qc", *options], input=data, stdout=subprocess.PIPE,
                          check=True).stdout


def zstds(folder):
    text, parts = b"conectix" * 500, [b"block " * 12000, bytes(70000), b"end"]
    for name, data in (("one", zstd(text)), ("two", zstd(text, "-1") * 2),
                       ("unsized", zstd(text, "--no-content-size", "--no-check")),
                       ("stored", zstd(os.urandom(300))), ("padded", zstd(text) + bytes(99)),
                       ("ours", zstd(text) + announced(parts)), ("pzstd", announced(parts)),
                       ("wrong", announced(parts, 1)), ("short", announced(parts, -3)),
                       ("skip", struct.pack("<II", 0x184D2A5F, 3) + b"xyz" + zstd(text))):
        put(folder, name, b"\x40" + data)
        put(folder, name + "-threads", b"\xff" + data)


def texts(folder, names):
    for number, text in enumerate(names):
        put(folder, str(number), text)


def runs(*members):
    """Members of a chain: rank, then runs of length, start, how many, how far apart."""
    return b"".join(bytes([rank]) + b"".join(
        struct.pack(">BHBB", *run) for run in sectors) + b"\0" for rank, sectors in members)


def coverages(folder):
    striped = [(1, 0, 255, 1), (1, 4096, 255, 1)]
    wide = [(255, 0, 32, 0), (3, 7000, 9, 5)]
    for flags in range(4):
        put(folder, "leaf-%d" % flags, bytes([flags]) + runs((0, striped), (1, wide), (2, striped)))
        put(folder, "base-%d" % flags, bytes([flags]) + runs((31, wide), (30, striped), (0, wide)))
        put(folder, "mixed-%d" % flags, bytes([flags]) + runs(
            (7, striped), (3, wide), (5, [(9, 100, 40, 3)]), (31, wide), (4, striped)))


def main(folder):
    few, corpus = make_disks()
    disks(os.path.join(folder, "vhd"), (4, 5, 7, 13), few, corpus)
    disks(os.path.join(folder, "check"), (14, 15, 30, 16), few, corpus)
    disks(os.path.join(folder, "open"), (2, 10, 0x62, 0xa2, 0x72), few, corpus)
    some = dict(list(corpus.items())[::4])       # it is slow
    disks(os.path.join(folder, "round"), (14, 15, 30, 46, 78, 110, 31), few, some)
    disks(os.path.join(folder, "undo"), (14, 12, 10, 0, 34, 66), few, corpus)
    chains(os.path.join(folder, "chain"), few)
    coverages(os.path.join(folder, "coverage"))
    packed(os.path.join(folder, "open"), few)
    backups(os.path.join(folder, "undo"))
    hash_lists(os.path.join(folder, "hashes"))
    texts(os.path.join(folder, "answer"), PAGES)
    texts(os.path.join(folder, "place"), PLACES)
    parents(os.path.join(folder, "parent"))
    gzips(os.path.join(folder, "gunzip"))
    zstds(os.path.join(folder, "unzstd"))
    texts(os.path.join(folder, "rpc"), [answer.encode() for answer in ANSWERS])
    texts(os.path.join(folder, "store"), [record.encode() for record in RECORDS])


if __name__ == "__main__":
    main(sys.argv[1])
