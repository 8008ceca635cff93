/* Which engine serves which model name, and what is said about mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "main/engines.h"

#define REALTIME "qwen3-tts-vc-realtime-2026-01-15"
#define OLD "qwen3-tts-vc-realtime-2025-11-27"
#define PLAIN TB_DEFAULT_TARGET

/* With both folders there (any will do: nothing is loaded here). */
static struct tb_config config_of(const char *engine, const char *bind)
{
    struct tb_config c = { .kokoro_model = "/", .qwen3_model = "/tmp" };

    strcpy(c.engine, engine);
    strcpy(c.bind, bind);
    return c;
}

static const char *engine_of(const struct tb_bindings *b, const char *model)
{
    for (int i = 0; i < TB_MODEL_NAMES; i++)
        if (!strcmp(b->models[i].name, model))
            return b->engines[b->models[i].engine].ops->name;
    return "";
}

static void expect(const char *engine, const char *bind, const char *realtime, const char *old, const char *plain)
{
    struct tb_config c = config_of(engine, bind);
    struct tb_bindings b;
    struct tb_error err = { 0 };

    if (tb_bindings_read(&c, &b, &err))
        fail_msg("%s", err.text);
    assert_string_equal(engine_of(&b, REALTIME), realtime);
    assert_string_equal(engine_of(&b, OLD), old);
    assert_string_equal(engine_of(&b, PLAIN), plain);
    for (int i = 0; i < TB_ENGINES; i++) {
        const char *name = b.engines[i].ops->name;

        assert_int_equal(b.engines[i].bound, !strcmp(name, realtime) || !strcmp(name, old) || !strcmp(name, plain));
    }
}

static void names_go_to_the_engine_or_where_they_are_bound(void **state)
{
    (void)state;
    expect("kokoro", "", "kokoro", "kokoro", "kokoro");
    expect("qwen3", "", "qwen3", "qwen3", "qwen3");
    expect("kokoro", PLAIN ":qwen3", "kokoro", "kokoro", "qwen3");
    expect("qwen3", "  " REALTIME ":kokoro ,\t" OLD ":kokoro,", "kokoro", "kokoro", "qwen3");
    expect("kokoro", REALTIME ":qwen3," OLD ":qwen3," PLAIN ":qwen3", "qwen3", "qwen3", "qwen3"); /* kokoro: left out */
    expect("kokoro", " , ,", "kokoro", "kokoro", "kokoro");
}

static void each_engine_has_its_folder(void **state)
{
    struct tb_config c = config_of("qwen3", REALTIME ":kokoro");
    struct tb_bindings b;
    (void)state;

    assert_int_equal(tb_bindings_read(&c, &b, NULL), TB_OK);
    assert_string_equal(b.engines[0].folder, "/");
    assert_string_equal(b.engines[1].folder, "/tmp");
    strcpy(c.model, "/usr"); /* that of `engine`, over its own key */
    assert_int_equal(tb_bindings_read(&c, &b, NULL), TB_OK);
    assert_string_equal(b.engines[0].folder, "/");
    assert_string_equal(b.engines[1].folder, "/usr");
    strcpy(c.kokoro_model, "/nonexistent"); /* looked for only when a name is bound to it */
    strcpy(c.bind, "");
    assert_int_equal(tb_bindings_read(&c, &b, NULL), TB_OK);
}

static void says(const struct tb_config *c, enum tb_code code, const char *what)
{
    struct tb_bindings b;
    struct tb_error err = { 0 };

    assert_int_equal(tb_bindings_read(c, &b, &err), code);
    if (!strstr(err.text, what))
        fail_msg("'%s' does not say '%s'", err.text, what);
}

static void says_of(const char *engine, const char *bind, enum tb_code code, const char *what)
{
    struct tb_config c = config_of(engine, bind);

    says(&c, code, what);
}

static void mistakes_are_named(void **state)
{
    struct tb_config c = config_of("qwen3", "");
    (void)state;

    says_of("piper", "", TB_EUNSUPPORTED, "engine 'piper' is not in this build; there are: kokoro, qwen3");
    says_of("kokoro", PLAIN ":piper", TB_EUNSUPPORTED, "bind: engine 'piper'");
    says_of("kokoro", PLAIN "2:qwen3", TB_EINVAL, "bind: no model '" PLAIN "2'");
    says_of("kokoro", PLAIN, TB_EINVAL, "'" PLAIN "' is not MODEL:ENGINE");
    says_of("kokoro", ":qwen3", TB_EINVAL, "':qwen3' is not");
    says_of("kokoro", PLAIN ":", TB_EINVAL, "is not MODEL:ENGINE");
    says_of("kokoro", PLAIN ":qwen3," PLAIN ":kokoro", TB_EINVAL, "bound twice, to qwen3 and to kokoro");
    says_of("kokoro", PLAIN ":qwen3," PLAIN ":qwen3", TB_EINVAL, "bound twice");
    strcpy(c.qwen3_model, "");
    says(&c, TB_EINVAL, "engine qwen3 needs the folder of its weights: set model or qwen3_model");
    strcpy(c.qwen3_model, "/nonexistent");
    says(&c, TB_EINVAL, "qwen3_model = '/nonexistent': No such file or directory");
    strcpy(c.model, "/dev/null");
    says(&c, TB_EINVAL, "model = '/dev/null' is not a folder");
}

static void a_name_of_any_length_is_refused(void **state)
{
    char long_name[900];
    (void)state;

    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    says_of("kokoro", long_name, TB_EINVAL, "is not MODEL:ENGINE");
    memcpy(long_name + 300, ":qwen3", 6);
    says_of("kokoro", long_name, TB_EINVAL, "bind: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_to_the_engine_or_where_they_are_bound),
        cmocka_unit_test(each_engine_has_its_folder),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_name_of_any_length_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
