/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/http_inner.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* libcurl's own parser decides, so that what is judged here is what is asked
 * there. */
static CURLU *parse(const char *url)
{
    CURLU *u = curl_url();

    if (u && curl_url_set(u, CURLUPART_URL, url, 0)) {
        curl_url_cleanup(u);
        return NULL;
    }
    return u;
}

/* A part of `u` into out; false when there is none or it does not fit. */
static bool part(CURLU *u, CURLUPart which, char *out, size_t size)
{
    unsigned flags = which == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0;
    char *text = NULL;
    bool fits;

    if (curl_url_get(u, which, &text, flags))
        return false;
    fits = strlen(text) < size;
    if (fits)
        (void)snprintf(out, size, "%s", text);
    curl_free(text);
    return fits;
}

static void normalise(char *host, size_t size)
{
    struct in6_addr six;
    size_t len = strlen(host);

    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        memmove(host, host + 1, len - 2);
        host[len - 2] = '\0';
    }
    if (inet_pton(AF_INET6, host, &six) == 1)
        (void)inet_ntop(AF_INET6, &six, host, (socklen_t)size);
    for (char *p = host; *p; p++)
        *p = (char)tolower((unsigned char)*p);
}

bool http_url_host(const char *url, char *out, size_t size)
{
    CURLU *u = parse(url);
    bool found;

    if (!u)
        return false;
    found = part(u, CURLUPART_HOST, out, size);
    curl_url_cleanup(u);
    if (found)
        normalise(out, size);
    return found && *out;
}

static bool is_http(const char *url)
{
    return !strncasecmp(url, "http://", 7) || http_url_is_tls(url);
}

bool http_url_is_tls(const char *url)
{
    return !strncasecmp(url, "https://", 8);
}

bool http_url_join(const char *base, const char *location, char *out,
                   size_t size)
{
    CURLU *u = parse(base);
    bool joined;

    if (!u)
        return false;
    joined = !curl_url_set(u, CURLUPART_URL, location, 0) &&
             part(u, CURLUPART_URL, out, size) && is_http(out);
    curl_url_cleanup(u);
    return joined;
}

/* "https host 443" */
static bool origin(const char *url, char *out, size_t size)
{
    char scheme[16], host[HTTP_HOST_SIZE], port[16];
    CURLU *u = parse(url);
    bool found;

    if (!u)
        return false;
    found = part(u, CURLUPART_SCHEME, scheme, sizeof(scheme)) &&
            part(u, CURLUPART_HOST, host, sizeof(host)) &&
            part(u, CURLUPART_PORT, port, sizeof(port));
    curl_url_cleanup(u);
    if (found)
        (void)snprintf(out, size, "%s %s %s", scheme, host, port);
    return found;
}

bool http_url_same_origin(const char *a, const char *b)
{
    char one[HTTP_HOST_SIZE + 64], two[HTTP_HOST_SIZE + 64];

    return origin(a, one, sizeof(one)) && origin(b, two, sizeof(two)) &&
           !strcasecmp(one, two);
}

void http_url_redact(const char *url, char *out, size_t size)
{
    CURLU *u = parse(url);
    char *text = NULL;

    if (u && !curl_url_set(u, CURLUPART_USER, NULL, 0) &&
        !curl_url_set(u, CURLUPART_PASSWORD, NULL, 0) &&
        !curl_url_set(u, CURLUPART_OPTIONS, NULL, 0) &&
        !curl_url_set(u, CURLUPART_QUERY, NULL, 0) &&
        !curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) &&
        !curl_url_get(u, CURLUPART_URL, &text, 0))
        (void)snprintf(out, size, "%s", text);
    else
        (void)snprintf(out, size, "%s",
                       http_url_is_tls(url) ? "https URL" : "http URL");
    curl_free(text);
    curl_url_cleanup(u);
}
