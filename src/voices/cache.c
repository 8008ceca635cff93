/* cache.c - see cache.h. A few dozen entries are searched in order: that costs less than the store's point select. */
#include "voices/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char id[TB_MAX_VOICE_ID]; /* "": free */
    int64_t created_ms;
    uint64_t used; /* the cache's tick at the last use */
    struct tb_bytes print;
};

struct tb_print_cache {
    pthread_mutex_t lock;
    uint64_t tick;
    struct entry entries[TB_MAX_CACHED_PRINTS];
};

enum tb_code tb_print_cache_open(struct tb_print_cache **out, struct tb_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return tb_fail(err, TB_ENOMEM, "voice cache");
    pthread_mutex_init(&(*out)->lock, NULL);
    return TB_OK;
}

void tb_print_cache_close(struct tb_print_cache *cache)
{
    if (!cache)
        return;
    tb_print_cache_clear(cache);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static void empty(struct entry *e)
{
    tb_bytes_free(&e->print);
    *e = (struct entry){ 0 };
}

static struct entry *find(struct tb_print_cache *cache, struct tb_str id)
{
    for (size_t i = 0; i < TB_MAX_CACHED_PRINTS; i++)
        if (cache->entries[i].id[0] && tb_str_eq(id, cache->entries[i].id))
            return &cache->entries[i];
    return NULL;
}

bool tb_print_cache_get(struct tb_print_cache *cache, const struct tb_voice_info *voice, struct tb_bytes *print)
{
    struct entry *e;
    bool found = false;

    pthread_mutex_lock(&cache->lock);
    e = find(cache, tb_str_of(voice->id));
    if (e && e->created_ms == voice->created_ms && tb_bytes_add(print, e->print.data, e->print.size) == TB_OK) {
        e->used = ++cache->tick;
        found = true;
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

void tb_print_cache_put(struct tb_print_cache *cache, const struct tb_voice_info *voice, struct tb_str print)
{
    struct entry *e;

    pthread_mutex_lock(&cache->lock);
    e = find(cache, tb_str_of(voice->id));
    for (size_t i = 0; !e && i < TB_MAX_CACHED_PRINTS; i++)
        if (!cache->entries[i].id[0])
            e = &cache->entries[i];
    if (!e) {
        e = &cache->entries[0];
        for (size_t i = 1; i < TB_MAX_CACHED_PRINTS; i++)
            if (cache->entries[i].used < e->used)
                e = &cache->entries[i];
    }
    empty(e);
    if (tb_bytes_add(&e->print, print.p, print.n) == TB_OK) {
        memcpy(e->id, voice->id, sizeof e->id);
        e->created_ms = voice->created_ms;
        e->used = ++cache->tick;
    }
    pthread_mutex_unlock(&cache->lock);
}

void tb_print_cache_drop(struct tb_print_cache *cache, struct tb_str id)
{
    struct entry *e;

    pthread_mutex_lock(&cache->lock);
    if ((e = find(cache, id)))
        empty(e);
    pthread_mutex_unlock(&cache->lock);
}

void tb_print_cache_clear(struct tb_print_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; i < TB_MAX_CACHED_PRINTS; i++)
        empty(&cache->entries[i]);
    pthread_mutex_unlock(&cache->lock);
}
