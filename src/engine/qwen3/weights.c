/* weights.c - see weights.h. */
#include "engine/qwen3/weights.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/qwen3/json_reader.h"
#include "tensor/weights.h"

enum { NAME = 160, PATH = 4096 };

#define INDEX "model.safetensors.index.json"

struct kept { /* one widened tensor, in a list */
    struct kept *next;
    float values[];
};

struct tb_q3_weights {
    struct tb_weights *shards[TB_MAX_SHARDS];
    int count;
    struct kept *kept;
    uint64_t stamp;
};

enum tb_code tb_q3_read_file(const char *folder, const char *name, size_t most, struct tb_bytes *out,
                             struct tb_error *err)
{
    char path[PATH];
    FILE *f = NULL;
    enum tb_code rc = TB_OK;

    tb_bytes_free(out);
    out->cap = most;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path)
        f = fopen(path, "rbe");
    if (!f)
        return tb_fail(err, errno == ENOENT ? TB_ENOTFOUND : TB_EIO, "%s/%s: %s", folder, name, strerror(errno));
    for (size_t n = 1; rc == TB_OK && n > 0;) {
        char block[1 << 15];

        n = fread(block, 1, sizeof block, f);
        rc = tb_bytes_add(out, block, n);
    }
    if (rc == TB_ETOOBIG)
        tb_fail(err, rc, "%s: more than %zu bytes", path, most);
    else if (rc == TB_OK && ferror(f))
        rc = tb_fail(err, TB_EIO, "%s: %s", path, strerror(errno));
    else if (rc)
        tb_fail(err, rc, "%s: no memory", path);
    fclose(f);
    if (rc)
        tb_bytes_free(out);
    return rc;
}

/* One member of weight_map. */
static enum tb_code add_name(struct tb_q3_index *index, const char *tensor, const char *file, const char *path,
                             struct tb_error *err)
{
    if (!file || !*file || strchr(file, '/') || *file == '.')
        return tb_fail(err, TB_EINVAL, "%s: tensor %.80s is in '%.80s', which is not the name of a file beside it",
                       path, tensor, file ? file : "");
    for (int i = 0; i < index->count; i++)
        if (!strcmp(index->names[i], file))
            return TB_OK;
    if (index->count == TB_MAX_SHARDS)
        return tb_fail(err, TB_ETOOBIG, "%s: more than %d weight files", path, TB_MAX_SHARDS);
    index->names[index->count] = strdup(file);
    if (!index->names[index->count])
        return tb_fail(err, TB_ENOMEM, "%s: no memory", path);
    index->count++;
    return TB_OK;
}

enum tb_code tb_q3_index_parse(struct tb_str json, const char *path, struct tb_q3_index *out, struct tb_error *err)
{
    struct tb_q3_json r = { path, TB_OK, err };
    json_t *root = tb_q3_json_parse(&r, json), *value, *map = tb_q3_json_object(&r, root, "weight_map");
    enum tb_code rc = r.rc;
    const char *key;

    *out = (struct tb_q3_index){ 0 };
    if (rc == TB_OK && json_object_size(map) == 0)
        rc = tb_fail(err, TB_EINVAL, "%s: an empty weight_map", path);
    if (rc == TB_OK)
        json_object_foreach(map, key, value)
            if ((rc = add_name(out, key, json_string_value(value), path, err)))
                break;
    json_decref(root);
    return rc;
}

void tb_q3_index_free(struct tb_q3_index *index)
{
    while (index->count > 0)
        free(index->names[--index->count]);
}

/* All values of a file are numbers, also of tensors that nobody asks for: a damaged file is not to be trusted. */
static enum tb_code check_values(struct tb_weights *shard, struct tb_error *err)
{
    const struct tb_safetensors *file = tb_weights_file(shard);

    for (size_t i = 0; i < tb_safetensors_count(file); i++) {
        const struct tb_tensor *t = tb_safetensors_at(file, i);
        size_t wild = tb_tensor_wild(t);

        if (wild < t->len)
            return tb_fail(err, TB_EINVAL, "%s: tensor %s: value %zu of %zu is not a number", tb_safetensors_path(file),
                           t->name, wild, t->len);
    }
    tb_weights_release(shard); /* what was only looked at need not stay in memory */
    return TB_OK;
}

static uint64_t mixed(uint64_t stamp, uint64_t value)
{
    return ((stamp ^ value) * 0x9E3779B97F4A7C15ULL) ^ stamp >> 29;
}

static void add_stamp(struct tb_q3_weights *w, const char *path, const char *name)
{
    struct stat info = { 0 };

    stat(path, &info); /* it is open: a failure gives zeros, which are as good as any */
    for (const char *p = name; *p; p++)
        w->stamp = mixed(w->stamp, (unsigned char)*p);
    w->stamp = mixed(w->stamp, (uint64_t)info.st_size);
    w->stamp = mixed(w->stamp, (uint64_t)info.st_mtim.tv_sec * 1000000000u + (uint64_t)info.st_mtim.tv_nsec);
}

enum tb_code tb_q3_weights_check(struct tb_q3_weights *w, struct tb_error *err)
{
    enum tb_code rc = TB_OK;

    for (int i = 0; rc == TB_OK && i < w->count; i++)
        rc = check_values(w->shards[i], err);
    return rc;
}

uint64_t tb_q3_weights_stamp(const struct tb_q3_weights *w)
{
    return w->stamp;
}

static enum tb_code add_shard(struct tb_q3_weights *w, const char *folder, const char *name, struct tb_error *err)
{
    char path[PATH];

    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return tb_fail(err, TB_EINVAL, "%s: the name of the model folder is too long", folder);
    enum tb_code rc = tb_weights_open(path, &w->shards[w->count], err);
    if (rc)
        return rc;
    add_stamp(w, path, name);
    w->count++;
    return TB_OK;
}

static enum tb_code add_shards(struct tb_q3_weights *w, const char *folder, const struct tb_bytes *json,
                               struct tb_error *err)
{
    struct tb_q3_index index;
    char path[PATH];

    snprintf(path, sizeof path, "%s/" INDEX, folder);
    enum tb_code rc = tb_q3_index_parse(tb_bytes_str(json), path, &index, err);
    for (int i = 0; rc == TB_OK && i < index.count; i++)
        rc = add_shard(w, folder, index.names[i], err);
    tb_q3_index_free(&index);
    return rc;
}

enum tb_code tb_q3_weights_open(const char *folder, struct tb_q3_weights **out, struct tb_error *err)
{
    struct tb_q3_weights *w = calloc(1, sizeof *w);
    struct tb_bytes index = { 0 };
    struct tb_error why;

    *out = NULL;
    if (!w)
        return tb_fail(err, TB_ENOMEM, "%s: no memory", folder);
    enum tb_code rc = tb_q3_read_file(folder, INDEX, TB_MAX_INDEX, &index, &why);
    if (rc == TB_OK)
        rc = add_shards(w, folder, &index, err);
    else if (rc == TB_ENOTFOUND)
        rc = add_shard(w, folder, "model.safetensors", err);
    else
        tb_fail(err, rc, "%s", why.text);
    tb_bytes_free(&index);
    if (rc) {
        tb_q3_weights_close(w);
        return rc;
    }
    *out = w;
    return TB_OK;
}

void tb_q3_weights_close(struct tb_q3_weights *w)
{
    if (!w)
        return;
    while (w->kept) {
        struct kept *next = w->kept->next;

        free(w->kept);
        w->kept = next;
    }
    while (w->count > 0)
        tb_weights_close(w->shards[--w->count]);
    free(w);
}

/* The file that holds NAME, or the first one, whose look-up then fails with its path. */
static struct tb_weights *shard_of(const struct tb_q3_weights *w, const char *name)
{
    for (int i = 0; i < w->count; i++)
        if (tb_weights_has(w->shards[i], name))
            return w->shards[i];
    return w->shards[0];
}

/* fmt and its arguments with `suffix` behind them. */
static bool name_of(struct tb_q3_loader *l, char name[NAME], const char *suffix, const char *fmt, va_list args)
{
    if (l->rc)
        return false;
    int n = vsnprintf(name, NAME, fmt, args);
    if (n < 0 || (size_t)n + strlen(suffix) >= NAME) {
        l->rc = tb_fail(l->err, TB_EINTERNAL, "a tensor's name is longer than %d characters", NAME);
        return false;
    }
    strcpy(name + n, suffix);
    return true;
}

/* The tensor, of this shape. */
static const struct tb_tensor *find(struct tb_q3_loader *l, const char *name, int rank, const size_t *shape)
{
    const struct tb_safetensors *file = tb_weights_file(shard_of(l->weights, name));
    const struct tb_tensor *t = tb_safetensors_find(file, name);

    l->rc = tb_safetensors_want(file, name, t && t->dtype != TB_F32 ? TB_BF16 : TB_F32, rank, shape, &t, l->err);
    return l->rc ? NULL : t;
}

static const float *floats(struct tb_q3_loader *l, const char *name, int rank, const size_t *shape)
{
    const float *p = NULL;

    if (find(l, name, rank, shape))
        l->rc = tb_weights_floats(shard_of(l->weights, name), name, rank, shape, &p, l->err);
    return l->rc ? NULL : p;
}

/* As floats that live as long as the weights: in the map, or widened. */
static const float *kept(struct tb_q3_loader *l, const char *name, int rank, const size_t *shape)
{
    const struct tb_tensor *t = find(l, name, rank, shape);
    struct kept *copy;

    if (!t || t->dtype == TB_F32)
        return t ? t->data : NULL;
    copy = malloc(sizeof *copy + t->len * sizeof *copy->values);
    if (!copy || t->len > INT_MAX) {
        free(copy);
        l->rc = tb_fail(l->err, TB_ENOMEM, "%s: %zu floats", name, t->len);
        return NULL;
    }
    tb_table_get(&(struct tb_linear){ .dtype = t->dtype, .out = 1, .in = (int)t->len, .w = t->data }, 0, copy->values);
    copy->next = l->weights->kept;
    l->weights->kept = copy;
    return copy->values;
}

const float *tb_q3_vector(struct tb_q3_loader *l, int n, const char *fmt, ...)
{
    char name[NAME];
    va_list args;

    va_start(args, fmt);
    bool ok = name_of(l, name, "", fmt, args);
    va_end(args);
    return ok ? kept(l, name, 1, (size_t[]){ (size_t)n }) : NULL;
}

/* The tensor [a][b], or [a][b][c] when c > 0. */
static const float *numbers(struct tb_q3_loader *l, bool keep, int a, int b, int c, const char *fmt, va_list args)
{
    size_t shape[3] = { (size_t)a, (size_t)b, (size_t)c };
    char name[NAME];

    if (!name_of(l, name, "", fmt, args))
        return NULL;
    return keep ? kept(l, name, c > 0 ? 3 : 2, shape) : floats(l, name, c > 0 ? 3 : 2, shape);
}

const float *tb_q3_kept(struct tb_q3_loader *l, int a, int b, int c, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const float *p = numbers(l, true, a, b, c, fmt, args);
    va_end(args);
    return p;
}

const float *tb_q3_borrow(struct tb_q3_loader *l, int a, int b, int c, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const float *p = numbers(l, false, a, b, c, fmt, args);
    va_end(args);
    return p;
}

static void load_conv(struct tb_q3_loader *l, struct tb_conv *conv, struct tb_conv_spec spec, bool whole,
                      const char *at)
{
    int a = spec.transposed ? spec.in : spec.out, b = spec.transposed ? spec.out : spec.in;
    const float *w = tb_q3_borrow(l, a, b, spec.taps, "%s.weight", at);
    const float *bias = tb_q3_vector(l, spec.out, "%s.bias", at);

    if (l->rc == TB_OK)
        l->rc = whole ? tb_conv_pack_whole(&spec, w, 0.0f, bias, conv, l->err)
                      : tb_conv_pack(&spec, w, bias, conv, l->err);
    tb_q3_release(l);
}

void tb_q3_conv(struct tb_q3_loader *l, struct tb_conv *conv, struct tb_conv_spec spec, const char *at)
{
    load_conv(l, conv, spec, false, at);
}

void tb_q3_conv_whole(struct tb_q3_loader *l, struct tb_conv *conv, struct tb_conv_spec spec, const char *at)
{
    load_conv(l, conv, spec, true, at);
}

void tb_q3_linear(struct tb_q3_loader *l, struct tb_linear *linear, int out, int in, bool bias, const char *fmt, ...)
{
    size_t shape[3] = { (size_t)out, (size_t)in, 1 };
    char name[NAME];
    va_list args;

    *linear = (struct tb_linear){ 0 };
    va_start(args, fmt);
    bool ok = name_of(l, name, ".weight", fmt, args);
    va_end(args);
    if (!ok)
        return;
    const struct tb_tensor *t = tb_safetensors_find(tb_weights_file(shard_of(l->weights, name)), name);
    t = find(l, name, t && t->rank == 3 ? 3 : 2, shape);
    if (!t)
        return;
    *linear = (struct tb_linear){ .dtype = t->dtype, .out = out, .in = in, .w = t->data };
    if (bias) {
        strcpy(name + strlen(name) - strlen("weight"), "bias");
        linear->bias = kept(l, name, 1, shape);
    }
}

void tb_q3_weights_forget(struct tb_q3_weights *w)
{
    for (int i = 0; i < w->count; i++)
        tb_weights_release(w->shards[i]);
}

void tb_q3_release(struct tb_q3_loader *l)
{
    tb_q3_weights_forget(l->weights);
}
