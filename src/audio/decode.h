/* decode.h - the bytes of a recording that somebody sent, to mono samples at the recording's own rate.
 *
 * Codecs are where the bugs are, so they run in a process of their own (helpers/decode-main.c) that holds nothing,
 * can open nothing and is killed when it takes too long. WAV (8 to 32 bit, float, A-law and mu-law) and MP3 go to
 * timbre-decode, M4A (AAC or ALAC) and bare AAC to timbre-decode-aac. The kind is told from the content alone. */
#ifndef TB_AUDIO_DECODE_H
#define TB_AUDIO_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/pcm.h"
#include "base/error.h"
#include "base/str.h"

struct tb_decode_info {
    char container[16]; /* "WAV" "MP3" "M4A" "AAC" */
    uint32_t rate;      /* Hz, the same as the samples' */
    uint32_t channels;  /* of the file; more than one are averaged */
    double seconds;     /* of the samples that came back */
    bool cut;           /* the file goes on: decoding stops one second past TB_MAX_AUDIO_SECONDS */
};

/* Thread-safe; blocks for as long as decoding takes, TB_DECODE_WALL_MS at most. helper_dir: the folder of the two
 * programs. info may be NULL. On TB_OK the caller owns *out (tb_pcm_free); on failure it is empty.
 * Samples are in [-1, 1]. Low rates and long recordings are not errors here: the caller looks at info.
 * Errors: TB_EAUDIO_FORMAT (known, not taken), TB_EAUDIO_DECODE (garbage, cut off, over a limit), TB_ETOOBIG (over
 * TB_MAX_AUDIO_FILE), TB_EIO (a helper that is missing or does not run), TB_ENOMEM. */
enum tb_code tb_decode(const char *helper_dir, struct tb_str file, struct tb_pcm *out, struct tb_decode_info *info,
                       struct tb_error *err);

#endif
