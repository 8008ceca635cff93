/* store_test.h - what the tests of the store share: a fresh folder, a voice, and opening that must work. */
#ifndef TB_TESTS_STORE_TEST_H
#define TB_TESTS_STORE_TEST_H

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/store.h"

/* A folder under /tmp for one test; removed by remove_dir. */
static inline void make_dir(char dir[64])
{
    strcpy(dir, "/tmp/timbre-store-XXXXXX");
    assert_non_null(mkdtemp(dir));
}

static inline void remove_dir(const char *dir)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}

static inline struct tb_store *open_store(const char *dir)
{
    struct tb_store *store;
    struct tb_error err = { 0 };

    if (tb_store_open(dir, &store, &err))
        fail_msg("%s", err.text);
    return store;
}

static inline int64_t new_account(struct tb_store *store)
{
    char key[64];
    int64_t account = 0;

    assert_int_equal(tb_store_key_add(store, "test", 0, key, NULL), TB_OK);
    assert_int_equal(tb_store_key_find(store, tb_str_of(key), &account, NULL), TB_OK);
    return account;
}

static inline struct tb_voice_info make_voice(const char *id, int64_t created_ms)
{
    struct tb_voice_info v = { .created_ms = created_ms, .modified_ms = created_ms, .used_ms = created_ms };

    snprintf(v.id, sizeof v.id, "%s", id);
    strcpy(v.target_model, "qwen3-tts-vc-2026-01-22");
    strcpy(v.language, "en");
    strcpy(v.engine, "test");
    return v;
}

static inline enum tb_code add_voice(struct tb_store *store, int64_t account, const char *id, int64_t created_ms)
{
    struct tb_voice_info v = make_voice(id, created_ms);

    return tb_store_voice_add(store, account, &v, tb_str_of(id), NULL, TB_MAX_VOICES, NULL);
}

/* A store and an account for each test. */
struct store_fixture {
    char dir[64];
    struct tb_store *store;
    int64_t account;
};

static inline int store_set_up(void **state)
{
    static struct store_fixture f;

    make_dir(f.dir);
    f.store = open_store(f.dir);
    f.account = new_account(f.store);
    *state = &f;
    return 0;
}

static inline int store_tear_down(void **state)
{
    struct store_fixture *f = *state;

    tb_clock_shift(0);
    tb_store_close(f->store);
    remove_dir(f->dir);
    return 0;
}

/* Let a child that acknowledges on fd work for so long: every other one from its first acknowledgement on, however slow
 * the machine; the others from their start, so that some are killed while they open the store. */
static inline void let_work(int fd, int round, unsigned us)
{
    struct pollfd first = { fd, POLLIN, 0 };

    if (round % 2 == 0)
        assert_int_equal(poll(&first, 1, 60 * 1000), 1);
    usleep(us);
}

#endif
