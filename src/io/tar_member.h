/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_TAR_MEMBER_H
#define VHDSTREAM_TAR_MEMBER_H

/* What a member of a tar archive is to us; see tar_source.h. */

#include <archive_entry.h>
#include <stdbool.h>
#include <stddef.h>

enum { TAR_MEMBER_NAME_SIZE = 128 };

/* The name for messages, cut to fit. */
void tar_member_name(struct archive_entry *entry,
                     char name[TAR_MEMBER_NAME_SIZE]);

/* Adds a name to a list for messages, or dots where it is full. */
void tar_member_list(char *list, size_t size, const char *name);

/* Whether it is a disk by its name; whether it may be one of another name. */
bool tar_member_is_disk(struct archive_entry *entry);
bool tar_member_may_be_disk(struct archive_entry *entry);

/* Of one that is not a disk: whether the user should hear that it is left out.
 * A folder is not, nor the names that come with a chain of ours. */
bool tar_member_is_worth_a_word(struct archive_entry *entry);

#endif
