/* test_cpu.c - the choice of kernels, and the scratch arena. */
#include "tensor_test.h"

#include "tensor/scratch.h"

static void best_level_by_default(void **state)
{
    int best = 0;

    (void)state;
    for (int i = 0; i < TB_CPU_COUNT; i++)
        if (tb_cpu_supported((enum tb_cpu)i))
            best = i;
    assert_int_equal(tb_tensor_init(NULL, NULL), TB_OK);
    assert_int_equal(tb_tensor_level(), best);
    assert_int_equal(tb_tensor_init("c", NULL), TB_OK);
    assert_int_equal(tb_tensor_level(), TB_CPU_C);
    assert_int_equal(tb_tensor_init("", NULL), TB_OK);
    assert_int_equal(tb_tensor_level(), best);
}

static void unknown_level_names_what_there_is(void **state)
{
    struct tb_error err;

    (void)state;
    assert_int_equal(tb_tensor_init("c", NULL), TB_OK);
    assert_int_equal(tb_tensor_init("sse9", &err), TB_EUNSUPPORTED);
    assert_non_null(strstr(err.text, "sse9"));
    assert_non_null(strstr(err.text, "have: c"));
    assert_int_equal(tb_tensor_level(), TB_CPU_C);
    assert_false(tb_cpu_supported(TB_CPU_COUNT));
    assert_string_equal(tb_cpu_name(TB_CPU_COUNT), "unknown");
}

static void scratch_gives_aligned_rows_and_takes_them_back(void **state)
{
    struct tb_scratch s;
    struct tb_mat a, b;

    (void)state;
    assert_int_equal(tb_scratch_open(1 << 20, &s, NULL), TB_OK);
    assert_int_equal(tb_scratch_mat(&s, 7, 33, &a, NULL), TB_OK);
    size_t mark = tb_scratch_mark(&s);
    assert_int_equal(tb_scratch_mat(&s, 2, 16, &b, NULL), TB_OK);
    for (int r = 0; r < 7; r++) {
        assert_int_equal((uintptr_t)tb_mat_row(a, r) % 64, 0);
        memset(tb_mat_row(a, r), 0, (size_t)a.ld * sizeof(float));
    }
    assert_true(b.p >= a.p + 7 * a.ld && b.ld >= 16);
    float *first = b.p;
    tb_scratch_reset(&s, mark);
    assert_int_equal(tb_scratch_floats(&s, 5, &b.p, NULL), TB_OK);
    assert_ptr_equal(b.p, first);
    b.p[4] = 1.0f;
    tb_scratch_reset(&s, 0);
    tb_scratch_trim(&s);
    assert_int_equal(s.used, 0);
    assert_true(s.peak > 0);
    tb_scratch_close(&s);
    tb_scratch_close(&s);
}

static void scratch_says_when_it_is_full(void **state)
{
    struct tb_scratch s;
    struct tb_error err;
    struct tb_mat m;
    float *p;

    (void)state;
    assert_int_equal(tb_scratch_open(10000, &s, NULL), TB_OK);
    assert_int_equal(tb_scratch_floats(&s, 4000, &p, &err), TB_ENOMEM);
    assert_null(p);
    assert_non_null(strstr(err.text, "4000 floats"));
    assert_int_equal(tb_scratch_floats(&s, SIZE_MAX / 2, &p, &err), TB_ENOMEM);
    assert_int_equal(tb_scratch_mat(&s, 1000, 1000, &m, &err), TB_ENOMEM);
    assert_null(m.p);
    assert_int_equal(tb_scratch_floats(&s, 2000, &p, NULL), TB_OK);
    tb_scratch_close(&s);
    assert_int_equal(tb_scratch_open(SIZE_MAX, &s, &err), TB_ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(best_level_by_default),
        cmocka_unit_test(unknown_level_names_what_there_is),
        cmocka_unit_test(scratch_gives_aligned_rows_and_takes_them_back),
        cmocka_unit_test(scratch_says_when_it_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
