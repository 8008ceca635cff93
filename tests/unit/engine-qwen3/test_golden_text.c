/* The tokeniser against the ids of the reference: forty strings in ten languages and more, and the prompt's
 * templates. */
#include "golden.h"

#include "engine/qwen3/bpe.h"
#include "engine/qwen3/config.h"

static struct tb_q3_bpe *bpe;

static void check_ids(const char *text, const json_t *want)
{
    struct tb_q3_ids ids = { 0 };
    struct tb_error err;

    if (tb_q3_bpe_encode(bpe, tb_str_of(text), true, &ids, &err))
        fail_msg("%s", err.text);
    if ((size_t)ids.n != json_array_size(want))
        fail_msg("'%s': %d ids, golden %zu", text, ids.n, json_array_size(want));
    for (int i = 0; i < ids.n; i++)
        if (ids.id[i] != json_integer_value(json_array_get(want, (size_t)i)))
            fail_msg("'%s': id %d is %d, golden %d", text, i, ids.id[i],
                     (int)json_integer_value(json_array_get(want, (size_t)i)));
    tb_q3_ids_free(&ids);
}

static void check_text(struct golden *g)
{
    char path[4096], folder[4096 + 64];
    struct tb_q3_config config;
    struct tb_q3_codec_config codec;
    struct tb_q3_generation generation;
    struct tb_error err;
    const char *file = json_string_value(json_object_get(g->entry, "file"));
    json_t *root = json_load_file(golden_path(path, file), 0, NULL), *row;
    size_t i;

    assert_non_null(root);
    snprintf(folder, sizeof folder, "%s/models/%s", golden_folder(), golden_text(g, "model"));
    if (tb_q3_config_load(folder, &config, &codec, &generation, &err) ||
        tb_q3_bpe_open(folder, config.im_start, &bpe, &err))
        fail_msg("%s", err.text);
    assert_true(json_array_size(json_object_get(root, "tests")) > 0);
    json_array_foreach(json_object_get(root, "tests"), i, row)
        check_ids(json_string_value(json_object_get(row, "text")), json_object_get(row, "ids"));
    json_array_foreach(json_object_get(root, "templates"), i, row)
    {
        check_ids(json_string_value(json_object_get(row, "assistant_text")), json_object_get(row, "assistant_ids"));
        check_ids(json_string_value(json_object_get(row, "ref_text")), json_object_get(row, "ref_ids"));
    }
    tb_q3_bpe_close(bpe);
    json_decref(root);
}

static void ids_are_those_of_the_reference(void **state)
{
    (void)state;
    golden_each("07_text", check_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(ids_are_those_of_the_reference) };

    return cmocka_run_group_tests_name("golden text", tests, NULL, NULL);
}
