/* prefix.c - see prefix.h. */
#include "engine/qwen3/prefix.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 4 }; /* an entry takes at most that part of all */

struct entry {
    struct entry *next;
    int rows;
    size_t size;    /* bytes */
    float values[]; /* [rows][hidden], then for each matrix of the cache [rows][cols] */
};

struct tb_q3_prefixes {
    pthread_mutex_t lock; /* of what follows */
    struct entry *first;  /* used last */
    size_t size, most;
};

enum tb_code tb_q3_prefixes_open(size_t most, struct tb_q3_prefixes **out, struct tb_error *err)
{
    struct tb_q3_prefixes *p = calloc(1, sizeof *p);

    *out = p;
    if (!p)
        return tb_fail(err, TB_ENOMEM, "qwen3: no memory");
    p->most = most;
    pthread_mutex_init(&p->lock, NULL);
    return TB_OK;
}

void tb_q3_prefixes_close(struct tb_q3_prefixes *p)
{
    if (!p)
        return;
    while (p->first) {
        struct entry *e = p->first;

        p->first = e->next;
        free(e);
    }
    pthread_mutex_destroy(&p->lock);
    free(p);
}

size_t tb_q3_prefixes_size(struct tb_q3_prefixes *p)
{
    pthread_mutex_lock(&p->lock);
    size_t size = p->size;
    pthread_mutex_unlock(&p->lock);
    return size;
}

/* Does the entry hold the beginning of these rows? */
static bool begins(const struct entry *e, struct tb_mat rows)
{
    for (int r = 0; r < e->rows; r++)
        if (memcmp(e->values + (size_t)r * (size_t)rows.cols, tb_mat_row(rows, r), (size_t)rows.cols * sizeof(float)))
            return false;
    return true;
}

/* The longest entry that these rows begin with, of at most `most` rows, taken out of the list. */
static struct entry *take_longest(struct tb_q3_prefixes *p, struct tb_mat rows, int most)
{
    struct entry **best = NULL;

    for (struct entry **at = &p->first; *at; at = &(*at)->next)
        if ((*at)->rows <= most && (!best || (*at)->rows > (*best)->rows) && begins(*at, rows))
            best = at;
    if (!best)
        return NULL;
    struct entry *e = *best;
    *best = e->next;
    return e;
}

static void put_first(struct tb_q3_prefixes *p, struct entry *e)
{
    e->next = p->first;
    p->first = e;
}

int tb_q3_prefixes_find(struct tb_q3_prefixes *p, struct tb_mat rows, struct tb_q3_cache *cache)
{
    pthread_mutex_lock(&p->lock);
    struct entry *e = take_longest(p, rows, rows.rows - 1);

    if (e && e->rows > cache->position) {
        const float *from = e->values + (size_t)e->rows * (size_t)rows.cols;

        for (int i = 0; i < 2 * cache->layers; i++)
            for (int r = 0; r < e->rows; r++, from += cache->keys[i].cols)
                memcpy(tb_mat_row(cache->keys[i], r), from, (size_t)cache->keys[i].cols * sizeof *from);
        cache->position = cache->held = e->rows;
    }
    if (e)
        put_first(p, e);
    pthread_mutex_unlock(&p->lock);
    return cache->position;
}

static struct entry *make_entry(struct tb_mat rows, const struct tb_q3_cache *cache, size_t size)
{
    struct entry *e = malloc(size);

    if (!e)
        return NULL;
    *e = (struct entry){ .rows = rows.rows, .size = size };
    float *to = e->values;
    for (int r = 0; r < rows.rows; r++, to += rows.cols)
        memcpy(to, tb_mat_row(rows, r), (size_t)rows.cols * sizeof *to);
    for (int i = 0; i < 2 * cache->layers; i++)
        for (int r = 0; r < rows.rows; r++, to += cache->keys[i].cols)
            memcpy(to, tb_mat_row(cache->keys[i], r), (size_t)cache->keys[i].cols * sizeof *to);
    return e;
}

/* Let the last ones go until `size` more bytes are allowed. */
static void make_way(struct tb_q3_prefixes *p, size_t size)
{
    while (p->first && p->size + size > p->most) {
        struct entry **at = &p->first;

        while ((*at)->next)
            at = &(*at)->next;
        p->size -= (*at)->size;
        free(*at);
        *at = NULL;
    }
}

void tb_q3_prefixes_keep(struct tb_q3_prefixes *p, struct tb_mat rows, const struct tb_q3_cache *cache)
{
    size_t row = ((size_t)rows.cols + 2 * (size_t)cache->layers * (size_t)cache->keys[0].cols) * sizeof(float);
    size_t most = p->most / LARGEST / row;

    assert(cache->window == 0 && cache->held >= rows.rows);
    if ((size_t)rows.rows > most)
        rows = tb_mat_rows(rows, 0, (int)most);
    if (rows.rows == 0)
        return;
    pthread_mutex_lock(&p->lock);
    struct entry *e = take_longest(p, rows, rows.rows);
    if (e && e->rows < rows.rows) { /* somebody's else, with less in common */
        put_first(p, e);
        e = NULL;
    }
    size_t size = sizeof *e + row * (size_t)rows.rows;
    if (!e && (e = make_entry(rows, cache, size))) {
        make_way(p, size);
        p->size += size;
    }
    if (e)
        put_first(p, e);
    pthread_mutex_unlock(&p->lock);
}
