/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_ERR_H
#define VHDSTREAM_ERR_H

/*
 * Errors are values. A function that can fail takes `struct err *e` last and
 * returns 0 or a count on success, a negative enum err_code on failure; it then
 * has described the failure in *e, once, where place, object and expectation
 * are known. Callers pass it on with TRY() and do not re-word it.
 */

/* What the user can do about it; each maps to one exit status (err_exit). */
enum err_code {
    ERR_FAILED = -1,      /* 1: anything that has no better code */
    ERR_USAGE = -2,       /* 2: the call itself is wrong */
    ERR_CORRUPT = -3,     /* 3: data that is broken, cut or not as promised */
    ERR_UNSUPPORTED = -4, /* 3: sound, but a form that is not taken */
    ERR_NOT_FOUND = -5,   /* 4: no such file, disk, SR, URL */
    ERR_AUTH = -6,        /* 5: credentials, permission by the server, TLS */
    ERR_NO_SPACE = -7,    /* 6: full, too large, beyond the memory budget */
    ERR_UNSETTLED = -8,   /* 7: verdict not learnt, or something left behind */
    ERR_TEMPORARY = -9,   /* 75: may work later */
    ERR_CANCELLED = -10,  /* 130, 143: stopped by the user */
};

/* A failure. Fixed in size, so that it is copied by value across threads. */
struct err {
    int code; /* 0: none */
    char text[1020];
    char said[1024]; /* what a server said, for programs; "": none did */
};

/* Sets *e from a printf format and returns `code`; `said` is "". Control
 * characters of the result are replaced by '?', since names come from files and
 * servers. `e` may be NULL: then only the code is returned. Keeps errno. */
int err_set(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and the text of errno value `num` appended; the code is
 * chosen from it (ENOSPC: ERR_NO_SPACE, ENOENT: ERR_NOT_FOUND, ECONNREFUSED:
 * ERR_TEMPORARY, ...; ERR_FAILED where there is no better one). */
int err_errno(struct err *e, int num, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends to the text of *e (cut at its room); the code stays. For what a
 * caller alone knows: what was left behind. Returns e->code. */
int err_append(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The exit status that stands for `code` (130 for ERR_CANCELLED). */
int err_exit(int code);

/* Returns from the calling function when `call` fails. */
#define TRY(call)                                                              \
    do {                                                                       \
        int try_result_ = (int)(call);                                         \
        if (try_result_ < 0)                                                   \
            return try_result_;                                                \
    } while (0)

#endif
