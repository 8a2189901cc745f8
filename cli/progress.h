/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_PROGRESS_H
#define VHDSTREAM_PROGRESS_H

/* How far a transfer is, shown: as a bar on a terminal, as lines of JSON on a
 * descriptor, as one line at a signal. */

#include <stdbool.h>

struct arguments;
struct vhdstream;

struct display {
    const struct vhdstream *v;
    double start;      /* when it began, seconds */
    double json_last;  /* when the last JSON line went out */
    int json_fd;       /* -1: none */
    bool bar_wanted;   /* even in the first second, even without a terminal */
    bool bar_possible; /* stderr is a terminal and nobody said no */
    bool bar_shown;
};

void display_init(struct display *d, const struct vhdstream *v,
                  const struct arguments *a);

/* Brings bar and JSON up to date. */
void display_update(struct display *d);

/* One line on stderr, as SIGUSR1 asks for. */
void display_line(struct display *d);

/* Takes the bar off the terminal's line. */
void display_clear(struct display *d);

/* The last state; the bar stays where the work was done. */
void display_end(struct display *d, bool done);

#endif
