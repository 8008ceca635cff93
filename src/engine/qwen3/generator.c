/* generator.c - see generator.h.
 *
 * A step runs the talker on the frame before (the prompt, at first), draws code 0, and lets the code predictor draw the
 * rest. The talker's run for a frame is put off to the step after it, so that whoever decodes the frame need not wait.
 */
#include "engine/qwen3/generator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct tb_q3_generator {
    const struct tb_q3_talker *talker;
    struct tb_q3_options options;
    struct tb_scratch scratch; /* the prompt, then what a step takes above it */
    struct tb_q3_run run;
    struct tb_q3_cache cache, predictor;
    struct tb_scratch kept;    /* the matrices below, for the life of the generator */
    struct tb_mat hidden, logits, row; /* [1][hidden] [1][vocab] [1][hidden] */
    float *work;               /* [2 * vocab] */
    bool *seen;                /* [vocab] */
    int *history;              /* [room]: code 0 of each frame */
    struct tb_q3_prompt prompt;
    struct tb_mat read;        /* [room][hidden]: the prompt that the cache begins with */
    int read_rows;             /* of it; 0: none */
    struct tb_q3_prefixes *prefixes; /* not owned; may be NULL */
    struct tb_q3_random random;
    int room, frames;
    bool pending;              /* row is to be run before the next draw */
    enum tb_q3_end end;
};

/* Bytes of scratch for a prompt of `room` rows and the widest run; only what is touched becomes memory. */
static size_t scratch_size(const struct tb_q3_config *c, int room)
{
    size_t wide = (size_t)c->talker.heads * (size_t)c->talker.width, pad = 64;
    size_t row = 8 * ((size_t)c->talker.hidden + pad) + 4 * (wide + pad) + 2 * ((size_t)c->talker.inner + pad) +
                 2 * ((size_t)c->talker.width + pad) + 2 * ((size_t)c->text_hidden + pad);

    return ((size_t)room + 64) * row * sizeof(float) + (1 << 20);
}

static enum tb_code take(struct tb_q3_generator *g, struct tb_error *err)
{
    const struct tb_q3_config *c = &g->talker->config;
    struct tb_scratch *s = &g->kept;
    size_t floats = (size_t)16 * TB_Q3_MAX_VECTOR + 8 * (size_t)c->vocab;
    enum tb_code rc;

    floats += (size_t)g->room * ((size_t)c->talker.hidden + 64);
    if ((rc = tb_scratch_open(floats * sizeof(float), s, err)) ||
        (rc = tb_scratch_mat(s, g->room, c->talker.hidden, &g->read, err)) ||
        (rc = tb_scratch_mat(s, 1, c->talker.hidden, &g->hidden, err)) ||
        (rc = tb_scratch_mat(s, 1, c->vocab, &g->logits, err)) ||
        (rc = tb_scratch_mat(s, 1, c->talker.hidden, &g->row, err)))
        return rc;
    return tb_scratch_floats(s, 2 * (size_t)c->vocab, &g->work, err);
}

enum tb_code tb_q3_generator_open(const struct tb_q3_talker *talker, struct tb_pool *pool, int room,
                                  struct tb_q3_generator **out, struct tb_error *err)
{
    const struct tb_q3_config *c = &talker->config;
    struct tb_q3_generator *g = calloc(1, sizeof *g);
    enum tb_code rc;

    *out = NULL;
    if (!g)
        return tb_fail(err, TB_ENOMEM, "qwen3: no memory");
    g->talker = talker;
    g->room = room;
    g->end = TB_Q3_CAP;
    g->run = (struct tb_q3_run){ .pool = pool, .scratch = &g->scratch };
    g->seen = calloc((size_t)c->vocab, sizeof *g->seen);
    g->history = malloc((size_t)room * sizeof *g->history);
    if (!g->seen || !g->history)
        rc = tb_fail(err, TB_ENOMEM, "qwen3: no memory");
    else if ((rc = tb_scratch_open(scratch_size(c, room), &g->scratch, err)) == TB_OK &&
             (rc = take(g, err)) == TB_OK &&
             (rc = tb_q3_cache_open(&talker->stack, room, &g->cache, err)) == TB_OK)
        rc = tb_q3_cache_open(&talker->predictor, c->groups, &g->predictor, err);
    if (rc)
        tb_q3_generator_close(g);
    else
        *out = g;
    return rc;
}

void tb_q3_generator_close(struct tb_q3_generator *g)
{
    if (!g)
        return;
    tb_q3_cache_close(&g->cache);
    tb_q3_cache_close(&g->predictor);
    tb_scratch_close(&g->scratch);
    tb_scratch_close(&g->kept);
    free(g->seen);
    free(g->history);
    free(g);
}

void tb_q3_generator_share(struct tb_q3_generator *g, struct tb_pool *pool, const struct tb_sink *sink)
{
    g->run.pool = pool;
    g->run.sink = sink;
}

void tb_q3_generator_prefixes(struct tb_q3_generator *g, struct tb_q3_prefixes *prefixes)
{
    g->prefixes = prefixes;
}

void tb_q3_generator_look(struct tb_q3_generator *g, void (*look)(void *ctx, const char *stage, int i, struct tb_mat m),
                          void *ctx)
{
    g->run.look = look;
    g->run.ctx = ctx;
}

static void look_at_talker(const struct tb_q3_generator *g)
{
    tb_q3_look(&g->run, "hidden", g->frames, g->hidden);
    tb_q3_look(&g->run, "logits", g->frames, g->logits);
}

/* Run the prompt behind those of its first rows that the last one had, too: their keys and values are still in the
 * cache, and are the same whatever follows them. A voice's language, speaker and reference are read once; by another
 * session, as a rule (prefix.h). */
static enum tb_code read_prompt(struct tb_q3_generator *g, struct tb_error *err)
{
    struct tb_mat rows = g->prompt.rows;
    size_t size = (size_t)rows.cols * sizeof *rows.p;
    int same = 0, most = g->read_rows < rows.rows - 1 ? g->read_rows : rows.rows - 1;

    while (same < most && !g->run.look && !memcmp(tb_mat_row(g->read, same), tb_mat_row(rows, same), size))
        same++;
    tb_q3_cache_rewind(&g->cache, same);
    bool share = g->prefixes && !g->run.look && same < g->prompt.fixed;
    if (share)
        same = tb_q3_prefixes_find(g->prefixes, tb_mat_rows(rows, 0, g->prompt.fixed + 1), &g->cache);
    for (int r = 0; r < rows.rows; r++)
        memcpy(tb_mat_row(g->read, r), tb_mat_row(rows, r), size);
    g->read_rows = same;
    enum tb_code rc = tb_q3_talker_run(&g->run, g->talker, &(struct tb_q3_caches){ { &g->cache }, 1 },
                                       tb_mat_rows(rows, same, rows.rows - same), g->hidden, g->logits, err);
    if (rc == TB_OK) {
        look_at_talker(g);
        g->read_rows = rows.rows;
        if (share && same < g->prompt.fixed)
            tb_q3_prefixes_keep(g->prefixes, tb_mat_rows(g->read, 0, g->prompt.fixed), &g->cache);
    }
    return rc;
}

enum tb_code tb_q3_generator_start(struct tb_q3_generator *g, const struct tb_q3_request *request,
                                   const struct tb_q3_options *options, struct tb_error *err)
{
    enum tb_code rc;

    g->options = *options;
    g->random.state = options->seed;
    g->frames = 0;
    g->pending = false;
    g->end = TB_Q3_CAP;
    tb_scratch_reset(&g->scratch, 0);
    if ((rc = tb_q3_prompt_make(&g->run, g->talker, request, &g->prompt, err)))
        return rc;
    tb_q3_look(&g->run, "prompt", 0, g->prompt.rows);
    tb_q3_look(&g->run, "trailing", 0, g->prompt.trailing);
    tb_q3_look(&g->run, "pad", 0, g->prompt.pad);
    if (g->prompt.rows.rows >= g->room)
        return tb_fail(err, TB_ETOOBIG, "qwen3: a prompt of %d tokens, room for %d", g->prompt.rows.rows, g->room);
    if ((rc = read_prompt(g, err)) == TB_OK)
        g->end = TB_Q3_GOING;
    return rc;
}

/* The codes to go on from in place of those drawn. */
static const int *taken(const struct tb_q3_generator *g, const int *drawn)
{
    const struct tb_q3_options *o = &g->options;

    return g->frames < o->forced_frames ? o->forced + (size_t)g->frames * (size_t)g->talker->config.groups : drawn;
}

/* The talker's next input: the frame's embeddings and the text of its place. */
static void feed(struct tb_q3_generator *g, const int *codes)
{
    struct tb_mat text = g->frames < g->prompt.trailing.rows ? tb_mat_rows(g->prompt.trailing, g->frames, 1)
                                                             : g->prompt.pad;

    memset(g->row.p, 0, (size_t)g->row.cols * sizeof(float));
    tb_q3_frame_add(g->talker, codes, g->row.p);
    for (int i = 0; i < g->row.cols; i++)
        g->row.p[i] += text.p[i];
    tb_q3_look(&g->run, "embed", g->frames, g->row);
    g->pending = true;
}

/* Those of a step that are still on their way to a frame. The first one's memory and threads serve all. */
struct under_way {
    struct tb_q3_turn *turn[TB_Q3_MOST_TOGETHER];
    int count;
};

/* Go on without those that have failed or ended. */
static void thin_out(struct under_way *u)
{
    int kept = 0;

    for (int i = 0; i < u->count; i++)
        if (u->turn[i]->rc == TB_OK && u->turn[i]->end == TB_Q3_GOING)
            u->turn[kept++] = u->turn[i];
    u->count = kept;
}

/* What concerns all of them. */
static void fail_all(const struct under_way *u, enum tb_code rc, const struct tb_error *err)
{
    for (int i = 0; rc && i < u->count; i++) {
        u->turn[i]->rc = rc;
        u->turn[i]->err = *err;
    }
}

/* The talker on the frames before, for those where it was put off. */
static enum tb_code catch_up(const struct tb_q3_run *run, const struct under_way *u, struct tb_error *err)
{
    struct tb_q3_generator *g[TB_Q3_MOST_TOGETHER];
    const struct tb_q3_talker *t = u->turn[0]->generator->talker;
    struct tb_q3_caches caches = { .count = 0 };
    struct tb_mat x, hidden, logits;
    enum tb_code rc;

    for (int i = 0; i < u->count; i++)
        if (u->turn[i]->generator->pending) {
            g[caches.count] = u->turn[i]->generator;
            caches.each[caches.count++] = &u->turn[i]->generator->cache;
        }
    if (caches.count == 0)
        return TB_OK;
    if ((rc = tb_scratch_mat(run->scratch, caches.count, t->config.talker.hidden, &x, err)) ||
        (rc = tb_scratch_mat(run->scratch, caches.count, t->config.talker.hidden, &hidden, err)) ||
        (rc = tb_scratch_mat(run->scratch, caches.count, t->config.vocab, &logits, err)))
        return rc;
    for (int i = 0; i < caches.count; i++)
        memcpy(tb_mat_row(x, i), g[i]->row.p, (size_t)x.cols * sizeof *x.p);
    rc = tb_q3_talker_run(run, t, &caches, x, hidden, logits, err);
    for (int i = 0; rc == TB_OK && i < caches.count; i++) {
        memcpy(g[i]->hidden.p, tb_mat_row(hidden, i), (size_t)hidden.cols * sizeof *hidden.p);
        memcpy(g[i]->logits.p, tb_mat_row(logits, i), (size_t)logits.cols * sizeof *logits.p);
        look_at_talker(g[i]);
        g[i]->pending = false;
    }
    return rc;
}

/* Code 0, or the end. */
static void draw_first(struct tb_q3_turn *turn)
{
    struct tb_q3_generator *g = turn->generator;
    const struct tb_q3_config *c = &g->talker->config;
    const struct tb_q3_generation *gen = &g->options.generation;

    tb_q3_penalise(g->history, g->frames, gen->talker.penalty, g->seen, g->logits.p);
    tb_q3_suppress(g->frames, g->options.eos, c->eos, g->logits.p, c->vocab);
    if (g->options.whole_text && g->frames < g->prompt.trailing.rows)
        g->logits.p[g->options.eos] = -INFINITY;
    turn->codes[0] = tb_q3_draw(&gen->talker, &g->random, g->logits.p, c->vocab, g->work);
    if (turn->codes[0] < 0)
        turn->rc = tb_fail(&turn->err, TB_EINTERNAL, "qwen3: the talker's scores are not numbers");
    else if (taken(g, turn->codes)[0] == g->options.eos || taken(g, turn->codes)[0] == c->eos)
        turn->end = g->end = TB_Q3_EOS;
}

/* The code of a group from its scores; row becomes the code predictor's next input. One that fails goes on with a code
 * that nobody will hear. */
static void draw_group(struct tb_q3_turn *turn, int group, struct tb_mat scores, float *row)
{
    struct tb_q3_generator *g = turn->generator;
    const struct tb_q3_talker *t = g->talker;

    tb_q3_look(&g->run, "sub_logits", group, scores);
    turn->codes[group] =
        tb_q3_draw(&g->options.generation.predictor, &g->random, scores.p, t->config.codebook, g->work);
    if (turn->codes[group] < 0) {
        turn->rc = tb_fail(&turn->err, TB_EINTERNAL, "qwen3: the code predictor's scores are not numbers");
        turn->codes[group] = 0;
    }
    tb_table_get(&t->groups[group - 1], taken(g, turn->codes)[group], row);
}

/* What the code predictor drew from, and its next input: a row of each for each turn. */
struct drawing {
    const struct under_way *under_way;
    int group;
    struct tb_mat scores, x;
};

static void draw_part(void *ctx, int i)
{
    const struct drawing *d = ctx;

    draw_group(d->under_way->turn[i], d->group, tb_mat_rows(d->scores, i, 1), tb_mat_row(d->x, i));
}

/* Codes 1 .. groups - 1 of the frames whose code 0 is drawn. */
static enum tb_code predict(const struct tb_q3_run *run, const struct under_way *u, struct tb_error *err)
{
    const struct tb_q3_talker *t = u->turn[0]->generator->talker;
    struct tb_q3_caches caches = { .count = u->count };
    struct tb_mat x, scores;
    enum tb_code rc;

    if ((rc = tb_scratch_mat(run->scratch, 2 * u->count, t->config.talker.hidden, &x, err)) ||
        (rc = tb_scratch_mat(run->scratch, u->count, t->config.codebook, &scores, err)))
        return rc;
    for (int i = 0; i < u->count; i++) {
        struct tb_q3_generator *g = u->turn[i]->generator;

        caches.each[i] = &g->predictor;
        tb_q3_cache_rewind(&g->predictor, 0);
        memcpy(tb_mat_row(x, 2 * i), g->hidden.p, (size_t)x.cols * sizeof *x.p);
        tb_table_get(&t->codec, taken(g, u->turn[i]->codes)[0], tb_mat_row(x, 2 * i + 1));
    }
    for (int group = 1; group < t->config.groups; group++) {
        if ((rc = tb_q3_predictor_run(run, t, &caches, x, group, scores, err)))
            return rc;
        x.rows = u->count;
        tb_pool_run(run->pool, draw_part, &(struct drawing){ u, group, scores, x }, u->count);
    }
    return TB_OK;
}

/* The step proper, when somebody is under way. */
static void step(struct under_way *u)
{
    const struct tb_q3_run run = u->turn[0]->generator->run;
    size_t mark = tb_scratch_mark(run.scratch);
    struct tb_error err;

    assert(u->count == 1 || !run.look);
    fail_all(u, catch_up(&run, u, &err), &err);
    thin_out(u);
    for (int i = 0; i < u->count; i++)
        draw_first(u->turn[i]);
    thin_out(u);
    if (u->count > 0)
        fail_all(u, predict(&run, u, &err), &err);
    thin_out(u);
    for (int i = 0; i < u->count; i++) {
        struct tb_q3_generator *g = u->turn[i]->generator;

        g->history[g->frames] = taken(g, u->turn[i]->codes)[0];
        feed(g, taken(g, u->turn[i]->codes));
        g->frames++;
    }
    tb_scratch_reset(run.scratch, mark);
}

void tb_q3_generator_next_all(struct tb_q3_turn *turns, int count)
{
    struct under_way u = { .count = count };

    assert(count <= TB_Q3_MOST_TOGETHER);
    for (int i = 0; i < count; i++) {
        struct tb_q3_generator *g = turns[i].generator;

        assert(g->talker == turns[0].generator->talker);
        if (g->end == TB_Q3_GOING && (g->frames >= g->options.generation.max_frames || g->cache.position >= g->room))
            g->end = TB_Q3_CAP;
        turns[i].end = g->end;
        turns[i].rc = TB_OK;
        u.turn[i] = &turns[i];
    }
    thin_out(&u);
    if (u.count > 0)
        step(&u);
}

enum tb_code tb_q3_generator_next(struct tb_q3_generator *g, int *codes, enum tb_q3_end *end, struct tb_error *err)
{
    struct tb_q3_turn turn = { .generator = g, .codes = codes };

    tb_q3_generator_next_all(&turn, 1);
    *end = turn.end;
    return turn.rc ? tb_fail(err, turn.rc, "%s", turn.err.text) : TB_OK;
}

int tb_q3_generator_frames(const struct tb_q3_generator *g)
{
    return g->frames;
}
