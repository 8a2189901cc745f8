/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "watch.h"

#include "progress.h"
#include "say.h"
#include "stranger.h"
#include "vhdstream.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { TICK_MS = 250 };

struct watch {
    struct vhdstream *v;
    struct display display;
    pthread_t thread;
    sigset_t signals, before;
    int signal_fd, end_fd, stop_fd;
    atomic_bool held; /* nothing is drawn */
    int stopped_by;   /* the watching thread's until it has ended */
};

static void on_stop(struct watch *w, int number)
{
    uint64_t one = 1;

    if (w->stopped_by)
        _exit(128 + number);
    w->stopped_by = number;
    vhdstream_cancel(w->v);
    display_clear(&w->display);
    say("stopping: cleaning up (once more to quit at once)");
    (void)!write(w->stop_fd, &one, sizeof(one));
}

static void on_signal(struct watch *w)
{
    struct signalfd_siginfo info;

    if (read(w->signal_fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGUSR1)
        display_line(&w->display);
    else
        on_stop(w, (int)info.ssi_signo);
}

static void *watching(void *arg)
{
    struct watch *w = arg;
    struct pollfd fds[] = {
        {.fd = w->signal_fd, .events = POLLIN},
        {.fd = w->end_fd, .events = POLLIN},
    };

    while (!(fds[1].revents & POLLIN)) {
        int ready = poll(fds, 2, TICK_MS);

        if (ready > 0 && fds[0].revents & POLLIN)
            on_signal(w);
        if (!w->stopped_by && !atomic_load(&w->held))
            display_update(&w->display);
    }
    return NULL;
}

/* A signal that is ignored, as by nohup, stays so: blocked and read here it
 * would not be. */
static void add_signal(sigset_t *set, int number)
{
    struct sigaction now;

    if (sigaction(number, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
        sigaddset(set, number);
}

static void fill_set(sigset_t *set)
{
    sigemptyset(set);
    add_signal(set, SIGINT);
    add_signal(set, SIGTERM);
    sigaddset(set, SIGUSR1);
}

static void close_fds(struct watch *w)
{
    if (w->signal_fd >= 0)
        close(w->signal_fd);
    if (w->end_fd >= 0)
        close(w->end_fd);
    if (w->stop_fd >= 0)
        close(w->stop_fd);
}

struct watch *watch_start(struct vhdstream *v, const struct arguments *a)
{
    struct watch *w = calloc(1, sizeof(*w));

    vhdstream_on_certificate(v, stranger_judge, NULL);
    if (!w)
        return NULL;
    w->v = v;
    display_init(&w->display, v, a);
    fill_set(&w->signals);
    pthread_sigmask(SIG_BLOCK, &w->signals, &w->before);
    w->signal_fd = signalfd(-1, &w->signals, SFD_CLOEXEC);
    w->end_fd = eventfd(0, EFD_CLOEXEC);
    w->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->signal_fd < 0 || w->end_fd < 0 || w->stop_fd < 0 ||
        pthread_create(&w->thread, NULL, watching, w)) {
        pthread_sigmask(SIG_SETMASK, &w->before, NULL);
        close_fds(w);
        free(w);
        return NULL;
    }
    vhdstream_on_certificate(v, stranger_judge, w);
    return w;
}

void watch_hold(struct watch *w, bool held)
{
    if (w)
        atomic_store(&w->held, held);
}

int watch_stop_fd(const struct watch *w)
{
    return w ? w->stop_fd : -1;
}

int watch_stop(struct watch *w, bool done)
{
    uint64_t one = 1;
    int stopped_by;

    if (!w)
        return 0;
    if (write(w->end_fd, &one, sizeof(one)) == sizeof(one))
        pthread_join(w->thread, NULL);
    stopped_by = w->stopped_by;
    vhdstream_on_certificate(w->v, stranger_judge, NULL);
    display_end(&w->display, done);
    close_fds(w);
    free(w);
    return stopped_by;
}
