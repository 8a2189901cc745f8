/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/vhd/vhd_creator.h"

#include <stddef.h>
#include <string.h>

struct creator {
    char code[5];
    bool exact_in_qemu;
    const char *program;
};

static const struct creator creators[] = {
    {"vpc ", false, "Virtual PC"},
    {"vs  ", false, "Virtual Server"},
    {"win ", true, "Windows (Hyper-V)"},
    {"d2v\0", false, "disk2vhd"},
    {"d2v ", true, "disk2vhd"}, /* as qemu expects it */
    {"qemu", false, "qemu, its size rounded to the geometry"},
    {"qem2", true, "qemu or vhdstream, its size exact"},
    {"tap\0", true, "blktap (XenServer, XCP-ng)"},
    {"CTXS", true, "XenConvert"},
    {"vbox", false, "VirtualBox"},
    {"wa\0\0", false, "Azure"},
    {"caml", false, "XAPI's export (XenServer, XCP-ng)"},
    {"xo  ", false, "Xen Orchestra"},
};

static const struct creator *find(const char creator[4])
{
    for (size_t i = 0; i < sizeof(creators) / sizeof(*creators); i++)
        if (!memcmp(creators[i].code, creator, 4))
            return &creators[i];
    return NULL;
}

const char *vhd_creator_program(const char creator[4])
{
    const struct creator *c = find(creator);

    return c ? c->program : NULL;
}

bool vhd_creator_is_exact_in_qemu(const char creator[4])
{
    const struct creator *c = find(creator);

    return c && c->exact_in_qemu;
}

const char *vhd_creator_host(uint32_t host_os)
{
    enum { WI2K = 0x5769326B, MAC = 0x4D616320 };

    return host_os == WI2K ? "Windows" : host_os == MAC ? "Macintosh" : NULL;
}
