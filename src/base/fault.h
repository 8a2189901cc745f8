/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_FAULT_H
#define VHDSTREAM_FAULT_H

/*
 * The one seam for fault tests. Each allocation and each system call of this
 * project's own code asks fault_strikes() first; in a build without
 * -Dfaults=true the answer is a constant and the question costs nothing.
 *
 * In a build with it, the test sets VHDSTREAM_FAULT_AT=N: the N-th question
 * (from 1, over all kinds and threads) is answered with true, once;
 * VHDSTREAM_FAULT_COUNT=FILE writes the number of questions at exit.
 */

#include <stdbool.h>

enum fault_kind {
    FAULT_MEMORY,
    FAULT_OPEN,
    FAULT_READ,
    FAULT_WRITE,
    FAULT_SYNC,
    FAULT_RENAME,
    FAULT_CONNECT,
};

#ifdef VHDSTREAM_FAULTS
/* true: behave as if the call that follows had failed (errno is set). */
bool fault_strikes(enum fault_kind kind);
#else
static inline bool fault_strikes(enum fault_kind kind)
{
    (void)kind;
    return false;
}
#endif

#endif
