/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_HTTP_PEER_H
#define VHDSTREAM_HTTP_PEER_H

/*
 * A server on loopback that does what a test's function says, byte by byte, in
 * a thread of its own; one connection after the other. Its helpers abort the
 * test program on what must not happen in the test itself, and report what the
 * client does as values.
 */

#include <openssl/ssl.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer;

/* One connection, in the peer's thread. */
struct peer_conn {
    struct peer *peer;
    int fd;
    SSL *ssl;       /* NULL: cleartext */
    unsigned index; /* 0: the first one */
};

/* Serves one connection; it is closed after the return (a FIN, or a reset where
 * something that the client sent was not read). */
typedef void peer_serve(struct peer_conn *c, void *arg);

/* A self-signed certificate; what stays NULL or 0 has a plain default. */
struct peer_cert {
    const char *name; /* subjectAltName: "DNS:localhost", "IP:127.0.0.1" */
    bool expired;
    X509 *x509; /* made by peer_cert_make */
    EVP_PKEY *key;
    uint8_t sum[32]; /* SHA-256 of the certificate */
    char pin[80];    /* "sha256:HEX" */
    char pem[64];    /* a file with the certificate */
};

void peer_cert_make(struct peer_cert *cert);
void peer_cert_free(struct peer_cert *cert);

/* Starts a server; with `cert` it speaks TLS, with `groups` (or NULL) only on
 * these curves. */
struct peer *peer_start(peer_serve *serve, void *arg,
                        const struct peer_cert *cert, const char *groups);

/* Stops it and waits for its thread. The number of connections it took. */
unsigned peer_stop(struct peer *p);

uint16_t peer_port(const struct peer *p);

/* "http(s)://127.0.0.1:PORT/PATH", valid until the next call. */
const char *peer_url(const struct peer *p, const char *path);

/* Reads a request head into buf as text; false when the client ended first or
 * it does not fit. */
bool peer_head(struct peer_conn *c, char *buf, size_t size);

/* Reads the head and forgets it. */
void peer_skip_head(struct peer_conn *c);

/* Reads up to `len` bytes into buf (NULL: forgets them): the count, less when
 * the client ended or reset. */
size_t peer_recv(struct peer_conn *c, void *buf, size_t len);

/* Reads to the end: the count. *reset (or NULL) tells how it ended. */
size_t peer_drain(struct peer_conn *c, bool *reset);

/* What the client does not take is lost silently. */
void peer_send(struct peer_conn *c, const char *text);
void peer_send_bytes(struct peer_conn *c, const void *bytes, size_t len);

/* Ends the connection with a reset. */
void peer_reset(struct peer_conn *c);

/* Ends the connection with a FIN, whatever was not read, and waits for the
 * client to go. */
void peer_fin(struct peer_conn *c);

/* Does nothing, reads nothing, until the client goes. */
void peer_hold(struct peer_conn *c);

#endif
