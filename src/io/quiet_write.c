/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/quiet_write.h"

#include "base/sys.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

struct held {
    sigset_t signals;
    sigset_t old;
    bool pending; /* one was there already: it is not ours to take away */
};

static bool is_pending(const sigset_t *signals)
{
    sigset_t now;

    sigpending(&now);
    sigandset(&now, &now, signals);
    return !sigisemptyset(&now);
}

static void hold(struct held *h)
{
    sigemptyset(&h->signals);
    sigaddset(&h->signals, SIGPIPE);
    sigaddset(&h->signals, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &h->signals, &h->old);
    h->pending = is_pending(&h->signals);
}

/* Both signals go to the very thread that wrote, so they are here by now. */
static void let_go(const struct held *h)
{
    const struct timespec at_once = {0};
    int saved = errno;

    if (!h->pending)
        while (sigtimedwait(&h->signals, NULL, &at_once) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &h->old, NULL);
    errno = saved;
}

ssize_t quiet_write(int fd, const void *buf, size_t len)
{
    struct held h;
    ssize_t put;

    hold(&h);
    put = sys_write(fd, buf, len);
    let_go(&h);
    return put;
}

ssize_t quiet_pwrite(int fd, const void *buf, size_t len, uint64_t offset)
{
    struct held h;
    ssize_t put;

    hold(&h);
    put = sys_pwrite(fd, buf, len, offset);
    let_go(&h);
    return put;
}

int quiet_truncate(int fd, uint64_t size)
{
    struct held h;
    int result;

    hold(&h);
    result = sys_truncate(fd, size);
    let_go(&h);
    return result;
}
