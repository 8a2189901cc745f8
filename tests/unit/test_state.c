/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/state.h"
#include "unit.h"

#include "scratch.h"

#include <errno.h>

enum { TEXT_SIZE = 4096 };

static struct err e;
static const struct wait no_wait = {0};

static struct state sample(void)
{
    struct state st = {.destination = "xapi://root@h\xc3\xb6st/sr/a%20b",
                       .vdi = "6bcac491-064d-4126-bb13-9670bbef11f0",
                       .base = "0d6c4b1f-3a5e-4f55-8bb0-6d3c6a5a9a10",
                       .run = "391f52b7-c4e8-4d68-a08f-f0042c1eacb1",
                       .task = "OpaqueRef:ecc58628-e1a6-4e80-81e8-b4c2316f0929",
                       .rest = {.blocks = BLOCKS_MAX, .holes = INT64_MAX}};

    for (int i = 0; i < IMAGE_SHAPE_SIZE; i++)
        st.shape.sum[i] = (uint8_t)(i * 37);
    return st;
}

static int read_it(struct state *out)
{
    e = (struct err){0};
    return state_read(out, "s", &no_wait, &e);
}

static void test_what_is_written_is_read(void **state)
{
    const struct state st = sample();
    struct state back = {0};

    (void)state;
    assert_ok(state_write(&st, "s", &no_wait, &e), &e);
    assert_int_equal(read_it(&back), 1);
    assert_string_equal(back.destination, st.destination);
    assert_string_equal(back.vdi, st.vdi);
    assert_string_equal(back.base, st.base);
    assert_string_equal(back.run, st.run);
    assert_string_equal(back.task, st.task);
    assert_true(image_shape_is_same(&back.shape, &st.shape));
    assert_int_equal(back.rest.blocks, st.rest.blocks);
    assert_true(back.rest.holes == st.rest.holes);
    assert_int_equal(scratch_count(), 1);
}

static void test_it_is_replaced_and_removed(void **state)
{
    struct state st = sample(), back = {0};

    (void)state;
    assert_ok(state_write(&st, "s", &no_wait, &e), &e);
    st.rest.blocks = 7;
    st.run[0] = '\0';
    assert_ok(state_write(&st, "s", &no_wait, &e), &e);
    assert_int_equal(read_it(&back), 1);
    assert_int_equal(back.rest.blocks, 7);
    assert_string_equal(back.run, "");
    assert_ok(state_remove("s", &e), &e);
    assert_int_equal(read_it(&back), 0);
    assert_ok(state_remove("s", &e), &e);
    assert_int_equal(scratch_count(), 0);
}

/* A failure of the write leaves the one that was there. */
static void test_one_that_cannot_be_written_leaves_the_old_one(void **state)
{
    struct state st = sample(), back = {0};

    (void)state;
    assert_ok(state_write(&st, "s", &no_wait, &e), &e);
    assert_int_equal(state_write(&st, "no/s", &no_wait, &e), ERR_NOT_FOUND);
    assert_int_equal(read_it(&back), 1);
    assert_int_equal(scratch_count(), 1);
}

static void refused(const char *text, size_t len)
{
    const struct state untouched = sample();
    struct state out = untouched;

    scratch_write("s", text, len);
    assert_int_equal(read_it(&out), ERR_CORRUPT);
    assert_non_null(strstr(e.text, "s: not the state of a transfer"));
    assert_memory_equal(&out, &untouched, sizeof(out));
}

/* The sample as text, with the first `from` in it replaced by `to`. */
static size_t edited(char out[TEXT_SIZE], const char *from, const char *to)
{
    const struct state st = sample();
    char text[TEXT_SIZE] = "";
    size_t len;
    char *at;

    assert_ok(state_write(&st, "s", &no_wait, &e), &e);
    len = scratch_read("s", text, TEXT_SIZE - 1);
    text[len] = '\0';
    at = strstr(text, from);
    assert_non_null(at);
    return (size_t)snprintf(out, TEXT_SIZE, "%.*s%s%s", (int)(at - text), text,
                            to, at + strlen(from));
}

static void refuse_edit(const char *from, const char *to)
{
    char text[TEXT_SIZE];
    size_t len = edited(text, from, to);

    refused(text, len);
}

static void test_what_is_no_state_is_refused(void **state)
{
    char *long_one = malloc(1 << 20);

    (void)state;
    assert_non_null(long_one);
    refused("", 0);
    refused("null", 4);
    refused("[]", 2);
    refused("{}", 2);
    refused("\0\0\0", 3);
    refused("{\"vhdstream_state\": 1}", 22);
    memset(long_one, '[', 1 << 20);
    refused(long_one, 1 << 20);
    memset(long_one, ' ', 1 << 20);
    refused(long_one, 1 << 20);
    free(long_one);
}

static void test_every_cut_is_refused(void **state)
{
    char text[TEXT_SIZE];
    size_t len = edited(text, "vdi", "vdi");

    (void)state;
    while (text[len - 1] != '}')
        len--;
    for (size_t i = 0; i < len; i++)
        refused(text, i);
}

static void test_every_field_is_checked(void **state)
{
    (void)state;
    refuse_edit("\"vhdstream_state\": 1", "\"vhdstream_state\": 2");
    refuse_edit("\"vhdstream_state\": 1", "\"vhdstream_state\": \"1\"");
    refuse_edit("\"blocks\": 4194304", "\"blocks\": 4194305");
    refuse_edit("\"blocks\": 4194304", "\"blocks\": -1");
    refuse_edit("\"blocks\": 4194304", "\"blocks\": 1.5");
    refuse_edit("\"holes\": 9223372036854775807", "\"holes\": -1");
    refuse_edit("\"holes\": 9223372036854775807",
                "\"holes\": 9223372036854775808");
    refuse_edit("\"vdi\"", "\"disk\"");
    refuse_edit("\"run\": \"", "\"run\": 5, \"x\": \"");
    refuse_edit("\"map\": \"0025", "\"map\": \"00");
    refuse_edit("\"map\": \"0025", "\"map\": \"002500");
    refuse_edit("\"map\": \"0025", "\"map\": \"00 5");
    refuse_edit("\"map\": \"0025", "\"map\": \"00x5");
    refuse_edit("\"map\": \"0025", "\"map\": \"00+5");
}

/* Texts longer than their place are refused, not cut. */
static void test_long_texts_are_refused(void **state)
{
    char to[TEXT_SIZE / 2];

    (void)state;
    memset(to, 'a', sizeof(to) - 1);
    to[sizeof(to) - 1] = '\0';
    memcpy(to, "\"vdi\": \"", 8);
    refuse_edit("\"vdi\": \"", to);
    memcpy(to, "\"run\": \"", 8);
    refuse_edit("\"run\": \"", to);
    memcpy(to, "\"task\": \"", 9);
    refuse_edit("\"task\": \"", to);
}

static void test_a_folder_is_no_state(void **state)
{
    struct state out;

    (void)state;
    assert_int_equal(mkdir("s", 0700), 0);
    assert_true(read_it(&out) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_written_is_read,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_it_is_replaced_and_removed,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(
            test_one_that_cannot_be_written_leaves_the_old_one, scratch_setup,
            scratch_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_state_is_refused,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_every_cut_is_refused,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_every_field_is_checked,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_long_texts_are_refused,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_a_folder_is_no_state,
                                        scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
