/* lexicon.h - a pronunciation dictionary in one mapped file, made by tools/convert_lexicon.py.
 *
 * Layout, little-endian, without padding:
 *     4 bytes  "TBLX"
 *     u32      version, 1
 *     u32      count of words
 *     u32      pool size in bytes
 *     u32      [count] offsets into the pool, words in ascending byte order
 *     pool     for each word: u8 length, its bytes; u8 count of variants (1 or more); for each variant: u8 tag
 *              (enum tb_word_tag), u8 length, phoneme symbols as UTF-8; none: spelled letter by letter.
 *              The first has TB_WORD_DEFAULT.
 * The file is read-only, shared by all threads, and not trusted: every offset and
 * length is checked when it is used, and a damaged word is a word not found. */
#ifndef TB_TEXT_G2P_LEXICON_H
#define TB_TEXT_G2P_LEXICON_H

#include "base/str.h"
#include "text/g2p/mapped.h"

/* When a variant holds. */
enum tb_word_tag {
    TB_WORD_DEFAULT,
    TB_WORD_VERB,
    TB_WORD_NOUN,
    TB_WORD_ADJECTIVE,
    TB_WORD_ADVERB,
    TB_WORD_PAST,       /* the simple past */
    TB_WORD_PARTICIPLE, /* past participle */
    TB_WORD_PRESENT,    /* present, not the third person */
    TB_WORD_DETERMINER,
    TB_WORD_LAST, /* before a pause */
    TB_WORD_TAGS
};

struct tb_lexicon {
    const uint8_t *data; /* the whole file */
    size_t size;
    uint32_t count;
    struct tb_mapped file; /* empty when the bytes are the caller's */
};

/* Map a file. TB_EIO: cannot be read; TB_EINVAL: not a lexicon. Release with tb_lexicon_close. */
enum tb_code tb_lexicon_open(const char *path, struct tb_lexicon *out, struct tb_error *err);
/* Use bytes that stay with the caller. */
enum tb_code tb_lexicon_use(const void *data, size_t size, struct tb_lexicon *out, struct tb_error *err);
/* An empty *l is fine; leaves it empty. */
void tb_lexicon_close(struct tb_lexicon *l);

/* The pronunciation of exactly this word, with this tag if there is such a variant, else the default one.
 * *phones points into the file. False: no such word. */
bool tb_lexicon_find(const struct tb_lexicon *l, struct tb_str word, enum tb_word_tag tag, struct tb_str *phones);
/* True when the word has a variant of its own for this tag. */
bool tb_lexicon_has(const struct tb_lexicon *l, struct tb_str word, enum tb_word_tag tag);

#endif
