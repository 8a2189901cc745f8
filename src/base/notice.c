/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/notice.h"

#include <stdarg.h>
#include <stdio.h>

void notice_say(const struct notice *n, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    if (!n || !n->fn)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    for (unsigned char *p = (unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
    n->fn(n->ctx, text);
}
