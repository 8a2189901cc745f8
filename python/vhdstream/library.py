# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""libvhdstream.so.1 as ctypes sees it: what include/vhdstream.h declares and is used here."""

import ctypes
import functools
import os

SONAME = "libvhdstream.so.1"
VERBS = ("copy", "info", "digest", "compare", "check", "repair", "clean")
TWO_PLACES = {"copy", "compare"}

NOTICE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)


class ProgressStruct(ctypes.Structure):
    """struct vhdstream_progress."""

    _fields_ = [(name, ctypes.c_uint64) for name in
                ("total", "done", "holes", "read", "written")]


def _declare(lib, name, result, *args):
    function = getattr(lib, "vhdstream_" + name)
    function.restype, function.argtypes = result, args


@functools.lru_cache(maxsize=None)
def load():
    """The library, loaded once: the file that $VHDSTREAM_LIBRARY names, else by its soname."""
    lib = ctypes.CDLL(os.environ.get("VHDSTREAM_LIBRARY") or SONAME)
    handle, text = ctypes.c_void_p, ctypes.c_char_p
    _declare(lib, "version", text)
    _declare(lib, "new", ctypes.c_int, ctypes.POINTER(handle))
    _declare(lib, "free", None, handle)
    _declare(lib, "set", ctypes.c_int, handle, text, text)
    _declare(lib, "error", text, handle)
    _declare(lib, "result", text, handle)
    _declare(lib, "refusal", text, handle)
    _declare(lib, "cancel", None, handle)
    _declare(lib, "get_progress", None, handle, ctypes.POINTER(ProgressStruct))
    _declare(lib, "on_notice", None, handle, NOTICE, ctypes.c_void_p)
    _declare(lib, "merge", ctypes.c_int, handle, ctypes.POINTER(text), ctypes.c_uint)
    for verb in VERBS:
        places = [text] * (2 if verb in TWO_PLACES else 1)
        _declare(lib, verb, ctypes.c_int, handle, *places)
    return lib


def version():
    """That of the library, as "0.1.0"."""
    return load().vhdstream_version().decode()
