/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/tar_member.h"

#include "io/tar_source.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Names that the program's locale cannot show are had as UTF-8, others as the
 * bytes that they are. */
static const char *path_of(struct archive_entry *entry)
{
    const char *path = archive_entry_pathname_utf8(entry);

    if (!path)
        path = archive_entry_pathname(entry);
    return path ? path : "";
}

/* The last part of it; "" for a folder's with a slash at its end. */
static const char *base_of(struct archive_entry *entry)
{
    const char *path = path_of(entry);
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

void tar_member_name(struct archive_entry *entry,
                     char name[TAR_MEMBER_NAME_SIZE])
{
    const char *path = path_of(entry);

    (void)snprintf(name, TAR_MEMBER_NAME_SIZE, "%s",
                   *path ? path : "(no name)");
}

static bool is_swap(const char *base)
{
    return !strcasecmp(base, "swap.vhd");
}

static bool has_suffix_of_disk(const char *base)
{
    static const char *const suffixes[] = {".vhd", ".raw", ".img"};
    const char *suffix = strrchr(base, '.');

    if (!suffix || suffix == base)
        return false;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (!strcasecmp(suffix, suffixes[i]))
            return true;
    return false;
}

void tar_member_list(char *list, size_t size, const char *name)
{
    size_t used = strlen(list);

    if (used + strlen(name) + 8 < size)
        (void)snprintf(list + used, size - used, "%s%s", used ? ", " : "",
                       name);
    else if (used && list[used - 1] != '.')
        (void)snprintf(list + used, size - used, ", ...");
}

bool tar_member_may_be_disk(struct archive_entry *entry)
{
    const char *base = base_of(entry);

    return archive_entry_filetype(entry) == AE_IFREG &&
           !archive_entry_hardlink(entry) && strncmp(base, "._", 2) != 0 &&
           !is_swap(base);
}

bool tar_member_is_disk(struct archive_entry *entry)
{
    return tar_member_may_be_disk(entry) && has_suffix_of_disk(base_of(entry));
}

bool tar_member_is_worth_a_word(struct archive_entry *entry)
{
    return archive_entry_filetype(entry) != AE_IFDIR &&
           strcmp(base_of(entry), TAR_CHAIN_NOTE) != 0;
}
