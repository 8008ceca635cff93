/* test_q8.c - weights in 8 bits against the floats that they stand for. */
#include "tensor_test.h"

/* Random bytes with scales and zeros: per row, or the same for all and symmetric. *floats is what they stand for. */
static struct tb_q8 make(size_t rows, size_t len, bool is_signed, bool symmetric, float gain, float **floats)
{
    struct tb_q8 q = { .flip = is_signed ? 0x80 : 0, .rows = rows, .len = len };
    uint8_t *bytes = malloc(rows * len);

    q.scale = calloc(rows + 3, sizeof *q.scale);
    q.zero = calloc(rows + 3, sizeof *q.zero);
    *floats = malloc(rows * len * sizeof **floats);
    for (size_t r = 0; r < rows; r++) {
        q.scale[r] = symmetric ? gain / 128.0f : gain * (1.5f + noise()) / 256.0f;
        q.zero[r] = symmetric ? 128.0f : (float)(int)(128.0f + 100.0f * noise());
        for (size_t i = 0; i < len; i++) {
            bytes[r * len + i] = (uint8_t)(int)(128.0f + 127.0f * noise());
            (*floats)[r * len + i] = ((float)(uint8_t)(bytes[r * len + i] ^ q.flip) - q.zero[r]) * q.scale[r];
        }
    }
    q.q = bytes;
    return q;
}

static void release(struct tb_q8 *q, const uint8_t *bytes)
{
    tb_q8_free(q);
    free((void *)(uintptr_t)bytes);
}

static void check_conv(int out, int in, int taps, int cols, bool is_signed)
{
    struct tb_conv_spec spec = { .out = out, .in = in, .taps = taps, .pad_left = taps / 2, .pad_right = taps / 2 };
    float *w, *bias = noises((size_t)out, 1.0f);
    struct tb_q8 q8 = make((size_t)out, (size_t)in * (size_t)taps, is_signed, false, 1.0f, &w);
    const uint8_t *bytes = q8.q;
    struct tb_conv packed, mapped;

    assert_int_equal(tb_conv_pack(&spec, w, bias, &packed, NULL), TB_OK);
    assert_int_equal(tb_conv_map(&spec, &q8, bias, &mapped, NULL), TB_OK);
    assert_null(q8.q); /* taken over */
    struct tb_mat x = noise_mat(in, cols), a = noise_mat(out, cols), b = noise_mat(out, cols);
    tb_conv_run(NULL, &packed, x, NULL, a, NULL);
    tb_conv_run(NULL, &mapped, x, NULL, b, NULL);
    check_gaps(b);
    for (int r = 0; r < out; r++)
        for (int t = 0; t < cols; t++)
            if (!(fabsf(tb_mat_row(a, r)[t] - tb_mat_row(b, r)[t]) < 3e-4f * sqrtf((float)(in * taps))))
                fail_msg("level %s, %d -> %d, %d taps, row %d column %d: %g for %g", tb_cpu_name(tb_tensor_level()), in,
                         out, taps, r, t, (double)tb_mat_row(b, r)[t], (double)tb_mat_row(a, r)[t]);
    struct tb_mat again = noise_mat(out, cols);
    tb_conv_run(pools[0], &mapped, x, NULL, again, NULL);
    check_same(b, again, "8 bits on two threads");
    assert_int_equal(tb_conv_widen(&mapped, NULL), TB_OK);
    tb_conv_run(NULL, &mapped, x, NULL, again, NULL);
    check_same(b, again, "8 bits in memory of their own");
    tb_conv_free(&packed);
    tb_conv_free(&mapped);
    release(&q8, bytes);
    free(w), free(bias), free(x.p), free(a.p), free(b.p), free(again.p);
}

static void conv_body(void)
{
    check_conv(4, 8, 1, 24, false);
    check_conv(6, 20, 3, 61, true);
    check_conv(1, 7, 1, 5, false);
    check_conv(50, 3, 7, 200, true);
    check_conv(33, 512, 5, 40, false);
}

static void convolutions_agree_with_those_of_floats(void **state)
{
    (void)state;
    each_level(conv_body);
}

static void matvec_body(void)
{
    for (size_t len = 1; len < 140; len += 23) {
        float *w, *bias = noises(300, 1.0f), *x = noises(len, 1.0f), a[300], b[300], c[300];
        struct tb_q8 q8 = make(300, len, len % 2, false, 1.0f, &w);
        const uint8_t *bytes = q8.q;

        tb_matvec(NULL, w, bias, 300, (int)len, x, a);
        tb_matvec8(NULL, &q8, bias, x, b);
        tb_matvec8(pools[1], &q8, bias, x, c);
        for (int i = 0; i < 300; i++)
            assert_true(fabsf(a[i] - b[i]) < 2e-5f);
        assert_memory_equal(b, c, sizeof b);
        release(&q8, bytes);
        free(w), free(bias), free(x);
    }
}

static void matrix_times_vector(void **state)
{
    (void)state;
    each_level(matvec_body);
}

/* Rows in PyTorch's order of gates, i f g o, to ONNX's, i o f g. */
static float *in_onnx_order(const float *from, size_t hidden, size_t len)
{
    static const size_t at[4] = { 0, 3, 1, 2 };
    float *to = malloc(4 * hidden * len * sizeof *to);

    for (size_t g = 0; g < 4; g++)
        memcpy(to + g * hidden * len, from + at[g] * hidden * len, hidden * len * sizeof *to);
    return to;
}

static void append(float *to, float *part, size_t n)
{
    memcpy(to, part, n * sizeof *to);
    free(part);
}

static void lstm_body(void)
{
    enum { IN = 12, HIDDEN = 32, GATES = 4 * HIDDEN, COLS = 40 };
    static const int pytorch[4] = { 0, 3, 1, 2 };
    static float w[2 * GATES * IN], r[2 * GATES * HIDDEN], b[4 * GATES];
    struct tb_q8 w8[2], r8[2];
    const uint8_t *bytes[4];
    float *bias = noises(4 * GATES, 0.5f), *floats;
    struct tb_bilstm packed, mapped;

    for (int d = 0; d < 2; d++) {
        w8[d] = make(GATES, IN, true, false, 0.3f, &floats);
        append(w + d * GATES * IN, in_onnx_order(floats, HIDDEN, IN), GATES * IN);
        free(floats);
        r8[d] = make(GATES, HIDDEN, true, true, 0.3f, &floats);
        append(r + d * GATES * HIDDEN, in_onnx_order(floats, HIDDEN, HIDDEN), GATES * HIDDEN);
        free(floats);
        bytes[2 * d] = w8[d].q;
        bytes[2 * d + 1] = r8[d].q;
        for (int k = 0; k < 2; k++)
            append(b + (2 * d + k) * GATES, in_onnx_order(bias + (2 * d + k) * GATES, HIDDEN, 1), GATES);
    }
    assert_int_equal(tb_bilstm_pack(IN, HIDDEN, w, r, b, &packed, NULL), TB_OK);
    r8[1].scale[5] *= 2;
    assert_int_equal(tb_bilstm_map(IN, HIDDEN, w8, r8, bias, pytorch, &mapped, NULL), TB_EUNSUPPORTED);
    r8[1].scale[5] /= 2;
    assert_int_equal(tb_bilstm_map(IN, HIDDEN, w8, r8, bias, pytorch, &mapped, NULL), TB_OK);
    struct tb_mat x = noise_mat(IN, COLS), y = noise_mat(2 * HIDDEN, COLS), z = noise_mat(2 * HIDDEN, COLS);
    float *work = noises(tb_bilstm_work(&packed, COLS), 1.0f);
    tb_bilstm_run(NULL, &packed, x, y, work);
    tb_bilstm_run(pools[0], &mapped, x, z, work);
    for (int i = 0; i < 2 * HIDDEN; i++)
        for (int t = 0; t < COLS; t++)
            assert_true(fabsf(tb_mat_row(y, i)[t] - tb_mat_row(z, i)[t]) < 3e-4f);
    tb_bilstm_free(&packed);
    tb_bilstm_free(&mapped);
    for (int d = 0; d < 2; d++) {
        release(&w8[d], bytes[2 * d]);
        release(&r8[d], bytes[2 * d + 1]);
    }
    free(bias), free(x.p), free(y.p), free(z.p), free(work);
}

static void recurrent_layers(void **state)
{
    (void)state;
    each_level(lstm_body);
}

static void what_cannot_be_mapped_is_refused(void **state)
{
    struct tb_conv_spec strided = { .out = 4, .in = 8, .taps = 3, .stride = 2 };
    struct tb_conv conv;
    float *w;
    struct tb_q8 q8 = make(4, 24, false, false, 1.0f, &w);
    const uint8_t *bytes = q8.q;

    (void)state;
    assert_int_equal(tb_conv_map(&strided, &q8, NULL, &conv, NULL), TB_EUNSUPPORTED);
    assert_non_null(q8.q); /* not taken over */
    release(&q8, bytes);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_agree_with_those_of_floats),
        cmocka_unit_test(matrix_times_vector),
        cmocka_unit_test(recurrent_layers),
        cmocka_unit_test(what_cannot_be_mapped_is_refused),
    };

    return cmocka_run_group_tests(tests, open_pools, close_pools);
}
