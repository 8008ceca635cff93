/* adapter_test.h - the committed adapter and its golden vectors (tests/golden/adapter, made by
 * tools/adapter/invert.py), for the tests of its parts. */
#ifndef TB_ADAPTER_TEST_H
#define TB_ADAPTER_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char adapter[] = "assets/kokoro/adapter.safetensors";

/* The first n numbers of a file. */
static void read_golden(const char *path, float *out, size_t n)
{
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    assert_int_equal(fread(out, sizeof *out, n, f), n);
    fclose(f);
}

#endif
