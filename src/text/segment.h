/* segment.h - cuts text that arrives in pieces of any size into segments to be spoken one after the other.
 *
 * A segment ends after a sentence ender (one of the CJK or ASCII full stop,
 * exclamation mark, question mark, semicolon, with the quotes and brackets that
 * close there) or a newline. A full stop ends a sentence only before white space,
 * and not after an abbreviation, an initial or the number of a list item. In
 * streaming mode the first segment may also end at a comma once 8 characters
 * wait, which shortens the time to the first audio. Text without a border is cut
 * at TB_MAX_SEGMENT code points, at the best place before that.
 *
 * A border is taken only when the character that proves it has arrived, so the
 * segments are the same however the text is cut into pieces. All segments joined
 * are the text, byte for byte (white space stays at the head of the next one).
 *
 *     tb_segmenter_init(&s, true);
 *     tb_segmenter_add(&s, piece);
 *     while (tb_segmenter_next(&s, &segment)) speak(segment);
 *     tb_segmenter_flush(&s);               // nothing to wait for: give the rest
 *     while (tb_segmenter_next(&s, &segment)) speak(segment);
 *     tb_segmenter_free(&s); */
#ifndef TB_TEXT_SEGMENT_H
#define TB_TEXT_SEGMENT_H

#include "base/str.h"

struct tb_segmenter {
    struct tb_bytes text; /* what waits; text[0 .. given) is the segment given last */
    size_t given;         /* bytes */
    size_t flushed;       /* bytes from the start that need not wait for more */
    size_t points;        /* code points in text */
    bool streaming, begun;
};

/* streaming: the first segment may end at a comma. */
void tb_segmenter_init(struct tb_segmenter *s, bool streaming);
/* Add valid UTF-8 of whole code points. TB_ETOOBIG: over TB_MAX_PENDING_TEXT code points would wait; nothing is
 * added. */
enum tb_code tb_segmenter_add(struct tb_segmenter *s, struct tb_str text);
/* What waits now is complete, though it has no end mark. The next segment may end at a comma again. */
void tb_segmenter_flush(struct tb_segmenter *s);
/* The next segment, if a whole one is there. Valid until the next call on s. */
bool tb_segmenter_next(struct tb_segmenter *s, struct tb_str *segment);
/* Code points that wait. */
size_t tb_segmenter_pending(const struct tb_segmenter *s);
/* Free and leave empty. */
void tb_segmenter_free(struct tb_segmenter *s);

#endif
