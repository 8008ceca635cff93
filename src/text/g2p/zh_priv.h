/* zh_priv.h - what the parts of the Chinese G2P share: one run of Han characters, cut into words. */
#ifndef TB_TEXT_G2P_ZH_PRIV_H
#define TB_TEXT_G2P_ZH_PRIV_H

#include "text/g2p/zh_dict.h"
#include "text/g2p/zh_pinyin.h"

enum { TB_ZH_RUN_MOST = 256 /* characters; longer runs are read in pieces */ };

struct tb_zh_run {
    const struct tb_zh_dict *dict;
    struct tb_str text;
    size_t n, words;
    uint32_t c[TB_ZH_RUN_MOST];
    size_t at[TB_ZH_RUN_MOST + 1];                          /* byte of each character, and of the end */
    size_t word[TB_ZH_RUN_MOST + 1];                        /* first character of each word, and the end */
    char class[TB_ZH_RUN_MOST];                             /* of each word: jieba's letter, 'x' unknown */
    char syllable[TB_ZH_RUN_MOST][TB_ZH_SYLLABLE_MOST];     /* of each character, NUL-terminated; "": none */
};

/* Cut the run, whose text, c, at and n are set, into words. */
void tb_zh_cut(struct tb_zh_run *r);
/* Give every character its reading. */
void tb_zh_read(struct tb_zh_run *r);
/* Turn the tones of the dictionary into those of speech: neutral tones, 一 and 不, third tones in a row. */
void tb_zh_tones(struct tb_zh_run *r);

/* The text of n characters from `first`. */
struct tb_str tb_zh_span(const struct tb_zh_run *r, size_t first, size_t n);
/* Is the text one of the words between spaces? */
bool tb_zh_listed(const char *list, struct tb_str word);
/* Character i, or 0 outside the run. */
uint32_t tb_zh_char(const struct tb_zh_run *r, size_t i);
/* Is c one of these? */
bool tb_zh_is_one(uint32_t c, const char *characters);
int tb_zh_tone(const struct tb_zh_run *r, size_t i); /* 1 .. 5; 0: none */
void tb_zh_set_tone(struct tb_zh_run *r, size_t i, int tone);

#define TB_ZH_DIGITS "零一二三四五六七八九十两"

#endif
