# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Every finding there is: its severity on a seekable file and on a pipe, meaning and offset.

README.md explains them; a test keeps the two tables equal.  E error (the file is refused),
W warning (read rightly, but something is lost, wrong or unreadable for a peer), N note,
- never raised there.  The offset is a byte of the file; footer is the one in force, `dh` the
dynamic header, `bat` the table, `loc` a locator entry in the header.
"""

from dataclasses import dataclass

TABLE = {
    # the file as a whole
    "not-a-vhd": ("E", "E", "neither end holds a footer cookie, or no room for one", "0"),
    "poisoned": ("E", "E", "cookie v_poison: a journaled resize did not finish", "that footer"),
    "pipe-fixed": ("-", "E", "a fixed disk's length is not known from its head: give a size",
                   "0"),
    "pipe-order": ("-", "E", "header, BAT and blocks do not come in that order: needs a "
                   "seekable file", "dh+16 or bat+4i"),
    # footers
    "footer-checksum": ("E", "-", "no footer is sound; this one's checksum is wrong",
                        "footer+64"),
    "footer-copy-missing": ("W", "E", "no footer at 0; the trailing one is used", "0"),
    "footer-copy-checksum": ("W", "E", "the footer at 0 has a wrong checksum; the trailing one "
                             "is used", "64"),
    "trailing-footer-missing": ("W", "E", "the file does not end with a footer: a live, crashed "
                                "or cut disk; the copy at 0 is used", "end of file"),
    "trailing-footer-checksum": ("W", "E", "the trailing footer has a wrong checksum; the copy "
                                 "at 0 is used", "footer+64"),
    "trailing-footer-511": ("N", "N", "the trailing footer has 511 bytes (before Virtual PC "
                            "2004)", "footer"),
    "footers-differ": ("W", "W", "both footers are sound and say different things; the trailing "
                       "one counts", "first differing byte of the trailing one"),
    "footers-conflict": ("W", "E", "as footers-differ, in size, type or data offset: a stream "
                         "cannot be read by both", "first differing byte of the trailing one"),
    "footers-differ-state": ("N", "N", "the footers differ in temporary, hidden, saved state or "
                             "time only", "first differing byte of the trailing one"),
    "footer-sum-hidden": ("N", "N", "checksum is right with hidden taken as 0: early td-util",
                          "footer+64"),
    "guest-vhd-head": ("N", "E", "a fixed disk whose guest data begins with a VHD head", "0"),
    "features": ("W", "W", "reserved feature bit 1 clear, or unknown bits set", "footer+8"),
    "features-temporary": ("N", "N", "marked temporary: may be deleted at shutdown", "footer+8"),
    "footer-version": ("E", "E", "major version of the format is not 1", "footer+12"),
    "footer-version-minor": ("W", "W", "minor version of the format is not 0", "footer+12"),
    "data-offset": ("E", "E", "the dynamic header lies nowhere: inside the copy at 0 or past the "
                    "end", "footer+16"),
    "header-past-end": ("E", "E", "the dynamic header is cut off by the end or the footer",
                        "footer+16"),
    "header-unaligned": ("W", "W", "data offset is no multiple of 512", "footer+16"),
    "fixed-data-offset": ("W", "-", "a fixed disk's data offset is not all ones", "footer+16"),
    "timestamp-future": ("N", "N", "made in the future (seconds since 1970 written?)",
                         "footer+24"),
    "creator-unknown": ("N", "N", "no known program signs like this", "footer+28"),
    "bitmaps-tap-01": ("E", "E", "creator tap 0.1: bitmaps in another bit order", "footer+32"),
    "resized": ("N", "N", "original and current size differ", "footer+40"),
    "size-zero": ("E", "E", "virtual size 0", "footer+48"),
    "size-unaligned": ("E", "E", "virtual size is no multiple of 512", "footer+48"),
    "size-limit": ("E", "E", "virtual size above 2040 GiB", "footer+48"),
    "size-limit-fixed": ("W", "-", "a fixed disk above 2040 GiB", "footer+48"),
    "geometry": ("N", "N", "geometry is not the one that the specification computes",
                 "footer+56"),
    "geometry-large": ("W", "W", "cylinders * heads * sectors exceeds the size and is not "
                       "65535/16/255", "footer+56"),
    "geometry-zero": ("W", "W", "a part of the geometry is 0 that should not be", "footer+56"),
    "geometry-cuts": ("N", "N", "qemu before 2024-12 takes the geometry for the size of this "
                      "creator's disks", "footer+56"),
    "disk-type": ("E", "E", "type is not 2, 3 or 4", "footer+60"),
    "uuid-null": ("N", "N", "the disk's uuid is null: no snapshot by blktap", "footer+68"),
    "saved-state": ("N", "N", "in saved state", "footer+84"),
    "hidden": ("N", "N", "hidden: an inner node of a chain (XenServer)", "footer+85"),
    "footer-reserved": ("N", "N", "reserved bytes are not zero", "footer+86"),
    # fixed disks
    "fixed-cut": ("E", "-", "fewer bytes than the size says", "footer+48"),
    "fixed-slack": ("W", "-", "more bytes before the footer than the size says",
                    "current_size"),
    # dynamic header
    "header-cookie": ("E", "E", "no cxsparse where the footer points", "dh"),
    "header-checksum": ("E", "E", "checksum of the dynamic header", "dh+36"),
    "header-data-offset": ("W", "W", "the unused offset is not all ones (blktap, XAPI refuse)",
                           "dh+8"),
    "table-offset": ("E", "E", "the BAT lies nowhere: inside the copy at 0 or past the end",
                     "dh+16"),
    "bat-past-end": ("E", "E", "the BAT is cut off by the end or the footer", "dh+16"),
    "bat-over-header": ("E", "E", "the BAT overlaps the dynamic header", "dh+16"),
    "bat-unaligned": ("W", "W", "table offset is no multiple of 512", "dh+16"),
    "header-version": ("E", "E", "major version of the header is not 1", "dh+24"),
    "header-version-minor": ("W", "W", "minor version of the header is not 0", "dh+24"),
    "entries-few": ("E", "E", "fewer BAT entries than the size needs", "dh+28"),
    "entries-absurd": ("E", "E", "more BAT entries than 2 TiB of blocks", "dh+28"),
    "entries-many": ("E", "E", "more than 4 Mi BAT entries: more than there is memory for",
                     "dh+28"),
    "entries-more": ("N", "N", "more BAT entries than the size needs", "dh+28"),
    "block-size": ("E", "E", "block size is no power of two, or below 512", "dh+32"),
    "block-size-small": ("E", "E", "block size below 4096: no two readers agree on its bitmap",
                         "dh+32"),
    "block-size-large": ("E", "E", "block size above 256 MiB", "dh+32"),
    "block-size-uncommon": ("N", "N", "block size is not 2 MiB: blktap and XAPI misread",
                            "dh+32"),
    "header-reserved": ("N", "N", "reserved bytes are not zero", "dh+60 or dh+768"),
    "parent-fields-unused": ("N", "N", "no differencing disk, yet it names a parent", "dh+40"),
    # BAT
    "bat-entry-past-end": ("E", "E", "the block begins at or past the end of the data",
                           "bat+4i"),
    "block-cut": ("E", "E", "the file ends inside this block", "bat+4i"),
    "block-over-footer": ("E", "E", "the block runs into the trailing footer", "bat+4i"),
    "block-over-copy": ("E", "E", "the block lies over the footer at 0", "bat+4i"),
    "block-over-header": ("E", "E", "the block lies over the dynamic header", "bat+4i"),
    "block-over-bat": ("E", "E", "the block lies over the BAT", "bat+4i"),
    "block-over-locator": ("E", "E", "the block lies over a parent locator's text", "bat+4i"),
    "bat-entries-equal": ("E", "E", "two entries name the same place", "bat+4i of the higher i"),
    "blocks-overlap": ("E", "E", "two blocks overlap", "bat+4i of the one later in the file"),
    "surplus-block": ("N", "N", "a block past the disk's end: a shrunk disk", "bat+4i"),
    "surplus-zero": ("W", "W", "entries past the disk's end are 0, taken as unallocated",
                     "bat+4i of the first"),
    # blocks
    "bits-past-end": ("N", "N", "bits set past the disk's end: masked; XAPI's import would fail",
                      "byte of the bitmap"),
    "data-under-clear-bits": ("W", "W", "bytes under clear bits of a dynamic disk: zeros by the "
                              "format; qemu and libvhdi hand them out", "the first such sector"),
    "trailing-padding": ("N", "N", "unused bytes between the last part and the trailing footer",
                         "end of the last part"),
    # batmap
    "batmap-missing": ("W", "W", "blktap 1.2 or later without a batmap", "where it should be"),
    "batmap-version": ("W", "W", "batmap version is not 1.2", "batmap+20"),
    "batmap-place": ("W", "W", "the batmap's map lies outside the file or over another part",
                     "batmap+8"),
    "batmap-size": ("W", "W", "the batmap's size is 0 or does not fit the BAT", "batmap+16"),
    "batmap-checksum": ("W", "W", "checksum of the batmap", "batmap+24"),
    "batmap-lies": ("W", "W", "the batmap calls a block full whose bitmap is not, or a block "
                    "that is not there", "byte of the map"),
    # parent
    "locator-code": ("W", "W", "unknown platform code (XAPI refuses)", "loc"),
    "locator-space": ("W", "W", "space is neither sectors nor a multiple of 512: not followed",
                      "loc+4"),
    "locator-length": ("W", "W", "longer than its space, or above 64 KiB: not followed",
                       "loc+8"),
    "locator-past-end": ("E", "E", "the text lies past the end", "loc+16"),
    "locator-overlap": ("E", "E", "the text lies over footer, header or BAT", "loc+16"),
    "locator-blank": ("N", "N", "the text is all zeros or empty, as in XAPI's deltas", "loc+16"),
    "locator-text": ("W", "W", "text that is no path: bad encoding, NUL or control characters",
                     "the text"),
    "locator-outside": ("N", "N", "leads out of the disk's folder: not followed unasked",
                        "the text"),
    "parent-name-text": ("W", "W", "the parent's name is no text: lone surrogate or control "
                         "characters", "dh+64"),
    "parent-name-missing": ("N", "N", "the parent's name is empty", "dh+64"),
    "raw-parent": ("N", "N", "null parent uuid: the parent is a raw disk", "dh+40"),
    "parent-not-at-hand": ("N", "N", "the parent was not found (an error with --chain or "
                           "--parent)", "dh+40"),
    "parent-foreign": ("E", "-", "what the locators lead to has another uuid", "dh+40"),
    "parent-loop": ("E", "-", "the chain comes back to a disk it has passed", "dh+40"),
    "parent-not-a-disk": ("E", "-", "the parent is a device, FIFO, folder, or no VHD", "dh+40"),
    "parent-broken": ("E", "-", "the parent has errors of its own", "dh+40"),
    "parent-ambiguous": ("E", "-", "null parent uuid, yet the parent has a VHD's name and head",
                         "dh+40"),
    "chain-too-deep": ("E", "-", "more than 1024 disks in the chain", "dh+40"),
    "parent-size": ("N", "-", "parent and child differ in size", "dh+40"),
}

SEVERITY = {"E": "error", "W": "warning", "N": "note"}


@dataclass(frozen=True, order=True)
class Finding:
    id: str
    offset: int
    severity: str

    def as_json(self):
        return {"id": self.id, "severity": self.severity, "offset": self.offset}


def severity_of(name, pipe=False, chain=False):
    if chain and name == "parent-not-at-hand":
        return "error"
    return SEVERITY[TABLE[name][1 if pipe else 0]]


def markdown():
    """The table as README.md has it."""
    lines = ["| finding | file | pipe | meaning | offset |", "|---|---|---|---|---|"]
    for name, (on_file, on_pipe, meaning, offset) in TABLE.items():
        lines.append("| %s | %s | %s | %s | %s |" % (name, on_file, on_pipe, meaning, offset))
    return "\n".join(lines) + "\n"
