/* bpe.c - see bpe.h.
 *
 * The files spell bytes as letters: printable ones as themselves, the rest as U+0100 onwards. Keys are turned back
 * into bytes when they are read. Two open-addressed tables answer the two questions there are: which id has these
 * bytes (loading only, and one byte), and what do two neighbouring ids merge into, and how early. */
#include "engine/qwen3/bpe.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/limits.h"
#include "engine/qwen3/json_reader.h"
#include "engine/qwen3/pieces.h"
#include "engine/qwen3/weights.h"
#include "text/utf8.h"

enum { LETTERS = 256 + 68, MAX_SPECIALS = 4096, NONE = -1 };

struct token { /* a vocabulary entry while merges are read */
    const uint8_t *bytes;
    uint32_t size;
    int id; /* NONE: a free slot */
};

struct merge {
    int left, right; /* left is NONE: a free slot */
    int rank, result;
};

struct special {
    char *text;
    size_t size;
    int id;
};

struct tb_q3_bpe {
    int byte_id[256];
    int size;
    struct merge *merges; /* [merge_slots], a power of two */
    size_t merge_slots;
    struct special *specials;
    int special_count;
};

/* What loading needs and encoding does not. */
struct build {
    struct tb_q3_bpe *bpe;
    const char *folder;
    struct tb_error *err;
    int16_t byte_of[LETTERS]; /* the byte that a letter stands for, or NONE */
    struct token *tokens;     /* [token_slots], a power of two */
    size_t token_slots;
    uint8_t *bytes;           /* of all tokens */
    size_t used;
};

static size_t hash_bytes(const uint8_t *p, size_t n)
{
    uint64_t h = 1469598103934665603ULL;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211ULL;
    return (size_t)(h ^ h >> 32);
}

static size_t hash_pair(int left, int right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15ULL;

    return (size_t)(h ^ h >> 29);
}

/* Twice as many slots as entries, at least. */
static size_t slots_for(size_t entries)
{
    size_t n = 64;

    while (n < 2 * entries)
        n *= 2;
    return n;
}

static struct token *token_slot(const struct build *b, const uint8_t *bytes, size_t size)
{
    size_t i = hash_bytes(bytes, size) & (b->token_slots - 1);

    while (b->tokens[i].id != NONE && (b->tokens[i].size != size || memcmp(b->tokens[i].bytes, bytes, size)))
        i = (i + 1) & (b->token_slots - 1);
    return &b->tokens[i];
}

static struct merge *merge_slot(const struct tb_q3_bpe *bpe, int left, int right)
{
    size_t i = hash_pair(left, right) & (bpe->merge_slots - 1);

    while (bpe->merges[i].left != NONE && (bpe->merges[i].left != left || bpe->merges[i].right != right))
        i = (i + 1) & (bpe->merge_slots - 1);
    return &bpe->merges[i];
}

static bool printable(int byte)
{
    return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

static void fill_letters(struct build *b)
{
    int next = 256;

    memset(b->byte_of, 0xff, sizeof b->byte_of);
    for (int byte = 0; byte < 256; byte++)
        b->byte_of[printable(byte) ? byte : next++] = (int16_t)byte;
}

/* The bytes that `text` spells, into `out`, which has room for text.n; returns how many, or SIZE_MAX. */
static size_t spelt(const struct build *b, struct tb_str text, uint8_t *out)
{
    size_t n = 0;

    for (size_t at = 0; at < text.n;) {
        uint32_t c = tb_utf8_next(text, &at);

        if (c >= LETTERS || b->byte_of[c] == NONE)
            return SIZE_MAX;
        out[n++] = (uint8_t)b->byte_of[c];
    }
    return n;
}

static enum tb_code add_token(struct build *b, struct tb_str key, const json_t *value)
{
    size_t n = spelt(b, key, b->bytes + b->used);

    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) >= TB_MAX_VOCAB_TOKENS)
        return tb_fail(b->err, TB_EINVAL, "%s/vocab.json: %.60s has no id below %d", b->folder, key.p,
                       TB_MAX_VOCAB_TOKENS);
    if (n == SIZE_MAX || n == 0)
        return tb_fail(b->err, TB_EINVAL, "%s/vocab.json: '%.60s' is not spelt in byte-level letters", b->folder,
                       key.p);
    struct token *t = token_slot(b, b->bytes + b->used, n);
    if (t->id != NONE)
        return tb_fail(b->err, TB_EINVAL, "%s/vocab.json: '%.60s' twice", b->folder, key.p);
    *t = (struct token){ b->bytes + b->used, (uint32_t)n, (int)json_integer_value(value) };
    b->used += n;
    if (n == 1)
        b->bpe->byte_id[t->bytes[0]] = t->id;
    if (t->id >= b->bpe->size)
        b->bpe->size = t->id + 1;
    return TB_OK;
}

static enum tb_code read_vocab(struct build *b, struct tb_str text)
{
    struct tb_q3_json r = { "vocab.json", TB_OK, b->err };
    json_t *root = tb_q3_json_parse(&r, text), *value;
    enum tb_code rc = r.rc;
    const char *key;

    if (rc)
        return rc;
    b->token_slots = slots_for(json_object_size(root));
    b->tokens = json_object_size(root) <= TB_MAX_VOCAB_TOKENS ? malloc(b->token_slots * sizeof *b->tokens) : NULL;
    b->bytes = malloc(text.n + 1); /* a token is shorter than its spelling */
    if (!b->tokens || !b->bytes)
        rc = tb_fail(b->err, TB_ENOMEM, "%s/vocab.json: %zu tokens", b->folder, json_object_size(root));
    for (size_t i = 0; rc == TB_OK && i < b->token_slots; i++)
        b->tokens[i].id = NONE;
    if (rc == TB_OK)
        json_object_foreach(root, key, value)
            if ((rc = add_token(b, tb_str_of(key), value)))
                break;
    json_decref(root);
    for (int i = 0; rc == TB_OK && i < 256; i++)
        if (b->bpe->byte_id[i] == NONE)
            rc = tb_fail(b->err, TB_EINVAL, "%s/vocab.json: no token for byte %d", b->folder, i);
    return rc;
}

/* One line, "left right". */
static enum tb_code add_merge(struct build *b, struct tb_str line, int rank, uint8_t *scratch)
{
    const char *gap = memchr(line.p, ' ', line.n);
    struct tb_str left = { line.p, gap ? (size_t)(gap - line.p) : 0 };
    struct tb_str right = { gap ? gap + 1 : line.p, gap ? line.n - left.n - 1 : 0 };
    size_t n = spelt(b, left, scratch), m = n == SIZE_MAX ? n : spelt(b, right, scratch + n);
    const struct token *t[3] = { 0 };

    if (gap && n > 0 && m != SIZE_MAX && m > 0) {
        t[0] = token_slot(b, scratch, n);
        t[1] = token_slot(b, scratch + n, m);
        t[2] = token_slot(b, scratch, n + m);
    }
    for (int i = 0; i < 3; i++)
        if (!t[i] || t[i]->id == NONE)
            return tb_fail(b->err, TB_EINVAL, "%s/merges.txt: merge %d, '%.*s', is not made of tokens of vocab.json",
                           b->folder, rank, (int)(line.n < 60 ? line.n : 60), line.p);
    struct merge *slot = merge_slot(b->bpe, t[0]->id, t[1]->id);
    if (slot->left == NONE)
        *slot = (struct merge){ t[0]->id, t[1]->id, rank, t[2]->id };
    return TB_OK;
}

static enum tb_code read_merges(struct build *b, struct tb_str text)
{
    size_t lines = 1;
    enum tb_code rc = TB_OK;

    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    if (lines > TB_MAX_VOCAB_TOKENS)
        return tb_fail(b->err, TB_ETOOBIG, "%s/merges.txt: more than %d lines", b->folder, TB_MAX_VOCAB_TOKENS);
    b->bpe->merge_slots = slots_for(lines);
    b->bpe->merges = malloc(b->bpe->merge_slots * sizeof *b->bpe->merges);
    uint8_t *scratch = malloc(text.n + 1);
    if (!b->bpe->merges || !scratch)
        rc = tb_fail(b->err, TB_ENOMEM, "%s/merges.txt: %zu lines", b->folder, lines);
    for (size_t i = 0; rc == TB_OK && i < b->bpe->merge_slots; i++)
        b->bpe->merges[i].left = NONE;
    for (int rank = 0; rc == TB_OK && text.n > 0;) {
        const char *end = memchr(text.p, '\n', text.n);
        struct tb_str line = { text.p, end ? (size_t)(end - text.p) : text.n };

        text.p += line.n + (end != NULL);
        text.n -= line.n + (end != NULL);
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n > 0 && !(line.n >= 8 && !memcmp(line.p, "#version", 8)))
            rc = add_merge(b, line, rank++, scratch);
    }
    free(scratch);
    return rc;
}

static enum tb_code add_special(struct build *b, const char *text, int id)
{
    struct tb_q3_bpe *bpe = b->bpe;
    struct special *more = realloc(bpe->specials, ((size_t)bpe->special_count + 1) * sizeof *more);
    char *copy = strdup(text);

    if (more)
        bpe->specials = more;
    if (!more || !copy) {
        free(copy);
        return tb_fail(b->err, TB_ENOMEM, "%s: special tokens", b->folder);
    }
    bpe->specials[bpe->special_count++] = (struct special){ copy, strlen(copy), id };
    if (id >= bpe->size)
        bpe->size = id + 1;
    return TB_OK;
}

/* Without tokenizer_config.json: what the published models have, from <|endoftext|> on. */
static enum tb_code add_published(struct build *b, int im_start)
{
    static const char *const names[] = {
        "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
        "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
        "<|image_pad|>", "<|video_pad|>", "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>",
        "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>",
        "<think>", "</think>", "<|audio_start|>", "<|audio_end|>", "<tts_pad>", "<tts_text_bos>", "<tts_text_eod>",
        "<tts_text_bos_single>", "<|audio_pad|>",
    };
    enum tb_code rc = TB_OK;

    for (size_t i = 0; rc == TB_OK && i < sizeof names / sizeof *names; i++)
        rc = add_special(b, names[i], im_start - 1 + (int)i);
    return rc;
}

/* added_tokens_decoder: {"151643": {"content": "<|endoftext|>", ...}, ...}. Published tokens never strip spaces around
 * them, so the members that say so are not read. */
static enum tb_code read_specials(struct build *b, struct tb_str text, int im_start)
{
    struct tb_q3_json r = { "tokenizer_config.json", TB_OK, b->err };
    json_t *value;
    const char *key;

    if (text.n == 0)
        return add_published(b, im_start);
    json_t *root = tb_q3_json_parse(&r, text), *added = tb_q3_json_object(&r, root, "added_tokens_decoder");
    enum tb_code rc = r.rc;
    if (rc == TB_OK && json_object_size(added) > MAX_SPECIALS)
        rc = tb_fail(b->err, TB_ETOOBIG, "%s/tokenizer_config.json: %zu added tokens, at most %d", b->folder,
                     json_object_size(added), MAX_SPECIALS);
    if (rc == TB_OK)
        json_object_foreach(added, key, value)
        {
            const char *content = json_string_value(json_object_get(value, "content"));
            char *end;
            long id = strtol(key, &end, 10);

            if (!content || !*content || *end || end == key || id < 0 || id >= TB_MAX_VOCAB_TOKENS)
                rc = tb_fail(b->err, TB_EINVAL, "%s/tokenizer_config.json: added token '%.40s' has no content, or "
                             "is no id", b->folder, key);
            else
                rc = add_special(b, content, (int)id);
            if (rc)
                break;
        }
    json_decref(root);
    return rc;
}

enum tb_code tb_q3_bpe_parse(struct tb_str vocab, struct tb_str merges, struct tb_str config, int im_start,
                             const char *folder, struct tb_q3_bpe **out, struct tb_error *err)
{
    struct build b = { .bpe = calloc(1, sizeof *b.bpe), .folder = folder, .err = err };
    enum tb_code rc;

    *out = NULL;
    if (!b.bpe)
        return tb_fail(err, TB_ENOMEM, "%s: tokeniser", folder);
    memset(b.bpe->byte_id, 0xff, sizeof b.bpe->byte_id);
    fill_letters(&b);
    if ((rc = read_vocab(&b, vocab)) == TB_OK && (rc = read_merges(&b, merges)) == TB_OK)
        rc = read_specials(&b, config, im_start);
    free(b.tokens);
    free(b.bytes);
    if (rc)
        tb_q3_bpe_close(b.bpe);
    else
        *out = b.bpe;
    return rc;
}

enum tb_code tb_q3_bpe_open(const char *folder, int im_start, struct tb_q3_bpe **out, struct tb_error *err)
{
    struct tb_bytes vocab = { 0 }, merges = { 0 }, config = { 0 };
    enum tb_code rc;

    *out = NULL;
    if ((rc = tb_q3_read_file(folder, "vocab.json", TB_MAX_VOCAB, &vocab, err)) == TB_OK &&
        (rc = tb_q3_read_file(folder, "merges.txt", TB_MAX_VOCAB, &merges, err)) == TB_OK) {
        rc = tb_q3_read_file(folder, "tokenizer_config.json", TB_MAX_MODEL_CONFIG, &config, err);
        if (rc == TB_OK || rc == TB_ENOTFOUND)
            rc = tb_q3_bpe_parse(tb_bytes_str(&vocab), tb_bytes_str(&merges), tb_bytes_str(&config), im_start, folder,
                                 out, err);
    }
    tb_bytes_free(&vocab);
    tb_bytes_free(&merges);
    tb_bytes_free(&config);
    return rc;
}

void tb_q3_bpe_close(struct tb_q3_bpe *bpe)
{
    if (!bpe)
        return;
    for (int i = 0; i < bpe->special_count; i++)
        free(bpe->specials[i].text);
    free(bpe->specials);
    free(bpe->merges);
    free(bpe);
}

int tb_q3_bpe_size(const struct tb_q3_bpe *bpe)
{
    return bpe->size;
}

int tb_q3_bpe_special(const struct tb_q3_bpe *bpe, struct tb_str token)
{
    for (int i = 0; i < bpe->special_count; i++)
        if (bpe->specials[i].size == token.n && !memcmp(bpe->specials[i].text, token.p, token.n))
            return bpe->specials[i].id;
    return NONE;
}

enum tb_code tb_q3_ids_add(struct tb_q3_ids *ids, int id, struct tb_error *err)
{
    if (ids->n == ids->room) {
        int room = ids->room ? 2 * ids->room : 64;
        int *more = realloc(ids->id, (size_t)room * sizeof *more);

        if (!more)
            return tb_fail(err, TB_ENOMEM, "%d tokens of text", room);
        ids->id = more;
        ids->room = room;
    }
    ids->id[ids->n++] = id;
    return TB_OK;
}

void tb_q3_ids_free(struct tb_q3_ids *ids)
{
    free(ids->id);
    *ids = (struct tb_q3_ids){ 0 };
}

static int rank_of(const struct tb_q3_bpe *bpe, int left, int right)
{
    const struct merge *m = merge_slot(bpe, left, right);

    return m->left == NONE ? INT_MAX : m->rank;
}

/* Merge the ids from `first` to the end of the list, the earliest rank first and the leftmost of equal ones. rank has
 * room for as many numbers. */
static void merge_piece(const struct tb_q3_bpe *bpe, struct tb_q3_ids *ids, int first, int *rank)
{
    int *id = ids->id + first, n = ids->n - first;

    for (int i = 0; i + 1 < n; i++)
        rank[i] = rank_of(bpe, id[i], id[i + 1]);
    for (;;) {
        int best = 0;

        for (int i = 1; i + 1 < n; i++)
            best = rank[i] < rank[best] ? i : best;
        if (n < 2 || rank[best] == INT_MAX)
            break;
        id[best] = merge_slot(bpe, id[best], id[best + 1])->result;
        memmove(id + best + 1, id + best + 2, (size_t)(n - best - 2) * sizeof *id);
        memmove(rank + best, rank + best + 1, (size_t)(n - best - 2) * sizeof *rank);
        n--;
        if (best > 0)
            rank[best - 1] = rank_of(bpe, id[best - 1], id[best]);
        if (best + 1 < n)
            rank[best] = rank_of(bpe, id[best], id[best + 1]);
    }
    ids->n = first + n;
}

/* Text in NFC as code points; *n, which begins as 0, counts them. NULL when out of memory; release with free(). */
static int32_t *composed(struct tb_str text, size_t *n)
{
    UErrorCode rc = U_ZERO_ERROR;
    const UNormalizer2 *nfc = unorm2_getNFCInstance(&rc);
    int32_t room = 3 * (int32_t)text.n + 8, len = 0; /* NFC makes three units of one at most */
    UChar *raw = malloc(2 * (size_t)room * sizeof *raw), *tidy = raw ? raw + room : NULL;
    int32_t *out = malloc(((size_t)room + 1) * sizeof *out);

    if (raw && out) {
        u_strFromUTF8WithSub(raw, room, &len, text.p, (int32_t)text.n, TB_UTF8_BAD, NULL, &rc);
        len = unorm2_normalize(nfc, raw, len, tidy, room, &rc);
        for (int32_t i = 0; U_SUCCESS(rc) && i < len; ++*n)
            U16_NEXT(tidy, i, len, out[*n]);
    }
    if (!raw || !out || U_FAILURE(rc)) {
        free(out);
        out = NULL;
    }
    free(raw);
    return out;
}

/* Text without special tokens in it. */
static enum tb_code encode_plain(const struct tb_q3_bpe *bpe, struct tb_str text, struct tb_q3_ids *out,
                                 struct tb_error *err)
{
    size_t n = 0;
    int32_t *c = text.n ? composed(text, &n) : NULL;
    int *rank = c ? malloc((4 * n + 1) * sizeof *rank) : NULL;
    enum tb_code rc = TB_OK;

    if (text.n && (!c || !rank))
        rc = tb_fail(err, TB_ENOMEM, "a text of %zu bytes", text.n);
    for (size_t at = 0; rc == TB_OK && at < n;) {
        size_t end = tb_q3_piece_end(c, n, at);
        int first = out->n;

        for (; rc == TB_OK && at < end; at++) {
            char bytes[4];
            size_t size = tb_utf8_put(bytes, (uint32_t)c[at]);

            for (size_t i = 0; rc == TB_OK && i < size; i++)
                rc = tb_q3_ids_add(out, bpe->byte_id[(uint8_t)bytes[i]], err);
        }
        if (rc == TB_OK)
            merge_piece(bpe, out, first, rank);
    }
    free(rank);
    free(c);
    return rc;
}

/* The longest special token that text begins with; NULL: none. */
static const struct special *special_at(const struct tb_q3_bpe *bpe, struct tb_str text)
{
    const struct special *best = NULL;

    for (int i = 0; i < bpe->special_count; i++) {
        const struct special *s = &bpe->specials[i];

        if (s->size <= text.n && s->text[0] == text.p[0] && !memcmp(s->text, text.p, s->size) &&
            (!best || s->size > best->size))
            best = s;
    }
    return best;
}

enum tb_code tb_q3_bpe_encode(const struct tb_q3_bpe *bpe, struct tb_str text, bool specials, struct tb_q3_ids *out,
                              struct tb_error *err)
{
    size_t from = 0;
    enum tb_code rc = TB_OK;

    if (text.n > TB_MAX_BPE_TEXT)
        return tb_fail(err, TB_ETOOBIG, "a text of %zu bytes, at most %d", text.n, TB_MAX_BPE_TEXT);
    for (size_t at = 0; rc == TB_OK && specials && at < text.n;) {
        const struct special *s = special_at(bpe, (struct tb_str){ text.p + at, text.n - at });

        if (!s) {
            at++;
            continue;
        }
        rc = encode_plain(bpe, (struct tb_str){ text.p + from, at - from }, out, err);
        if (rc == TB_OK)
            rc = tb_q3_ids_add(out, s->id, err);
        from = at += s->size;
    }
    return rc ? rc : encode_plain(bpe, (struct tb_str){ text.p + from, text.n - from }, out, err);
}
