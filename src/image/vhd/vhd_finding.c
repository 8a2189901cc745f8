/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_finding.h"

#include <stdarg.h>
#include <stdio.h>

struct entry {
    const char *name;
    enum vhd_severity file, stream;
};

static const struct entry table[VHD_NFINDINGS] = {
#define VHD_FINDING_ENTRY(id, name, file, stream)                              \
    [FOUND_##id] = {name, VHD_##file, VHD_##stream},
    VHD_FINDINGS(VHD_FINDING_ENTRY)
#undef VHD_FINDING_ENTRY
};

const char *vhd_finding_name(enum vhd_finding_id id)
{
    return table[id].name;
}

const char *vhd_severity_name(enum vhd_severity severity)
{
    return severity == VHD_ERROR     ? "error"
           : severity == VHD_WARNING ? "warning"
                                     : "note";
}

int vhd_finding_code(enum vhd_finding_id id)
{
    switch (id) {
    case FOUND_POISONED:
    case FOUND_PIPE_FIXED:
    case FOUND_PIPE_ORDER:
    case FOUND_FOOTER_VERSION:
    case FOUND_HEADER_VERSION:
    case FOUND_BITMAPS_TAP_01:
    case FOUND_BLOCK_SIZE_SMALL:
    case FOUND_BLOCK_SIZE_LARGE:
    case FOUND_ENTRIES_MANY:
        return ERR_UNSUPPORTED;
    default:
        return ERR_CORRUPT;
    }
}

static enum vhd_severity severity_of(const struct vhd_judge *j,
                                     enum vhd_finding_id id)
{
    if (id == FOUND_PARENT_NOT_AT_HAND && j->chain)
        return VHD_ERROR;
    return j->stream ? table[id].stream : table[id].file;
}

/* Names of parents come from outside. */
static void make_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
}

int vhd_find(struct vhd_judge *j, enum vhd_finding_id id, uint64_t offset,
             struct err *e, const char *fmt, ...)
{
    struct vhd_finding f = {
        .id = id, .severity = severity_of(j, id), .offset = offset};
    va_list args;

    if (f.severity == VHD_NEVER || (j->counts[id] && j->last[id] == offset))
        return 0;
    j->last[id] = offset;
    j->errors += f.severity == VHD_ERROR;
    j->severities[f.severity]++;
    if (j->counts[id]++ >= VHD_FINDINGS_TOLD)
        return 0;
    va_start(args, fmt);
    (void)vsnprintf(f.text, sizeof(f.text), fmt, args);
    va_end(args);
    make_printable(f.text);
    return j->take(j->ctx, &f, e);
}
