/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/map/map_svg.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/text.h"
#include "copy/map/map_colour.h"
#include "io/printer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* All in pixels. */
enum {
    MARGIN = 36,
    GRID = 896, /* wide: 128 cells of 7 or fewer of more */
    COLUMNS_MIN = 16,
    COLUMNS_MAX = 128,
    PLOT = 256,
    GUTTER = 48,
    BAR = 14,
    HEAD = 96,  /* of the whole */
    TITLE = 78, /* of a section: line, bar, legend */
    SCALE = 44, /* below the disk's grid */
};

/* --- text ----------------------------------------------------------------- */

enum { HUMAN = 32 };

/* "3.2 GiB": as few digits as tell it. */
static const char *human(uint64_t bytes, char text[HUMAN])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int unit = 0;

    while (value >= 1024 && unit < 4) {
        value /= 1024;
        unit++;
    }
    if (unit && value < 100 && (double)(uint64_t)value < value)
        (void)snprintf(text, HUMAN, "%.1f %s", value, units[unit]);
    else
        (void)snprintf(text, HUMAN, "%.0f %s", value, units[unit]);
    return text;
}

/* A name as XML text: what it may not hold is shown as '?'. */
static void escape(const char *name, char *out, size_t room)
{
    bool plain = text_is_utf8(name, strlen(name));
    size_t used = 0;

    for (; *name && used + 8 < room; name++) {
        unsigned char c = (unsigned char)*name;

        if (c == '&' || c == '<')
            used += (size_t)snprintf(out + used, room - used, "%s",
                                     c == '&' ? "&amp;" : "&lt;");
        else
            out[used++] =
                c < 0x20 || c == 0x7f || (c >= 0x80 && !plain) ? '?' : *name;
    }
    out[used] = '\0';
}

/* --- parts ---------------------------------------------------------------- */

struct drawing {
    const struct map_model *m;
    struct printer *out;
    struct err *e;
};

static int print_text(struct drawing *d, int x, int y, const char *style,
                      const char *text)
{
    return printer_print(d->out, d->e,
                         "<text x=\"%d\" y=\"%d\" class=\"%s\">%s</text>\n", x,
                         y, style, text);
}

static int print_box(struct drawing *d, double x, double y, double width,
                     double height, struct colour c)
{
    return printer_print(d->out, d->e,
                         "<rect x=\"%.5g\" y=\"%.5g\" width=\"%.5g\" "
                         "height=\"%.5g\" fill=\"#%02x%02x%02x\"/>\n",
                         x, y, width, height, c.r, c.g, c.b);
}

/* One kind of bytes, in the bar and in the legend. */
struct item {
    const char *name;
    uint64_t bytes;
    struct colour colour;
    bool scaled; /* data: all of the scale instead */
};

/* What is there at all is seen. */
static double bar_width(const struct item *item, uint64_t whole)
{
    double width = GRID * map_share(item->bytes, whole);

    return item->bytes && width < 2 ? 2 : width;
}

static int print_bar(struct drawing *d, int y, const struct item *items, int n,
                     uint64_t whole)
{
    double x = MARGIN, sum = 0;

    for (int i = 0; i < n; i++)
        sum += bar_width(&items[i], whole);
    for (int i = 0; i < n; i++) {
        double width = bar_width(&items[i], whole) * GRID / sum;

        if (items[i].bytes && items[i].scaled)
            TRY(printer_print(d->out, d->e,
                              "<rect x=\"%.5g\" y=\"%d\" width=\"%.5g\" "
                              "height=\"%d\" fill=\"url(#scale)\"/>\n",
                              x, y, width, BAR));
        else if (items[i].bytes)
            TRY(print_box(d, x, y, width, BAR, items[i].colour));
        x += width;
    }
    return 0;
}

static int print_swatch(struct drawing *d, int x, int y,
                        const struct item *item)
{
    const char *fill = "url(#scale)";
    char plain[8];

    (void)snprintf(plain, sizeof(plain), "#%02x%02x%02x", item->colour.r,
                   item->colour.g, item->colour.b);
    if (!item->scaled)
        fill = plain;
    return printer_print(d->out, d->e,
                         "<rect x=\"%d\" y=\"%d\" width=\"22\" "
                         "height=\"11\" rx=\"2\" fill=\"%s\"/>\n",
                         x, y - 10, fill);
}

/* "12.3 %", with a space that does not break. */
static const char *percent(uint64_t part, uint64_t whole, char text[HUMAN])
{
    double value = 100 * map_share(part, whole);

    (void)snprintf(text, HUMAN,
                   value < 0.01   ? "&lt;&#160;0.01&#160;%%"
                   : value < 9.95 ? "%.2g&#160;%%"
                                  : "%.3g&#160;%%",
                   value);
    return text;
}

static int print_legend(struct drawing *d, int y, const struct item *items,
                        int n, uint64_t whole)
{
    char size[HUMAN], part[HUMAN];
    int x = MARGIN;

    for (int i = 0; i < n; i++) {
        if (!items[i].bytes)
            continue;
        TRY(print_swatch(d, x, y, &items[i]));
        TRY(printer_print(
            d->out, d->e,
            "<text x=\"%d\" y=\"%d\" class=\"l\">%s <tspan class=\"n\">%s, "
            "%s</tspan></text>\n",
            x + 30, y, items[i].name, human(items[i].bytes, size),
            percent(items[i].bytes, whole, part)));
        x += 240;
    }
    return 0;
}

/* Four times as wide as high, or less high where that is not full. */
static uint32_t columns_of(const struct map_cells *c)
{
    uint32_t columns = COLUMNS_MIN;

    while (columns < COLUMNS_MAX &&
           (uint64_t)columns * columns < 4 * (uint64_t)c->count)
        columns *= 2;
    return columns;
}

static int grid_height(const struct map_cells *c)
{
    uint32_t columns = columns_of(c);

    return (int)(div_up(c->count, columns) * (GRID / columns));
}

/* Neighbours of one colour share a path, which keeps the file small. */
static int print_grid(struct drawing *d, const struct map_cells *c, int top)
{
    uint32_t columns = columns_of(c), pitch = GRID / columns;
    uint32_t side = pitch - (pitch > 20 ? 2 : 1);
    struct colour last = {0};

    for (uint32_t i = 0; i < c->count; i++) {
        struct colour now =
            c == &d->m->disk ? colour_of_disk(c, i) : colour_of_file(d->m, i);
        bool goes_on = i && colour_equal(last, now);

        if (!goes_on)
            TRY(printer_print(d->out, d->e,
                              "%s<path fill=\"#%02x%02x%02x\" d=\"",
                              i ? "\"/>\n" : "", now.r, now.g, now.b));
        TRY(printer_print(
            d->out, d->e,
            "M%" PRIu32 " %" PRIu32 "h%" PRIu32 "v%" PRIu32 "h-%" PRIu32 "z",
            MARGIN + i % columns * pitch, (uint32_t)top + i / columns * pitch,
            side, side, side));
        last = now;
    }
    return printer_print(d->out, d->e, "\"/>\n");
}

static int print_section(struct drawing *d, int y, const char *title,
                         const struct map_cells *c, const char *more,
                         const struct item *items, int n)
{
    char size[HUMAN], cell[HUMAN], line[256];

    (void)snprintf(line, sizeof(line),
                   "%s <tspan class=\"n\">%s; a square is %s%s</tspan>", title,
                   human(c->size, size), human(c->cell, cell), more);
    TRY(print_text(d, MARGIN, y + 16, "h", line));
    TRY(print_bar(d, y + 28, items, n, c->size));
    TRY(print_legend(d, y + 62, items, n, c->size));
    return print_grid(d, c, y + TITLE);
}

static int print_disk(struct drawing *d, int y)
{
    const uint64_t *t = d->m->disk.totals;
    const struct item items[] = {
        {"data", t[EXTENT_DATA], {0}, true},
        {"stored zeros", t[EXTENT_ZERO], colour_zeros, false},
        {"parent", t[EXTENT_PARENT], colour_parents, false},
        {"holes", t[EXTENT_HOLE], colour_empty, false},
    };

    TRY(print_section(d, y, "Disk", &d->m->disk, "", items, 4));
    y += TITLE + grid_height(&d->m->disk) + 10;
    TRY(printer_print(d->out, d->e,
                      "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"6\" "
                      "rx=\"3\" fill=\"url(#scale)\"/>\n",
                      MARGIN, y, GRID));
    TRY(print_text(d, MARGIN, y + 22, "n", "the disk's first byte"));
    return print_text(d, MARGIN + GRID, y + 22, "n e", "its last");
}

static int print_file(struct drawing *d, int y)
{
    const struct map_model *m = d->m;
    const uint64_t *t = m->file.totals;
    char more[96];
    const struct item items[] = {
        {"blocks", t[REGION_BLOCK], {0}, true},
        {"metadata", t[REGION_META], colour_metas, false},
        {"unused gaps", t[REGION_GAP], colour_gaps, false},
    };

    (void)snprintf(more, sizeof(more),
                   "; %" PRIu32 " block%s in %" PRIu32 " %s", m->nblocks,
                   m->nblocks == 1 ? "" : "s", m->runs,
                   m->runs == 1 ? "run, in order" : "runs");
    return print_section(d, y, "File", &m->file, m->nblocks ? more : "", items,
                         3);
}

/* Where on the disk what stands in the file belongs. */
static int print_plot(struct drawing *d, int top)
{
    const struct map_cells *c = &d->m->file;
    int left = MARGIN + GRID + GUTTER;

    TRY(print_text(d, left, top - 12, "h", "Order"));
    TRY(print_box(d, left, top, PLOT, PLOT, colour_empty));
    for (uint32_t i = 0; i < c->count; i++) {
        double place, side = c->count > 512 ? 2.5 : 4;

        if (!c->cells[i].place)
            continue;
        place = map_share(c->cells[i].place - 1, d->m->disk.size);
        TRY(print_box(d, left + (PLOT - side) * map_share(i, c->count),
                      top + (PLOT - side) * (1 - place), side, side,
                      colour_scale(place)));
    }
    TRY(print_text(d, left, top + PLOT + 18, "n", "place in the file &#8594;"));
    return printer_print(
        d->out, d->e,
        "<text transform=\"translate(%d %d) rotate(-90)\" class=\"n\">place "
        "on the disk &#8594;</text>\n",
        left - 8, top + PLOT);
}

/* --- the whole ------------------------------------------------------------ */

static const char style[] =
    "<style>text{font-family:system-ui,'Segoe UI','DejaVu Sans',sans-serif;"
    "fill:#1d2530}.t{font-size:22px;font-weight:600}.h{font-size:15px;"
    "font-weight:600}.l{font-size:13px}.n{font-size:13px;font-weight:400;"
    "fill:#5c6878}.e{text-anchor:end}</style>\n";

static int print_scale(struct drawing *d)
{
    TRY(printer_print(d->out, d->e, "<defs><linearGradient id=\"scale\">\n"));
    for (int i = 0; i < COLOUR_STOPS; i++) {
        struct colour c = colour_scale((double)i / (COLOUR_STOPS - 1));

        TRY(printer_print(d->out, d->e,
                          "<stop offset=\"%d%%\" stop-color=\"#%02x%02x%02x\""
                          "/>\n",
                          100 * i / (COLOUR_STOPS - 1), c.r, c.g, c.b));
    }
    return printer_print(d->out, d->e, "</linearGradient></defs>\n");
}

static int print_head(struct drawing *d, const char *name, const char *format,
                      int width, int height)
{
    char text[NAME_SIZE * 5], size[HUMAN], line[256];

    TRY(printer_print(
        d->out, d->e,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "viewBox=\"0 0 %d %d\">\n%s",
        width, height, width, height, style));
    TRY(print_scale(d));
    TRY(printer_print(d->out, d->e,
                      "<rect width=\"100%%\" height=\"100%%\" "
                      "fill=\"#fff\"/>\n"));
    escape(name, text, sizeof(text));
    TRY(print_text(d, MARGIN, 46, "t", text));
    (void)snprintf(line, sizeof(line), "%s, %s (%" PRIu64 " bytes)%s", format,
                   human(d->m->disk.size, size), d->m->disk.size,
                   d->m->looked ? "" : "; its blocks were not looked into");
    return print_text(d, MARGIN, 70, "n", line);
}

static int draw(struct drawing *d, const char *name, const char *format)
{
    const struct map_model *m = d->m;
    int disk = TITLE + grid_height(&m->disk) + SCALE + 20;
    int file = m->has_file ? TITLE + grid_height(&m->file) + MARGIN : 0;
    int plot = m->has_file ? TITLE + PLOT + MARGIN : 0;
    int width = 2 * MARGIN + GRID + (m->has_file ? GUTTER + PLOT : 0);
    int height = HEAD + (disk + file > plot ? disk + file : plot);

    TRY(print_head(d, name, format, width, height));
    TRY(print_disk(d, HEAD));
    if (m->has_file) {
        TRY(print_file(d, HEAD + disk));
        TRY(print_plot(d, HEAD + TITLE));
    }
    TRY(printer_print(d->out, d->e, "</svg>\n"));
    return printer_flush(d->out, d->e);
}

int map_svg_draw(const struct map_model *m, const char *name,
                 const char *format, struct sink *s, struct err *e)
{
    CLEANUP(printer) struct printer *out = NULL;
    struct drawing d = {.m = m, .e = e};

    TRY(printer_open(&out, s, e));
    d.out = out;
    return draw(&d, name, format);
}
