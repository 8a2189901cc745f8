/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "progress.h"

#include "arguments.h"
#include "vhdstream.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR_WIDTH = 24, LINE_SIZE = 256 };

/* The bar appears only for work that lasts this long. */
static const double bar_after_s = 1.0;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void display_init(struct display *d, const struct vhdstream *v,
                  const struct arguments *a)
{
    *d = (struct display){.v = v, .start = now(), .json_fd = a->progress_fd};
    d->bar_wanted = a->progress > 0;
    d->bar_possible = a->progress == 0 && !a->quiet && isatty(STDERR_FILENO);
}

/* "734 MB": three digits at most before the unit, powers of ten. */
static const char *human(double bytes, char text[16])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    int unit = 0;

    while (bytes >= 999.5 && unit < 5) {
        bytes /= 1000;
        unit++;
    }
    (void)snprintf(text, 16, unit && bytes < 9.95 ? "%.1f %s" : "%.0f %s",
                   bytes, units[unit]);
    return text;
}

static void human_time(double seconds, char text[16])
{
    if (!isfinite(seconds) || seconds > 359999)
        (void)snprintf(text, 16, "--:--");
    else if (seconds >= 3600)
        (void)snprintf(text, 16, "%d:%02d:%02d", (int)seconds / 3600,
                       (int)seconds / 60 % 60, (int)seconds % 60);
    else
        (void)snprintf(text, 16, "%02d:%02d", (int)seconds / 60,
                       (int)seconds % 60);
}

static double share(const struct vhdstream_progress *p)
{
    return p->total ? (double)p->done / (double)p->total : 0;
}

/* Percent, bytes, rate, time left, holes. */
static void format_line(const struct display *d, char line[LINE_SIZE])
{
    struct vhdstream_progress p;
    char read[16], written[16], rate[16], holes[16], left[16];
    double spent = now() - d->start, moved;

    vhdstream_get_progress(d->v, &p);
    moved = (double)(p.done - p.holes);
    human_time(moved > 0 ? (double)(p.total - p.done) / moved * spent
                         : INFINITY,
               left);
    (void)snprintf(line, LINE_SIZE,
                   "%5.1f %%  %s read, %s written, %s/s, %s left, %s empty",
                   100 * share(&p), human((double)p.read, read),
                   human((double)p.written, written),
                   human(spent > 0 ? moved / spent : 0, rate), left,
                   human((double)p.holes, holes));
}

static void draw_bar(struct display *d)
{
    struct vhdstream_progress p;
    char line[LINE_SIZE], bar[BAR_WIDTH + 1];
    int filled;

    vhdstream_get_progress(d->v, &p);
    filled = (int)(BAR_WIDTH * share(&p));
    memset(bar, '-', BAR_WIDTH);
    memset(bar, '#', (size_t)filled);
    bar[BAR_WIDTH] = '\0';
    format_line(d, line);
    (void)fprintf(stderr, "\r[%s] %s\033[K", bar, line);
    d->bar_shown = true;
}

static void write_json(struct display *d)
{
    struct vhdstream_progress p;

    vhdstream_get_progress(d->v, &p);
    if (dprintf(
            d->json_fd,
            "{\"total\":%" PRIu64 ",\"done\":%" PRIu64 ",\"holes\":%" PRIu64
            ",\"read\":%" PRIu64 ",\"written\":%" PRIu64 ",\"seconds\":%.3f}\n",
            p.total, p.done, p.holes, p.read, p.written, now() - d->start) < 0)
        d->json_fd = -1;
}

void display_update(struct display *d)
{
    double at = now();

    if (d->bar_wanted || (d->bar_possible && at - d->start >= bar_after_s))
        draw_bar(d);
    if (d->json_fd >= 0 && at - d->json_last >= 1) {
        write_json(d);
        d->json_last = at;
    }
}

void display_line(struct display *d)
{
    char line[LINE_SIZE];

    display_clear(d);
    format_line(d, line);
    (void)fprintf(stderr, "vhdstream: %s\n", line);
}

void display_clear(struct display *d)
{
    if (d->bar_shown)
        (void)fputs("\r\033[K", stderr);
    d->bar_shown = false;
}

void display_end(struct display *d, bool done)
{
    if (d->json_fd >= 0)
        write_json(d);
    if (done && d->bar_shown) {
        draw_bar(d);
        (void)fputc('\n', stderr);
    } else {
        display_clear(d);
    }
}
