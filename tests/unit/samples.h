/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_SAMPLES_H
#define VHDSTREAM_SAMPLES_H

/* Data of several kinds, the same on every run. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum sample { ZEROS, RANDOM, TEXT, MIXED, REPEATS, SAMPLES };

static inline uint32_t sample_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

static inline void sample_random(uint8_t *data, size_t len, uint64_t seed)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(sample_next(&seed) >> 8);
}

/* Words of a small vocabulary. */
static inline void sample_text(uint8_t *data, size_t len, uint64_t seed)
{
    static const char *const words[] = {"disk ",  "the ",   "block\n", "of ",
                                        "a ",     "sector", " table ", "0x7f, ",
                                        "stream", ". It ",  "copies ", "zero"};
    size_t done = 0;

    while (done < len) {
        const char *word = words[sample_next(&seed) % 12];
        size_t now = strlen(word);

        if (now > len - done)
            now = len - done;
        memcpy(data + done, word, now);
        done += now;
    }
}

/* Stretches of all kinds, of all lengths up to 300 KiB. */
static inline void sample_mixed(uint8_t *data, size_t len, uint64_t seed)
{
    size_t done = 0;

    while (done < len) {
        size_t now = sample_next(&seed) % (300 * 1024) + 1;
        unsigned kind = sample_next(&seed) % 3;

        if (now > len - done)
            now = len - done;
        if (kind == 0)
            memset(data + done, 0, now);
        else if (kind == 1)
            sample_random(data + done, now, seed);
        else
            sample_text(data + done, now, seed);
        done += now;
    }
}

/* Fills data[0 .. len). REPEATS: random bytes that come again after 20000. */
static inline void sample_fill(enum sample kind, uint8_t *data, size_t len)
{
    memset(data, 0, len);
    if (kind == RANDOM)
        sample_random(data, len, 1);
    if (kind == TEXT)
        sample_text(data, len, 2);
    if (kind == MIXED)
        sample_mixed(data, len, 3);
    if (kind == REPEATS)
        for (size_t i = 0; i < len; i += 20000)
            sample_random(data + i, len - i < 20000 ? len - i : 20000, 4);
}

#endif
