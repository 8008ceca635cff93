/* turn.h - leave to compute, from whoever shares out the cores.
 *
 * Long work on a thread of its own (an enrolment) must not make speech stutter. It begins a turn, which may block until
 * the cores are its, and offers them back between slices of its work, some 20 to 50 ms long: where something is more
 * urgent, the pause lasts until that is done.
 *
 *     struct tb_turn *turn = tb_turn_begin(&config->turns, 1000000);
 *     for (...) { slice(); tb_turn_pause(turn); }
 *     tb_turn_end(turn); */
#ifndef TB_BASE_TURN_H
#define TB_BASE_TURN_H

#include <stddef.h>
#include <stdint.h>

struct tb_turn {
    void (*pause)(struct tb_turn *turn);
    void (*end)(struct tb_turn *turn);
};

/* Where turns come from. {0}: nobody shares the cores, and all calls return at once. */
struct tb_turns {
    struct tb_turn *(*begin)(void *ctx, int64_t within_us); /* NULL when out of memory: then there is no waiting */
    void *ctx;
};

/* within_us: when the work should be done, from now on; what is due earlier goes first. */
static inline struct tb_turn *tb_turn_begin(const struct tb_turns *turns, int64_t within_us)
{
    return turns->begin ? turns->begin(turns->ctx, within_us) : NULL;
}

static inline void tb_turn_pause(struct tb_turn *turn)
{
    if (turn)
        turn->pause(turn);
}

static inline void tb_turn_end(struct tb_turn *turn)
{
    if (turn)
        turn->end(turn);
}

#endif
