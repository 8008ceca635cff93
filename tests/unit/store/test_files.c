/* test_files.c - audio files behind signed URLs: whole, private to their signature, gone after their time. */
#include "store_test.h"

static void put(struct store_fixture *f, struct tb_str bytes, int64_t seconds, char name[64], int64_t *expires_s,
                char sig[48])
{
    *expires_s = tb_now_ms() / 1000 + seconds;
    assert_int_equal(tb_store_file_put(f->store, bytes, "wav", *expires_s * 1000, name, NULL), TB_OK);
    tb_store_file_sign(f->store, name, *expires_s, sig);
}

static enum tb_code find(struct store_fixture *f, const char *name, int64_t expires_s, const char *sig, char **path)
{
    return tb_store_file_find(f->store, tb_str_of(name), expires_s, tb_str_of(sig), path, NULL);
}

static void a_file_is_found_by_its_signature(void **state)
{
    struct store_fixture *f = *state;
    char name[64], sig[48], again[48], text[16] = "", *path;
    int64_t expires;
    FILE *file;

    put(f, TB_STR("RIFF bytes"), 60, name, &expires, sig);
    assert_int_equal(strlen(name), 36);
    assert_int_equal(strspn(name, "0123456789abcdef"), 32);
    assert_string_equal(name + 32, ".wav");
    assert_int_equal(strlen(sig), 43);
    assert_int_equal(find(f, name, expires, sig, &path), TB_OK);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "RIFF bytes");
    free(path);

    /* The secret outlives the process: URLs given before a restart still work. */
    tb_store_close(f->store);
    f->store = open_store(f->dir);
    tb_store_file_sign(f->store, name, expires, again);
    assert_string_equal(sig, again);
}

static void any_change_of_the_url_finds_nothing(void **state)
{
    struct store_fixture *f = *state;
    char name[64], sig[48], other[48], *path = (char *)1;
    int64_t expires;

    put(f, TB_STR("x"), 60, name, &expires, sig);
    for (size_t i = 0; i < 43; i++) {
        memcpy(other, sig, sizeof other);
        other[i] = other[i] == 'A' ? 'B' : 'A';
        assert_int_equal(find(f, name, expires, other, &path), TB_ENOTFOUND);
        assert_null(path);
        other[i] = 0; /* each truncation */
        assert_int_equal(find(f, name, expires, other, &path), TB_ENOTFOUND);
    }
    assert_int_equal(find(f, name, expires + 1, sig, &path), TB_ENOTFOUND);
    assert_int_equal(find(f, name, INT64_MAX, sig, &path), TB_ENOTFOUND);
    name[5] = name[5] == '0' ? '1' : '0';
    assert_int_equal(find(f, name, expires, sig, &path), TB_ENOTFOUND);
}

static void names_that_are_not_ours_are_never_paths(void **state)
{
    struct store_fixture *f = *state;
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "../timbre.db",
        "/etc/passwd",
        "0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef.",
        "0123456789abcdef0123456789abcde/.wav",
        "0123456789ABCDEF0123456789ABCDEF.wav",
        "0123456789abcdef0123456789abcdef.wav/..",
        "0123456789abcdef0123456789abcdef.w/v",
        "..23456789abcdef0123456789abcdef.wav",
        "0123456789abcdef0123456789abcdef.toolongext",
    };
    char sig[48], name[64], *path;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tb_store_file_sign(f->store, bad[i], 99999999999, sig);
        assert_string_equal(sig, "");
        assert_int_equal(find(f, bad[i], 99999999999, sig, &path), TB_ENOTFOUND);
    }
    assert_int_equal(tb_store_file_put(f->store, TB_STR("x"), "../x", 1, name, NULL), TB_EINVAL);
    assert_int_equal(tb_store_file_put(f->store, TB_STR("x"), "", 1, name, NULL), TB_EINVAL);
    assert_string_equal(name, "");
}

static size_t files_below(const char *dir)
{
    char command[128], line[32] = "";
    FILE *p;

    snprintf(command, sizeof command, "find '%s/files' -type f | wc -l", dir);
    assert_non_null(p = popen(command, "r"));
    assert_non_null(fgets(line, sizeof line, p));
    pclose(p);
    return strtoul(line, NULL, 10);
}

static void expired_files_are_neither_found_nor_kept(void **state)
{
    struct store_fixture *f = *state;
    char name[64], sig[48], *path;
    int64_t expires, deleted;

    for (int i = 0; i < 150; i++) /* more than one batch */
        put(f, TB_STR("old"), 100, name, &expires, sig);
    put(f, TB_STR("new"), 1000, name, &expires, sig);
    assert_int_equal(tb_store_file_sweep(f->store, tb_now_ms(), &deleted, NULL), TB_OK);
    assert_int_equal(deleted, 0);
    tb_clock_shift(500000);
    assert_int_equal(tb_store_file_sweep(f->store, tb_now_ms(), &deleted, NULL), TB_OK);
    assert_int_equal(deleted, 150);
    assert_int_equal(files_below(f->dir), 1);
    assert_int_equal(find(f, name, expires, sig, &path), TB_OK);
    free(path);
    tb_clock_shift(1001000);
    assert_int_equal(find(f, name, expires, sig, &path), TB_ENOTFOUND); /* before the sweep, already */
    assert_int_equal(tb_store_file_sweep(f->store, tb_now_ms(), &deleted, NULL), TB_OK);
    assert_int_equal(deleted, 1);
    assert_int_equal(files_below(f->dir), 0);
}

/* What a crash between row and rename leaves: an unfinished file that the sweep knows of. */
static void unfinished_files_go_with_the_sweep(void **state)
{
    struct store_fixture *f = *state;
    char name[64], sig[48], part[160], *path;
    int64_t expires, deleted;

    put(f, TB_STR("whole"), 10, name, &expires, sig);
    assert_int_equal(find(f, name, expires, sig, &path), TB_OK);
    snprintf(part, sizeof part, "%s.part", path);
    assert_int_equal(rename(path, part), 0);
    free(path);
    assert_int_equal(find(f, name, expires, sig, &path), TB_ENOTFOUND);
    assert_int_equal(tb_store_file_sweep(f->store, tb_now_ms() + 20000, &deleted, NULL), TB_OK);
    assert_int_equal(deleted, 1);
    assert_int_equal(files_below(f->dir), 0);
}

static void a_file_that_cannot_be_written_leaves_nothing(void **state)
{
    struct store_fixture *f = *state;
    char name[64], path[128];
    struct tb_error err = { 0 };
    int64_t deleted;
    FILE *file;

    snprintf(path, sizeof path, "%s/files", f->dir); /* a file where the folder should be */
    assert_non_null(file = fopen(path, "w"));
    fclose(file);
    assert_int_equal(tb_store_file_put(f->store, TB_STR("x"), "wav", 1, name, &err), TB_EIO);
    assert_non_null(strstr(err.text, f->dir));
    assert_string_equal(name, "");
    assert_int_equal(tb_store_file_sweep(f->store, tb_now_ms(), &deleted, NULL), TB_OK);
    assert_int_equal(deleted, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_set_up, store_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_file_is_found_by_its_signature),
        T(any_change_of_the_url_finds_nothing),
        T(names_that_are_not_ours_are_never_paths),
        T(expired_files_are_neither_found_nor_kept),
        T(unfinished_files_go_with_the_sweep),
        T(a_file_that_cannot_be_written_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
