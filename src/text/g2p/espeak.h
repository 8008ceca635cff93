/* espeak.h - client of the timbre-phonemes process: one line out, one line back.
 *
 * The process is started when first needed. When it dies, answers nonsense or
 * does not answer within TB_PHONEME_TIMEOUT_MS, it is killed and started anew,
 * once per request. Thread-safe: one request at a time. */
#ifndef TB_TEXT_G2P_ESPEAK_H
#define TB_TEXT_G2P_ESPEAK_H

#include "base/str.h"

struct tb_espeak;

/* program is the path of timbre-phonemes, which must be executable. Release with tb_espeak_close. */
enum tb_code tb_espeak_open(const char *program, struct tb_espeak **out, struct tb_error *err);
/* Ends the process too. */
void tb_espeak_close(struct tb_espeak *e);

/* Append the IPA of text in an espeak voice ("en-us", "es"). Control characters of text are taken as spaces.
 * TB_ETOOBIG: over TB_MAX_PHONEME_REQUEST bytes. TB_EIO: no usable answer, even from a new process. */
enum tb_code tb_espeak_ipa(struct tb_espeak *e, const char *voice, struct tb_str text, struct tb_bytes *ipa,
                           struct tb_error *err);

/* The IPA inside one reply line, without the newline: valid UTF-8 after "=". Language marks such as "(en)" are left
 * out. TB_EIO otherwise, with the reason. */
enum tb_code tb_espeak_reply(struct tb_str line, struct tb_bytes *ipa, struct tb_error *err);

#endif
