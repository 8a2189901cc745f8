/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/bits.h"
#include "image/chain/coverage.h"
#include "unit.h"

#include <stdlib.h>

enum {
    CELLS = 3,
    SECTORS = CELLS * CELL_SECTORS - 1000,
    SIZE = SECTORS * SECTOR_SIZE,
    NOBODY = 0xffff,
};

static const uint64_t PLENTY = 64 << 20;

static struct coverage *opened(uint64_t budget, bool keep)
{
    const struct coverage_options opt = {
        .budget = budget, .keep = keep, .name = "x.tgz"};
    struct coverage *c;
    struct err e;

    assert_ok(coverage_open(&c, &opt, &e), &e);
    return c;
}

static unsigned below(unsigned n)
{
    return (unsigned)random() % n;
}

/* --- against a model: the lowest rank that has come, for each sector -------*/

struct model {
    struct coverage *c;
    uint16_t lowest[SECTORS];
};

/* Short runs, long ones, every other sector, all, nothing. */
static void random_bits(uint8_t *bits, uint32_t count)
{
    unsigned kind = below(5);

    memset(bits, 0, bits_size(count));
    if (kind == 0)
        bits_set_run(bits, 0, count);
    for (unsigned i = 0; kind < 3 && i < below(40); i++) {
        uint32_t from = below(count);
        uint32_t most = kind == 1 ? 8 : count;

        bits_set_run(bits, from, 1 + below(count - from) % most);
    }
    for (uint32_t i = below(2); kind == 3 && i < count; i += 2)
        bit_set(bits, i);
}

static void come_piece(struct model *m, unsigned rank, uint32_t from,
                       uint32_t count)
{
    uint8_t bits[CELL_SECTORS / 8], left[CELL_SECTORS / 8];
    bool hidden = true;
    struct err e;

    random_bits(bits, count);
    memcpy(left, bits, sizeof(left));
    for (uint32_t i = 0; i < count; i++)
        hidden = hidden && m->lowest[from + i] < rank;
    assert_int_equal(coverage_hides(m->c, from, count), hidden);
    coverage_mask(m->c, from, count, left);
    for (uint32_t i = 0; i < count; i++) {
        bool mine = bit_get(bits, i) && m->lowest[from + i] > rank;

        assert_int_equal(bit_get(left, i) != 0, mine);
        if (mine)
            m->lowest[from + i] = (uint16_t)rank;
    }
    assert_ok(coverage_add(m->c, from, count, left, &e), &e);
}

static void come(struct model *m, unsigned rank, bool is_base)
{
    uint32_t step = CELL_SECTORS >> below(3);

    coverage_begin(m->c, rank, is_base);
    for (uint32_t at = 0; at < SECTORS; at += step)
        if (below(3))
            come_piece(m, rank, at, SECTORS - at < step ? SECTORS - at : step);
    coverage_end(m->c);
}

static void shuffle(unsigned *order, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        order[i] = i;
    for (unsigned i = n; i > 1; i--) {
        unsigned j = below(i), other = order[i - 1];

        order[i - 1] = order[j];
        order[j] = other;
    }
}

static void check_gaps(const struct model *m)
{
    uint64_t at = 0, first, stop, gaps = 0, expected = 0;

    while (coverage_gap(m->c, at, SECTORS, &first, &stop)) {
        assert_true(first >= at && stop > first);
        for (; at < first; at++)
            assert_int_not_equal(m->lowest[at], NOBODY);
        for (; at < stop; at++, gaps++)
            assert_int_equal(m->lowest[at], NOBODY);
    }
    for (uint32_t i = 0; i < SECTORS; i++)
        expected += m->lowest[i] == NOBODY;
    assert_int_equal(gaps, expected);
}

static void any_order(unsigned n, bool keep)
{
    static struct model m;
    unsigned order[40];
    struct err e;

    shuffle(order, n);
    memset(m.lowest, 0xff, sizeof(m.lowest));
    m.c = opened(PLENTY, keep);
    assert_ok(coverage_grow(m.c, SIZE, &e), &e);
    for (unsigned i = 0; i < n; i++)
        come(&m, order[i], order[i] == n - 1);
    if (keep)
        check_gaps(&m);
    coverage_close(m.c);
}

static void test_any_order_of_members_as_a_model_has_it(void **state)
{
    (void)state;
    srandom(7);
    for (int round = 0; round < 60; round++)
        any_order(1 + below(12), round % 2);
    for (int round = 0; round < 4; round++)
        any_order(40, round % 2);
}

/* --- memory ---------------------------------------------------------------*/

static void come_striped(struct coverage *c, unsigned rank, bool is_base)
{
    uint8_t bits[CELL_SECTORS / 8];
    struct err e;

    coverage_begin(c, rank, is_base);
    for (uint64_t cell = 0; cell < CELLS; cell++) {
        memset(bits, rank % 2 ? 0x55 : 0xaa, sizeof(bits));
        coverage_mask(c, cell * CELL_SECTORS, CELL_SECTORS, bits);
        assert_ok(coverage_add(c, cell * CELL_SECTORS, CELL_SECTORS, bits, &e),
                  &e);
    }
    coverage_end(c);
}

static void test_a_chain_that_comes_base_first_takes_the_table_only(void **s)
{
    struct coverage *c = opened(PLENTY, false);
    struct err e;

    (void)s;
    assert_ok(coverage_grow(c, CELLS * (2 << 20), &e), &e);
    for (int rank = 9; rank >= 0; rank--)
        come_striped(c, (unsigned)rank, rank == 9);
    assert_int_equal(coverage_memory(c), CELLS * 8);
    coverage_close(c);
}

static void test_a_chain_that_comes_leaf_first_takes_a_bit_a_sector(void **s)
{
    struct coverage *c = opened(PLENTY, false);
    struct err e;

    (void)s;
    assert_ok(coverage_grow(c, CELLS * (2 << 20), &e), &e);
    for (unsigned rank = 0; rank < 9; rank += 2)
        come_striped(c, rank, false);
    assert_true(coverage_memory(c) <= CELLS * (8 + 550));
    coverage_close(c);
}

static void test_beyond_the_budget_is_no_space(void **state)
{
    struct coverage *c = opened(CELLS * 8 + 600, false);
    uint8_t bits[CELL_SECTORS / 8];
    struct err e = {0};

    (void)state;
    assert_ok(coverage_grow(c, CELLS * (2 << 20), &e), &e);
    coverage_begin(c, 0, false);
    memset(bits, 0xaa, sizeof(bits));
    assert_ok(coverage_add(c, 0, CELL_SECTORS, bits, &e), &e);
    assert_int_equal(coverage_add(c, CELL_SECTORS, CELL_SECTORS, bits, &e),
                     ERR_NO_SPACE);
    assert_non_null(strstr(e.text, "x.tgz: "));
    assert_non_null(strstr(e.text, "--memory"));
    coverage_close(c);
}

/* Cells of two owners take twice the bits; when these two are one, there is
 * room for others. */
static void test_owners_that_became_one_make_room(void **state)
{
    struct coverage *c = opened(CELLS * 8 + 1056 + 2 * 544, false);
    uint8_t all[CELL_SECTORS / 8], left[CELL_SECTORS / 8];
    struct err e;

    (void)state;
    assert_ok(coverage_grow(c, CELLS * (2 << 20), &e), &e);
    come_striped(c, 0, false);
    memset(all, 0x11, sizeof(all));
    for (unsigned rank = 1; rank <= CELLS; rank++) {
        uint64_t at = (rank - 1) * (uint64_t)CELL_SECTORS;

        coverage_begin(c, rank, false);
        memcpy(left, all, sizeof(left));
        coverage_mask(c, at, CELL_SECTORS, left);
        assert_ok(coverage_add(c, at, CELL_SECTORS, left, &e), &e);
        coverage_end(c);
    }
    coverage_close(c);
}

/* As if each block of 2040 GiB had a write: 40 MiB. */
static void test_a_run_in_each_cell_takes_40_bytes_a_cell(void **state)
{
    const uint64_t cells = 1 << 17;
    struct coverage *c = opened(PLENTY, false);
    uint8_t bits[CELL_SECTORS / 8] = {0};
    struct err e;

    (void)state;
    bits_set_run(bits, 17, 8);
    assert_ok(coverage_grow(c, cells * (2 << 20), &e), &e);
    coverage_begin(c, 0, false);
    for (uint64_t cell = 0; cell < cells; cell++)
        assert_ok(coverage_add(c, cell * CELL_SECTORS, CELL_SECTORS, bits, &e),
                  &e);
    assert_true(coverage_memory(c) <= 40 * cells);
    coverage_close(c);
}

/* --- two of them -----------------------------------------------------------*/

/* Somebody has [from, stop), which is in one cell. */
static void own(struct coverage *c, uint64_t from, uint64_t stop)
{
    uint8_t bits[CELL_SECTORS / 8];
    struct err e;

    memset(bits, 0xff, sizeof(bits));
    assert_ok(coverage_add(c, from, (uint32_t)(stop - from), bits, &e), &e);
}

static struct coverage *one_delta(void)
{
    struct coverage *c = opened(PLENTY, true);
    struct err e;

    assert_ok(coverage_grow(c, SIZE, &e), &e);
    coverage_begin(c, 0, false);
    return c;
}

static void test_the_first_sector_of_one_only_is_told(void **state)
{
    const struct {
        uint64_t from, stop;
    } runs[] = {{0, 1},
                {CELL_SECTORS - 1, CELL_SECTORS},
                {CELL_SECTORS, 2 * CELL_SECTORS},
                {SECTORS - 1, SECTORS}};
    struct coverage *a = one_delta(), *b = one_delta();
    uint64_t at;

    (void)state;
    assert_true(coverage_same(a, b, SIZE, &at));
    for (unsigned i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
        own(a, runs[i].from, runs[i].stop);
        assert_false(coverage_same(a, b, SIZE, &at));
        assert_int_equal(at, runs[i].from);
        assert_false(coverage_same(b, a, SIZE, &at));
        assert_int_equal(at, runs[i].from);
        own(b, runs[i].from, runs[i].stop);
        assert_true(coverage_same(a, b, SIZE, &at));
    }
    coverage_close(a);
    coverage_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order_of_members_as_a_model_has_it),
        cmocka_unit_test(test_the_first_sector_of_one_only_is_told),
        cmocka_unit_test(test_owners_that_became_one_make_room),
        cmocka_unit_test(
            test_a_chain_that_comes_base_first_takes_the_table_only),
        cmocka_unit_test(
            test_a_chain_that_comes_leaf_first_takes_a_bit_a_sector),
        cmocka_unit_test(test_beyond_the_budget_is_no_space),
        cmocka_unit_test(test_a_run_in_each_cell_takes_40_bytes_a_cell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
