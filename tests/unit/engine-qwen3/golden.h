/* golden.h - the golden vectors of Qwen3-TTS: which cases there are, their tensors, and how near ours must be.
 *
 * The folder is tests/golden/qwen3, or the one that TB_GOLDEN names (make test-golden GOLDEN=DIR). Its cases.json lists
 * files and, for each output tensor, `atol`: every |ours - golden| must be at most that; integers must be equal. Where
 * a golden tensor is smaller than ours it is the leading block of it (tools/make_qwen3_subset.py). */
#ifndef TB_QWEN3_GOLDEN_H
#define TB_QWEN3_GOLDEN_H

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "tensor/cpu.h"
#include "tensor/mat.h"
#include "tensor/safetensors.h"

/* One entry of cases.json with its file. */
struct golden {
    const char *name;  /* of the file, without folder and ending */
    const json_t *entry;
    struct tb_safetensors *file; /* NULL for a file of another kind */
    double worst;      /* largest error so far, as a part of its tolerance */
    int compared;
};

static inline const char *golden_folder(void)
{
    const char *from = getenv("TB_GOLDEN");

    return from && *from ? from : "tests/golden/qwen3";
}

static inline const char *golden_path(char path[4096], const char *name)
{
    assert_true(snprintf(path, 4096, "%s/%s", golden_folder(), name) < 4096);
    return path;
}

/* A string member of a case; NULL where it is null or missing. */
static inline const char *golden_text(const struct golden *g, const char *key)
{
    return json_string_value(json_object_get(g->entry, key));
}

static inline const struct tb_tensor *golden_find(const struct golden *g, const char *name)
{
    return g->file ? tb_safetensors_find(g->file, name) : NULL;
}

static inline const struct tb_tensor *golden_want(const struct golden *g, const char *name)
{
    const struct tb_tensor *t = golden_find(g, name);

    if (!t)
        fail_msg("%s: no tensor %s", g->name, name);
    return t;
}

static inline const float *golden_floats(const struct golden *g, const char *name)
{
    const struct tb_tensor *t = golden_want(g, name);

    assert_int_equal(t->dtype, TB_F32);
    return t->data;
}

static inline const int32_t *golden_ints(const struct golden *g, const char *name, size_t *len)
{
    const struct tb_tensor *t = golden_want(g, name);

    assert_int_equal(t->dtype, TB_I32);
    if (len)
        *len = t->len;
    return t->data;
}

static inline double golden_atol(const struct golden *g, const char *name)
{
    const json_t *t = json_object_get(json_object_get(g->entry, "tensors"), name), *atol = json_object_get(t, "atol");

    if (!json_is_number(atol))
        fail_msg("cases.json: %s: no atol for %s", g->name, name);
    return json_number_value(atol);
}

/* `rows` rows of `cols` floats, ld apart, are those of the golden tensor from its row `first` on, as far as it goes. A
 * tensor of one dimension is one row, and of three or more its leading dimensions are rows. */
static inline void golden_near_rows(struct golden *g, const char *name, int first, struct tb_mat got)
{
    const struct tb_tensor *t = golden_want(g, name);
    size_t cols = t->rank ? t->shape[t->rank - 1] : 1, rows = cols ? t->len / cols : 0;
    double atol = golden_atol(g, name);

    assert_int_equal(t->dtype, TB_F32);
    assert_true(cols <= (size_t)got.cols);
    for (size_t r = 0; r < (size_t)got.rows && r + (size_t)first < rows; r++)
        for (size_t i = 0; i < cols; i++) {
            float want = ((const float *)t->data)[(r + (size_t)first) * cols + i], have = tb_mat_row(got, (int)r)[i];
            double error = want == have ? 0 : fabs((double)have - (double)want); /* equal infinities are near */

            if (!(error <= atol))
                fail_msg("%s: %s row %zu column %zu is %g, golden %g: off by %g, at most %g", g->name, name,
                         r + (size_t)first, i, (double)have, (double)want, error, atol);
            g->worst = error / atol > g->worst ? error / atol : g->worst;
        }
    g->compared++;
}

/* The whole of a golden tensor. */
static inline void golden_near(struct golden *g, const char *name, struct tb_mat got)
{
    const struct tb_tensor *t = golden_want(g, name);
    size_t cols = t->rank ? t->shape[t->rank - 1] : 1;

    assert_true(got.rows >= (int)(t->len / cols));
    golden_near_rows(g, name, 0, got);
}

static inline void golden_near_row(struct golden *g, const char *name, const float *got, int n)
{
    golden_near(g, name, (struct tb_mat){ (float *)(uintptr_t)got, 1, n, n });
}

/* Call `body` for each case whose file begins with `prefix` and prints how near it came; fails when there is none. */
static inline void golden_each(const char *prefix, void (*body)(struct golden *g))
{
    char path[4096], name[256];
    json_error_t why;
    json_t *root = json_load_file(golden_path(path, "cases.json"), JSON_REJECT_DUPLICATES, &why), *entry;
    size_t i, ran = 0;
    struct tb_error err;

    if (!root)
        fail_msg("%s: %s", path, why.text);
    json_array_foreach(json_object_get(root, "cases"), i, entry)
    {
        const char *file = json_string_value(json_object_get(entry, "file"));
        const char *base = file && strrchr(file, '/') ? strrchr(file, '/') + 1 : "";
        struct golden g = { .name = name, .entry = entry };

        if (strncmp(base, prefix, strlen(prefix)))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(base, "."), base);
        if (strstr(base, ".safetensors") && tb_safetensors_open(golden_path(path, file), &g.file, &err))
            fail_msg("%s", err.text);
        body(&g);
        if (g.compared)
            print_message("  %-42s %2d comparisons, worst error %.3f of its tolerance\n", name, g.compared, g.worst);
        tb_safetensors_close(g.file);
        ran++;
    }
    json_decref(root);
    assert_true(ran > 0);
}

/* The same with the kernels of each level that this CPU has. */
static inline void golden_each_level(const char *prefix, void (*body)(struct golden *g))
{
    for (int level = 0; level < TB_CPU_COUNT; level++) {
        if (!tb_cpu_supported((enum tb_cpu)level))
            continue;
        assert_int_equal(tb_tensor_init(tb_cpu_name((enum tb_cpu)level), NULL), TB_OK);
        print_message("  kernels: %s\n", tb_cpu_name((enum tb_cpu)level));
        golden_each(prefix, body);
    }
}

#endif
