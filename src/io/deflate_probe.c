/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/deflate_probe.h"

#include <string.h>

enum {
    LOOK = 64 * 1024,
    REACH = 32 * 1024,
    WORD = 8,
    TABLE_BITS = 11,
    CHOSEN_BITS = 6, /* one position in 64 */
};

/* Of random bytes the sum of the squared counts is SAMPLES + SAMPLES *
 * (SAMPLES - 1) / 256 = 69616, give or take 360; what compresses by 1 % by its
 * bytes' frequencies alone is above LEVEL. */
bool deflate_looks_random(const uint8_t *in, size_t len)
{
    enum { RUNS = 16, RUN = 256, LEVEL = 71900 };
    uint16_t counts[256] = {0};
    uint32_t sum = 0;

    if (len < LOOK)
        return false;
    for (size_t i = 0; i < RUNS; i++)
        for (size_t k = 0; k < RUN; k++)
            counts[in[(len - RUN) / (RUNS - 1) * i + k]]++;
    for (int i = 0; i < 256; i++)
        sum += (uint32_t)counts[i] * counts[i];
    return sum < LEVEL;
}

static uint64_t word_at(const uint8_t *in, size_t at)
{
    uint64_t word;

    memcpy(&word, in + at, sizeof(word));
    return word;
}

/* Positions are chosen by what lies there, so that what repeats is chosen
 * again, wherever it is; and some by their number, for runs of one byte, whose
 * only word may never be chosen. */
bool deflate_has_repeats(const uint8_t *in, size_t len)
{
    uint32_t last[1 << TABLE_BITS] = {0}; /* and one: where it was */
    size_t size = len < LOOK ? len : LOOK;
    uint32_t chosen = 0, same = 0;

    in += (len - size) / 2;
    for (uint32_t i = 0; i + 2 * WORD <= size; i++) {
        uint64_t word = word_at(in, i);
        uint64_t hash = word * UINT64_C(0x9e3779b97f4a7c15);
        uint32_t *before = &last[(hash >> 32) & ((1 << TABLE_BITS) - 1)];

        if (hash >> (64 - CHOSEN_BITS) == 0) {
            same += *before && i - (*before - 1) <= REACH &&
                    word_at(in, *before - 1) == word;
            *before = i + 1;
            chosen++;
        } else if (i % (1 << CHOSEN_BITS) == 0) {
            same += word == word_at(in, i + WORD);
            chosen++;
        }
    }
    return same * 50 >= chosen && same;
}
