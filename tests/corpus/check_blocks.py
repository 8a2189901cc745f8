# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Findings about the BAT and the blocks: each entry against every part and each other."""

from sparse_content import is_zero
from vhd_fields import DIFFERENCING, SECTOR, bitmap_len
from vhd_reader import bit_runs, mapped

_OVER = {"copy": "block-over-copy", "header": "block-over-header", "bat": "block-over-bat",
         "locator": "block-over-locator"}
_STEP = 1024 * 1024
# a table of a million wrong entries is told of by its first ones
ENOUGH = 1000


def needed_entries(c):
    return -(-c.footer.current_size // c.header.block_size)


def block_len(c):
    return bitmap_len(c.header.block_size) + c.header.block_size


def check_bat(c):
    """Every entry up to max_entries, those past the disk's end too."""
    needed, length = needed_entries(c), block_len(c)
    placed = []
    for index, entry in mapped(c.table):
        if c.errors > ENOUGH:
            break
        if entry == 0 and index >= needed:
            if "surplus-zero" not in c.counts:
                c.add("surplus-zero", _entry_at(c, index))
            continue
        if index >= needed:
            c.add("surplus-block", _entry_at(c, index))
        start = entry * SECTOR
        if _inside(c, index, start, start + length):
            _against_parts(c, index, start, start + length)
            placed.append((start, index))
    _against_each_other(c, sorted(placed), length)
    if c.pipe:
        _check_order(c, placed)
    c.end = max([start + length for start, _ in placed], default=0)


def _entry_at(c, index):
    return c.header.table_offset + 4 * index


def _inside(c, index, start, end):
    """Whether it is to be compared with the others; on a pipe the end comes after that."""
    if start >= c.limit:
        c.add("bat-entry-past-end", _entry_at(c, index))
        return c.pipe
    if end > c.limit:
        c.add("block-over-footer" if c.has_tail else "block-cut", _entry_at(c, index))
    return True


def _against_parts(c, index, start, end):
    for name, low, high in c.parts:
        if start < high and end > low:
            c.add(_OVER[name], _entry_at(c, index))


def _against_each_other(c, placed, length):
    for (low, first), (high, second) in zip(placed, placed[1:]):
        if low == high:
            c.add("bat-entries-equal", _entry_at(c, max(first, second)))
        elif low + length > high:
            c.add("blocks-overlap", _entry_at(c, second))


def _check_order(c, placed):
    after = c.header.table_offset + 4 * c.header.max_entries
    for start, index in placed:
        if start < after:
            c.add("pipe-order", _entry_at(c, index))


def check_blocks(c):
    """What stands under and beside the bits of each block."""
    size = c.header.block_size
    needed = needed_entries(c)
    for index, entry in mapped(c.table):
        if index >= needed:
            continue
        bitmap = c.data.at(entry * SECTOR, bitmap_len(size))
        valid = min(size, c.footer.current_size - index * size) // SECTOR
        set_runs = bit_runs(bitmap, size // SECTOR)
        _bits_past_end(c, entry, set_runs, valid)
        if c.footer.type != DIFFERENCING:
            _data_under_clear(c, entry, set_runs, size // SECTOR)


def _bits_past_end(c, entry, runs, valid):
    past = [max(first, valid) for first, count in runs if first + count > valid]
    if past:
        c.add("bits-past-end", entry * SECTOR + past[0] // 8)


def _data_under_clear(c, entry, runs, sectors):
    """Offset of the first sector with a byte that its clear bit hides."""
    if "data-under-clear-bits" in c.counts:
        return
    base = entry * SECTOR + bitmap_len(c.header.block_size)
    clear, pos = [], 0
    for first, count in runs + [(sectors, 0)]:
        if first > pos:
            clear.append((pos, first - pos))
        pos = first + count
    for first, count in clear:
        at = _first_data(c.data, base + first * SECTOR, count * SECTOR)
        if at is not None:
            c.add("data-under-clear-bits", at // SECTOR * SECTOR)
            return


def _first_data(data, pos, length):
    """Offset of a sector with data in the range; blocks begin on sectors, so at // 512 is it."""
    for start, run in data.data_runs(pos, length):
        for at in range(start, start + run, _STEP):
            piece = data.at(at, min(_STEP, start + run - at))
            if not is_zero(piece):
                return at + len(piece) - len(piece.lstrip(b"\0"))
    return None
