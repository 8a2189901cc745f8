/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/fault.h"

#ifdef VHDSTREAM_FAULTS

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_ulong questions;
static unsigned long strike_at; /* 0: never */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void write_count(void)
{
    FILE *f = fopen(getenv("VHDSTREAM_FAULT_COUNT"), "w");

    if (!f)
        return;
    (void)fprintf(f, "%lu\n", atomic_load(&questions));
    (void)fclose(f);
}

/* This build is for tests alone, so the environment may be asked. */
static void read_settings(void)
{
    const char *at = getenv("VHDSTREAM_FAULT_AT");

    if (at)
        strike_at = strtoul(at, NULL, 10);
    if (getenv("VHDSTREAM_FAULT_COUNT"))
        (void)atexit(write_count);
}

static int errno_of(enum fault_kind kind)
{
    switch (kind) {
    case FAULT_MEMORY:
        return ENOMEM;
    case FAULT_OPEN:
    case FAULT_RENAME:
        return EACCES;
    case FAULT_CONNECT:
        return ECONNREFUSED;
    case FAULT_READ:
    case FAULT_WRITE:
    case FAULT_SYNC:
    default:
        return EIO;
    }
}

bool fault_strikes(enum fault_kind kind)
{
    (void)pthread_once(&once, read_settings);
    if (atomic_fetch_add(&questions, 1) + 1 != strike_at)
        return false;
    errno = errno_of(kind);
    return true;
}

#endif
