/* pasts.c - see pasts.h. */
#include "engine/kokoro/pasts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

struct voice {
    float styles[TB_KOKORO_BLOCKS][TB_KOKORO_HALF];
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
static struct voice *find(struct tb_pasts *p, const float (*styles)[TB_KOKORO_HALF], bool *known)
{
    struct voice *oldest = p->voices;

    p->calls++;
    *known = true;
    for (struct voice *v = p->voices; v < p->voices + TB_MAX_PASTS; v++) {
        if (v->past && !memcmp(v->styles, styles, sizeof v->styles)) {
            v->asked = p->calls;
            return v;
        }
        if (!v->past || (oldest->past && v->asked < oldest->asked))
            oldest = v;
    }
    *known = false;
    return oldest;
}

bool tb_pasts_known(struct tb_pasts *p, const float (*styles)[TB_KOKORO_HALF])
{
    bool known;

    pthread_mutex_lock(&p->lock);
    find(p, styles, &known);
    pthread_mutex_unlock(&p->lock);
    return known;
}

enum tb_code tb_pasts_get(struct tb_pasts *p, const float (*styles)[TB_KOKORO_HALF], struct tb_kokoro_past **past,
                          struct tb_error *err)
{
    bool known;

    *past = NULL;
    pthread_mutex_lock(&p->lock);
    struct voice *v = find(p, styles, &known);
    if (known && (*past = malloc(sizeof **past)))
        memcpy(*past, v->past, sizeof **past);
    pthread_mutex_unlock(&p->lock);
    return known && !*past ? tb_fail(err, TB_ENOMEM, "kokoro: no memory for a voice's past") : TB_OK;
}

void tb_pasts_put(struct tb_pasts *p, const float (*styles)[TB_KOKORO_HALF], struct tb_kokoro_past *past)
{
    bool known;

    pthread_mutex_lock(&p->lock);
    struct voice *v = find(p, styles, &known);
    if (!known) {
        struct tb_kokoro_past *forgotten = v->past;

        memcpy(v->styles, styles, sizeof v->styles);
        v->past = past;
        v->asked = p->calls;
        past = forgotten;
    }
    pthread_mutex_unlock(&p->lock);
    free(past);
}
