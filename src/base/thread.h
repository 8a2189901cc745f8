/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_THREAD_H
#define VHDSTREAM_THREAD_H

#include "base/err.h"

#include <pthread.h>

/* Starts a thread in which every signal is blocked: signals are the business of
 * the program's own threads. */
int thread_start(pthread_t *out, void *(*run)(void *), void *arg,
                 struct err *e);

#endif
