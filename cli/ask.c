/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "ask.h"

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

static void read_line(int fd, const struct before *b, char *line, size_t size)
{
    struct pollfd terminal = {.fd = fd, .events = POLLIN};
    ssize_t got = 0;

    if (ppoll(&terminal, 1, NULL, &b->mask) > 0)
        got = read(fd, line, size - 1);
    line[got > 0 ? got : 0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
}

int ask_hidden(const char *prompt, char *line, size_t size)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    struct termios old, hidden;
    struct before before;

    if (fd < 0 || tcgetattr(fd, &old)) {
        if (fd >= 0)
            close(fd);
        return ASK_NO_TERMINAL;
    }
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
