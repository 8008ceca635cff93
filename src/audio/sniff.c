/* sniff.c - see sniff.h. A table of magic numbers, then the two that have none: MPEG frames start with 11 or 12 set
 * bits, and ISO media files with a box length and one of a few box names. */
#include "audio/sniff.h"

#include <string.h>

struct magic {
    size_t at;
    struct tb_str bytes;
    size_t also_at; /* a second piece, when not empty */
    struct tb_str also;
    struct tb_sniff is;
};

static const struct magic magics[] = {
    { 0, { "RIFF", 4 }, 8, { "WAVE", 4 }, { TB_CONTAINER_WAV, "WAV" } },
    { 0, { "RIFX", 4 }, 8, { "WAVE", 4 }, { TB_CONTAINER_WAV, "WAV" } },
    { 0, { "RF64", 4 }, 8, { "WAVE", 4 }, { TB_CONTAINER_WAV, "WAV" } },
    { 0, { "RIFF", 4 }, 8, { "AVI ", 4 }, { TB_CONTAINER_OTHER, "AVI" } },
    { 0, { "OggS", 4 }, 0, { "", 0 }, { TB_CONTAINER_OTHER, "Ogg" } },
    { 0, { "fLaC", 4 }, 0, { "", 0 }, { TB_CONTAINER_OTHER, "FLAC" } },
    { 0, { "#!AMR", 5 }, 0, { "", 0 }, { TB_CONTAINER_OTHER, "AMR" } },
    { 0, { "\x1a\x45\xdf\xa3", 4 }, 0, { "", 0 }, { TB_CONTAINER_OTHER, "WebM or Matroska" } },
    { 0, { "FORM", 4 }, 8, { "AIF", 3 }, { TB_CONTAINER_OTHER, "AIFF" } },
    { 0, { ".snd", 4 }, 0, { "", 0 }, { TB_CONTAINER_OTHER, "AU" } },
    { 0, { "caff", 4 }, 0, { "", 0 }, { TB_CONTAINER_OTHER, "CAF" } },
    { 0, { "wvpk", 4 }, 0, { "", 0 }, { TB_CONTAINER_OTHER, "WavPack" } },
    { 0, { "MAC ", 4 }, 0, { "", 0 }, { TB_CONTAINER_OTHER, "Monkey's Audio" } },
    { 0, { "MThd", 4 }, 0, { "", 0 }, { TB_CONTAINER_OTHER, "MIDI" } },
    { 0, { "\x30\x26\xb2\x75\x8e\x66\xcf\x11", 8 }, 0, { "", 0 }, { TB_CONTAINER_OTHER, "Windows Media" } },
    { 4, { "ftyp", 4 }, 0, { "", 0 }, { TB_CONTAINER_MP4, "M4A" } },
    { 4, { "moov", 4 }, 0, { "", 0 }, { TB_CONTAINER_MP4, "M4A" } },
    { 4, { "mdat", 4 }, 0, { "", 0 }, { TB_CONTAINER_MP4, "M4A" } },
    { 4, { "wide", 4 }, 0, { "", 0 }, { TB_CONTAINER_MP4, "M4A" } },
    { 4, { "free", 4 }, 0, { "", 0 }, { TB_CONTAINER_MP4, "M4A" } },
    { 4, { "skip", 4 }, 0, { "", 0 }, { TB_CONTAINER_MP4, "M4A" } },
};

static bool has(struct tb_str file, size_t at, struct tb_str bytes)
{
    return at <= file.n && file.n - at >= bytes.n && memcmp(file.p + at, bytes.p, bytes.n) == 0;
}

/* The ID3v2 tag in front, header and footer included; 0 when there is none. Its length has 7 bits in each byte. */
static size_t id3_size(struct tb_str file)
{
    const unsigned char *p = (const unsigned char *)file.p;
    size_t size;

    if (file.n < 10 || memcmp(p, "ID3", 3) != 0 || ((p[6] | p[7] | p[8] | p[9]) & 0x80))
        return 0;
    size = ((size_t)p[6] << 21 | (size_t)p[7] << 14 | (size_t)p[8] << 7 | p[9]) + (p[5] & 0x10 ? 20 : 10);
    return size < file.n ? size : 0;
}

struct tb_sniff tb_sniff(struct tb_str file)
{
    size_t tag = id3_size(file);
    struct tb_str body = { file.p + tag, file.n - tag };
    const unsigned char *p = (const unsigned char *)body.p;

    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (has(body, magics[i].at, magics[i].bytes) && has(body, magics[i].also_at, magics[i].also))
            return magics[i].is;
    if (body.n >= 2 && p[0] == 0xff && (p[1] & 0xf6) == 0xf0) /* layer 0 is not MPEG audio but ADTS */
        return (struct tb_sniff){ TB_CONTAINER_ADTS, "AAC" };
    if (body.n >= 2 && p[0] == 0xff && (p[1] & 0xe0) == 0xe0 && (p[1] & 0x06))
        return (struct tb_sniff){ TB_CONTAINER_MP3, "MP3" };
    if (has(file, 0, TB_STR("ID3")))
        return (struct tb_sniff){ TB_CONTAINER_MP3, "MP3" };
    return (struct tb_sniff){ TB_CONTAINER_UNKNOWN, "unknown" };
}
