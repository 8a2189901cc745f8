# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A set of byte ranges, kept sorted and merged."""

from bisect import bisect_left, bisect_right


class ByteExtents:
    """Half-open ranges [start, end)."""

    def __init__(self, ranges=()):
        self._starts = []
        self._ends = []
        for start, end in ranges:
            self.add(start, end)

    def __bool__(self):
        return bool(self._starts)

    def __iter__(self):
        return iter(zip(self._starts, self._ends))

    def total(self):
        return sum(self._ends) - sum(self._starts)

    def copy(self):
        other = ByteExtents()
        other._starts = list(self._starts)
        other._ends = list(self._ends)
        return other

    def add(self, start, end):
        if start >= end:
            return
        lo = bisect_left(self._ends, start)
        hi = bisect_right(self._starts, end)
        if lo < hi:
            start = min(start, self._starts[lo])
            end = max(end, self._ends[hi - 1])
        self._starts[lo:hi] = [start]
        self._ends[lo:hi] = [end]

    def remove(self, start, end):
        lo = bisect_right(self._ends, start)
        hi = bisect_left(self._starts, end)
        if start >= end or lo >= hi:
            return
        keep = [(self._starts[lo], start), (end, self._ends[hi - 1])]
        keep = [(a, b) for a, b in keep if a < b]
        self._starts[lo:hi] = [a for a, _ in keep]
        self._ends[lo:hi] = [b for _, b in keep]

    def within(self, start, end):
        """The parts of [start, end) that are in the set."""
        i = bisect_right(self._ends, start)
        while i < len(self._starts) and self._starts[i] < end:
            yield max(start, self._starts[i]), min(end, self._ends[i])
            i += 1
