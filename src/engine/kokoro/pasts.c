/* pasts.c - see pasts.h. */
#include "engine/kokoro/pasts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

struct voice {
    float styles[TB_KOKORO_BLOCKS][TB_KOKORO_HALF];
    float hz;
    struct tb_kokoro_past *past; /* NULL: nobody */
    unsigned long asked;         /* when it was, in calls */
};

struct tb_pasts {
    pthread_mutex_t lock;
    struct voice voices[TB_MAX_PASTS];
    unsigned long calls;
};

enum tb_code tb_pasts_open(struct tb_pasts **out, struct tb_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return tb_fail(err, TB_ENOMEM, "kokoro: no memory");
    pthread_mutex_init(&(*out)->lock, NULL);
    return TB_OK;
}

void tb_pasts_close(struct tb_pasts *p)
{
    if (!p)
        return;
    for (int i = 0; i < TB_MAX_PASTS; i++)
        free(p->voices[i].past);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* The voice; else, with *known false, the place of the one that was not asked for the longest. */
static struct voice *find(struct tb_pasts *p, const float (*styles)[TB_KOKORO_HALF], float hz, bool *known)
{
    struct voice *oldest = p->voices;

    p->calls++;
    *known = true;
    for (struct voice *v = p->voices; v < p->voices + TB_MAX_PASTS; v++) {
        if (v->past && v->hz == hz && !memcmp(v->styles, styles, sizeof v->styles)) {
            v->asked = p->calls;
            return v;
        }
        if (!v->past || (oldest->past && v->asked < oldest->asked))
            oldest = v;
    }
    *known = false;
    return oldest;
}

static float frames(const struct tb_kokoro_past *past)
{
    float sum = 0;

    for (int k = 0; k < TB_NORMS_KINDS; k++)
        sum += past->frames[k];
    return sum;
}

enum tb_code tb_pasts_get(struct tb_pasts *p, const float (*styles)[TB_KOKORO_HALF], float hz,
                          struct tb_kokoro_past **past, struct tb_kokoro_past **seen, struct tb_error *err)
{
    struct tb_kokoro_past *copy = NULL, *room = NULL;
    float had = 0;
    bool known, wanted;

    pthread_mutex_lock(&p->lock);
    struct voice *v = find(p, styles, hz, &known);
    if (known)
        had = frames(v->past);
    wanted = past && had >= TB_PASTS_LEAST;
    if (wanted && (copy = malloc(sizeof *copy)))
        memcpy(copy, v->past, sizeof *copy);
    pthread_mutex_unlock(&p->lock);
    if (had < TB_PASTS_ENOUGH)
        room = calloc(1, sizeof *room);
    if ((wanted && !copy) || (had < TB_PASTS_ENOUGH && !room)) {
        free(copy);
        free(room);
        return tb_fail(err, TB_ENOMEM, "kokoro: no memory for a voice's past");
    }
    if (past)
        *past = copy;
    *seen = room;
    return TB_OK;
}

void tb_pasts_add(struct tb_pasts *p, const float (*styles)[TB_KOKORO_HALF], float hz,
                  const struct tb_kokoro_past *seen)
{
    bool known;

    pthread_mutex_lock(&p->lock);
    struct voice *v = find(p, styles, hz, &known);
    if (!known) {
        free(v->past);
        v->past = calloc(1, sizeof *v->past);
        memcpy(v->styles, styles, sizeof v->styles);
        v->hz = hz;
        v->asked = p->calls;
    }
    if (v->past)
        tb_norms_add(v->past, seen);
    pthread_mutex_unlock(&p->lock);
}
