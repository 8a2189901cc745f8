/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/host_port.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool port_parse(unsigned *out, const char *text)
{
    char *end = NULL;
    unsigned long port;

    if (!isdigit((unsigned char)*text))
        return false;
    port = strtoul(text, &end, 10);
    if (*end || port < 1 || port > 65535)
        return false;
    *out = (unsigned)port;
    return true;
}

/* What can stand in the host of a URL; nothing that could end it. */
static bool host_is_sound(const char *name, bool ipv6)
{
    if (!*name)
        return false;
    for (const char *p = name; *p; p++) {
        unsigned char c = (unsigned char)*p;
        bool sound = ipv6 ? isxdigit(c) || c == ':' || c == '.'
                          : isalnum(c) || c == '-' || c == '.' || c == '_';

        if (!sound)
            return false;
    }
    return true;
}

/* The bracketed form: stores where the port may follow. */
static bool bracketed(const char *text, struct host_port *h, const char **rest)
{
    const char *end = strchr(text, ']');

    if (!end)
        return false;
    if (!text_copy_part(h->name, sizeof(h->name), text + 1,
                        (size_t)(end - text - 1)))
        return false;
    *rest = end + 1;
    return host_is_sound(h->name, true);
}

static bool unbracketed(const char *text, struct host_port *h,
                        const char **rest)
{
    const char *colon = strchr(text, ':');
    bool ipv6 = colon && strchr(colon + 1, ':');
    size_t len = colon && !ipv6 ? (size_t)(colon - text) : strlen(text);

    if (!text_copy_part(h->name, sizeof(h->name), text, len))
        return false;
    *rest = text + len;
    return host_is_sound(h->name, ipv6);
}

bool host_port_parse(struct host_port *out, const char *text)
{
    struct host_port h = {.port = 0};
    const char *rest = NULL;

    if (*text == '[' ? !bracketed(text, &h, &rest)
                     : !unbracketed(text, &h, &rest))
        return false;
    if (*rest == ':' ? !port_parse(&h.port, rest + 1) : *rest != '\0')
        return false;
    *out = h;
    return true;
}

void host_port_origin(const struct host_port *h, bool tls,
                      char out[ORIGIN_SIZE])
{
    bool ipv6 = strchr(h->name, ':') != NULL;
    int len = snprintf(out, ORIGIN_SIZE, "%s://%s%s%s", tls ? "https" : "http",
                       ipv6 ? "[" : "", h->name, ipv6 ? "]" : "");

    if (h->port && len > 0 && len < ORIGIN_SIZE)
        (void)snprintf(out + len, (size_t)(ORIGIN_SIZE - len), ":%u", h->port);
}
