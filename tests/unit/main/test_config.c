/* Settings: defaults, the file, and what is said about mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "main/config.h"

static char path[] = "/tmp/timbre-config-XXXXXX";

static enum tb_code read_text(const char *text, struct tb_config *c, struct tb_error *err)
{
    FILE *f = fopen(path, "w");

    fputs(text, f);
    fclose(f);
    assert_int_equal(tb_config_init(c, NULL), TB_OK);
    return tb_config_read(c, path, err);
}

static void defaults_are_beside_the_program(void **state)
{
    struct tb_config c;
    (void)state;

    assert_int_equal(tb_config_init(&c, NULL), TB_OK);
    assert_string_equal(c.listen, "127.0.0.1:8080");
    assert_int_equal(c.ws_accept_delay_ms, 5);
    assert_non_null(strstr(c.data, "/var/data"));
    size_t root = strlen(c.data) - strlen("/var/data");
    assert_memory_equal(c.data, c.kokoro_model, root);
    assert_memory_equal(c.data, c.helper_dir, root);
    assert_string_equal(c.kokoro_model + root, "/var/models/kokoro");
}

static void defaults_are_those_of_the_documentation(void **state)
{
    struct tb_config c;
    (void)state;

    assert_int_equal(tb_config_init(&c, NULL), TB_OK);
    const struct {
        const char *key;
        int64_t value;
    } defaults[] = {
        { "max_text", c.max_text }, { "max_voices", c.max_voices }, { "max_sessions", c.max_sessions },
        { "max_syntheses", c.max_syntheses }, { "max_load", c.max_load }, { "synthesis_ms", c.synthesis_ms },
        { "idle_ms", c.idle_ms }, { "ws_accept_delay_ms", c.ws_accept_delay_ms }, { "workers", c.workers },
        { "threads", c.threads }, { "test_clock_shift_s", c.test_clock_shift_s }, { "windows", c.windows },
        { "allow_private_urls", c.allow_private_urls }, { "keep_recordings", c.keep_recordings },
        { "any_key", c.any_key },
    };
    FILE *f = fopen("docs/CONFIG.md", "r");
    char line[4096], key[64], value[64];
    size_t found = 0;

    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "| %63s | %*[^|]| %63s |", key, value) == 2)
            for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
                if (!strcmp(key, defaults[i].key)) {
                    bool flag = !strcmp(value, "yes") || !strcmp(value, "no");

                    assert_int_equal(flag ? *value == 'y' : strtoll(value, NULL, 10), defaults[i].value);
                    found++;
                }
    fclose(f);
    assert_int_equal(found, sizeof defaults / sizeof *defaults);
}

static void reads_every_kind_of_value(void **state)
{
    struct tb_config c;
    struct tb_error err;
    (void)state;

    assert_int_equal(read_text("# comment\n\n listen=0.0.0.0:1 # all\n\tpublic_url = http://a b/?x=1\r\n"
                               "max_text= 5000\nany_key = yes\nkeep_recordings = false\nwindows = yes\n"
                               "weights = int4\nlog_level = none", &c, &err), TB_OK);
    assert_string_equal(c.listen, "0.0.0.0:1");
    assert_string_equal(c.public_url, "http://a b/?x=1");
    assert_int_equal(c.max_text, 5000);
    assert_true(c.any_key && !c.keep_recordings && c.windows);
    assert_string_equal(c.weights, "int4");
    assert_int_equal(c.log_level, TB_LOG_NONE);
}

static void says(const char *text, const char *what)
{
    struct tb_config c;
    struct tb_error err = { 0 };

    assert_int_equal(read_text(text, &c, &err), TB_EINVAL);
    if (!strstr(err.text, what) || !strstr(err.text, path))
        fail_msg("'%s' does not say '%s'", err.text, what);
}

static void names_line_key_and_value_of_a_mistake(void **state)
{
    static char longest[3000];
    struct tb_config c;
    struct tb_error err;
    (void)state;

    says("\nidle = 1\n", "line 2: no such key 'idle'");
    says("listen 8080\n", "line 1: 'listen 8080' is not");
    says("max_text = 0\n", "'0' is not a whole number from 1 to 100000");
    says("max_text = 6x\n", "'6x'");
    says("max_text =\n", "''");
    says("idle_ms = 99999999999999999999\n", "idle_ms");
    says("max_voices = 0\n", "from 1 to 1000000");
    says("test_clock_shift_s = -1\n", "from 0 to 3153600000");
    says("any_key = maybe\n", "'maybe' is neither yes nor no");
    says("log_level = loud\n", "'loud'");
    memset(longest, 'a', sizeof longest - 1);
    memcpy(longest, "data = ", 7);
    says(longest, "longer than 1023 bytes");
    assert_int_equal(tb_config_read(&c, "/nonexistent/file", &err), TB_EIO);
    assert_non_null(strstr(err.text, "/nonexistent/file"));
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_beside_the_program),
        cmocka_unit_test(defaults_are_those_of_the_documentation),
        cmocka_unit_test(reads_every_kind_of_value),
        cmocka_unit_test(names_line_key_and_value_of_a_mistake),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
