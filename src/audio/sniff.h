/* sniff.h - what kind of file some bytes are, by their first bytes: names and MIME types that people send are often
 * wrong. Looks at magic numbers only; whether the file is whole is found out by the decoder process. */
#ifndef TB_AUDIO_SNIFF_H
#define TB_AUDIO_SNIFF_H

#include "base/str.h"

enum tb_container {
    TB_CONTAINER_UNKNOWN, /* nothing that we know */
    TB_CONTAINER_OTHER,   /* known, but not taken: Ogg, FLAC, AMR, WebM, ... */
    TB_CONTAINER_WAV,     /* RIFF, RIFX or RF64 */
    TB_CONTAINER_MP3,     /* with or without an ID3v2 tag in front */
    TB_CONTAINER_MP4,     /* ISO base media and QuickTime: M4A, MP4, 3GP, MOV */
    TB_CONTAINER_ADTS     /* bare AAC frames */
};

struct tb_sniff {
    enum tb_container container;
    const char *name; /* for people: "WAV", "Ogg"; never NULL */
};

struct tb_sniff tb_sniff(struct tb_str file);

#endif
