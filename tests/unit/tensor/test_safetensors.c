/* test_safetensors.c - reading, every truncation, random damage, and quantised weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tensor/weights.h"

/* A file in memory, 8-byte aligned, of exactly its size. */
struct file {
    unsigned char *bytes;
    size_t size;
};

static struct file make(const char *header, const void *data, size_t size)
{
    size_t n = strlen(header), padded = (n + 7) / 8 * 8;
    struct file f = { .size = 8 + padded + size };

    f.bytes = malloc(f.size);
    assert_non_null(f.bytes);
    for (int i = 0; i < 8; i++)
        f.bytes[i] = (unsigned char)((uint64_t)padded >> 8 * i);
    memset(f.bytes + 8, ' ', padded);
    memcpy(f.bytes + 8, header, n);
    if (size)
        memcpy(f.bytes + 8 + padded, data, size);
    return f;
}

static const char good[] =
    "{\"__metadata__\":{\"format\":\"pt\",\"who\":\"\\u00e9\\ud83d\\ude00\\n\"},"
    "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
    " \"b.\\\"q\\\"\" : {\"shape\":[4], \"data_offsets\":[24,28],\"dtype\":\"U8\"},"
    "\"none\":{\"dtype\":\"I64\",\"shape\":[0],\"data_offsets\":[32,32]},"
    "\"one\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[28,32]}}";
static const float data[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static void reads_tensors_and_metadata(void **state)
{
    struct file f = make(good, data, sizeof data);
    struct tb_safetensors *st;
    const struct tb_tensor *t;
    size_t shape[2] = { 2, 3 };
    struct tb_error err;

    (void)state;
    assert_int_equal(tb_safetensors_read(f.bytes, f.size, "mem", &st, &err), TB_OK);
    assert_int_equal(tb_safetensors_count(st), 4);
    assert_string_equal(tb_safetensors_at(st, 0)->name, "a");
    assert_string_equal(tb_safetensors_at(st, 1)->name, "b.\"q\"");
    assert_string_equal(tb_safetensors_meta(st, "who"), "\xc3\xa9\xf0\x9f\x98\x80\n");
    assert_null(tb_safetensors_meta(st, "nobody"));
    assert_int_equal(tb_safetensors_want(st, "a", TB_F32, 2, shape, &t, NULL), TB_OK);
    assert_memory_equal(t->data, data, 24);
    assert_int_equal(t->len, 6);
    t = tb_safetensors_find(st, "one");
    assert_true(t && t->rank == 0 && t->len == 1 && *(const float *)t->data == 8.0f);
    assert_int_equal(tb_safetensors_find(st, "none")->len, 0);
    tb_safetensors_close(st);
    free(f.bytes);
}

static void a_mismatch_names_all(void **state)
{
    struct file f = make(good, data, sizeof data);
    struct tb_safetensors *st;
    const struct tb_tensor *t;
    size_t shape[3] = { 2, 4, 1 };
    struct tb_error err;

    (void)state;
    assert_int_equal(tb_safetensors_read(f.bytes, f.size, "mem", &st, &err), TB_OK);
    assert_int_equal(tb_safetensors_want(st, "a", TB_F16, 3, shape, &t, &err), TB_EINVAL);
    assert_string_equal(err.text, "mem: tensor a is F32 [2, 3], wanted F16 [2, 4, 1]");
    assert_int_equal(tb_safetensors_want(st, "z", TB_F32, 2, shape, &t, &err), TB_ENOTFOUND);
    assert_string_equal(err.text, "mem: no tensor z");
    assert_null(t);
    tb_safetensors_close(st);
    free(f.bytes);
}

static void refuses_every_truncation(void **state)
{
    struct file f = make(good, data, sizeof data);

    (void)state;
    for (size_t n = 0; n < f.size; n++) {
        unsigned char *cut = malloc(n ? n : 1);
        struct tb_safetensors *st;
        struct tb_error err = { 0 };

        memcpy(cut, f.bytes, n);
        assert_int_not_equal(tb_safetensors_read(cut, n, "cut", &st, &err), TB_OK);
        assert_null(st);
        assert_memory_equal(err.text, "cut: ", 5);
        free(cut);
    }
    for (size_t n = 2; n < sizeof good - 1; n++) { /* the header's own length cut as well */
        char *header = strndup(good, n);
        struct file g = make(header, data, sizeof data);
        struct tb_safetensors *st;

        assert_int_equal(tb_safetensors_read(g.bytes, g.size, "cut", &st, NULL), TB_EINVAL);
        free(g.bytes), free(header);
    }
    free(f.bytes);
}

/* Whatever is damaged: refused, or every tensor still lies inside the file. */
static void survives_damage(void **state)
{
    struct file f = make(good, data, sizeof data);
    static const char marks[] = "[]{}\",:0919e\\";
    uint64_t s = 7;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        unsigned char *hurt = malloc(f.size);
        struct tb_safetensors *st;

        memcpy(hurt, f.bytes, f.size);
        for (int k = 0; k < 1 + round % 3; k++) {
            s = s * 6364136223846793005ULL + 1442695040888963407ULL;
            hurt[(s >> 33) % f.size] = round & 1 ? (unsigned char)(s >> 20) : (unsigned char)marks[(s >> 20) % 13];
        }
        if (tb_safetensors_read(hurt, f.size, "hurt", &st, NULL) == TB_OK)
            for (size_t i = 0; i < tb_safetensors_count(st); i++) {
                const struct tb_tensor *t = tb_safetensors_at(st, i);
                const unsigned char *p = t->data;

                assert_true(p >= hurt && p + t->len * tb_dtype_size(t->dtype) <= hurt + f.size);
            }
        tb_safetensors_close(st);
        free(hurt);
    }
    free(f.bytes);
}

static void refuses_what_is_wrong(void **state)
{
    static const struct {
        const char *header;
        enum tb_code code;
        const char *says;
    } cases[] = {
        { "[]", TB_EINVAL, "an object wanted" },
        { "{} x", TB_EINVAL, "nothing more" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[9],\"data_offsets\":[0,36]}}", TB_EINVAL, "0..36 of 32" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", TB_EINVAL, "of 2 F32" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,4]}}", TB_EINVAL, "8..4" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}", TB_EINVAL, "not aligned" },
        { "{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}", TB_EUNSUPPORTED, "F64" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", TB_EINVAL, "data_offsets" },
        { "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", TB_EINVAL, "shape" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", TB_EINVAL, "each once" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[01],\"data_offsets\":[0,4]}}", TB_EINVAL, "a number" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", TB_EINVAL, "a number" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", TB_EINVAL, "shorter" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}", TB_EINVAL, "smaller" },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", TB_EINVAL, "large" },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
          "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", TB_EINVAL, "two tensors a" },
        { "{\"\\u0000\":1}", TB_EINVAL, "escape" },
        { "{\"\\ud800\":1}", TB_EINVAL, "escape" },
        { "{\"a\n\":1}", TB_EINVAL, "control" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct file f = make(cases[i].header, data, sizeof data);
        struct tb_safetensors *st;
        struct tb_error err = { 0 };

        assert_int_equal(tb_safetensors_read(f.bytes, f.size, "mem", &st, &err), cases[i].code);
        if (!strstr(err.text, cases[i].says))
            fail_msg("case %zu says: %s", i, err.text);
        free(f.bytes);
    }
    struct file f = make("{}", NULL, 0);
    struct tb_safetensors *st;
    struct tb_error err;

    f.bytes[3] = 0x7f; /* a header of 2 GB is refused for its size, before it is looked for */
    assert_int_equal(tb_safetensors_read(f.bytes, f.size, "mem", &st, &err), TB_ETOOBIG);
    free(f.bytes);
}

static void too_many_tensors(void **state)
{
    size_t room = 8 << 20, n = 1;
    char *header = malloc(room);
    struct tb_safetensors *st;
    struct tb_error err;

    (void)state;
    header[0] = '{';
    for (int i = 0; i <= 100000; i++)
        n += (size_t)snprintf(header + n, room - n, "%s\"%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                              i ? "," : "", i);
    strcpy(header + n, "}");
    struct file f = make(header, NULL, 0);
    assert_int_equal(tb_safetensors_read(f.bytes, f.size, "mem", &st, &err), TB_ETOOBIG);
    assert_non_null(strstr(err.text, "over 100000 tensors"));
    free(f.bytes), free(header);
}

/* Write a file for tb_weights_open; the caller unlinks and frees the path. */
static char *write_file(const char *header, const void *bytes, size_t size)
{
    char *path = strdup("/tmp/tb-test-weights-XXXXXX");
    struct file f = make(header, bytes, size);
    int fd = mkstemp(path);

    assert_true(fd >= 0 && write(fd, f.bytes, f.size) == (ssize_t)f.size);
    close(fd);
    free(f.bytes);
    return path;
}

static void weights_in_bytes(struct tb_weights *w)
{
    struct tb_error err;
    struct tb_q8 q8;

    assert_int_equal(tb_weights_q8(w, "q", 2, (size_t[]){ 2, 3 }, &q8, &err), TB_OK);
    assert_true(q8.rows == 2 && q8.len == 3 && q8.flip == 0 && q8.q[1] == 128);
    assert_true(q8.scale[1] == 2.0f && q8.zero[0] == 128.0f && q8.zero[1] == 20.0f && q8.scale[2] == 0.0f);
    tb_q8_free(&q8);
    assert_int_equal(tb_weights_q8(w, "i", 2, (size_t[]){ 2, 2 }, &q8, &err), TB_OK);
    assert_true(q8.flip == 0x80 && q8.zero[1] == 128.0f && q8.scale[1] == 0.25f); /* one for both rows, no zero */
    tb_q8_free(&q8);
    assert_int_equal(tb_weights_q8(w, "h", 1, (size_t[]){ 4 }, &q8, &err), TB_EUNSUPPORTED);
    assert_int_equal(tb_weights_q8(w, "q", 2, (size_t[]){ 3, 2 }, &q8, &err), TB_EINVAL);
    assert_null(q8.q);
}

static void weights_become_floats(void **state)
{
    struct {
        float plain[2], scale[2], one_scale;
        uint16_t half[4], brain[2];
        uint8_t u8[6], u8_zero[2];
        int8_t i8[4];
    } d = {
        .plain = { 1.5f, -2.0f }, .scale = { 0.5f, 2.0f }, .one_scale = 0.25f,
        .half = { 0x3c00, 0xc100, 0x0001, 0xfc00 }, .brain = { 0x3f80, 0xc040 },
        .u8 = { 0, 128, 255, 10, 20, 30 }, .u8_zero = { 128, 20 }, .i8 = { -128, 127, 0, 4 },
    };
    static const char header[] =
        "{\"p\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
        "\"q.scale\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[8,16]},"
        "\"i.scale\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[16,20]},"
        "\"h\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[20,28]},"
        "\"b\":{\"dtype\":\"BF16\",\"shape\":[2,1],\"data_offsets\":[28,32]},"
        "\"q\":{\"dtype\":\"U8\",\"shape\":[2,3],\"data_offsets\":[32,38]},"
        "\"q.zero\":{\"dtype\":\"U8\",\"shape\":[2,1],\"data_offsets\":[38,40]},"
        "\"i\":{\"dtype\":\"I8\",\"shape\":[2,2],\"data_offsets\":[40,44]}}";
    static const float want_q[] = { -64, 0, 63.5f, -20, 0, 20 }, want_i[] = { -32, 31.75f, 0, 1 };
    char *path = write_file(header, &d, 44);
    struct tb_weights *w;
    struct tb_error err;
    const float *p, *q;

    (void)state;
    assert_int_equal(tb_weights_open(path, &w, &err), TB_OK);
    assert_int_equal(tb_weights_get(w, "p", &p, &err, 2), TB_OK);
    assert_memory_equal(p, d.plain, 8);
    assert_int_equal(tb_weights_get(w, "q", &q, &err, 2, 3), TB_OK);
    assert_memory_equal(q, want_q, sizeof want_q);
    assert_int_equal(tb_weights_get(w, "i", &q, &err, 2, 2), TB_OK);
    assert_memory_equal(q, want_i, sizeof want_i);
    assert_int_equal(tb_weights_get(w, "h", &q, &err, 4), TB_OK);
    assert_true(q[0] == 1.0f && q[1] == -2.5f && q[2] == 0x1p-24f && q[3] == -__builtin_inff());
    assert_int_equal(tb_weights_get(w, "b", &q, &err, 2, 1), TB_OK);
    assert_true(q[0] == 1.0f && q[1] == -3.0f);
    tb_weights_release(w);
    assert_memory_equal(p, d.plain, 8); /* in the map: not released */
    assert_true(tb_weights_has(w, "p") && !tb_weights_has(w, "x"));
    assert_true(tb_weights_has_any(w, "q.z") && tb_weights_has_any(w, "q") && !tb_weights_has_any(w, "q.x"));
    weights_in_bytes(w);
    assert_int_equal(tb_weights_get(w, "q", &q, &err, 3, 2), TB_EINVAL);
    assert_non_null(strstr(err.text, "tensor q is U8 [2, 3], wanted U8 [3, 2]"));
    assert_null(q);
    tb_weights_close(w);
    unlink(path);
    free(path);
}

static void bad_companions_are_named(void **state)
{
    static const struct {
        const char *header, *says;
    } cases[] = {
        { "{\"q\":{\"dtype\":\"U8\",\"shape\":[2,2],\"data_offsets\":[0,4]}}", "no q.scale" },
        { "{\"q\":{\"dtype\":\"U8\",\"shape\":[2,2],\"data_offsets\":[0,4]},"
          "\"q.scale\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", "q.scale has rank 1" },
        { "{\"q\":{\"dtype\":\"U8\",\"shape\":[2,2],\"data_offsets\":[0,4]},"
          "\"q.scale\":{\"dtype\":\"F32\",\"shape\":[1,3],\"data_offsets\":[4,16]}}", "3 in dimension 1" },
        { "{\"q\":{\"dtype\":\"U8\",\"shape\":[2,2],\"data_offsets\":[0,4]},"
          "\"q.scale\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[4,5]}}", "q.scale is U8" },
        { "{\"q\":{\"dtype\":\"U8\",\"shape\":[2,2],\"data_offsets\":[0,4]},"
          "\"q.scale\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
          "\"q.zero\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[8,9]}}", "q.zero is I8" },
        { "{\"q\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}", "q is I32" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = write_file(cases[i].header, data, sizeof data);
        struct tb_weights *w;
        struct tb_error err;
        const float *p;

        assert_int_equal(tb_weights_open(path, &w, &err), TB_OK);
        assert_int_not_equal(tb_weights_get(w, "q", &p, &err, 2, 2), TB_OK);
        if (!strstr(err.text, cases[i].says))
            fail_msg("case %zu says: %s", i, err.text);
        tb_weights_close(w);
        unlink(path);
        free(path);
    }
}

static void missing_files_are_named(void **state)
{
    struct tb_weights *w;
    struct tb_error err;

    (void)state;
    assert_int_equal(tb_weights_open("/nonexistent/x.safetensors", &w, &err), TB_ENOTFOUND);
    assert_non_null(strstr(err.text, "/nonexistent/x.safetensors"));
    assert_null(w);
    assert_int_equal(tb_weights_open("/dev/null", &w, &err), TB_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_tensors_and_metadata), cmocka_unit_test(a_mismatch_names_all),
        cmocka_unit_test(refuses_every_truncation),   cmocka_unit_test(survives_damage),
        cmocka_unit_test(refuses_what_is_wrong),      cmocka_unit_test(too_many_tensors),
        cmocka_unit_test(weights_become_floats),      cmocka_unit_test(bad_companions_are_named),
        cmocka_unit_test(missing_files_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
