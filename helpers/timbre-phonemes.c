/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * timbre-phonemes - phonemes of text, by espeak-ng, as a program of its own.
 *
 * Reads lines from stdin and answers each with one line on stdout, in order:
 *     <voice> TAB <text> NEWLINE      ->  "=" <IPA> NEWLINE
 *                                     or  "!" <reason> NEWLINE
 * Text is UTF-8 without NUL and tab. The IPA has stress marks, and a tie bar
 * (U+0361) between the letters of one phoneme. Ends when stdin ends.
 *
 *     timbre-phonemes --list       the voices, one per line
 *     timbre-phonemes --version    versions of this program and of espeak-ng */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <espeak-ng/speak_lib.h>

enum {
    LINE_MOST = 16 * 1024, /* bytes of a request; a longer one is refused */
    VOICE_MOST = 40,
    /* bit 1: IPA; bit 7: the character in bits 8.. ties the letters of one phoneme */
    IPA_WITH_TIE = 0x02 | 0x80 | (0x361 << 8)
};

/* Choose the voice unless it is the current one. */
static int choose_voice(const char *voice)
{
    static char current[VOICE_MOST];

    if (strcmp(voice, current) == 0)
        return 1;
    if (strlen(voice) >= sizeof current || espeak_SetVoiceByName(voice) != EE_OK)
        return 0;
    strcpy(current, voice);
    return 1;
}

/* espeak gives one clause at a time; line breaks inside would break the protocol. */
static void answer(const char *text)
{
    const void *rest = text;

    putchar('=');
    while (rest) {
        const char *ipa = espeak_TextToPhonemes(&rest, espeakCHARS_UTF8, IPA_WITH_TIE);

        for (; ipa && *ipa; ipa++)
            putchar(*ipa == '\n' || *ipa == '\r' ? ' ' : *ipa);
        if (rest)
            putchar(' ');
    }
    putchar('\n');
}

static void serve(void)
{
    static char line[LINE_MOST];

    while (fgets(line, sizeof line, stdin)) {
        size_t n = strlen(line);
        char *text = strchr(line, '\t');

        if (n == 0 || line[n - 1] != '\n') {
            int c;

            while ((c = getchar()) != EOF && c != '\n')
                continue;
            puts("!line too long or not whole");
        } else if (!text) {
            puts("!no tab");
        } else {
            line[n - 1] = 0;
            *text++ = 0;
            if (choose_voice(line))
                answer(text);
            else
                puts("!no such voice");
        }
        if (fflush(stdout))
            return;
    }
}

static void list_voices(void)
{
    const espeak_VOICE **voices = espeak_ListVoices(NULL);

    for (; voices && *voices; voices++) /* languages begins with a priority byte */
        printf("%s\t%s\n", (*voices)->languages + 1, (*voices)->name);
}

int main(int argc, char **argv)
{
    if (argc > 2 || (argc == 2 && strcmp(argv[1], "--list") && strcmp(argv[1], "--version"))) {
        fprintf(stderr, "usage: timbre-phonemes [--list | --version]\n");
        return 2;
    }
    if (espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, NULL, espeakINITIALIZE_DONT_EXIT) < 0) {
        fprintf(stderr, "timbre-phonemes: espeak-ng cannot find its data\n");
        return 1;
    }
    if (argc == 1)
        serve();
    else if (strcmp(argv[1], "--list") == 0)
        list_voices();
    else
        printf("timbre-phonemes 1, espeak-ng %s\n", espeak_Info(NULL));
    espeak_Terminate();
    return 0;
}
