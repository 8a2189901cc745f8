/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "say.h"

#include "vhdstream.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

/* U+0080 to U+009F, in UTF-8. */
static bool is_high_control(const char *p)
{
    return (unsigned char)p[0] == 0xc2 && (unsigned char)p[1] >= 0x80 &&
           (unsigned char)p[1] < 0xa0;
}

/* Terminals obey control characters, those above ASCII too. */
static void make_printable(char *text)
{
    char *out = text;

    for (const char *p = text; *p; p++) {
        bool high = is_high_control(p);

        p += high;
        *out++ = high || iscntrl((unsigned char)*p) ? '?' : *p;
    }
    *out = '\0';
}

static void say_line(const char *fmt, va_list args)
    __attribute__((format(printf, 1, 0)));

static void say_line(const char *fmt, va_list args)
{
    char line[2048];

    (void)vsnprintf(line, sizeof(line), fmt, args);
    make_printable(line);
    (void)fprintf(stderr, "vhdstream: %s\n", line);
}

void say(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say_line(fmt, args);
    va_end(args);
}

int say_usage(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say_line(fmt, args);
    va_end(args);
    (void)fputs("Try `vhdstream --help`.\n", stderr);
    return VHDSTREAM_USAGE;
}

void print_text(const char *fmt, ...)
{
    char text[4096];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    make_printable(text);
    (void)puts(text);
}

void put_json(const char *text)
{
    for (const char *p = text; *p; p++) {
        if (is_high_control(p))
            (void)printf("\\u%04x", (unsigned char)*++p);
        else
            (void)putchar(*p);
    }
}

int print_end(void)
{
    if (ferror(stdout) || fflush(stdout)) {
        say("standard output: %m");
        return VHDSTREAM_FAILED;
    }
    return 0;
}

int print_line(const char *text)
{
    put_json(text);
    (void)putchar('\n');
    return print_end();
}
