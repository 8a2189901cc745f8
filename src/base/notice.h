/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_NOTICE_H
#define VHDSTREAM_NOTICE_H

/* Things that are worth a sentence to the user and no failure: a lost footer
 * that could be done without, a member that was skipped. */

/* fn takes one sentence without a line end, and may be called from any thread
 * of a transfer. */
struct notice {
    void (*fn)(void *ctx, const char *text);
    void *ctx;
};

/* Formats a sentence for `n`; NULL is fine. */
void notice_say(const struct notice *n, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
