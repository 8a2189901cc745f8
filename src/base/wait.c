/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/wait.h"

#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct cancel {
    atomic_bool requested;
    int fd; /* an eventfd: readable once requested */
};

int cancel_open(struct cancel **out, struct err *e)
{
    struct cancel *c = NULL;

    TRY(mem_alloc(&c, sizeof(*c), "a stop request", e));
    c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->fd < 0) {
        int code = err_errno(e, errno, "no event descriptor");

        free(c);
        return code;
    }
    *out = c;
    return 0;
}

void cancel_request(struct cancel *c)
{
    int saved = errno;
    uint64_t one = 1;

    atomic_store(&c->requested, true);
    /* It can only fail where it is readable already. */
    if (write(c->fd, &one, sizeof(one)) < 0)
        errno = saved;
}

bool cancel_requested(const struct cancel *c)
{
    return c && atomic_load(&c->requested);
}

int cancel_fd(const struct cancel *c)
{
    return c ? c->fd : -1;
}

void cancel_close(struct cancel *c)
{
    if (!c)
        return;
    close(c->fd);
    free(c);
}

double wait_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int wait_check(const struct wait *w, struct err *e)
{
    if (w && cancel_requested(w->cancel))
        return err_set(e, ERR_CANCELLED, "stopped");
    return 0;
}

/* poll() that goes on after signals; `seconds` < 0: without a limit. The number
 * of ready descriptors, 0 when the time is over. */
static int poll_until(struct pollfd *fds, nfds_t count, double seconds)
{
    double end = wait_now() + seconds;

    for (;;) {
        double left = end - wait_now();
        int ms = -1;
        int ready;

        if (seconds >= 0)
            ms = left <= 0 ? 0 : left > 3600 ? 3600 * 1000 : (int)(left * 1000);
        ready = poll(fds, count, ms);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return ready;
        if (seconds >= 0 && wait_now() >= end)
            return 0;
    }
}

int wait_fd(const struct wait *w, int fd, short events, const char *name,
            struct err *e)
{
    struct pollfd fds[2] = {{.fd = fd, .events = events}};
    unsigned limit = w ? w->timeout_s : 0;
    int ready;

    fds[1].fd = w ? cancel_fd(w->cancel) : -1;
    fds[1].events = POLLIN;
    ready = poll_until(fds, 2, limit ? (double)limit : -1);
    TRY(wait_check(w, e));
    if (ready < 0)
        return err_errno(e, errno, "%s: waiting failed", name);
    if (!ready)
        return err_set(e, ERR_TEMPORARY, "%s: no byte in %u seconds", name,
                       limit);
    return 0;
}

int wait_sleep(const struct wait *w, unsigned ms, struct err *e)
{
    struct pollfd fd = {.fd = w ? cancel_fd(w->cancel) : -1, .events = POLLIN};

    (void)poll_until(&fd, 1, ms / 1000.0);
    return wait_check(w, e);
}
