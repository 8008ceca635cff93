/* english_tags.h - which of a word's pronunciations its neighbours ask for. */
#ifndef TB_TEXT_G2P_ENGLISH_TAGS_H
#define TB_TEXT_G2P_ENGLISH_TAGS_H

#include "text/g2p/lexicon.h"

/* A word's surroundings; words in lower case, empty where a pause is. */
struct tb_neighbours {
    struct tb_str before2, before, after; /* words within the same clause */
    bool past;                            /* the sentence speaks of the past: yesterday, ago, last week */
};

/* A guess; TB_WORD_DEFAULT when nothing speaks. word: lower case. */
enum tb_word_tag tb_english_tag(const struct tb_lexicon *l, struct tb_str word, const struct tb_neighbours *near);
/* True when a word of the sentence (lower case) puts it into the past. */
bool tb_english_speaks_of_past(struct tb_str word);

#endif
