/* The watchdog on sequences of codes and sounds that are made up. */
#include "golden.h"

#include "engine/qwen3/watch.h"

enum { LEN = 10 };

/* Frames until it speaks up, at most 500; *why is set. Codes repeat with `period`; 0: they never do. */
static int frames_until(int period, float level, int sound_every, enum tb_q3_lost *why)
{
    struct tb_q3_watch w = { 0 };

    for (int f = 1; f <= 500; f++) {
        float samples[LEN] = { 0 };

        samples[3] = sound_every && f % sound_every == 0 ? -level : level * 0.001f;
        *why = tb_q3_watch_frame(&w, period ? f % period : f, samples, LEN);
        if (*why)
            return f;
    }
    return 500;
}

static void speech_passes(void **state)
{
    enum tb_q3_lost why;

    (void)state;
    assert_int_equal(frames_until(0, 0.5f, 1, &why), 500);
    assert_int_equal(frames_until(0, 0.5f, 30, &why), 500);                    /* pauses of 2.4 s */
    assert_int_equal(frames_until(TB_Q3_LOOP_PERIOD + 1, 0.5f, 1, &why), 500); /* a long phrase said again */
}

static void loops_are_seen(void **state)
{
    enum tb_q3_lost why;

    (void)state;
    for (int p = 1; p <= TB_Q3_LOOP_PERIOD; p++) {
        assert_int_equal(frames_until(p, 0.5f, 1, &why), TB_Q3_LOOP_FRAMES + p);
        assert_int_equal(why, TB_Q3_LOOPS);
    }
}

static void silence_is_seen(void **state)
{
    enum tb_q3_lost why;

    (void)state;
    assert_int_equal(frames_until(0, 0.5f, 0, &why), TB_Q3_SILENT_FRAMES);
    assert_int_equal(why, TB_Q3_SILENT);
    assert_int_equal(frames_until(0, 0.002f, 1, &why), TB_Q3_SILENT_FRAMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speech_passes),
        cmocka_unit_test(loops_are_seen),
        cmocka_unit_test(silence_is_seen),
    };

    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
