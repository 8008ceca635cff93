/* The quantised copies: made once and kept in a file; one that is cut, damaged or of other weights is made again; and
 * how far they move what the tiny models say. */
#include "divergence.h"
#include "model.h"

#include <sys/stat.h>

#include "base/log.h"
#include "engine/qwen3/quant.h"

enum { FRAMES = 12 };

static char folder[] = "/tmp/timbre-quant-XXXXXX", path[64];
static int made; /* they were made, not read */

static void count(void *ctx, double part)
{
    (void)ctx;
    assert_true(part >= 0 && part <= 1);
    made = 1;
}

static struct tb_q3_quant *quantise(struct model *m, int bits, uint64_t stamp, const char *file)
{
    struct tb_q3_quant_config c = { .talker_bits = bits, .stamp = stamp, .path = file, .progress = count };
    struct tb_q3_quant *q;
    struct tb_error err;

    made = 0;
    if (tb_q3_quant_open(&m->talker, &c, &q, &err))
        fail_msg("%s", err.text);
    assert_non_null(m->talker.head.few);
    assert_int_equal(m->talker.head.few->bits, 8);
    assert_int_equal(m->talker.stack.layers[0].q.few->bits, bits);
    assert_int_equal(m->talker.predictor.layers[0].down.few->bits, 4);
    assert_null(m->talker.text.few);
    return q;
}

static int setup(void **state)
{
    (void)state;
    tb_log_set_level(TB_LOG_NONE);
    if (tb_tensor_init(NULL, NULL) || !mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/made/q.weights", folder);
    return 0;
}

static int teardown(void **state)
{
    char name[96];

    (void)state;
    unlink(path);
    snprintf(name, sizeof name, "%s/made", folder);
    rmdir(name);
    return rmdir(folder);
}

static off_t size_of(const char *file)
{
    struct stat info;

    return stat(file, &info) ? -1 : info.st_size;
}

/* One byte of the file, exchanged. */
static void damage(long at)
{
    FILE *f = fopen(path, "r+b");
    int byte;

    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    byte = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(byte ^ 1, f);
    assert_int_equal(fclose(f), 0);
}

static void a_file_is_made_once_and_again_when_it_does_not_fit(void **state)
{
    struct model m;
    char part[96];
    float want[64], got[64];

    (void)state;
    model_open(&m, "tiny-0b6");
    snprintf(part, sizeof part, "%s.part", path);
    struct tb_q3_quant *q = quantise(&m, 8, 7, path);
    assert_int_equal(made, 1);
    assert_int_equal(size_of(path), tb_q3_quant_size(q));
    assert_int_equal(size_of(part), -1);
    assert_false(tb_q3_quant_vouches(part, 7));
    tb_qmat_row(m.talker.stack.layers[1].k.few, 3, want);
    tb_q3_quant_close(q);
    long size = (long)size_of(path);
    const struct { long cut, flip; uint64_t stamp; int bits; } cases[] = {
        { 0, -1, 7, 8 }, { 1, -1, 7, 8 }, { size, -1, 7, 8 }, { 0, 0, 7, 8 }, { 0, 9, 7, 8 }, { 0, 17, 7, 8 },
        { 0, size / 2, 7, 8 }, { 0, size - 8192, 7, 8 }, { 0, -1, 8, 8 }, { 0, -1, 8, 4 }, { 0, -1, 7, 8 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].cut)
            assert_int_equal(truncate(path, size - cases[i].cut), 0);
        if (cases[i].flip >= 0)
            damage(cases[i].flip);
        q = quantise(&m, cases[i].bits, cases[i].stamp, path);
        assert_int_equal(made, i > 0); /* the first case is the file as it was made */
        assert_true(tb_q3_quant_vouches(path, cases[i].stamp));
        assert_false(tb_q3_quant_vouches(path, cases[i].stamp + 1));
        tb_qmat_row(m.talker.stack.layers[1].k.few, 3, got);
        if (cases[i].bits == 8)
            assert_memory_equal(want, got, sizeof got);
        tb_q3_quant_close(q);
    }
    model_close(&m);
}

static void without_a_place_they_are_made_in_memory(void **state)
{
    struct model m;

    (void)state;
    model_open(&m, "tiny-1b7");
    struct tb_q3_quant *q = quantise(&m, 8, 7, "/proc/no-such-folder/q.weights");
    assert_int_equal(made, 1);
    tb_q3_quant_close(q);
    q = quantise(&m, 4, 7, NULL);
    assert_int_equal(made, 1);
    tb_q3_quant_close(q);
    model_close(&m);
}

static void what_is_said_moves_little(void **state)
{
    static const char *const names[] = { "tiny-0b6", "tiny-1b7" };
    /* nats, of the talker and of the predictor, with the talker in 8 bits and in 4: twice what was measured */
    static const double most[2][2] = { { 0.001, 0.4 }, { 0.08, 0.4 } };

    (void)state;
    for (int i = 0; i < 4; i++) {
        int bits = i & 1 ? 4 : 8, text[20];
        struct model exact, m;
        struct divergence d;
        struct tb_error err;

        model_open(&exact, names[i / 2]);
        model_open(&m, names[i / 2]);
        struct tb_q3_quant *q = quantise(&m, bits, 7, NULL);
        float *speaker = calloc((size_t)m.config.talker.hidden, sizeof *speaker);
        for (int k = 0; k < 20; k++)
            text[k] = 10 + 7 * k;
        struct tb_q3_request request = { .text = text, .text_len = 20, .speaker = speaker, .language = -1 };
        if (divergence_measure(&exact.talker, &m.talker, NULL, &request, FRAMES, &d, &err))
            fail_msg("%s", err.text);
        printf("  %s, talker in %d bits: divergence, nats: talker %.5f (most %.5f), predictor %.5f (most %.5f)\n",
               names[i / 2], bits, d.mean[0], d.most[0], d.mean[1], d.most[1]);
        assert_true(d.steps[0] >= FRAMES && d.steps[1] == FRAMES * (m.config.groups - 1));
        for (int s = 0; s < 2; s++)
            assert_true(d.mean[s] > 0 && d.mean[s] < most[bits == 4][s]);
        free(speaker);
        tb_q3_quant_close(q);
        model_close(&m);
        model_close(&exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_made_once_and_again_when_it_does_not_fit),
        cmocka_unit_test(without_a_place_they_are_made_in_memory),
        cmocka_unit_test(what_is_said_moves_little),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
