# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Disks to copy, and what is in a copy by readers that are not ours.

The judges are the VHD model of tests/corpus (Python, independent of the C code), Python's
tarfile, and qemu-img.
"""

import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "corpus"))

from sparse_content import Content, noise           # noqa: E402
from vhd_reader import read_content, read_raw       # noqa: E402

from vhd_fields import Footer, chs                  # noqa: E402

from peer.vhd_maker import MIB, bits, footer, header, ones_sum      # noqa: E402
from peer.vhd_maker import vhd as plain_vhd                         # noqa: E402

BLOCK = 2 * MIB
__all__ = ["BLOCK", "Content", "EXACT", "LEAF", "MIB", "PLAIN", "bits", "blkhash", "content_of",
           "footer", "footer_of", "header", "image_of", "member_of", "noise", "note_of",
           "open_image", "qemu_compare", "qemu_size", "raw_file", "read_content", "read_raw",
           "tail_of", "vhd", "vhd_file"]


def raw_file(path, size, parts=()):
    """A sparse raw disk; `parts` are offsets and the bytes that stand there."""
    with open(path, "wb") as file:
        file.truncate(size)
        for offset, data in parts:
            file.seek(offset)
            file.write(data)
    return path


def vhd(size, blocks, **more):
    """The bytes of a dynamic VHD: {index: data, or (bitmap, data)}; see peer/vhd_maker.py."""
    data = bytearray(plain_vhd(size, blocks, **more))
    for at in (0, len(data) - 512):
        data[at + 56:at + 60] = struct.pack(">HBB", *chs(size))
        data[at + 64:at + 68] = bytes(4)
        data[at + 64:at + 68] = struct.pack(">I", ones_sum(data[at:at + 512]))
    return bytes(data)


def vhd_file(path, *args, **more):
    """A file as the simulator's VHD writer makes it: vhd(size, {index: data}, ...)."""
    with open(path, "wb") as file:
        file.write(vhd(*args, **more))
    return path


def footer_of(path):
    """The fields of the footer at the end of a VHD."""
    with open(path, "rb") as file:
        file.seek(-512, os.SEEK_END)
        return Footer.unpack(file.read())


# --- images: tar, tgz, tzst --------------------------------------------------------


def image_of(data, name="0.vhd", mode="w:gz"):
    """The bytes of an image with one member, made by Python."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def zstd_of(data, *options):
    """The bytes, compressed by zstd."""
    return subprocess.run(["zstd", "-qc", *options], input=data, stdout=subprocess.PIPE,
                          check=True).stdout


def open_image(path):
    if path.endswith("zst"):
        tar = subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=True).stdout
        return tarfile.open(fileobj=io.BytesIO(tar), mode="r:")
    return tarfile.open(path, mode="r:gz" if path.endswith("gz") else "r:")


def member_of(path, scratch):
    """Unpacks the VHD of an image that we wrote; there is one member, as os-xenapi wants it."""
    out = os.path.join(scratch, "member.vhd")
    with open_image(path) as tar:
        member, = tar.getmembers()
        assert (member.name, member.mode, member.uid, member.gid, member.mtime) \
            == ("0.vhd", 0o644, 0, 0, 0)
        assert member.isreg()
        with open(out, "wb") as file:
            file.write(tar.extractfile(member).read())
        assert os.path.getsize(out) == member.size
    return out


# --- content -----------------------------------------------------------------


def content_of(path, form, scratch):
    """The disk inside a file of the form raw, vhd, tar, tgz or tzst."""
    if form == "raw":
        return read_raw(path)
    if form in ("tar", "tgz", "tzst"):
        path = member_of(path, scratch)
    return read_content([path])


# --- qemu-img ----------------------------------------------------------------

PLAIN = "driver=vpc,file.filename=%s"
EXACT = "driver=vpc,force_size_calc=current_size,file.filename=%s"


def qemu_size(path, options):
    """The virtual size that qemu-img sees."""
    done = subprocess.run(["qemu-img", "info", "--image-opts", options % path, "--output=json"],
                          capture_output=True, check=True)
    return json.loads(done.stdout)["virtual-size"]


def qemu_compare(vhd_path, raw_path):
    """Content and size by qemu-img, told to take the exact size and left to itself."""
    size = os.path.getsize(raw_path)
    for options in (PLAIN, EXACT):
        assert qemu_size(vhd_path, options) == size
        subprocess.run(["qemu-img", "compare", "-q", "--image-opts", options % vhd_path,
                        "driver=raw,file.filename=" + raw_path], check=True)


# --- the digest --------------------------------------------------------------

LEAF = 65536


def blkhash(data):
    """The digest of a disk's content, as docs/formats/digest.md defines it."""
    leaves = (hashlib.sha256(data[i:i + LEAF]).digest() for i in range(0, len(data), LEAF))
    return hashlib.sha256(b"".join(leaves) + struct.pack("<Q", len(data))).hexdigest()


def note_of(data):
    """What digest.json of that content has to say."""
    return {"version": 1, "algorithm": "blkhash-sha256", "block_size": LEAF,
            "virtual_size": len(data), "digest": blkhash(data)}


def tail_of(text, name="digest.json"):
    """The archive behind an archive, made by Python; GNU tar and it pad to 10240 bytes."""
    return image_of(text if isinstance(text, bytes) else text.encode(), name, mode="w:")
