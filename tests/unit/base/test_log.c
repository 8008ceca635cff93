/* test_log.c - one event, one line, and no value that ends itself. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What tb_log writes for detail="value". */
static void logged(const char *value, char *out, size_t room)
{
    int ends[2], error = dup(STDERR_FILENO);
    ssize_t n;

    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    tb_log(TB_LOG_ERROR, "failed", "request=%d detail=\"%s\"", 7, value);
    dup2(error, STDERR_FILENO);
    n = read(ends[0], out, room - 1);
    assert_true(n > 0);
    out[n] = 0;
    close(ends[0]);
    close(ends[1]);
    close(error);
}

static void a_value_cannot_end_itself_or_its_line(void **state)
{
    static const char *const values[][2] = {
        { "plain", "detail=\"plain\"\n" },
        { "", "detail=\"\"\n" },
        { "say \"hi\"", "detail=\"say \\\"hi\\\"\"\n" },
        { "\" level=info event=forged x=\"", "detail=\"\\\" level=info event=forged x=\\\"\"\n" },
        { "a\\", "detail=\"a\\\\\"\n" },
        { "two\nlines\tand\r\x1b[31m", "detail=\"two lines and  [31m\"\n" },
        { "\xe4\xbd\xa0\xe5\xa5\xbd", "detail=\"\xe4\xbd\xa0\xe5\xa5\xbd\"\n" },
    };
    char line[4096];

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        logged(values[i][0], line, sizeof line);
        assert_non_null(strstr(line, " level=error event=failed request=7 detail="));
        assert_string_equal(strstr(line, "detail="), values[i][1]);
    }
}

static void a_long_line_is_cut_and_closed(void **state)
{
    char value[3000], line[4096];

    (void)state;
    memset(value, '"', sizeof value - 1);
    value[sizeof value - 1] = 0;
    logged(value, line, sizeof line);
    assert_in_range(strlen(line), 1024, 2060);
    assert_string_equal(line + strlen(line) - 3, "\"\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_cannot_end_itself_or_its_line),
        cmocka_unit_test(a_long_line_is_cut_and_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
