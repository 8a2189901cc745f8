/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_HTTP_INNER_H
#define VHDSTREAM_HTTP_INNER_H

/*
 * What the http_*.c files share; nobody else includes it.
 *
 * A request is one libcurl handle in a multi handle of its own. It moves only
 * inside http_step(), which never blocks; http_wait() blocks, with our own
 * deadline and the stop request. libcurl's limits are not used for that: they
 * count the time in which the caller does something else, too.
 */

#include "io/http.h"

#include <curl/curl.h>
#include <openssl/x509.h>

/* --- whom to believe: http_trust.c -----------------------------------------*/

enum { HTTP_HOST_SIZE = 256, HTTP_SUM_TEXT = 2 * 32 + 1 };

/* The judgement over the certificate of one host. */
struct http_verify {
    const struct http_trust *trust; /* or NULL */
    char host[HTTP_HOST_SIZE];      /* as in pins; "" before the first target */
    bool pinned;                    /* a pin fits the host ... */
    bool named;                     /* ... and names it */
    bool farewell;                  /* end TLS politely */
    bool ended;                     /* the other side has */
    bool seen;                      /* a certificate was shown ... */
    uint8_t sum[32];                /* ... its SHA-256 */
    bool refused;                   /* by us ... */
    int why;           /* ... for this X509_V_ERR_ (not used when pinned) */
    bool changed;      /* ... because the judge says so */
    bool stopped;      /* ... because the user has stopped it all */
    bool asks;         /* the judge wants more time */
    bool believed;     /* after that it was believed ... */
    uint8_t taken[32]; /* ... with this sum */
};

/* Sets the options of `easy` for requests to v->host. false: libcurl refused
 * one. *v must outlive the handle. */
bool http_trust_apply(struct http_verify *v, CURL *easy);

/* Sets v->host and v->pinned from the URL; ERR_USAGE when it has no host. */
int http_trust_target(struct http_verify *v, const char *url, const char *name,
                      struct err *e);

/* After a handshake that the judge gave up: asks it again, at leisure. Whether
 * the certificate is believed now. */
bool http_trust_ask(struct http_verify *v);

/* The error for a certificate that was not believed. `reason` is libcurl's. */
int http_trust_error(const struct http_verify *v, const char *name,
                     const char *reason, struct err *e);

/* --- text: http_url.c, http_note.c -----------------------------------------*/

/* The host of `url`: lower case, no brackets, IPv6 in its shortest form. */
bool http_url_host(const char *url, char *out, size_t size);

/* `location` as seen from `base`, absolute; false when it is none or too long
 * or neither http nor https. */
bool http_url_join(const char *base, const char *location, char *out,
                   size_t size);

/* Same scheme, host and port. */
bool http_url_same_origin(const char *a, const char *b);

bool http_url_is_tls(const char *url);

enum { HTTP_RAW_NOTE_SIZE = 8192 };

/* The first bytes of a body that is only read for its message. */
struct http_note {
    char raw[HTTP_RAW_NOTE_SIZE];
    size_t len;
    uint64_t total; /* bytes in all, kept or not */
};

void http_note_add(struct http_note *n, const char *data, size_t len);

/* Whether it begins like the head of an answer ("HTTP/1."). */
bool http_note_is_head(const struct http_note *n);

/* Makes reply->note and reply->late_status of it. */
void http_note_finish(const struct http_note *n, struct http_reply *reply);

/* The code that stands for an HTTP status. */
int http_status_code(int status);

/* --- requests: http_request.c, http_drive.c --------------------------------*/

enum {
    HTTP_SOCKETS = 8,              /* tried at once for one connection */
    HTTP_HEAD_MAX = 64 * 1024,     /* bytes of all heads of an answer */
    HTTP_CONNECT_S = 300,          /* when there is no timeout_s */
    HTTP_NOTE_WAIT_S = 5,          /* for the text of a refusal */
    HTTP_NOTE_BODY_MAX = 1 << 20,  /* bytes in the answer to a PUT */
    HTTP_RECEIVE_SIZE = 128 << 10, /* libcurl's receive buffer of a GET */
    HTTP_SEND_SIZE = 512 << 10,    /* libcurl's send buffer of a PUT */
};

struct http_request {
    const struct http_config *cfg;
    char name[NAME_SIZE];
    CURL *easy;
    CURLM *multi;
    struct curl_slist *headers;
    struct http_verify verify;
    struct http_reply reply;
    struct http_note note;
    int sockets[HTTP_SOCKETS]; /* open ones, or -1 */
    bool upload;               /* a PUT */
    int64_t size;              /* of the upload, -1: not known; or
                                  HTTP_SIZE_WITHIN */
    bool complete;             /* the upload is whole and answered */
    bool once;                 /* no second request will follow */
    bool added;                /* in the multi handle */
    bool connected;            /* a connection was given to the request */
    bool head_done;            /* the answer's head has come */
    bool ended;                /* libcurl is done with it ... */
    CURLcode result;           /* ... so */
    size_t head_bytes;         /* received for the head */
    double since;              /* wait_now() of the last byte, or of the call */
    int64_t moved;             /* bytes moved until then */
    struct err failure;        /* what a callback of ours found */
    char text[CURL_ERROR_SIZE]; /* libcurl's message */
};

/* Makes the handles with what all requests have in common. `r` is zeroed and
 * is to be closed whether this fails or not. */
int http_request_open(struct http_request *r, const struct http_config *cfg,
                      const char *name, struct err *e);
void http_request_close(struct http_request *r);

/* The URL, and whom to believe there. */
int http_request_target(struct http_request *r, const char *url, struct err *e);

/* The header lines: credentials, `first` (may be NULL), the NULL-ended `more`
 * (may be NULL). Takes the place of the ones set before. */
int http_request_headers(struct http_request *r, const char *first,
                         const char *const *more, struct err *e);

/* Drops the header lines, once they were sent; with `once` http_step does it:
 * a transfer may last for days, its credentials need not. */
void http_request_forget(struct http_request *r);

/* A header of the answer; false: none, or it does not fit. */
bool http_request_header(const struct http_request *r, const char *name,
                         char *out, size_t size);

/* Sets the request going; http_step moves it. */
int http_request_start(struct http_request *r, struct err *e);

/* Takes it out of the multi handle, so that the next can start. */
void http_request_stop(struct http_request *r);

/* Moves what can be moved without waiting: 0, 1 when the request has ended
 * well, else its failure (also when it had ended before). */
int http_step(struct http_request *r, struct err *e);

/* Waits until http_step has something to do; at most until `limit` seconds
 * after the last byte (0: for ever). ERR_TEMPORARY, ERR_CANCELLED. */
int http_wait(struct http_request *r, double limit, struct err *e);

/* timeout_s of the configuration. */
double http_limit(const struct http_request *r);

/* The caller is back: time counts from now. */
void http_clock_start(struct http_request *r);

/* Steps and waits until the answer's head has come. */
int http_await_head(struct http_request *r, struct err *e);

/* Bytes of the body that the system has taken, or that have come. */
int64_t http_sent(const struct http_request *r);
int64_t http_received(const struct http_request *r);

/* --- process-wide: http_global.c -------------------------------------------*/

/* Sets libcurl up, once; from any thread. */
int http_global_init(struct err *e);

/* After it: where an SSL_CTX holds its struct http_verify. */
int http_ssl_index(void);

/* --- streams: http_stream.c, http_get.c, http_put.c ------------------------*/

struct http_stream {
    struct http_request req;

    /* GET: where the caller wants the body, and what did not fit there */
    uint8_t *in;
    size_t in_room, in_have;
    uint8_t *stash; /* HTTP_STASH_SIZE */
    size_t stash_pos, stash_len;
    bool in_paused;

    /* PUT: what the caller has given and libcurl has not taken */
    const uint8_t *out;
    size_t out_len;
    uint64_t written; /* bytes given in all */
    bool out_paused, ending;
    bool end_sent; /* the last chunk was asked for */
};

enum { HTTP_STASH_SIZE = HTTP_RECEIVE_SIZE + CURL_MAX_WRITE_SIZE };

/* A stream with a request to `url` that is ready but for its method. */
int http_stream_open(struct http_stream **out, const struct http_config *cfg,
                     const char *url, const char *name,
                     const char *const *headers, struct err *e);

/* Lets libcurl ask for body bytes again. A paused upload would keep it from
 * seeing that the answer is over. */
void http_stream_unpause(struct http_stream *st);

/* Reads the rest of an answer for its message, for a short time only. Only a
 * stop request is an error. */
int http_stream_note(struct http_stream *st, struct err *e);

#endif
