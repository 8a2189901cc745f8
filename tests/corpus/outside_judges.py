# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What qemu-img and libvhdi make of a file: 'right', 'size', 'content' or 'refuses'.

qemu-img is asked with force_size_calc=current_size unless told otherwise, which is how it
reads most disks at their full size.  libvhdi is called as a library, parents given by hand.
"""

import ctypes
import ctypes.util
import json
import os
import shutil
import subprocess

_STEP = 1 << 20


def has_qemu():
    return shutil.which("qemu-img") is not None


def qemu(path, content, scratch, options="force_size_calc=current_size,"):
    """Compares with `content`, for which a sparse raw file is made in the folder scratch."""
    image = "driver=vpc,%sfile.filename=%s" % (options, path)
    info = subprocess.run(["qemu-img", "info", "--output=json", "--image-opts", image],
                          capture_output=True, text=True)
    if info.returncode:
        return "refuses"
    if json.loads(info.stdout)["virtual-size"] != content.size:
        return "size"
    raw = os.path.join(scratch, "judge.raw")
    content.save(raw)
    same = subprocess.run(["qemu-img", "compare", "-q", "--image-opts", image,
                           "driver=raw,file.filename=" + raw], capture_output=True)
    return {0: "right", 1: "content"}.get(same.returncode, "refuses")


def qemu_opens(path):
    return subprocess.run(["qemu-img", "info", "-f", "vpc", path],
                          capture_output=True).returncode == 0


def has_libvhdi():
    return libvhdi_library() is not None


def libvhdi_library():
    name = ctypes.util.find_library("vhdi")
    if not name:
        return None
    lib = ctypes.CDLL(name)
    lib.libvhdi_file_read_buffer_at_offset.restype = ctypes.c_ssize_t
    lib.libvhdi_file_read_buffer_at_offset.argtypes = [
        ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64, ctypes.c_void_p]
    return lib


class _File:
    """One libvhdi handle; its parent must outlive it."""

    def __init__(self, lib, path):
        self.lib, self.handle = lib, ctypes.c_void_p()
        lib.libvhdi_file_initialize(ctypes.byref(self.handle), None)
        self.ok = lib.libvhdi_file_open(self.handle, os.fsencode(path), 1, None) == 1

    def set_parent(self, parent):
        return self.lib.libvhdi_file_set_parent_file(self.handle, parent.handle, None) == 1

    def size(self):
        size = ctypes.c_uint64()
        done = self.lib.libvhdi_file_get_media_size(self.handle, ctypes.byref(size), None)
        return size.value if done == 1 else None

    def read(self, pos, length):
        data = ctypes.create_string_buffer(length)
        got = self.lib.libvhdi_file_read_buffer_at_offset(self.handle, data, length, pos, None)
        return data.raw[:got] if got >= 0 else None

    def close(self):
        self.lib.libvhdi_file_free(ctypes.byref(self.handle), None)


def libvhdi_file(path):
    return _File(libvhdi_library(), path)


def libvhdi(chain, content):
    """Reads the whole disk when it is small, else what is not zero and its surroundings."""
    lib = libvhdi_library()
    files = [_File(lib, path) for path in chain]
    try:
        if not all(file.ok for file in files):
            return "refuses"
        for child, parent in zip(files, files[1:]):
            if not child.set_parent(parent):
                return "refuses"
        if files[0].size() != content.size:
            return "size"
        return _compare(files[0], content)
    finally:
        for file in files:
            file.close()


def _compare(file, content):
    places = range(0, content.size, _STEP)
    if content.size > 64 * _STEP:
        places = sorted({start // _STEP * _STEP + skip for start, length in content.runs()
                         for skip in range(0, length + _STEP, _STEP)})
    for pos in places:
        length = min(_STEP, content.size - pos)
        got = file.read(pos, length) if length > 0 else b""
        if got is None:
            return "refuses"
        if length > 0 and got != content.read(pos, length):
            return "content"
    return "right"
