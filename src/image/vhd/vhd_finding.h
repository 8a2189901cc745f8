/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_FINDING_H
#define VHDSTREAM_VHD_FINDING_H

/*
 * What can be said against a VHD, and how it is said. Whoever judges a part of
 * one calls vhd_find() for everything that is wrong or odd with it; whoever
 * asked for the judgement decides in `take` what becomes of it: opening a disk
 * ends at the first error, a check collects them all. So both are one
 * judgement.
 */

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum vhd_severity {
    VHD_NEVER,   /* not said in this case */
    VHD_NOTE,    /* worth knowing */
    VHD_WARNING, /* read rightly, but something is lost, wrong, or not taken by
                    a common reader */
    VHD_ERROR,   /* refused */
};

/* Name in C, name in reports, severity in a file that can be read in any order,
 * severity in a stream. tests/corpus/README.md says what each one means. */
#define VHD_FINDINGS(X)                                                        \
    X(NOT_A_VHD, "not-a-vhd", ERROR, ERROR)                                    \
    X(POISONED, "poisoned", ERROR, ERROR)                                      \
    X(PIPE_FIXED, "pipe-fixed", NEVER, ERROR)                                  \
    X(PIPE_ORDER, "pipe-order", NEVER, ERROR)                                  \
    X(FOOTER_CHECKSUM, "footer-checksum", ERROR, NEVER)                        \
    X(FOOTER_COPY_MISSING, "footer-copy-missing", WARNING, ERROR)              \
    X(FOOTER_COPY_CHECKSUM, "footer-copy-checksum", WARNING, ERROR)            \
    X(TRAILING_FOOTER_MISSING, "trailing-footer-missing", WARNING, ERROR)      \
    X(TRAILING_FOOTER_CHECKSUM, "trailing-footer-checksum", WARNING, ERROR)    \
    X(TRAILING_FOOTER_511, "trailing-footer-511", NOTE, NOTE)                  \
    X(FOOTERS_DIFFER, "footers-differ", WARNING, WARNING)                      \
    X(FOOTERS_CONFLICT, "footers-conflict", WARNING, ERROR)                    \
    X(FOOTERS_DIFFER_STATE, "footers-differ-state", NOTE, NOTE)                \
    X(FOOTER_SUM_HIDDEN, "footer-sum-hidden", NOTE, NOTE)                      \
    X(GUEST_VHD_HEAD, "guest-vhd-head", NOTE, ERROR)                           \
    X(FEATURES, "features", WARNING, WARNING)                                  \
    X(FEATURES_TEMPORARY, "features-temporary", NOTE, NOTE)                    \
    X(FOOTER_VERSION, "footer-version", ERROR, ERROR)                          \
    X(FOOTER_VERSION_MINOR, "footer-version-minor", WARNING, WARNING)          \
    X(DATA_OFFSET, "data-offset", ERROR, ERROR)                                \
    X(HEADER_PAST_END, "header-past-end", ERROR, ERROR)                        \
    X(HEADER_UNALIGNED, "header-unaligned", WARNING, WARNING)                  \
    X(FIXED_DATA_OFFSET, "fixed-data-offset", WARNING, NEVER)                  \
    X(TIMESTAMP_FUTURE, "timestamp-future", NOTE, NOTE)                        \
    X(CREATOR_UNKNOWN, "creator-unknown", NOTE, NOTE)                          \
    X(BITMAPS_TAP_01, "bitmaps-tap-01", ERROR, ERROR)                          \
    X(RESIZED, "resized", NOTE, NOTE)                                          \
    X(SIZE_ZERO, "size-zero", ERROR, ERROR)                                    \
    X(SIZE_UNALIGNED, "size-unaligned", ERROR, ERROR)                          \
    X(SIZE_LIMIT, "size-limit", ERROR, ERROR)                                  \
    X(SIZE_LIMIT_FIXED, "size-limit-fixed", WARNING, NEVER)                    \
    X(GEOMETRY, "geometry", NOTE, NOTE)                                        \
    X(GEOMETRY_LARGE, "geometry-large", WARNING, WARNING)                      \
    X(GEOMETRY_ZERO, "geometry-zero", WARNING, WARNING)                        \
    X(GEOMETRY_CUTS, "geometry-cuts", NOTE, NOTE)                              \
    X(DISK_TYPE, "disk-type", ERROR, ERROR)                                    \
    X(UUID_NULL, "uuid-null", NOTE, NOTE)                                      \
    X(SAVED_STATE, "saved-state", NOTE, NOTE)                                  \
    X(HIDDEN, "hidden", NOTE, NOTE)                                            \
    X(FOOTER_RESERVED, "footer-reserved", NOTE, NOTE)                          \
    X(FIXED_CUT, "fixed-cut", ERROR, NEVER)                                    \
    X(FIXED_SLACK, "fixed-slack", WARNING, NEVER)                              \
    X(HEADER_COOKIE, "header-cookie", ERROR, ERROR)                            \
    X(HEADER_CHECKSUM, "header-checksum", ERROR, ERROR)                        \
    X(HEADER_DATA_OFFSET, "header-data-offset", WARNING, WARNING)              \
    X(TABLE_OFFSET, "table-offset", ERROR, ERROR)                              \
    X(BAT_PAST_END, "bat-past-end", ERROR, ERROR)                              \
    X(BAT_OVER_HEADER, "bat-over-header", ERROR, ERROR)                        \
    X(BAT_UNALIGNED, "bat-unaligned", WARNING, WARNING)                        \
    X(HEADER_VERSION, "header-version", ERROR, ERROR)                          \
    X(HEADER_VERSION_MINOR, "header-version-minor", WARNING, WARNING)          \
    X(ENTRIES_FEW, "entries-few", ERROR, ERROR)                                \
    X(ENTRIES_ABSURD, "entries-absurd", ERROR, ERROR)                          \
    X(ENTRIES_MANY, "entries-many", ERROR, ERROR)                              \
    X(ENTRIES_MORE, "entries-more", NOTE, NOTE)                                \
    X(BLOCK_SIZE, "block-size", ERROR, ERROR)                                  \
    X(BLOCK_SIZE_SMALL, "block-size-small", ERROR, ERROR)                      \
    X(BLOCK_SIZE_LARGE, "block-size-large", ERROR, ERROR)                      \
    X(BLOCK_SIZE_UNCOMMON, "block-size-uncommon", NOTE, NOTE)                  \
    X(HEADER_RESERVED, "header-reserved", NOTE, NOTE)                          \
    X(PARENT_FIELDS_UNUSED, "parent-fields-unused", NOTE, NOTE)                \
    X(BAT_ENTRY_PAST_END, "bat-entry-past-end", ERROR, ERROR)                  \
    X(BLOCK_CUT, "block-cut", ERROR, ERROR)                                    \
    X(BLOCK_OVER_FOOTER, "block-over-footer", ERROR, ERROR)                    \
    X(BLOCK_OVER_COPY, "block-over-copy", ERROR, ERROR)                        \
    X(BLOCK_OVER_HEADER, "block-over-header", ERROR, ERROR)                    \
    X(BLOCK_OVER_BAT, "block-over-bat", ERROR, ERROR)                          \
    X(BLOCK_OVER_LOCATOR, "block-over-locator", ERROR, ERROR)                  \
    X(BAT_ENTRIES_EQUAL, "bat-entries-equal", ERROR, ERROR)                    \
    X(BLOCKS_OVERLAP, "blocks-overlap", ERROR, ERROR)                          \
    X(SURPLUS_BLOCK, "surplus-block", NOTE, NOTE)                              \
    X(SURPLUS_ZERO, "surplus-zero", WARNING, WARNING)                          \
    X(BITS_PAST_END, "bits-past-end", NOTE, NOTE)                              \
    X(DATA_UNDER_CLEAR_BITS, "data-under-clear-bits", WARNING, WARNING)        \
    X(TRAILING_PADDING, "trailing-padding", NOTE, NOTE)                        \
    X(BATMAP_MISSING, "batmap-missing", WARNING, WARNING)                      \
    X(BATMAP_VERSION, "batmap-version", WARNING, WARNING)                      \
    X(BATMAP_PLACE, "batmap-place", WARNING, WARNING)                          \
    X(BATMAP_SIZE, "batmap-size", WARNING, WARNING)                            \
    X(BATMAP_CHECKSUM, "batmap-checksum", WARNING, WARNING)                    \
    X(BATMAP_LIES, "batmap-lies", WARNING, WARNING)                            \
    X(LOCATOR_CODE, "locator-code", WARNING, WARNING)                          \
    X(LOCATOR_SPACE, "locator-space", WARNING, WARNING)                        \
    X(LOCATOR_LENGTH, "locator-length", WARNING, WARNING)                      \
    X(LOCATOR_PAST_END, "locator-past-end", ERROR, ERROR)                      \
    X(LOCATOR_OVERLAP, "locator-overlap", ERROR, ERROR)                        \
    X(LOCATOR_BLANK, "locator-blank", NOTE, NOTE)                              \
    X(LOCATOR_TEXT, "locator-text", WARNING, WARNING)                          \
    X(LOCATOR_OUTSIDE, "locator-outside", NOTE, NOTE)                          \
    X(PARENT_NAME_TEXT, "parent-name-text", WARNING, WARNING)                  \
    X(PARENT_NAME_MISSING, "parent-name-missing", NOTE, NOTE)                  \
    X(RAW_PARENT, "raw-parent", NOTE, NOTE)                                    \
    X(PARENT_NOT_AT_HAND, "parent-not-at-hand", NOTE, NOTE)                    \
    X(PARENT_FOREIGN, "parent-foreign", ERROR, NEVER)                          \
    X(PARENT_LOOP, "parent-loop", ERROR, NEVER)                                \
    X(PARENT_NOT_A_DISK, "parent-not-a-disk", ERROR, NEVER)                    \
    X(PARENT_BROKEN, "parent-broken", ERROR, NEVER)                            \
    X(PARENT_AMBIGUOUS, "parent-ambiguous", ERROR, NEVER)                      \
    X(CHAIN_TOO_DEEP, "chain-too-deep", ERROR, NEVER)                          \
    X(PARENT_SIZE, "parent-size", NOTE, NEVER)

enum vhd_finding_id {
#define VHD_FINDING_ID(id, name, file, stream) FOUND_##id,
    VHD_FINDINGS(VHD_FINDING_ID)
#undef VHD_FINDING_ID
        VHD_NFINDINGS
};

enum { VHD_FINDING_TEXT = 480 };

struct vhd_finding {
    enum vhd_finding_id id;
    enum vhd_severity severity;
    uint64_t offset;             /* byte of the file that it is about */
    char text[VHD_FINDING_TEXT]; /* field, value and expectation, one line */
};

/* The name in reports, "bat-entry-past-end". */
const char *vhd_finding_name(enum vhd_finding_id id);

/* "note", "warning", "error". */
const char *vhd_severity_name(enum vhd_severity severity);

/* ERR_UNSUPPORTED where the disk may be sound and is of a form that is not
 * taken; else ERR_CORRUPT. */
int vhd_finding_code(enum vhd_finding_id id);

/* One judgement: who is told, and what was said so far. Zeroed but for the
 * first members at the beginning; used by one thread. */
struct vhd_judge {
    /* Told of each finding. A negative result ends the judgement, and is what
     * vhd_find returns. */
    int (*take)(void *ctx, const struct vhd_finding *f, struct err *e);
    void *ctx;
    bool stream;     /* the bytes come once, in order */
    bool chain;      /* the disk is to be read with its parents */
    uint64_t errors; /* how many so far */
    uint64_t severities[VHD_ERROR + 1]; /* the same for each */
    uint32_t counts[VHD_NFINDINGS];
    uint64_t last[VHD_NFINDINGS]; /* offset of the last one of each */
};

/* Of one id this many are told; the others are only counted. */
enum { VHD_FINDINGS_TOLD = 1000 };

/* Says one thing: a sentence without a dot; the same thing twice in a row is
 * said once. 0, or what `take` returned. */
int vhd_find(struct vhd_judge *j, enum vhd_finding_id id, uint64_t offset,
             struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

#endif
