/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const int stops[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

enum { STOPS = sizeof(stops) / sizeof(stops[0]) };

static volatile sig_atomic_t stopped_by;

static void on_stop(int number)
{
    stopped_by = number;
}

/* What the signals did before. */
struct before {
    sigset_t mask;
    struct sigaction actions[STOPS];
};

/* The signals are taken while ppoll waits, and at no other time: none can get
 * lost, and none can end the program while the terminal hides what is typed. */
static void take_signals(struct before *b)
{
    struct sigaction taken = {.sa_handler = on_stop};
    sigset_t set;

    stopped_by = 0;
    sigemptyset(&set);
    for (int i = 0; i < STOPS; i++)
        sigaddset(&set, stops[i]);
    sigprocmask(SIG_BLOCK, &set, &b->mask);
    for (int i = 0; i < STOPS; i++) {
        sigaction(stops[i], NULL, &b->actions[i]);
        if (b->actions[i].sa_handler != SIG_IGN)
            sigaction(stops[i], &taken, NULL);
    }
}

static void give_signals_back(const struct before *b)
{
    for (int i = 0; i < STOPS; i++)
        sigaction(stops[i], &b->actions[i], NULL);
    sigprocmask(SIG_SETMASK, &b->mask, NULL);
}

static void take_text(int fd, char *line, size_t size)
{
    ssize_t got = read(fd, line, size - 1);

    line[got > 0 ? got : 0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
}

static void read_line(int fd, const struct before *b, char *line, size_t size)
{
    struct pollfd terminal = {.fd = fd, .events = POLLIN};

    line[0] = '\0';
    if (ppoll(&terminal, 1, NULL, &b->mask) > 0)
        take_text(fd, line, size);
}

/* The terminal, or -1. */
static int open_terminal(struct termios *state)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);

    if (fd >= 0 && tcgetattr(fd, state)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool ask_is_possible(void)
{
    struct termios state;
    int fd = open_terminal(&state);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int ask_shown(const char *prompt, char *line, size_t size, int stop_fd)
{
    struct termios state;
    struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}};
    int fd = open_terminal(&state), ready;

    if (fd < 0)
        return ASK_NO_TERMINAL;
    fds[0].fd = fd;
    fds[1].fd = stop_fd;
    (void)tcflush(fd, TCIFLUSH);
    (void)dprintf(fd, "%s", prompt);
    do
        ready = poll(fds, 2, -1);
    while (ready < 0 && errno == EINTR);
    if (ready > 0 && !fds[1].revents)
        take_text(fd, line, size);
    else
        (void)dprintf(fd, "\n");
    close(fd);
    return ready > 0 && !fds[1].revents ? 0 : ASK_STOPPED;
}

int ask_hidden(const char *prompt, char *line, size_t size)
{
    struct termios old, hidden;
    int fd = open_terminal(&old);
    struct before before;

    if (fd < 0)
        return ASK_NO_TERMINAL;
    take_signals(&before);
    hidden = old;
    hidden.c_lflag &= (tcflag_t)~ECHO;
    /* Hidden first: who sees the prompt can type. */
    (void)tcsetattr(fd, TCSAFLUSH, &hidden);
    (void)dprintf(fd, "%s", prompt);
    read_line(fd, &before, line, size);
    (void)tcsetattr(fd, TCSAFLUSH, &old);
    (void)dprintf(fd, "\n");
    give_signals_back(&before);
    close(fd);
    return stopped_by;
}
