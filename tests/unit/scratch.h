/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_SCRATCH_H
#define VHDSTREAM_SCRATCH_H

/* A folder for the files of one test, and quick ways to make and look at
 * them. After unit.h. */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_dir[64];

/* For cmocka's setup: a fresh folder, which becomes the current one. */
static inline int scratch_setup(void **state)
{
    (void)state;
    memcpy(scratch_dir, "/tmp/vhdstream-unit-XXXXXX",
           sizeof("/tmp/vhdstream-unit-XXXXXX"));
    return mkdtemp(scratch_dir) && chdir(scratch_dir) == 0 ? 0 : -1;
}

/* Names in the folder, hidden ones too. */
static inline int scratch_count(void)
{
    DIR *dir = opendir(scratch_dir);
    struct dirent *entry;
    int count = 0;

    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            count++;
    closedir(dir);
    return count;
}

static inline int scratch_teardown(void **state)
{
    DIR *dir = opendir(scratch_dir);
    struct dirent *entry;

    (void)state;
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            remove(entry->d_name);
    closedir(dir);
    return chdir("/") || rmdir(scratch_dir);
}

static inline void scratch_write(const char *name, const void *data, size_t len)
{
    FILE *f = fopen(name, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
}

/* Reads up to `max` bytes; the count. */
static inline size_t scratch_read(const char *name, void *data, size_t max)
{
    FILE *f = fopen(name, "r");
    size_t got;

    assert_non_null(f);
    got = fread(data, 1, max, f);
    fclose(f);
    return got;
}

#endif
