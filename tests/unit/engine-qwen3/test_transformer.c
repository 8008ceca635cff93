/* The cache of the transformer: token by token, in pieces, or all at once gives the same bits, with a window that
 * slides too, and beside other sequences; rewinding forgets; a full cache says so. */
#include "model.h"

enum { TOKENS = 40, WINDOW = 8 };

static struct model m;
static struct tb_scratch scratch;
static struct tb_pool *pool;

static int setup(void **state)
{
    (void)state;
    if (tb_tensor_init(NULL, NULL) || tb_pool_open(2, &pool, NULL) || tb_scratch_open(1 << 24, &scratch, NULL))
        return -1;
    model_open(&m, "tiny-0b6");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    model_close(&m);
    tb_scratch_close(&scratch);
    tb_pool_close(pool);
    return 0;
}

static struct tb_mat inputs(void)
{
    int hidden = m.config.talker.hidden;
    struct tb_mat x = { malloc((size_t)(TOKENS * hidden) * sizeof(float)), TOKENS, hidden, hidden };

    assert_non_null(x.p);
    for (int i = 0; i < TOKENS * hidden; i++)
        x.p[i] = sinf(0.37f * (float)i) + 0.1f * (float)(i % 7);
    return x;
}

/* All tokens through the stack, `piece` at a time. */
static struct tb_mat through(const struct tb_q3_stack *s, int room, int piece, struct tb_pool *threads)
{
    struct tb_q3_run run = { .pool = threads, .scratch = &scratch };
    struct tb_mat x = inputs();
    struct tb_q3_cache cache;
    struct tb_error err;

    assert_int_equal(tb_q3_cache_open(s, room, &cache, &err), TB_OK);
    for (int t = 0; t < TOKENS; t += piece)
        if (tb_q3_stack_run(&run, s, &cache, tb_mat_rows(x, t, TOKENS - t < piece ? TOKENS - t : piece), &err))
            fail_msg("%s", err.text);
    assert_int_equal(cache.position, TOKENS);
    tb_q3_cache_close(&cache);
    return x;
}

static void check_same(const struct tb_q3_stack *s, int room)
{
    static const int pieces[] = { 1, 3, 7, TOKENS };
    struct tb_mat whole = through(s, TOKENS, TOKENS, NULL);

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct tb_mat x = through(s, pieces[i] + WINDOW - 1 > room ? pieces[i] + WINDOW - 1 : room, pieces[i], pool);

        assert_memory_equal(x.p, whole.p, (size_t)TOKENS * (size_t)x.ld * sizeof *x.p);
        free(x.p);
    }
    free(whole.p);
}

static void pieces_give_the_same_bits_as_the_whole(void **state)
{
    (void)state;
    check_same(&m.talker.stack, TOKENS);
}

static void a_window_slides_without_a_trace(void **state)
{
    struct tb_q3_stack s = m.talker.stack;

    (void)state;
    s.spec.window = WINDOW;
    check_same(&s, WINDOW - 1 + 3); /* room for three tokens more: rows move all the time */
    check_same(&s, 2 * WINDOW);
}

static void a_window_hides_what_lies_before_it(void **state)
{
    struct tb_q3_stack s = m.talker.stack;
    struct tb_mat a, b;

    (void)state;
    a = through(&s, TOKENS, TOKENS, NULL);
    s.spec.window = WINDOW;
    b = through(&s, TOKENS, TOKENS, NULL);
    size_t row = (size_t)a.ld * sizeof *a.p;
    assert_memory_equal(a.p, b.p, WINDOW * row); /* the first ones see all that there is */
    assert_memory_not_equal(tb_mat_row(a, WINDOW), tb_mat_row(b, WINDOW), row);
    free(a.p);
    free(b.p);
}

static void rewinding_forgets(void **state)
{
    struct tb_q3_run run = { .scratch = &scratch };
    struct tb_mat x = inputs(), again = inputs();
    struct tb_q3_cache cache;

    (void)state;
    assert_int_equal(tb_q3_cache_open(&m.talker.stack, TOKENS, &cache, NULL), TB_OK);
    assert_int_equal(tb_q3_stack_run(&run, &m.talker.stack, &cache, tb_mat_rows(x, 0, 30), NULL), TB_OK);
    tb_q3_cache_rewind(&cache, 10);
    assert_int_equal(tb_q3_stack_run(&run, &m.talker.stack, &cache, tb_mat_rows(again, 10, 5), NULL), TB_OK);
    assert_memory_equal(tb_mat_row(x, 10), tb_mat_row(again, 10), 5 * (size_t)x.ld * sizeof *x.p);
    free(x.p);
    free(again.p);
    tb_q3_cache_close(&cache);
}

static void sequences_run_together_as_alone(void **state)
{
    enum { SEQUENCES = 3, N = 2 };
    static const int before[SEQUENCES] = { 0, 11, 4 };
    struct tb_q3_cache caches[2][SEQUENCES], *each[SEQUENCES];
    int hidden = m.config.talker.hidden;

    (void)state;
    for (int threads = 0; threads < 2; threads++) {
        struct tb_q3_run run = { .pool = threads ? pool : NULL, .scratch = &scratch };
        struct tb_mat x[2], ahead = inputs();

        for (int k = 0; k < 2; k++) {
            x[k] = inputs();
            for (int i = 0; i < SEQUENCES; i++) { /* what came before, in each of two worlds */
                assert_int_equal(tb_q3_cache_open(&m.talker.stack, TOKENS, &caches[k][i], NULL), TB_OK);
                for (int r = 0; r < before[i]; r++) {
                    memcpy(ahead.p, tb_mat_row(x[k], 20 + (r + i) % 20), (size_t)hidden * sizeof *ahead.p);
                    assert_int_equal(tb_q3_stack_run(&run, &m.talker.stack, &caches[k][i], tb_mat_rows(ahead, 0, 1),
                                                     NULL), TB_OK);
                }
            }
        }
        for (int i = 0; i < SEQUENCES; i++) {
            each[i] = &caches[0][i];
            assert_int_equal(tb_q3_stack_run(&run, &m.talker.stack, &caches[1][i], tb_mat_rows(x[1], i * N, N), NULL),
                             TB_OK);
        }
        assert_int_equal(tb_q3_stack_run_all(&run, &m.talker.stack, each, SEQUENCES,
                                             tb_mat_rows(x[0], 0, SEQUENCES * N), NULL), TB_OK);
        assert_memory_equal(x[0].p, x[1].p, (size_t)(SEQUENCES * N * x[0].ld) * sizeof *x[0].p);
        for (int i = 0; i < SEQUENCES; i++) {
            assert_int_equal(caches[0][i].position, before[i] + N);
            tb_q3_cache_close(&caches[0][i]);
            tb_q3_cache_close(&caches[1][i]);
        }
        free(x[0].p), free(x[1].p), free(ahead.p);
    }
}

static void a_full_cache_says_so(void **state)
{
    struct tb_q3_run run = { .scratch = &scratch };
    struct tb_mat x = inputs();
    struct tb_q3_cache cache;
    struct tb_error err;

    (void)state;
    assert_int_equal(tb_q3_cache_open(&m.talker.stack, TOKENS - 1, &cache, &err), TB_OK);
    assert_int_equal(tb_q3_stack_run(&run, &m.talker.stack, &cache, x, &err), TB_ETOOBIG);
    assert_int_equal(cache.position, 0);
    tb_q3_cache_close(&cache);
    free(x.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_give_the_same_bits_as_the_whole),
        cmocka_unit_test(a_window_slides_without_a_trace),
        cmocka_unit_test(a_window_hides_what_lies_before_it),
        cmocka_unit_test(rewinding_forgets),
        cmocka_unit_test(sequences_run_together_as_alone),
        cmocka_unit_test(a_full_cache_says_so),
    };

    return cmocka_run_group_tests_name("transformer", tests, setup, teardown);
}
