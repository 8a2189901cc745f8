/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/thread.h"

#include "base/fault.h"

#include <errno.h>
#include <signal.h>

int thread_start(pthread_t *out, void *(*run)(void *), void *arg, struct err *e)
{
    sigset_t all, before;
    int failed;

    if (fault_strikes(FAULT_MEMORY))
        return err_errno(e, EAGAIN, "no thread could be started");
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(out, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return err_errno(e, failed, "no thread could be started");
    return 0;
}
