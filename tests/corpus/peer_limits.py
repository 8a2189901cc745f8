# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Which peers are known to be unable to read a valid file, by rule (VHD.md, XAPI.md 4.6).

'size' = wrong virtual size, 'content' = may hand out wrong bytes, 'refuses'.  A peer that is
not named reads the file right; the tests hold qemu-img 7.2 and libvhdi 20210425 to that.
"""

from vhd_check import TRUSTED_BY_QEMU
from vhd_fields import (DIFFERENCING, FIXED, KIB, MAX_SIZE, MIB, SECTOR, Footer,
                        footer_sum_ok)
from vhd_reader import Vhd, bit_runs

PEERS = ("qemu-img", "qemu-img-current-size", "libvhdi", "xapi-import", "blktap",
         "xen-orchestra")


def limits(chain, found):
    """chain: paths, leaf first; found: ids of the findings on a file and on a pipe."""
    disk = Vhd(chain[0])
    try:
        out = {"qemu-img": _qemu(disk, found, True),
               "qemu-img-current-size": _qemu(disk, found, False),
               "libvhdi": _libvhdi(disk, found, chain), "xapi-import": _xapi(disk, found),
               "blktap": _blktap(disk, found), "xen-orchestra": _orchestra(disk, found)}
    finally:
        disk.close()
    return {peer: what for peer, what in out.items() if what}


def _qemu(disk, found, by_chs):
    f = Footer.unpack(disk.ends.copy) if disk.ends.copy_ok else disk.footer
    copy_used = f.type != FIXED or "guest-vhd-head" in found
    if found & {"guest-vhd-head", "footer-copy-missing", "footer-copy-checksum"}:
        return "refuses"
    if disk.size > MAX_SIZE or (copy_used and footer_sum_ok(disk.ends.copy) is not True):
        return "refuses"
    if "footers-conflict" in found:
        return "size"
    trusted = f.creator in TRUSTED_BY_QEMU or f.geometry == (65535, 16, 255)
    if by_chs and f.chs_size != disk.size and not trusted:
        return "size"
    if f.type == DIFFERENCING or "data-under-clear-bits" in found:
        return "content"
    return None


def _libvhdi(disk, found, chain):
    f, h = disk.footer, disk.header
    if found & {"trailing-footer-511", "trailing-footer-missing", "footer-version-minor",
                "header-version-minor", "fixed-data-offset", "footers-conflict", "raw-parent"}:
        return "refuses"
    if disk.data.size % SECTOR == 511:
        return "refuses"
    if f.original_size != f.current_size:
        return "size"
    if "data-under-clear-bits" in found or h and 8 * KIB <= h.block_size <= 256 * KIB:
        return "content"
    return _libvhdi_chain(disk, chain) if f.type == DIFFERENCING else None


def _libvhdi_chain(disk, chain):
    parent = Vhd(chain[1])
    sizes = parent.size, parent.data.size % SECTOR
    parent.close()
    if sizes[0] < disk.size or sizes[1] == 511:
        return "refuses"
    whole = all(first % 8 == 0 and count % 8 == 0 for _, entry in disk.blocks() for first, count
                in bit_runs(disk.bitmap(entry), disk.header.block_size // SECTOR))
    # the parent's own bits are taken in bytes, too
    return None if whole and len(chain) < 3 else "content"


def _xapi(disk, found):
    """Reading a stream; holes and clear bits keep what the VDI holds, so deltas are fine."""
    h = disk.header
    if h is None or found & {"pipe-order", "bits-past-end", "header-data-offset",
                             "footer-version-minor", "header-version-minor", "locator-code",
                             "footer-copy-missing", "footer-copy-checksum",
                             "trailing-footer-missing", "trailing-footer-checksum",
                             "trailing-footer-511", "footer-sum-hidden"}:
        return "refuses"
    return "content" if h.block_size < 2 * MIB else None


def _blktap(disk, found):
    h = disk.header
    if h is None:
        return None
    if h.block_size > 2 * MIB or "header-data-offset" in found:
        return "refuses"
    return "content" if h.block_size < 2 * MIB else None


def _orchestra(disk, found):
    f, h = disk.footer, disk.header
    copies = disk.ends.copy == disk.ends.tail and disk.ends.tail_ok
    if h is None or not copies or f.data_offset != 512 or f.current_size < f.original_size:
        return "refuses"
    partial = any(bit_runs(disk.bitmap(entry), h.block_size // SECTOR)
                  != [(0, h.block_size // SECTOR)] for _, entry in disk.blocks())
    return "content" if partial and f.type == DIFFERENCING else None
