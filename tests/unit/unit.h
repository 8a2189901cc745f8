/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_UNIT_H
#define VHDSTREAM_UNIT_H

/* What every unit test includes: cmocka with the headers it needs before it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The call succeeds; else its message is the test's failure. */
#define assert_ok(call, e)                                                     \
    do {                                                                       \
        if ((call) < 0)                                                        \
            fail_msg("%s: %s", #call, (e)->text);                              \
    } while (0)

#endif
