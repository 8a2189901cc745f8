# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Operations of the library, one after the other, with the options of one object."""

import atexit
import collections
import ctypes
import json
import os
import threading
import weakref

from vhdstream import errors, library
from vhdstream.descriptors import Descriptor, close_all
from vhdstream.native_thread import NativeThread

Progress = collections.namedtuple("Progress", "total done holes read written")
Outcome = collections.namedtuple("Outcome", "status text result refusal")
_RUNNING = weakref.WeakSet()


def _bytes(text):
    """As the system takes names: those that are no UTF-8 come through, too."""
    out = text if isinstance(text, bytes) else str(text).encode("utf-8", "surrogateescape")
    if b"\0" in out:
        raise ValueError("a NUL character in %r" % (text,))
    return out


class Running:
    """An operation under way. fileno() can be read when it has ended."""

    def __init__(self, transfer, verb, places, closing):
        self._transfer = transfer
        self._thread = NativeThread(lambda: transfer.call(verb, places), closing)
        _RUNNING.add(self)

    @property
    def over(self):
        """Whether it has ended."""
        return self._thread.over

    def fileno(self):
        """For select and the like."""
        return self._thread.fileno()

    def cancel(self):
        """Has it end soon; from any thread."""
        self._transfer.cancel()

    def result(self):
        """Waits for the end: what the operation has to say, or its failure as an exception."""
        try:
            outcome = self._thread.join()
        except BaseException:
            self.stop()
            raise
        _RUNNING.discard(self)
        if outcome.status:
            raise errors.error(*outcome)
        return outcome.result

    def stop(self):
        """Cancels what still runs, and waits until all is cleaned up: its Outcome."""
        if not self.over:
            self.cancel()
        outcome = self._thread.join()
        _RUNNING.discard(self)
        return outcome

    def forget(self):
        """In a child of fork(): what still runs is its parent's."""
        if not self.over:
            self._transfer.forget()
        self._thread.forget(Outcome(errors.CancelledError.status,
                                    "it runs in the process that this one was forked from",
                                    None, []))


class Transfer:
    """Options, and one operation at a time; cancel() and progress from any thread.

    Options are those of the command line ("level", "dst-password") and "session"; as keywords
    they have underscores. True sets a switch, False leaves it as it is; a list sets one again
    and again.
    """

    def __init__(self, **options):
        self._lib = library.load()
        self._lock = threading.RLock()      # cancel() may interrupt what holds it
        self._running = None
        self._handle = ctypes.c_void_p()
        if self._lib.vhdstream_new(ctypes.byref(self._handle)):
            raise errors.NoSpaceError("out of memory for a transfer")
        self.notices = collections.deque(maxlen=1000)
        self._on_notice = library.NOTICE(self._note)
        self._lib.vhdstream_on_notice(self._handle, self._on_notice, None)
        try:
            for name, value in options.items():
                self.set(name.replace("_", "-"), value)
        except BaseException:
            self.close()
            raise

    def _note(self, _, text):
        self.notices.append(text.decode("utf-8", "replace"))

    # -- life ----------------------------------------------------------------

    def close(self):
        """Ends what runs, and frees. To be called again, too."""
        if self._running:
            self._running.stop()
        with self._lock:
            handle, self._handle = self._handle, None
        if handle:
            self._lib.vhdstream_free(handle)

    def forget(self):
        """In a child of fork(), where it had something under way: it is closed, without more."""
        self._lock = threading.RLock()
        self._handle = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_handle", None):
            self.close()

    def _idle(self):
        if not self._handle:
            raise ValueError("the transfer is closed")
        if self._running and not self._running.over:
            raise RuntimeError("the transfer has an operation under way")
        if self._running:
            self._running.stop()
        return self._handle

    # -- options -------------------------------------------------------------

    def set(self, option, value=True):
        """Sets one option; see the class."""
        handle = self._idle()
        values = value if isinstance(value, (list, tuple)) else [value]
        for one in values:
            if one is False:
                continue
            given = None if one is True else _bytes(one)
            status = self._lib.vhdstream_set(handle, _bytes(option), given)
            if status:
                raise errors.error(status, self._text())

    def _text(self):
        return self._lib.vhdstream_error(self._handle).decode("utf-8", "surrogateescape")

    # -- operations ----------------------------------------------------------

    def start(self, verb, *places, closing=()):
        """Begins one in a thread of its own; a Running.

        The descriptors of `closing` are closed as soon as it has ended; also where it could
        not be begun.
        """
        closing = [Descriptor(one) if isinstance(one, int) else one for one in closing]
        try:
            self._idle()
            self._check(verb, places)
            places = [_bytes(place) for place in places]
        except BaseException:
            close_all(closing)
            raise
        self.notices.clear()
        self._running = Running(self, verb, places, closing)
        return self._running

    @staticmethod
    def _check(verb, places):
        if verb == "merge":
            return
        if verb not in library.VERBS:
            raise ValueError("%s: no operation" % verb)
        wanted = 2 if verb in library.TWO_PLACES else 1
        if len(places) != wanted:
            raise TypeError("%s takes %d place%s" % (verb, wanted, "s" * (wanted - 1)))

    def call(self, verb, places):
        """For Running, in the thread of the operation: its Outcome."""
        if verb == "merge":
            places = [(ctypes.c_char_p * len(places))(*places), len(places)]
        status = getattr(self._lib, "vhdstream_" + verb)(self._handle, *places)
        said = self._lib.vhdstream_result(self._handle)
        refused = self._lib.vhdstream_refusal(self._handle)
        return Outcome(status, self._text(), json.loads(said) if said else None,
                       json.loads(refused) if refused else [])

    def _run(self, verb, *places):
        return self.start(verb, *places).result()

    def copy(self, source, destination):
        """Copies the disk at one place to another; what is known of the copy, as a dict."""
        return self._run("copy", source, destination)

    def merge(self, *places):
        """Lays deltas over their base: the base, the deltas, the destination."""
        return self._run("merge", *places)

    def info(self, place):
        """What is at a place."""
        return self._run("info", place)

    def digest(self, place):
        """The digest of the content of a disk, as "digest"."""
        return self._run("digest", place)

    def compare(self, one, other):
        """Whether two disks hold the same: "identical"."""
        return self._run("compare", one, other)

    def check(self, place):
        """The findings about a VHD; CorruptError has them in `result` where there are errors."""
        return self._run("check", place)

    def repair(self, path):
        """Mends a VHD's file in place."""
        return self._run("repair", path)

    def clean(self, place):
        """Removes from a pool what killed runs left there."""
        return self._run("clean", place)

    # -- while it runs ---------------------------------------------------------

    def cancel(self):
        """Has the operation, and every later one, end as CancelledError. From any thread."""
        with self._lock:
            if self._handle:
                self._lib.vhdstream_cancel(self._handle)

    @property
    def progress(self):
        """How far the operation is, or was. From any thread."""
        out = library.ProgressStruct()
        with self._lock:
            if self._handle:
                self._lib.vhdstream_get_progress(self._handle, ctypes.byref(out))
        return Progress(*(getattr(out, name) for name in Progress._fields))


@atexit.register
def _stop_all():
    """A generator that was never read to its end leaves nothing behind in a pool."""
    for running in list(_RUNNING):
        running.stop()


def _forget_all():
    for running in list(_RUNNING):
        running.forget()
    _RUNNING.clear()


os.register_at_fork(after_in_child=_forget_all)
