# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Disks as people have them, made by other people's tools from this system's files."""

import os
import shutil
import subprocess
import tarfile

MIB = 1 << 20
CHUNK = 1 << 20


def gather_files(folder, limit, start="/usr"):
    """Copies files and links from `start` until `limit` bytes: (number, bytes)."""
    count = total = 0
    for where, names, files in os.walk(start):
        names.sort()
        for name in sorted(files):
            path = os.path.join(where, name)
            target = os.path.join(folder, os.path.relpath(path, start))
            try:
                size = os.lstat(path).st_size
                if size > limit // 8:
                    continue
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(path, target, follow_symlinks=False)
            except OSError:
                continue        # not readable, or not a file: others are
            count, total = count + 1, total + size
            if total >= limit:
                return count, total
    return count, total


def make_ext4(path, size, folder):
    """A raw disk with one ext4 filesystem that holds the folder's files."""
    with open(path, "wb") as file:
        file.truncate(size)
    _quiet("mkfs.ext4", "-q", "-F", "-d", folder, path)


def make_vhd(path, raw):
    """A dynamic VHD by qemu-img, of exactly the raw disk's size."""
    _quiet("qemu-img", "convert", "-f", "raw", "-O", "vpc",
           "-o", "subformat=dynamic,force_size=on", raw, path)


def make_tgz(path, vhd, level=6):
    """An image as os-xenapi makes it: one member 0.vhd."""
    with tarfile.open(path, "w|gz" if level == 6 else "w:gz",
                      **({} if level == 6 else {"compresslevel": level})) as tar:
        member = tarfile.TarInfo("0.vhd")
        member.size = os.path.getsize(vhd)
        member.mode = 0o644
        with open(vhd, "rb") as file:
            tar.addfile(member, file)


def first_member(path, target, program="gzip"):
    """Unpacks the first member of a tgz with GNU tar."""
    with open(target, "wb") as file:
        subprocess.run(["tar", "--occurrence=1", "-I", program, "-xOf", path, "0.vhd"],
                       stdout=file, check=True)


def same_content(one, other):
    """Whether qemu-img sees the same content; an argument is (format, path)."""
    done = subprocess.run(["qemu-img", "compare", "--image-opts", opened(*one), opened(*other)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError("qemu-img compare: " + done.stdout.strip())
    return done.returncode == 0


def opened(kind, path):
    """The VHD's own idea of its size, not what its geometry would give."""
    if kind == "vpc":
        return "driver=vpc,force_size_calc=current_size,file.filename=" + path
    return "driver=%s,file.filename=%s" % (kind, path)


def _quiet(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode:
        raise RuntimeError("%s: %s" % (command[0], done.stdout.strip()))
