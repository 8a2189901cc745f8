/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_CHECKED_H
#define VHDSTREAM_CHECKED_H

/* Arithmetic on sizes from outside: the functions that can wrap say so. */

#include <stdbool.h>
#include <stdint.h>

/* true and *sum = a + b, or false when it does not fit. */
static inline bool checked_add(uint64_t a, uint64_t b, uint64_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

/* true and *product = a * b, or false when it does not fit. */
static inline bool checked_mul(uint64_t a, uint64_t b, uint64_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

/* `value` up to the next multiple of `unit` (not 0). The caller has bounded
 * value + unit below 2^64. */
static inline uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

static inline uint64_t div_up(uint64_t value, uint64_t unit)
{
    return value / unit + (value % unit != 0);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline bool is_power_of_two(uint64_t value)
{
    return value && !(value & (value - 1));
}

#endif
