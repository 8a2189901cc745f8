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
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct cancel {
    atomic_bool requested;
    const struct cancel *parent; /* NULL: none */
    int event_fd;                /* readable once requested */
    int poll_fd; /* event_fd, or an epoll of it and the parent's poll_fd */
};

static int watch(int poll_fd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};

    return epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Opens the descriptors; -1 and errno. */
static int open_fds(struct cancel *c)
{
    c->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->poll_fd = c->event_fd;
    if (c->event_fd < 0 || !c->parent)
        return c->event_fd;
    c->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (c->poll_fd < 0 || watch(c->poll_fd, c->event_fd) < 0)
        return -1;
    return watch(c->poll_fd, c->parent->poll_fd);
}

int cancel_open_child(struct cancel **out, const struct cancel *parent,
                      struct err *e)
{
    struct cancel *c = NULL;

    TRY(mem_alloc(&c, sizeof(*c), "a stop request", e));
    c->parent = parent;
    c->poll_fd = -1;
    if (open_fds(c) < 0) {
        int code = err_errno(e, errno, "no event descriptor");

        cancel_close(c);
        return code;
    }
    *out = c;
    return 0;
}

int cancel_open(struct cancel **out, struct err *e)
{
    return cancel_open_child(out, NULL, e);
}

void cancel_request(struct cancel *c)
{
    int saved = errno;
    uint64_t one = 1;

    atomic_store(&c->requested, true);
    /* It can only fail where it is readable already. */
    if (write(c->event_fd, &one, sizeof(one)) < 0)
        errno = saved;
}

bool cancel_requested(const struct cancel *c)
{
    for (; c; c = c->parent)
        if (atomic_load(&c->requested))
            return true;
    return false;
}

void cancel_withdraw(struct cancel *c)
{
    uint64_t count;

    atomic_store(&c->requested, false);
    /* It can only fail where nothing was requested. */
    while (read(c->event_fd, &count, sizeof(count)) > 0)
        ;
}

int cancel_fd(const struct cancel *c)
{
    return c ? c->poll_fd : -1;
}

void cancel_close(struct cancel *c)
{
    if (!c)
        return;
    if (c->poll_fd >= 0 && c->poll_fd != c->event_fd)
        close(c->poll_fd);
    if (c->event_fd >= 0)
        close(c->event_fd);
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
