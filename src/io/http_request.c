/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "io/http_inner.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- what libcurl tells ----------------------------------------------------*/

/* Lines of the answer's head, and of heads before it (1xx). */
static size_t on_header(char *line, size_t one, size_t len, void *arg)
{
    struct http_request *r = arg;
    long status = 0;

    (void)one;
    r->head_bytes += len;
    if (r->head_bytes > HTTP_HEAD_MAX) {
        err_set(&r->failure, ERR_FAILED,
                "%s: the head of the answer is longer than %d bytes", r->name,
                HTTP_HEAD_MAX);
        return 0;
    }
    (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    if (len && (*line == '\r' || *line == '\n') && status >= 200)
        r->head_done = true;
    return len;
}

/* A request is sent once. libcurl would send it again, on a new connection,
 * when a kept one dies before the answer; but a call may have been carried out
 * by then. */
static int on_connected(void *arg, char *to, char *from, int to_port,
                        int from_port)
{
    struct http_request *r = arg;

    (void)to;
    (void)from;
    (void)to_port;
    (void)from_port;
    if (r->connected) {
        err_set(&r->failure, ERR_TEMPORARY,
                "%s: the connection ended before the answer came", r->name);
        return CURL_PREREQFUNC_ABORT;
    }
    r->connected = true;
    return CURL_PREREQFUNC_OK;
}

/* What a socket does when it is closed, by us or because the process is killed:
 * a reset comes at once, an end comes behind everything that waits to be sent,
 * and never to a server that has stopped reading. */
static void set_reset_on_close(int fd, bool on)
{
    struct linger linger = {.l_onoff = on, .l_linger = 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* A connection may be tried on several sockets at once; those that lose are
 * closed before the request has its connection. */
static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    struct http_request *r = arg;

    (void)purpose;
    if (r->upload)
        set_reset_on_close(fd, true);
    for (unsigned i = 0; i < HTTP_SOCKETS; i++)
        if (r->sockets[i] < 0) {
            r->sockets[i] = fd;
            break;
        }
    return CURL_SOCKOPT_OK;
}

static void forget_socket(struct http_request *r, int fd)
{
    for (unsigned i = 0; i < HTTP_SOCKETS; i++)
        if (r->sockets[i] == fd)
            r->sockets[i] = -1;
}

/* A server that refuses and resets makes the next send fail, and its words are
 * left in the socket. */
static void rescue_words(struct http_request *r, int fd)
{
    char last[HTTP_RAW_NOTE_SIZE];
    ssize_t got = recv(fd, last, sizeof(last), MSG_DONTWAIT);

    if (got > 0)
        http_note_add(&r->note, last, (size_t)got);
}

/* A body that is not whole must not look like one to a server that counts
 * nothing: it gets a reset, not an end. */
static int on_close(void *arg, curl_socket_t fd)
{
    struct http_request *r = arg;

    forget_socket(r, fd);
    if (r->upload && r->complete)
        set_reset_on_close(fd, false);
    else if (r->upload && !r->verify.seen)
        rescue_words(r, fd);
    return close(fd);
}

/* --- settings --------------------------------------------------------------*/

static bool set_callbacks(struct http_request *r)
{
    CURL *c = r->easy;

    return !curl_easy_setopt(c, CURLOPT_ERRORBUFFER, r->text) &&
           !curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) &&
           !curl_easy_setopt(c, CURLOPT_HEADERDATA, r) &&
           !curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_connected) &&
           !curl_easy_setopt(c, CURLOPT_PREREQDATA, r) &&
           !curl_easy_setopt(c, CURLOPT_SOCKOPTFUNCTION, on_socket) &&
           !curl_easy_setopt(c, CURLOPT_SOCKOPTDATA, r) &&
           !curl_easy_setopt(c, CURLOPT_CLOSESOCKETFUNCTION, on_close) &&
           !curl_easy_setopt(c, CURLOPT_CLOSESOCKETDATA, r);
}

/* An empty proxy, and not NULL, keeps libcurl from asking the environment. */
static bool set_proxy(const struct http_request *r)
{
    const struct http_config *cfg = r->cfg;
    CURL *c = r->easy;

    return !curl_easy_setopt(c, CURLOPT_PROXY, cfg->proxy ? cfg->proxy : "") &&
           !curl_easy_setopt(c, CURLOPT_NOPROXY,
                             cfg->no_proxy ? cfg->no_proxy : "") &&
           !curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

static bool set_manners(const struct http_request *r)
{
    const struct wait *w = r->cfg->wait;
    long connect_s = w && w->timeout_s ? (long)w->timeout_s : HTTP_CONNECT_S;
    CURL *c = r->easy;

    return !curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") &&
           !curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
                             (long)CURL_HTTP_VERSION_1_1) &&
           !curl_easy_setopt(c, CURLOPT_USERAGENT,
                             "vhdstream/" VHDSTREAM_VERSION) &&
           !curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) &&
           !curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) &&
           !curl_easy_setopt(c, CURLOPT_NOPROGRESS, 1L) &&
           /* A stop request does not wait for the resolver's thread. */
           !curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L) &&
           !curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L) &&
           !curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, connect_s);
}

/* --- header lines ----------------------------------------------------------*/

static int add_line(struct http_request *r, const char *line, struct err *e)
{
    struct curl_slist *longer = curl_slist_append(r->headers, line);

    if (!longer)
        return err_set(e, ERR_NO_SPACE, "out of memory: a header line");
    r->headers = longer;
    return 0;
}

/* Credentials go into a line of our own: libcurl would keep its copies of them
 * as long as the handle lives. */
static int add_credentials(struct http_request *r, struct err *e)
{
    const struct http_config *cfg = r->cfg;
    char *plain = NULL, *line = NULL;
    size_t len;
    int result;

    if (!cfg->user)
        return 0;
    TRY(mem_format(&plain, e, "%s:%s", cfg->user,
                   cfg->password ? cfg->password : ""));
    len = strlen(plain);
    result = mem_alloc(&line, 32 + len / 3 * 4 + 4 + 1, "a header line", e);
    if (!result) {
        static const char head[] = "Authorization: Basic ";
        uint8_t *code = (uint8_t *)line + sizeof(head) - 1;

        memcpy(line, head, sizeof(head) - 1);
        EVP_EncodeBlock(code, (uint8_t *)plain, (int)len);
        result = add_line(r, line, e);
    }
    mem_free_secret(line);
    mem_free_secret(plain);
    return result;
}

int http_request_headers(struct http_request *r, const char *first,
                         const char *const *more, struct err *e)
{
    curl_slist_free_all(r->headers);
    r->headers = NULL;
    /* Names without a value: these lines are not sent. */
    TRY(add_line(r, "Expect:", e));
    TRY(add_line(r, "Accept:", e));
    TRY(add_credentials(r, e));
    if (first)
        TRY(add_line(r, first, e));
    for (; more && *more; more++)
        TRY(add_line(r, *more, e));
    if (curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers))
        return err_set(e, ERR_FAILED, "libcurl refused header lines");
    return 0;
}

void http_request_forget(struct http_request *r)
{
    (void)curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(r->headers);
    r->headers = NULL;
}

bool http_request_header(const struct http_request *r, const char *name,
                         char *out, size_t size)
{
    struct curl_header *h = NULL;

    if (curl_easy_header(r->easy, name, 0, CURLH_HEADER, -1, &h) ||
        strlen(h->value) >= size)
        return false;
    (void)snprintf(out, size, "%s", h->value);
    return true;
}

/* --- life ------------------------------------------------------------------*/

int http_request_open(struct http_request *r, const struct http_config *cfg,
                      const char *name, struct err *e)
{
    TRY(http_global_init(e));
    r->cfg = cfg;
    r->size = -1;
    for (unsigned i = 0; i < HTTP_SOCKETS; i++)
        r->sockets[i] = -1;
    r->verify.trust = cfg->trust;
    r->verify.farewell = true;
    (void)snprintf(r->name, sizeof(r->name), "%s", name);
    if (cfg->proxy && !strncasecmp(cfg->proxy, "https:", 6))
        return err_set(e, ERR_USAGE,
                       "%s: a proxy that is reached by TLS is not supported; "
                       "name it with http:// or socks5h://",
                       name);
    r->easy = curl_easy_init();
    r->multi = curl_multi_init();
    if (!r->easy || !r->multi)
        return err_set(e, ERR_NO_SPACE, "out of memory: a request");
    if (!set_callbacks(r) || !set_manners(r) || !set_proxy(r))
        return err_set(e, ERR_FAILED, "libcurl refused a setting");
    return 0;
}

int http_request_target(struct http_request *r, const char *url, struct err *e)
{
    TRY(http_trust_target(&r->verify, url, r->name, e));
    if (curl_easy_setopt(r->easy, CURLOPT_URL, url) ||
        !http_trust_apply(&r->verify, r->easy))
        return err_set(e, ERR_FAILED, "libcurl refused a setting for TLS");
    return 0;
}

int http_request_start(struct http_request *r, struct err *e)
{
    memset(&r->reply, 0, sizeof(r->reply));
    memset(&r->failure, 0, sizeof(r->failure));
    r->note.len = r->note.total = 0;
    r->connected = r->head_done = r->ended = r->complete = false;
    r->head_bytes = 0;
    r->result = CURLE_OK;
    r->text[0] = '\0';
    if (curl_multi_add_handle(r->multi, r->easy))
        return err_set(e, ERR_NO_SPACE, "out of memory: a request");
    r->added = true;
    http_clock_start(r);
    return 0;
}

void http_request_stop(struct http_request *r)
{
    if (r->added)
        (void)curl_multi_remove_handle(r->multi, r->easy);
    r->added = false;
}

void http_request_close(struct http_request *r)
{
    http_request_stop(r);
    curl_easy_cleanup(r->easy);
    if (r->multi)
        (void)curl_multi_cleanup(r->multi);
    curl_slist_free_all(r->headers);
}
