/* What people point the engine at that is not a model it can read: another model of the family, missing, cut and
 * damaged files. Each is a sentence that says what was found and what was wanted. And a model in shards, which is
 * fine. */
#include "model.h"

#include <sys/stat.h>

#include "base/limits.h"

static const char *const files[] = { "config.json", "generation_config.json", "model.safetensors", "vocab.json",
                                     "merges.txt", "tokenizer_config.json", "speech_tokenizer/config.json" };
enum { FILES = sizeof files / sizeof *files };

/* A copy of tiny-1b7 that a test may spoil. */
struct folder {
    char path[64];
};

static struct tb_bytes bytes_of(const char *folder, const char *name)
{
    struct tb_bytes b = { 0 };
    struct tb_error err;

    if (tb_q3_read_file(folder, name, 1 << 24, &b, &err))
        fail_msg("%s", err.text);
    return b;
}

static void put_file(const struct folder *f, const char *name, const void *p, size_t n)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", f->path, name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(p, 1, n, out), n);
    assert_int_equal(fclose(out), 0);
}

static const char *tiny(void)
{
    static char path[4096 + 64];

    snprintf(path, sizeof path, "%s/models/tiny-1b7", golden_folder());
    return path;
}

static struct folder folder_make(void)
{
    struct folder f = { "/tmp/timbre-q3-XXXXXX" };
    char sub[96];

    assert_non_null(mkdtemp(f.path));
    snprintf(sub, sizeof sub, "%s/speech_tokenizer", f.path);
    assert_int_equal(mkdir(sub, 0700), 0);
    for (int i = 0; i < FILES; i++) {
        struct tb_bytes b = bytes_of(tiny(), files[i]);

        put_file(&f, files[i], b.data, b.size);
        tb_bytes_free(&b);
    }
    return f;
}

static void folder_drop(const struct folder *f)
{
    static const char *const more[] = { "model.safetensors.index.json", "a.safetensors", "b.safetensors",
                                        "speech_tokenizer", "" };
    char path[256];

    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", f->path, files[i]);
        unlink(path);
    }
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        snprintf(path, sizeof path, "%s/%s", f->path, more[i]);
        if (unlink(path))
            rmdir(path);
    }
}

/* Replace the first `from` in a file by `to`. */
static void edit(const struct folder *f, const char *name, const char *from, const char *to)
{
    struct tb_bytes b = bytes_of(f->path, name), out = { 0 };
    char *at = memmem(b.data, b.size, from, strlen(from)); /* weights begin with zero bytes */

    assert_non_null(at);
    assert_int_equal(tb_bytes_add(&out, b.data, (size_t)(at - (char *)b.data)), TB_OK);
    assert_int_equal(tb_bytes_addz(&out, to), TB_OK);
    at += strlen(from);
    assert_int_equal(tb_bytes_add(&out, at, b.size - (size_t)(at - (char *)b.data)), TB_OK);
    put_file(f, name, out.data, out.size);
    tb_bytes_free(&b);
    tb_bytes_free(&out);
}

/* Load configuration, tokeniser and main weights; the error's text, or "" when all is well. */
static const char *load(const char *path)
{
    static struct tb_error err;
    struct model m = { 0 };
    struct tb_q3_bpe *bpe = NULL;

    enum tb_code rc = TB_EINVAL;

    if (tb_q3_config_load(path, &m.config, &m.codec, &m.generation, &err) == TB_OK &&
        tb_q3_bpe_open(path, m.config.im_start, &bpe, &err) == TB_OK &&
        tb_q3_weights_open(path, &m.weights, &err) == TB_OK && tb_q3_weights_check(m.weights, &err) == TB_OK) {
        struct tb_q3_loader l = { m.weights, TB_OK, &err };

        tb_q3_talker_load(&l, &m.config, &m.talker);
        rc = l.rc;
    }
    tb_q3_bpe_close(bpe);
    model_close(&m);
    return rc ? err.text : "";
}

static void check_says(const struct folder *f, const char *one, const char *two)
{
    const char *text = load(f->path);

    if (!strstr(text, one) || !strstr(text, two))
        fail_msg("'%s' does not say '%s' and '%s'", text, one, two);
}

static void other_models_are_named(void **state)
{
    static const struct { const char *file, *from, *to, *one, *two; } cases[] = {
        { "config.json", "\"base\"", "\"custom_voice\"", "'custom_voice'", "wanted 'base': only Base can clone" },
        { "config.json", "qwen3_tts_tokenizer_12hz", "qwen3_tts_tokenizer_25hz", "'qwen3_tts_tokenizer_25hz'",
          "wanted 'qwen3_tts_tokenizer_12hz'" },
        { "config.json", "\"model_type\": \"qwen3_tts\"", "\"model_type\": \"qwen3\"", "'qwen3'", "not a Qwen3-TTS" },
        { "speech_tokenizer/config.json", "qwen3_tts_tokenizer_12hz", "mimi", "'mimi'", "12hz" },
        { "config.json", "\"num_code_groups\": 16", "\"num_code_groups\": 15", "15", "16" },
        { "config.json", "\"head_dim\": 16", "\"head_dim\": -16", "head_dim is -16", "wanted 2 to" },
        { "config.json", "\"vocab_size\": 128", "\"vocab_size\": 127", "127", "128" },
        { "config.json", "\"hidden_act\": \"silu\"", "\"hidden_act\": \"gelu\"", "'gelu'", "'silu'" },
        { "config.json", "\"attention_bias\": false", "\"attention_bias\": true", "attention_bias", "wanted false" },
        { "config.json", "\"enc_dim\": 64", "\"enc_dim\": 63", "63", "64" },
        { "config.json", "{", "[", "config.json", "not JSON" },
        { "speech_tokenizer/config.json", "\"decode_upsample_rate\": 1920", "\"decode_upsample_rate\": 960", "960",
          "1920" },
        { "generation_config.json", "\"temperature\": 0.9", "\"temperature\": 0", "temperature is 0", "wanted" },
        { "vocab.json", "\"!\"", "\"\xe4\xb8\xad\"", "vocab.json", "byte-level" },
        { "merges.txt", "s t\n", "s\n", "merges.txt", "merge 0, 's'" },
        { "tokenizer_config.json", "\"content\": \"<|endoftext|>\"", "\"content\": 5", "added token", "no content" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct folder f = folder_make();

        edit(&f, cases[i].file, cases[i].from, cases[i].to);
        check_says(&f, cases[i].one, cases[i].two);
        folder_drop(&f);
    }
}

static void missing_files_are_named(void **state)
{
    (void)state;
    for (int i = 0; i < FILES; i++) {
        bool optional = !strcmp(files[i], "generation_config.json") || !strcmp(files[i], "tokenizer_config.json");
        struct folder f = folder_make();
        char path[256];

        snprintf(path, sizeof path, "%s/%s", f.path, files[i]);
        unlink(path);
        if (optional)
            assert_string_equal(load(f.path), "");
        else
            check_says(&f, files[i], "No such file");
        folder_drop(&f);
    }
}

static void weights_of_another_shape_are_refused(void **state)
{
    struct folder f = folder_make();

    (void)state;
    edit(&f, "config.json", "\"text_hidden_size\": 64", "\"text_hidden_size\": 96");
    check_says(&f, "talker.model.text_embedding.weight is BF16 [1056, 64]", "wanted BF16 [1056, 96]");
    folder_drop(&f);
    f = folder_make();
    edit(&f, "config.json", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4");
    check_says(&f, "no tensor talker.model.layers.3", "model.safetensors");
    folder_drop(&f);
    f = folder_make();
    edit(&f, "model.safetensors", "\"talker.codec_head.weight\":{\"dtype\":\"BF16\"",
         "\"talker.codec_head.weight\":{\"dtype\":\"F16\" ");
    check_says(&f, "talker.codec_head.weight is F16", "wanted BF16");
    folder_drop(&f);
}

static void nan_and_cut_weights_are_refused(void **state)
{
    struct folder f = folder_make();
    struct tb_bytes b = bytes_of(f.path, "model.safetensors");
    size_t cuts[] = { 0, 7, 8, 100, b.size / 2, b.size - 1 };

    (void)state;
    b.data[b.size - 2] = 0xc0; /* the last number of the file becomes a NaN */
    b.data[b.size - 1] = 0x7f;
    put_file(&f, "model.safetensors", b.data, b.size);
    check_says(&f, "is not a number", "tensor talker.");
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        put_file(&f, "model.safetensors", b.data, cuts[i]);
        check_says(&f, "model.safetensors", "");
        assert_true(*load(f.path) != 0);
    }
    tb_bytes_free(&b);
    folder_drop(&f);
}

static void shards_are_one_model(void **state)
{
    struct folder f = folder_make();
    char from[256], to[256];

    (void)state;
    snprintf(from, sizeof from, "%s/model.safetensors", f.path);
    snprintf(to, sizeof to, "%s/b.safetensors", f.path);
    assert_int_equal(rename(from, to), 0);
    static const char empty[] = "\x2\0\0\0\0\0\0\0{}", index[] =
        "{\"weight_map\":{\"x\":\"a.safetensors\",\"talker.codec_head.weight\":\"b.safetensors\"}}";
    put_file(&f, "a.safetensors", empty, sizeof empty - 1);
    put_file(&f, "model.safetensors.index.json", index, sizeof index - 1);
    assert_string_equal(load(f.path), "");
    edit(&f, "model.safetensors.index.json", "b.safetensors", "../b");
    check_says(&f, "'../b'", "not the name of a file");
    edit(&f, "model.safetensors.index.json", "../b", "c.safetensors");
    check_says(&f, "c.safetensors", "No such file");
    edit(&f, "model.safetensors.index.json", "weight_map", "weights");
    check_says(&f, "index.json", "weight_map");
    folder_drop(&f);
}

/* Bytes of exactly n, so that AddressSanitizer sees a read past the end. */
static struct tb_str cut(const struct tb_bytes *b, size_t n)
{
    char *copy = malloc(n ? n : 1);

    assert_non_null(copy);
    memcpy(copy, b->data, n);
    return (struct tb_str){ copy, n };
}

static void every_truncation_of_the_json_is_refused(void **state)
{
    static const char index[] = "{\"weight_map\":{\"x\":\"a.safetensors\",\"y\":\"b.safetensors\"}}";
    struct tb_bytes b[4] = { bytes_of(tiny(), "config.json"), bytes_of(tiny(), "speech_tokenizer/config.json"),
                             bytes_of(tiny(), "generation_config.json"), { 0 } };
    struct tb_q3_config config;
    struct tb_q3_codec_config codec;
    struct tb_q3_generation generation;
    struct tb_q3_index names;

    (void)state;
    assert_int_equal(tb_bytes_addz(&b[3], index), TB_OK);
    for (int i = 0; i < 4; i++) {
        for (size_t n = 0; n < b[i].size; n++) {
            struct tb_str text = cut(&b[i], n);
            struct tb_error err = { 0 };
            enum tb_code rc = i == 0 ? tb_q3_config_parse(text, "cut", &config, &err) :
                              i == 1 ? tb_q3_codec_config_parse(text, "cut", &codec, &err) :
                              i == 2 ? tb_q3_generation_parse(text, "cut", &generation, &err) :
                                       tb_q3_index_parse(text, "cut", &names, &err);

            assert_int_equal(rc, TB_EINVAL);
            assert_true(err.text[0] != 0);
            if (i == 3)
                tb_q3_index_free(&names);
            free((char *)(uintptr_t)text.p);
        }
        tb_bytes_free(&b[i]);
    }
}

static void truncated_vocabularies_are_refused_or_shorter(void **state)
{
    struct tb_bytes vocab = bytes_of(tiny(), "vocab.json"), merges = bytes_of(tiny(), "merges.txt");
    struct tb_q3_bpe *bpe;
    struct tb_error err;

    (void)state;
    for (size_t n = 0; n < vocab.size; n += 41) {
        struct tb_str text = cut(&vocab, n);

        assert_int_equal(tb_q3_bpe_parse(text, tb_bytes_str(&merges), TB_STR(""), 1001, "cut", &bpe, &err), TB_EINVAL);
        assert_null(bpe);
        free((char *)(uintptr_t)text.p);
    }
    for (size_t n = 0; n < merges.size; n += 41) {
        struct tb_str text = cut(&merges, n);
        enum tb_code rc = tb_q3_bpe_parse(tb_bytes_str(&vocab), text, TB_STR(""), 1001, "cut", &bpe, &err);

        assert_true(rc == TB_OK || rc == TB_EINVAL); /* a merge may be cut to another that exists */
        tb_q3_bpe_close(bpe);
        free((char *)(uintptr_t)text.p);
    }
    tb_bytes_free(&vocab);
    tb_bytes_free(&merges);
}

static void long_texts_are_refused_and_hostile_ones_encoded(void **state)
{
    struct tb_q3_bpe *bpe;
    struct tb_q3_ids ids = { 0 };
    struct tb_error err;
    char *text = malloc(TB_MAX_BPE_TEXT + 1);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', TB_MAX_BPE_TEXT + 1);
    assert_int_equal(tb_q3_bpe_open(tiny(), 1001, &bpe, &err), TB_OK);
    assert_int_equal(tb_q3_bpe_encode(bpe, (struct tb_str){ text, TB_MAX_BPE_TEXT + 1 }, true, &ids, &err), TB_ETOOBIG);
    assert_int_equal(tb_q3_bpe_encode(bpe, (struct tb_str){ text, 4000 }, true, &ids, &err), TB_OK);
    ids.n = 0;
    assert_int_equal(tb_q3_bpe_encode(bpe, TB_STR("\xff\xc3(\xe4\xb8 \xf0\x9f"), true, &ids, &err), TB_OK);
    assert_true(ids.n > 0);
    ids.n = 0; /* as text, <|im_end|> is no special token */
    assert_int_equal(tb_q3_bpe_encode(bpe, TB_STR("<|im_end|>"), false, &ids, &err), TB_OK);
    assert_true(ids.n > 1);
    for (int i = 0; i < ids.n; i++)
        assert_true(ids.id[i] < 1000);
    assert_int_equal(tb_q3_bpe_special(bpe, TB_STR("<|im_end|>")), 1002);
    tb_q3_bpe_close(bpe);
    tb_q3_ids_free(&ids);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_models_are_named),
        cmocka_unit_test(missing_files_are_named),
        cmocka_unit_test(weights_of_another_shape_are_refused),
        cmocka_unit_test(nan_and_cut_weights_are_refused),
        cmocka_unit_test(shards_are_one_model),
        cmocka_unit_test(every_truncation_of_the_json_is_refused),
        cmocka_unit_test(truncated_vocabularies_are_refused_or_shorter),
        cmocka_unit_test(long_texts_are_refused_and_hostile_ones_encoded),
    };

    return cmocka_run_group_tests_name("model files", tests, NULL, NULL);
}
