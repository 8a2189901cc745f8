/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "http_peer.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    int fd;
    uint16_t port;
    SSL_CTX *tls;
    peer_serve *serve;
    void *arg;
    unsigned taken;
    pthread_t thread;
    char url[256];
};

#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            perror(#condition);                                                \
            abort();                                                           \
        }                                                                      \
    } while (0)

/* --- certificates ----------------------------------------------------------*/

static void add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    MUST(ext && X509_add_ext(x, ext, -1));
    X509_EXTENSION_free(ext);
}

static void fill(X509 *x, const struct peer_cert *cert)
{
    X509_NAME *name = X509_get_subject_name(x);

    MUST(X509_set_version(x, 2));
    MUST(ASN1_INTEGER_set(X509_get_serialNumber(x), 1));
    X509_gmtime_adj(X509_getm_notBefore(x), -7200);
    X509_gmtime_adj(X509_getm_notAfter(x), cert->expired ? -3600 : 86400);
    MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                    (const unsigned char *)"peer", -1, -1, 0));
    MUST(X509_set_issuer_name(x, name));
    MUST(X509_set_pubkey(x, cert->key));
    add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(x, NID_subject_alt_name,
                  cert->name ? cert->name : "IP:127.0.0.1");
    MUST(X509_sign(x, cert->key, EVP_sha256()));
}

static void write_pem(struct peer_cert *cert)
{
    FILE *f;
    int fd;

    (void)snprintf(cert->pem, sizeof(cert->pem), "/tmp/vhdstream-cert-XXXXXX");
    fd = mkstemp(cert->pem);
    MUST(fd >= 0);
    f = fdopen(fd, "w");
    MUST(f && PEM_write_X509(f, cert->x509));
    MUST(!fclose(f));
}

void peer_cert_make(struct peer_cert *cert)
{
    unsigned len = sizeof(cert->sum);

    cert->key = EVP_RSA_gen(2048);
    cert->x509 = X509_new();
    MUST(cert->key && cert->x509);
    fill(cert->x509, cert);
    MUST(X509_digest(cert->x509, EVP_sha256(), cert->sum, &len));
    strcpy(cert->pin, "sha256:");
    for (unsigned i = 0; i < 32; i++)
        sprintf(cert->pin + strlen(cert->pin), "%02x", cert->sum[i]);
    write_pem(cert);
}

void peer_cert_free(struct peer_cert *cert)
{
    unlink(cert->pem);
    X509_free(cert->x509);
    EVP_PKEY_free(cert->key);
}

static SSL_CTX *make_tls(const struct peer_cert *cert, const char *groups)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    MUST(tls && SSL_CTX_use_certificate(tls, cert->x509));
    MUST(SSL_CTX_use_PrivateKey(tls, cert->key));
    if (groups) {
        MUST(SSL_CTX_set1_groups_list(tls, groups));
        MUST(SSL_CTX_set_max_proto_version(tls, TLS1_2_VERSION));
        MUST(SSL_CTX_set_cipher_list(tls, "ECDHE-RSA-AES256-GCM-SHA384"));
    }
    return tls;
}

/* --- the server ------------------------------------------------------------*/

static void end_conn(struct peer_conn *c)
{
    if (c->ssl) {
        if (c->fd >= 0)
            (void)SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
    }
    if (c->fd >= 0)
        close(c->fd);
}

static void serve_one(struct peer *p, int fd)
{
    struct peer_conn c = {.peer = p, .fd = fd, .index = p->taken++};

    if (p->tls) {
        c.ssl = SSL_new(p->tls);
        MUST(c.ssl && SSL_set_fd(c.ssl, fd));
        if (SSL_accept(c.ssl) <= 0) {
            SSL_free(c.ssl);
            close(fd);
            return;
        }
    }
    p->serve(&c, p->arg);
    end_conn(&c);
}

static void *run(void *arg)
{
    struct peer *p = arg;
    sigset_t pipe;
    int fd;

    /* In this thread only: the client's must live without. */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    while ((fd = accept(p->fd, NULL, NULL)) >= 0)
        serve_one(p, fd);
    return NULL;
}

struct peer *peer_start(peer_serve *serve, void *arg,
                        const struct peer_cert *cert, const char *groups)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    struct peer *p = calloc(1, sizeof(*p));

    MUST(p);
    p->serve = serve;
    p->arg = arg;
    p->tls = cert ? make_tls(cert, groups) : NULL;
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(p->fd >= 0);
    MUST(!bind(p->fd, (struct sockaddr *)&at, sizeof(at)));
    MUST(!listen(p->fd, 8));
    MUST(!getsockname(p->fd, (struct sockaddr *)&at, &len));
    p->port = ntohs(at.sin_port);
    MUST(!pthread_create(&p->thread, NULL, run, p));
    return p;
}

unsigned peer_stop(struct peer *p)
{
    unsigned taken;

    (void)shutdown(p->fd, SHUT_RDWR);
    MUST(!pthread_join(p->thread, NULL));
    taken = p->taken;
    close(p->fd);
    SSL_CTX_free(p->tls);
    free(p);
    return taken;
}

uint16_t peer_port(const struct peer *p)
{
    return p->port;
}

const char *peer_url(const struct peer *p, const char *path)
{
    static char url[512];

    (void)snprintf(url, sizeof(url), "%s://127.0.0.1:%u/%s",
                   p->tls ? "https" : "http", p->port, path);
    return url;
}

/* --- bytes -----------------------------------------------------------------*/

static ssize_t get(struct peer_conn *c, void *buf, size_t len)
{
    ssize_t got;

    if (c->ssl)
        return SSL_read(c->ssl, buf, (int)len);
    do
        got = recv(c->fd, buf, len, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

size_t peer_recv(struct peer_conn *c, void *buf, size_t len)
{
    static _Thread_local char scratch[65536];
    size_t have = 0;

    while (have < len) {
        size_t want = len - have;
        ssize_t got;

        if (!buf && want > sizeof(scratch))
            want = sizeof(scratch);
        got = get(c, buf ? (char *)buf + have : scratch, want);
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    return have;
}

size_t peer_drain(struct peer_conn *c, bool *reset)
{
    size_t all = 0, got;

    errno = 0;
    while ((got = peer_recv(c, NULL, 65536)) > 0) {
        all += got;
        if (got < 65536)
            break;
        errno = 0;
    }
    if (reset)
        *reset = errno == ECONNRESET;
    return all;
}

bool peer_head(struct peer_conn *c, char *buf, size_t size)
{
    size_t len = 0;

    while (len + 1 < size) {
        if (!peer_recv(c, buf + len, 1))
            return false;
        buf[++len] = '\0';
        if (len >= 4 && !strcmp(buf + len - 4, "\r\n\r\n"))
            return true;
    }
    return false;
}

void peer_skip_head(struct peer_conn *c)
{
    char head[4096];

    (void)peer_head(c, head, sizeof(head));
}

void peer_send_bytes(struct peer_conn *c, const void *bytes, size_t len)
{
    const char *p = bytes;

    while (len) {
        ssize_t done = c->ssl ? SSL_write(c->ssl, p, (int)len)
                              : send(c->fd, p, len, MSG_NOSIGNAL);

        if (done <= 0)
            return;
        p += done;
        len -= (size_t)done;
    }
}

void peer_send(struct peer_conn *c, const char *text)
{
    peer_send_bytes(c, text, strlen(text));
}

void peer_reset(struct peer_conn *c)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};

    MUST(!setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)));
    close(c->fd);
    c->fd = -1;
}

void peer_fin(struct peer_conn *c)
{
    if (c->ssl)
        (void)SSL_shutdown(c->ssl);
    (void)shutdown(c->fd, SHUT_WR);
    (void)peer_drain(c, NULL);
}

void peer_hold(struct peer_conn *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};

    while (poll(&p, 1, -1) < 0)
        MUST(errno == EINTR);
}
