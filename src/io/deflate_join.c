/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/deflate_join.h"

#include "io/huffman.h"

#include <stdbool.h>
#include <string.h>

enum {
    LITERALS = HUFFMAN_SYMBOLS_MAX, /* literals, end of block, lengths */
    DISTANCES = 30,
    LENGTHS = 19, /* symbols of the code that codes the code lengths */
    END_OF_BLOCK = 256,
    FAST_BITS = 11, /* of input, looked up at a time */
    FAST_MASK = (1 << FAST_BITS) - 1,
};

/* What a window of FAST_BITS begins with: literals, as many as lie in it whole,
 * and perhaps something that ends them. */
enum kind {
    ONLY_LITERALS,
    ENDS_WITH_LENGTH, /* a distance follows */
    ENDS_WITH_END,
    TOO_LONG, /* a code that is longer than the window, or none at all */
};

struct window {
    uint8_t bits; /* of all of it, extra bits of a length included */
    uint8_t kind;
};

/* The one code that a window begins with. */
struct single {
    uint16_t bits;
    uint16_t symbol;
};

struct walk {
    const uint8_t *raw;
    uint64_t pos; /* in bits, from the start of raw */
    uint64_t end;
    struct huffman literal;
    struct huffman distance;
    struct single single[1 << FAST_BITS];
    struct window windows[1 << FAST_BITS];
    uint8_t distance_bits[1 << FAST_BITS]; /* extra ones included; 0: longer */
};

/* --- bits -----------------------------------------------------------------*/

/* At least 57 bits from pos; behind the end they are whatever lies there. */
static inline uint64_t peek(const struct walk *w)
{
    uint64_t bits;

    memcpy(&bits, w->raw + w->pos / 8, sizeof(bits));
    return bits >> (w->pos % 8);
}

static inline unsigned take(struct walk *w, unsigned count)
{
    unsigned bits = (unsigned)(peek(w) & ((1u << count) - 1));

    w->pos += count;
    return bits;
}

/* --- extra bits -----------------------------------------------------------*/

static unsigned extra_of_length(unsigned symbol)
{
    unsigned i = symbol - 257;

    return i < 8 || i >= 28 ? 0 : i / 4 - 1;
}

static unsigned extra_of_distance(unsigned symbol)
{
    return symbol < 4 ? 0 : symbol / 2 - 1;
}

/* --- tables ---------------------------------------------------------------*/

static unsigned reverse(unsigned code, unsigned bits)
{
    unsigned reversed = 0;

    for (; bits; bits--, code >>= 1)
        reversed = reversed << 1 | (code & 1);
    return reversed;
}

/* Stores at each window the length of the code that it begins with, and that
 * code's symbol; length 0 where it is longer than the window, or none. */
static void fill_single(const struct huffman *c, struct single *table)
{
    unsigned code = 0, index = 0;

    memset(table, 0, sizeof(*table) << FAST_BITS);
    for (unsigned bits = 1; bits <= FAST_BITS; bits++, code <<= 1) {
        for (unsigned i = 0; i < c->count[bits]; i++, code++, index++) {
            const struct single entry = {(uint16_t)bits, c->symbols[index]};

            for (unsigned at = reverse(code, bits); at < 1u << FAST_BITS;
                 at += 1u << bits)
                table[at] = entry;
        }
    }
}

static struct window look_ahead(const struct single *table, unsigned bits)
{
    struct window w = {0, ONLY_LITERALS};

    for (;;) {
        struct single next = table[bits >> w.bits];

        if (!next.bits || w.bits + next.bits > FAST_BITS)
            break;
        w.bits = (uint8_t)(w.bits + next.bits);
        if (next.symbol == END_OF_BLOCK)
            return (struct window){w.bits, ENDS_WITH_END};
        if (next.symbol > END_OF_BLOCK)
            return (struct window){
                (uint8_t)(w.bits + extra_of_length(next.symbol)),
                ENDS_WITH_LENGTH};
    }
    if (!w.bits)
        w.kind = TOO_LONG;
    return w;
}

static void fill_tables(struct walk *w)
{
    fill_single(&w->literal, w->single);
    for (unsigned i = 0; i < 1u << FAST_BITS; i++)
        w->windows[i] = look_ahead(w->single, i);
    fill_single(&w->distance, w->single);
    for (unsigned i = 0; i < 1u << FAST_BITS; i++) {
        struct single d = w->single[i];
        unsigned bits = d.bits ? d.bits + extra_of_distance(d.symbol) : 0;

        w->distance_bits[i] = (uint8_t)bits;
    }
}

/* --- blocks ---------------------------------------------------------------*/

/* Reads the lengths of `count` codes, themselves coded. */
static bool read_lengths(struct walk *w, const struct huffman *c,
                         uint8_t *lengths, unsigned count)
{
    unsigned done = 0;

    while (done < count) {
        unsigned symbol, bits, repeat = 1;
        uint8_t value = 0;

        if (w->pos >= w->end || !huffman_find(c, peek(w), 7, &symbol, &bits))
            return false;
        w->pos += bits;
        if (symbol < 16)
            value = (uint8_t)symbol;
        else if (symbol == 16 && !done)
            return false;
        else if (symbol == 16)
            value = lengths[done - 1];
        if (symbol >= 16)
            repeat = symbol == 16   ? 3 + take(w, 2)
                     : symbol == 17 ? 3 + take(w, 3)
                                    : 11 + take(w, 7);
        if (repeat > count - done)
            return false;
        memset(lengths + done, value, repeat);
        done += repeat;
    }
    return true;
}

static bool read_codes(struct walk *w)
{
    static const uint8_t order[LENGTHS] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                           11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[LITERALS + 32] = {0};
    unsigned literals = take(w, 5) + 257;
    unsigned distances = take(w, 5) + 1;
    unsigned coded = take(w, 4) + 4;

    for (unsigned i = 0; i < coded; i++)
        lengths[order[i]] = (uint8_t)take(w, 3);
    if (literals > 286 || distances > DISTANCES ||
        !huffman_build(&w->literal, lengths, LENGTHS) ||
        !read_lengths(w, &w->literal, lengths, literals + distances))
        return false;
    return huffman_build(&w->literal, lengths, literals) &&
           huffman_build(&w->distance, lengths + literals, distances);
}

static bool fixed_codes(struct walk *w)
{
    uint8_t lengths[LITERALS];

    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    if (!huffman_build(&w->literal, lengths, LITERALS))
        return false;
    memset(lengths, 5, DISTANCES);
    return huffman_build(&w->distance, lengths, DISTANCES);
}

/* The bits of the distance that `bits` begin with; 0: there is none. */
static inline unsigned distance_at(const struct walk *w, uint64_t bits)
{
    unsigned total = w->distance_bits[bits & FAST_MASK];
    unsigned symbol;

    if (total)
        return total;
    if (!huffman_find(&w->distance, bits, HUFFMAN_BITS_MAX, &symbol, &total))
        return 0;
    return total + extra_of_distance(symbol);
}

/* What `bits` begin with, where it is a code longer than a window. */
static struct window look_slowly(const struct walk *w, uint64_t bits)
{
    struct window next = {0, TOO_LONG};
    unsigned symbol, length;

    if (!huffman_find(&w->literal, bits, HUFFMAN_BITS_MAX, &symbol, &length))
        return next;
    next.bits = (uint8_t)length;
    next.kind = symbol < END_OF_BLOCK    ? ONLY_LITERALS
                : symbol == END_OF_BLOCK ? ENDS_WITH_END
                                         : ENDS_WITH_LENGTH;
    if (next.kind == ENDS_WITH_LENGTH)
        next.bits = (uint8_t)(next.bits + extra_of_length(symbol));
    return next;
}

/* To the end of a block of codes. This loop is most of a walk's cost. */
static bool skip_coded(struct walk *w)
{
    fill_tables(w);
    while (w->pos < w->end) {
        uint64_t bits = peek(w);
        struct window next = w->windows[bits & FAST_MASK];
        unsigned distance;

        if (next.kind == TOO_LONG)
            next = look_slowly(w, bits);
        if (next.kind == TOO_LONG)
            return false;
        w->pos += next.bits;
        if (next.kind == ENDS_WITH_END)
            return true;
        if (next.kind == ONLY_LITERALS)
            continue;
        distance = distance_at(w, bits >> next.bits);
        if (!distance)
            return false;
        w->pos += distance;
    }
    return false;
}

static bool skip_stored(struct walk *w)
{
    unsigned len;

    w->pos = (w->pos + 7) & ~(uint64_t)7;
    if (w->pos + 32 > w->end)
        return false;
    len = take(w, 16);
    if (take(w, 16) != (len ^ 0xffff))
        return false;
    w->pos += 8 * (uint64_t)len;
    return w->pos <= w->end;
}

static bool skip_block(struct walk *w, unsigned type)
{
    switch (type) {
    case 0:
        return skip_stored(w);
    case 1:
        return fixed_codes(w) && skip_coded(w);
    case 2:
        return read_codes(w) && skip_coded(w);
    default:
        return false;
    }
}

/* Finds the bit that says "final", and leaves pos behind the last block. */
static bool walk_blocks(struct walk *w, uint64_t *final_bit)
{
    bool final = false;

    while (!final) {
        if (w->pos >= w->end)
            return false;
        *final_bit = w->pos;
        final = take(w, 1);
        if (!skip_block(w, take(w, 2)))
            return false;
    }
    return w->pos <= w->end && w->end - w->pos < 8;
}

size_t deflate_join(uint8_t *raw, size_t len)
{
    static const uint8_t empty[4] = {0, 0, 0xff, 0xff};
    struct walk w = {.raw = raw, .end = 8 * (uint64_t)len};
    uint64_t final_bit = 0;
    size_t end;

    memset(raw + len, 0, DEFLATE_JOIN_ROOM + DEFLATE_JOIN_PADDING);
    if (!walk_blocks(&w, &final_bit))
        return 0;
    raw[final_bit / 8] &= (uint8_t) ~(1u << (final_bit % 8));
    /* Three clear bits are the header of a stored block. */
    raw[w.pos / 8] &= (uint8_t)((1u << (w.pos % 8)) - 1);
    end = (size_t)((w.pos + 3 + 7) / 8);
    memcpy(raw + end, empty, sizeof(empty));
    return end + sizeof(empty);
}
