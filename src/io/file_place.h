/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_FILE_PLACE_H
#define VHDSTREAM_FILE_PLACE_H

/*
 * A file that is written out of sight and appears under its name complete.
 *
 * Where the file system can (O_TMPFILE) it has no name until then, so that even
 * a killed run leaves nothing; else it is `.NAME.xxxxxxxxxxxx` in the folder of
 * its name. What exists under the name is never touched without `force`: both
 * file_place_open and file_place_appear refuse, the latter in one step with
 * taking the name. With force the name changes hands in one step, and the new
 * file gets the old one's mode bits. A symbolic link is followed first.
 */

#include "base/err.h"

#include <stdbool.h>

struct file_place {
    int fd;       /* open for writing and reading */
    char *path;   /* where it will appear, links resolved */
    char *folder; /* that it lies in */
    char *hidden; /* its name until then; NULL: it has none */
    bool force;
};

/* Fills *p. ERR_FAILED where the name is taken. */
int file_place_open(struct file_place *p, const char *path, bool force,
                    struct err *e);

/* Makes the content last (fsync). Nothing may be written after it. */
int file_place_settle(struct file_place *p, struct err *e);

/* Settles, gives the file its name, and makes that last.
 * After a failure the file is gone; what it was to replace may be gone, too,
 * only where the message says that the new one stands. */
int file_place_appear(struct file_place *p, struct err *e);

/* Closes; what has not appeared is gone. When that fails it is appended to
 * *why (or NULL). A place that was zeroed but never opened is fine with fd -1.
 */
void file_place_close(struct file_place *p, struct err *why);

#endif
