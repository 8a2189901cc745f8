/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/utf16.h"
#include "fuzzing.h"
#include "image/vhd/vhd_new.h"
#include "image/vhd/vhd_parent.h"
#include "memory_io.h"

#include <stdlib.h>
#include <string.h>

/* The input is a dynamic header and, as if the file went on, its texts. */

/* What is offered for opening stays in the folder, and can be shown. */
static void check_inside(const char *path)
{
    size_t len = strlen(path);

    demand(len && len < VHD_PARENT_PATH_MAX && path[0] != '/');
    demand(utf8_is_sound(path, len));
    for (size_t i = 0; i < len; i++)
        demand((uint8_t)path[i] >= 0x20 && path[i] != 0x7f);
    for (const char *part = path;; part++) {
        demand(strcmp(part, "..") != 0 && strncmp(part, "../", 3) != 0);
        part = strchr(part, '/');
        if (!part)
            break;
    }
}

static void check_paths(const struct vhd_parent *p)
{
    for (unsigned i = 0; i < p->ninside; i++) {
        check_inside(p->inside[i]);
        for (unsigned j = 0; j < i; j++)
            demand(strcmp(p->inside[i], p->inside[j]) != 0);
    }
    for (unsigned i = 0; i < p->noutside; i++)
        demand(p->outside[i][0]);
}

/* A child that is written anew leads to the same path. */
static void check_naming(const struct vhd_head *from, const char *path)
{
    enum { AT = 1536 };
    struct vhd_head head = {.limit = UINT32_MAX};
    struct vhd_naming n;
    struct vhd_parent p;
    struct source *src;
    uint8_t *file;

    if (strchr(path, '\\') ||
        vhd_naming_make(&n, from, path, AT, &head.header, NULL) < 0)
        return;
    file = calloc(1, AT + n.len);
    demand(file != NULL);
    memcpy(file + AT, n.raw, n.len);
    src = memory_source(file, AT + n.len, 100, true);
    demand(!vhd_parent_read(src, &head, &p, NULL));
    demand(p.ninside && !strcmp(p.inside[0], path));
    vhd_parent_free(&p);
    source_close(src);
    free(file);
    vhd_naming_free(&n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct vhd_head head = {.limit = len};
    uint8_t raw[VHD_HEADER_SIZE] = {0};
    struct source *src = memory_source(data, len, 1000, true);
    struct vhd_parent p;

    memcpy(raw, data, len < sizeof(raw) ? len : sizeof(raw));
    memcpy(raw, "cxsparse", 8);
    (void)vhd_header_decode(raw, &head.header);
    if (!vhd_parent_read(src, &head, &p, NULL)) {
        check_paths(&p);
        if (p.ninside)
            check_naming(&head, p.inside[0]);
        vhd_parent_free(&p);
    }
    source_close(src);
    return 0;
}
