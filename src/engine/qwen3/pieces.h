/* pieces.h - the cut of text before BPE: where the pieces of Qwen2's regular expression end.
 *
 *     (?i:'s|'t|'re|'ve|'m|'ll|'d) | [^\r\n\p{L}\p{N}]?\p{L}+ | \p{N} | ?[^\s\p{L}\p{N}]+[\r\n]* | \s*[\r\n]+
 *     | \s+(?!\S) | \s+
 *
 * (the fourth begins with an optional space). Pieces cover the text without gaps. */
#ifndef TB_ENGINE_QWEN3_PIECES_H
#define TB_ENGINE_QWEN3_PIECES_H

#include <stddef.h>
#include <stdint.h>

/* End of the piece of code points c [n] that begins at `at` < n. */
size_t tb_q3_piece_end(const int32_t *c, size_t n, size_t at);

#endif
