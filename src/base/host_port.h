/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_HOST_PORT_H
#define VHDSTREAM_HOST_PORT_H

/* Names of hosts. */

#include <stdbool.h>

enum { HOST_TEXT_SIZE = 256 };

/* A host as a URL names it. */
struct host_port {
    char name[HOST_TEXT_SIZE]; /* IPv6 addresses without their brackets */
    unsigned port;             /* 0: the scheme's own */
};

/* "HOST", "HOST:PORT", "[IPV6]:PORT" or a bare IPv6 address, as users write
 * hosts and as servers name them. False: it is none of these, and *out is as it
 * was. */
bool host_port_parse(struct host_port *out, const char *text);

/* "https://HOST:PORT" into out, cut to fit never: the largest takes
 * ORIGIN_SIZE. */
enum { ORIGIN_SIZE = HOST_TEXT_SIZE + 24 };
void host_port_origin(const struct host_port *h, bool tls,
                      char out[ORIGIN_SIZE]);

#endif
