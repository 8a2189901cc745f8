/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_TAR_SOURCE_H
#define VHDSTREAM_TAR_SOURCE_H

#include "base/notice.h"
#include "io/source.h"

/* Stands on the disk member of an archive; *s becomes that member. */
int source_untar(struct source **s, const struct notice *n, struct err *e);

#endif
