/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
/* Looks through the memory of this very process for a password that should be
 * gone from it. */
#include "http_peer.h"
#include "io/http.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* "admin:" and the password below, in base64; inverted, so that the search
 * finds no needle of its own. */
static const char password_text[] = "xyzzy-plugh-fee-fie-foe-foo";
static const char base64_text[] = "YWRtaW46eHl6enktcGx1Z2gtZmVlLWZpZS1mb2Ut"
                                  "Zm9v";

enum { NEEDLE_MAX = 64, SCAN = 1 << 20 };

struct needle {
    unsigned char inverted[NEEDLE_MAX];
    size_t len;
};

static struct needle make_needle(const volatile char *text, size_t len)
{
    struct needle n = {.len = len};

    for (size_t i = 0; i < len; i++)
        n.inverted[i] = (unsigned char)~text[i];
    return n;
}

static bool stands_at(const unsigned char *p, const struct needle *n)
{
    for (size_t i = 0; i < n->len; i++)
        if ((p[i] ^ n->inverted[i]) != 0xff)
            return false;
    return true;
}

static unsigned count_in(const unsigned char *p, size_t len,
                         const struct needle *n)
{
    unsigned found = 0;

    for (size_t i = 0; i + n->len <= len; i++)
        found += stands_at(p + i, n);
    return found;
}

/* How often the needle stands in memory that can be written (read-only data
 * has the texts above). What was read lies in memory that is told apart by its
 * name. */
static unsigned count_everywhere(const struct needle *n)
{
    unsigned char *buf = mmap(NULL, SCAN, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FILE *maps = fopen("/proc/self/maps", "r");
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    unsigned found = 0;
    char line[512];

    assert_true(maps && mem >= 0 && buf != MAP_FAILED);
    while (fgets(line, sizeof(line), maps)) {
        unsigned long from, to;
        char mode[8];

        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 ||
            mode[1] != 'w' || strstr(line, "/dev/zero") ||
            to - from > (256ul << 20))
            continue;
        for (; from < to; from += SCAN - NEEDLE_MAX) {
            size_t want = to - from < SCAN ? to - from : SCAN;
            ssize_t got = pread(mem, buf, want, (off_t)from);

            if (got > 0)
                found += count_in(buf, (size_t)got, n);
            if (want < SCAN)
                break;
        }
    }
    (void)munmap(buf, SCAN);
    (void)fclose(maps);
    close(mem);
    return found;
}

static void serve(struct peer_conn *c, void *arg)
{
    bool *asked = arg;
    char head[4096];

    (void)peer_head(c, head, sizeof(head));
    *asked = strstr(head, base64_text) != NULL;
    explicit_bzero(head, sizeof(head));
    peer_send(c, "HTTP/1.1 200 OK\r\n\r\n");
    peer_hold(c);
}

static void test_credentials_are_forgotten_when_the_head_has_come(void **state)
{
    const struct wait patient = {.timeout_s = 60};
    struct needle plain = make_needle(password_text, sizeof(password_text) - 1);
    struct needle coded = make_needle(base64_text, sizeof(base64_text) - 1);
    bool asked = false;
    struct peer *p = peer_start(serve, &asked, NULL, NULL);
    char *password = strdup(password_text);
    struct http_config cfg = {
        .wait = &patient, .user = "admin", .password = password};
    struct http_stream *st = NULL;
    struct err e = {0};

    (void)state;
    assert_int_equal(count_everywhere(&plain), 1);
    assert_ok(http_get_open(&st, &cfg, peer_url(p, ""), "place", NULL, &e), &e);
    assert_int_equal(count_everywhere(&coded), 0);
    /* Only the caller's own is left. */
    assert_int_equal(count_everywhere(&plain), 1);
    http_stream_close(st);
    peer_stop(p);
    assert_true(asked);
    free(password);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credentials_are_forgotten_when_the_head_has_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
