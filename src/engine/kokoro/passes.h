/* passes.h - the phonemes of a segment as tokens, cut into passes of the network. */
#ifndef TB_ENGINE_KOKORO_PASSES_H
#define TB_ENGINE_KOKORO_PASSES_H

#include "base/str.h"

enum {
    TB_PASS_TOKENS = 200, /* of one pass, without the padding: about 15 s of speech */
    TB_PASS_FIRST = 48,   /* of the first, 3 s: what is done before its first sound grows with it */
    TB_PASS_UNSURE = 8    /* the last of an opening, which are spoken otherwise once it is known what follows */
};

/* What ends a pass, and so how long the pause after it is. */
enum tb_pause { TB_PAUSE_NONE, TB_PAUSE_COMMA, TB_PAUSE_SENTENCE };

/* The tokens of UTF-8 phonemes, appended to out; symbols that the model lacks are left out. */
enum tb_code tb_passes_tokens(struct tb_str phonemes, struct tb_bytes *out);
/* How many of n tokens the next pass takes: all when they fit, else up to the last end of a sentence, comma or space
 * that does, in this order of preference, if that leaves the pass at least a third full. 0 for n = 0.
 * Of a pass that had better be short (wish < TB_PASS_TOKENS, at least 1) the end of a sentence or comma that is nearest
 * to the wish, from below if that is at least a third of it; where there is none, as if nothing were wished: no pass
 * ends between two words for that. */
size_t tb_passes_next(const uint8_t *tokens, size_t n, size_t wish);
/* How many of n tokens are planned alone, so that the first sound need not wait for a plan of all: as many as make some
 * 2.5 s, up to a word's end; n where there are not many more. */
size_t tb_passes_opening(const uint8_t *tokens, size_t n);
/* By the last token that is not a space. */
enum tb_pause tb_passes_pause(const uint8_t *tokens, size_t n);
/* False when nothing in them sounds: punctuation and spaces only. */
bool tb_passes_sounds(const uint8_t *tokens, size_t n);

#endif
