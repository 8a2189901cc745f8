/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "picture.h"

#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS = 64 };

/* What a character of the library's picture looks like on a terminal. */
struct glyph {
    const char *from; /* any of these */
    const char *fine, *plain;
};

static const struct glyph disk_glyphs[] = {
    {"123", "\u2591", "-"}, {"456", "\u2592", "+"},
    {"78", "\u2593", "*"},  {"9", "\u2588", "#"},
    {"z", "0", "0"},        {"p", "^", "^"},
    {".", "\u00b7", "."},   {0},
};

/* Digits stay. */
static const struct glyph file_glyphs[] = {
    {"m", "\u2588", "#"}, {"-", "\u00b7", "."}, {0}};

static bool has_utf8(void)
{
    (void)setlocale(LC_CTYPE, "");
    return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

static void print_glyph(char c, const struct glyph *g, bool fine)
{
    for (; g->from; g++) {
        if (strchr(g->from, c)) {
            (void)fputs(fine ? g->fine : g->plain, stdout);
            return;
        }
    }
    (void)putchar(c);
}

static void print_cells(json_t *picture, const struct glyph *glyphs, bool fine)
{
    const char *cells = json_string_value(json_object_get(picture, "cells"));

    for (size_t i = 0; cells[i]; i++) {
        (void)fputs(i % COLUMNS ? "" : "  ", stdout);
        print_glyph(cells[i], glyphs, fine);
        if (i % COLUMNS == COLUMNS - 1 || !cells[i + 1])
            (void)putchar('\n');
    }
}

/* "64 KiB": cells are powers of two. */
static void print_cell_size(json_t *picture)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    json_int_t cell = json_integer_value(json_object_get(picture, "cell"));
    int unit = 0;

    for (; cell >= 1024 && unit < 4; unit++)
        cell /= 1024;
    (void)printf("%" JSON_INTEGER_FORMAT " %s", cell, units[unit]);
}

static json_int_t number_of(json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void print_shares(json_t *result)
{
    const char *kind, *separator = "  ";
    json_t *bytes = json_object_get(result, "bytes"), *value;
    double size = (double)number_of(result, "virtual_size");

    json_object_foreach(bytes, kind, value)
    {
        json_int_t n = json_integer_value(value);

        if (!n)
            continue;
        (void)printf("%s%s %.3g %%", separator, kind, 100 * (double)n / size);
        separator = ", ";
    }
    (void)putchar('\n');
}

static void print_disk(json_t *result, bool fine)
{
    json_t *picture = json_object_get(result, "picture");

    (void)printf("\nThe disk, each place ");
    print_cell_size(picture);
    (void)printf(fine ? " (\u2591\u2592\u2593\u2588 data, 0 zeros, \u00b7 "
                        "hole, ^ parent):\n"
                      : " (-+*# data, 0 zeros, . hole, ^ parent):\n");
    print_cells(picture, disk_glyphs, fine);
    print_shares(result);
}

/* In order, its digits never fall. */
static void print_file(json_t *file, bool fine)
{
    json_t *picture = json_object_get(file, "picture");
    json_int_t runs = number_of(file, "runs");

    (void)printf("\nThe file, each place ");
    print_cell_size(picture);
    (void)printf(fine ? " (0-9 the tenth of the disk, \u2588 metadata, \u00b7 "
                        "gap):\n"
                      : " (0-9 the tenth of the disk, # metadata, . gap):\n");
    print_cells(picture, file_glyphs, fine);
    (void)printf("  blocks in %" JSON_INTEGER_FORMAT
                 " run%s, gaps of %" JSON_INTEGER_FORMAT " bytes\n",
                 runs, runs == 1 ? "" : "s", number_of(file, "gaps"));
}

void picture_print(json_t *result)
{
    json_t *file = json_object_get(result, "file");
    bool fine = has_utf8();

    print_disk(result, fine);
    if (file)
        print_file(file, fine);
}
