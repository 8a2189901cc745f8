/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_HTTP_H
#define VHDSTREAM_HTTP_H

/*
 * HTTP(S) with libcurl inside: http*.c are the only files that know it.
 * Redirects are never followed here, credentials never sent unasked, `Expect`
 * and `Accept` never sent. A name that stands in messages is given apart from
 * the URL, since URLs hold session references.
 */

#include "base/err.h"
#include "base/retry.h"
#include "base/wait.h"
#include "io/sink.h"
#include "io/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A certificate that is trusted as it is, by the SHA-256 of its DER form. */
struct http_pin {
    char host[256]; /* "": any host */
    uint8_t sha256[32];
};

enum { HTTP_PINS_MAX = 64 };

/* A certificate that no pin speaks for. */
struct http_stranger {
    const char *host;
    const uint8_t *sha256; /* 32 bytes */
    const char *problem;   /* why it is not believed; NULL: it is */
    bool may_wait;         /* there is time to ask somebody */
};

enum http_belief {
    HTTP_AS_VERIFIED, /* by chain, name and date */
    HTTP_BELIEVE,
    HTTP_CHANGED, /* refuse it: this host had another one */
    HTTP_ASK,     /* the same call again, with may_wait */
    HTTP_STOPPED, /* refuse it: the user's stop came first */
};

/* Judges one: an enum http_belief. It comes in the middle of a handshake first,
 * when may_wait is false. HTTP_ASK gives that connection up where there is a
 * problem; HTTP_BELIEVE then makes another one. From any thread. */
typedef int http_judge(void *ctx, const struct http_stranger *who);

/* Whom to believe. With pins that fit the host, only a certificate with one of
 * their sums is taken (`insecure` or not), and names and chains do not matter.
 * One that was vouched for is taken, too, unless a pin names the host. The rest
 * is verified, and told to `judge`, unless `insecure`. A certificate that is
 * not believed is ERR_AUTH, and the message has the --pin that would make it
 * so. */
struct http_trust {
    const char *cacert; /* file of CA certificates, or NULL: the system's */
    bool insecure;      /* believe everybody */
    struct http_pin pins[HTTP_PINS_MAX];
    unsigned npins;
    const struct http_pin *vouched; /* by somebody believed, each for a host */
    unsigned nvouched;
    http_judge *judge; /* NULL: nobody is asked */
    void *judge_ctx;
};

/* Parses "[HOST=]sha256:HEX" (colons allowed in HEX). HOST is a name or an
 * address, without a port. ERR_USAGE. */
int http_pin_parse(struct http_pin *out, const char *text, struct err *e);

/* Parses it and adds it. */
int http_trust_pin(struct http_trust *t, const char *text, struct err *e);

/* What every request of one place has in common; must outlive them, with all
 * that it points to. The environment is never asked: a program that wants
 * http_proxy, https_proxy and no_proxy to count for plain URLs reads them and
 * hands them on; hosts of a pool are reached directly unless told else. */
struct http_config {
    const struct http_trust *trust; /* NULL: the system's certificates */
    const struct wait *wait; /* timeout_s: no byte either way; the whole head of
                                an answer has to come in this time */
    const char *user;        /* Basic credentials, sent at once; or NULL */
    const char *password;
    struct retry *retry;  /* for a GET that breaks off: source_open_http goes on
                             with it; NULL: it does not */
    const char *proxy;    /* "[http://][USER:PASSWORD@]HOST:PORT" or
                             "socks5h://..."; NULL: none */
    const char *no_proxy; /* "host,.domain,*": not through it; or NULL */
};

enum { HTTP_LOCATION_SIZE = 8192, HTTP_NOTE_SIZE = 512 };

/* What the server answered. */
struct http_reply {
    int status;                        /* 200, 302 ... */
    int64_t length;                    /* Content-Length, -1: none */
    char location[HTTP_LOCATION_SIZE]; /* of a redirect, absolute; or "" */
    char note[HTTP_NOTE_SIZE]; /* the body of an answer that is no 2xx or
                                  answers a PUT: one line of printable ASCII,
                                  tags removed, cut */
    int late_status; /* of a second head inside the body of the answer to a PUT
                        ("HTTP/1.1 500" after an early 200), 0: none */
};

/* 0 for a 2xx without a late status; else the error that says what the server
 * answered: 401, 403, 407 ERR_AUTH; 404, 410 ERR_NOT_FOUND; 413, 507
 * ERR_NO_SPACE; 408, 429 and 5xx (but 501, 505) ERR_TEMPORARY; else ERR_FAILED.
 */
int http_reply_check(const struct http_reply *reply, const char *name,
                     struct err *e);

/* --- calls: memory in, memory out (RPC) ----------------------------------- */

/* A connection that is kept open between calls. Used by one thread at a time.
 * A call is never sent twice: where the kept connection dies before an answer
 * has come, that is ERR_TEMPORARY, and whether it was carried out is open. */
struct http_client;

int http_client_open(struct http_client **out, const struct http_config *cfg,
                     struct err *e);
void http_client_close(struct http_client *c);

/* POSTs body[0 .. len) and stores the answer's body in *out (NUL-terminated,
 * the caller frees), at most `max` bytes (longer: ERR_CORRUPT). An answer that
 * is not 200 is no error here: see *reply. ERR_AUTH: TLS. ERR_TEMPORARY:
 * connection, timeout; a whole call takes at most 10 times timeout_s. */
int http_client_post(struct http_client *c, const char *url, const char *name,
                     const char *type, const void *body, size_t len, size_t max,
                     char **out, struct http_reply *reply, struct err *e);

/* A call of any method. */
struct http_call {
    const char *method; /* "GET", "POST", "PATCH", "DELETE" */
    const char *url;
    const char *name;
    const char *const *headers; /* NULL-ended list of "Name: value", or NULL */
    const char *type;           /* of the body; NULL: there is none */
    const void *body;
    size_t len;
    size_t max; /* of the answer's body */
};

/* As http_client_post. */
int http_client_call(struct http_client *c, const struct http_call *call,
                     char **out, struct http_reply *reply, struct err *e);

/* Whether the last call had a connection, so that the server may have carried
 * it out although it failed. */
bool http_client_was_sent(const struct http_client *c);

/* A header of the last answer into out. False: it has none, or one that does
 * not fit. */
bool http_client_header(const struct http_client *c, const char *name,
                        char *out, size_t size);

/* --- streams ---------------------------------------------------------------
 */

/* One request whose body is too long for memory, on a connection of its own.
 * Used by one thread at a time; between calls nothing moves, and the time does
 * not count against timeout_s. */
struct http_stream;

/* GET: returns when the head of the answer has come (of one that is no 2xx:
 * with its note); no redirect is followed and any status is a success here.
 * `headers` is a NULL-ended list of "Name: value", or NULL. */
int http_get_open(struct http_stream **out, const struct http_config *cfg,
                  const char *url, const char *name, const char *const *headers,
                  struct err *e);

/* For a body that says itself where it ends: no length is announced and no
 * transfer encoding, and the server may end its answer as soon as it has read
 * the last byte. http_stream_flush is not for such a one. */
enum { HTTP_SIZE_WITHIN = -2 };

/* PUT of `size` bytes (-1: chunked transfer encoding). With head_first it
 * returns when the head of the answer has come and no byte of the body was
 * sent (XAPI answers so); else at once. */
int http_put_open(struct http_stream **out, const struct http_config *cfg,
                  const char *url, const char *name, const char *const *headers,
                  int64_t size, bool head_first, struct err *e);

/* Valid once the head has come. */
const struct http_reply *http_stream_reply(const struct http_stream *st);

/* A header of the answer into out. False: it has none, or one that does not
 * fit. */
bool http_stream_header(const struct http_stream *st, const char *name,
                        char *out, size_t size);

/* Body of the answer: count, 0 at its end (a body shorter than its announced
 * Content-Length is ERR_TEMPORARY, not an end). An answer that is no 2xx has
 * only its note. */
int64_t http_stream_read(struct http_stream *st, void *buf, size_t len,
                         struct err *e);

/* Sends body bytes; some may still be in a buffer when it returns. When the
 * server ended or refused before the body was complete: an error that names the
 * byte, with the server's status and text where it sent one (codes as
 * http_reply_check, ERR_TEMPORARY without a status). */
int http_stream_write(struct http_stream *st, const void *buf, size_t len,
                      struct err *e);

/* Waits until the system has taken every byte of a body of known size, all of
 * which has been written; then finish only waits for the answer. For a caller
 * who learns the verdict elsewhere. */
int http_stream_flush(struct http_stream *st, struct err *e);

/* Ends the body (all of it must have been written), then reads the answer to
 * its end, which has to come within timeout_s of the last byte. What it said is
 * in the reply; a body of the answer goes to the note (so XAPI's second
 * "HTTP/1.1 500" after its early 200). Not judged here but for this: fewer
 * bytes taken than promised is an error. */
int http_stream_finish(struct http_stream *st, struct err *e);

/* Closes; a request that was not complete is broken off (never ended cleanly:
 * no last chunk, no TLS farewell, and the connection is reset). */
void http_stream_close(struct http_stream *st);
void http_stream_cleanup(struct http_stream **st);

/* --- plain URLs as places --------------------------------------------------*/

/* GET as a source: at most 10 redirects (GET only, https never to http, user
 * and password only to the first scheme, host and port), 200 else an error as
 * of http_reply_check. `size` from Content-Length.
 *
 * Where it breaks off, and cfg->retry has tries left, the rest is asked for
 * (Range), if the server gave a strong ETag by which it can tell that this is
 * still the same (If-Match). What cannot be gone on with stays
 * ERR_TEMPORARY. */
int source_open_http(struct source **out, const struct http_config *cfg,
                     const char *url, struct err *e);

/* What a server with ways of its own adds to that. */
struct http_source_options {
    /* Gives the header lines of the next request; `refused`: the last ones were
     * answered by 401. They stay the callee's and are used up before the next
     * call. NULL: none. */
    int (*lines)(void *ctx, bool refused, const char *const **out,
                 struct err *e);
    void *ctx;
    const char *name; /* for messages; NULL: the URL */
    bool steady;      /* what the URL names never changes: no ETag needed */
};

int source_open_http_with(struct source **out, const struct http_config *cfg,
                          const char *url,
                          const struct http_source_options *opt, struct err *e);

/* PUT as a sink; finish wants a 2xx. `size` -1: chunked. A server that cannot
 * be reached or refuses shows in the first write. */
int sink_open_http(struct sink **out, const struct http_config *cfg,
                   const char *url, int64_t size, struct err *e);

/* `url` without user, password and query, for messages. */
void http_url_redact(const char *url, char *out, size_t size);

#endif
