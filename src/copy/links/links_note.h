/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_LINKS_NOTE_H
#define VHDSTREAM_LINKS_NOTE_H

/* chain.json, the last member of an image with a chain: what its disks were
 * called. docs/formats/chain-json.md defines it. */

#include "copy/links/links.h"
#include "io/tar_source.h"

/* Its text, to be freed. */
int links_note_make(char **out, const struct link *links, unsigned count,
                    struct err *e);

/* Puts the labels that it has into those of the links that it knows. One that
 * is not there says nothing; ERR_CORRUPT for one that is none. */
int links_note_read(const struct tar_side *note, const char *name,
                    struct link *links, unsigned count, struct err *e);

#endif
