/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_WATCH_H
#define VHDSTREAM_WATCH_H

/*
 * While the library works in the main thread, a second one watches: it takes
 * the signals (SIGINT and SIGTERM stop, the second of them quits at once,
 * SIGUSR1 prints a line), and keeps the progress display up to date, also while
 * nothing moves. Between its start and its end certificates are judged by the
 * user's list, or the user (stranger.h).
 */

#include <stdbool.h>

struct arguments;
struct vhdstream;

struct watch;

/* Blocks the signals in the calling thread and starts to watch. NULL when that
 * cannot be: then signals do what they do by default. */
struct watch *watch_start(struct vhdstream *v, const struct arguments *a);

/* While the terminal has a question on it, nothing is drawn there. NULL is
 * fine. */
void watch_hold(struct watch *w, bool held);

/* Readable once a signal has asked to stop; -1 for NULL. */
int watch_stop_fd(const struct watch *w);

/* Ends it. Returns the signal that asked to stop, or 0. `done`: the work was
 * completed, so a bar that was shown is filled. */
int watch_stop(struct watch *w, bool done);

#endif
