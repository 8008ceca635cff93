/* cmd_say.c - `timbre say`: text to a file or to the loudspeaker, in a cloned voice. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "main/client.h"
#include "main/command.h"
#include "main/local.h"
#include "main/options.h"

enum { RATE = 24000 };

struct say {
    const char *voice, *language, *format_name, *out_path;
    enum tb_format format;
    enum tb_lang lang;
    struct tb_bytes text;
};

/* Where the sound goes: a file, stdout, or a player's standard input ------------------------------------------------*/

struct outlet {
    FILE *f;
    bool player, close;
};

/* The command line of the first player that is installed; NULL: none. All read WAV from standard input. */
static const char *player(void)
{
    static const char *const players[][2] = {
        { "aplay", "aplay -q -" },
        { "paplay", "paplay /dev/stdin" },
        { "ffplay", "ffplay -loglevel error -nodisp -autoexit -" },
    };
    const char *path = getenv("PATH");
    char file[1024];

    for (size_t i = 0; path && i < sizeof players / sizeof players[0]; i++)
        for (const char *p = path; *p; p += strcspn(p, ":"), p += *p == ':') {
            snprintf(file, sizeof file, "%.*s/%s", (int)strcspn(p, ":"), p, players[i][0]);
            if (access(file, X_OK) == 0)
                return players[i][1];
        }
    return NULL;
}

static enum tb_code outlet_open(const struct say *s, struct outlet *o, struct tb_error *err)
{
    *o = (struct outlet){ .close = true };
    if (s->out_path && !strcmp(s->out_path, "-")) {
        o->f = stdout;
        o->close = false;
    } else if (s->out_path) {
        o->f = fopen(s->out_path, "wb");
        if (!o->f)
            return tb_fail(err, TB_EIO, "%s: %s", s->out_path, strerror(errno));
    } else {
        const char *command = player();
        o->player = true;
        if (!command)
            return tb_fail(err, TB_EUNSUPPORTED, "no player found (aplay, paplay or ffplay); write a file with -o");
        o->f = popen(command, "w");
        if (!o->f)
            return tb_fail(err, TB_EIO, "%s: %s", command, strerror(errno));
    }
    return TB_OK;
}

static enum tb_code outlet_write(struct outlet *o, const void *p, size_t n, struct tb_error *err)
{
    if (fwrite(p, 1, n, o->f) == n && (!o->player || fflush(o->f) == 0))
        return TB_OK;
    return tb_fail(err, TB_EIO, "%s: %s", o->player ? "the player stopped" : "cannot write", strerror(errno));
}

static enum tb_code outlet_close(struct outlet *o, enum tb_code rc, struct tb_error *err)
{
    int failed = !o->f ? 0 : o->player ? pclose(o->f) : o->close ? fclose(o->f) : fflush(o->f);

    if (rc == TB_OK && failed)
        return tb_fail(err, TB_EIO, "%s", o->player ? "the player failed: is there a sound device?" : strerror(errno));
    return rc;
}

/* On a server -------------------------------------------------------------------------------------------------------*/

static enum tb_code say_on_server(const struct tb_client *client, const struct say *s, struct tb_error *err)
{
    json_t *answer, *input = json_pack("{s:s%, s:s, s:s}", "text", (const char *)s->text.data, s->text.size, "voice",
                                       s->voice, "language_type", s->language ? s->language : "Auto");
    struct tb_bytes audio = { 0 };
    struct outlet o = { 0 };
    enum tb_code rc;

    if (!input)
        return tb_fail(err, TB_EINVAL, "text or voice is not UTF-8");
    json_t *body = json_pack("{s:s, s:o, s:{s:s}}", "model", TB_DEFAULT_TARGET, "input", input, "parameters",
                             "response_format", s->format_name);
    if ((rc = tb_client_post(client, TB_PATH_SYNTHESIS, body, &answer, err)))
        return rc;
    rc = tb_client_get(tb_client_text(answer, "output", "audio", "url", NULL), &audio, err);
    json_decref(answer);
    if (!rc && !(rc = outlet_open(s, &o, err)))
        rc = outlet_close(&o, outlet_write(&o, audio.data, audio.size, err), err);
    tb_bytes_free(&audio);
    return rc;
}

/* On this machine ---------------------------------------------------------------------------------------------------*/

/* Between speech's threads, which make audio, and this thread, which writes it. */
struct spoken {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct tb_bytes ready;
    uint64_t samples;
    bool done;
    enum tb_code code;
    struct tb_error err;
};

static void on_audio(void *ctx, const void *bytes, size_t n, uint64_t samples)
{
    struct spoken *s = ctx;

    pthread_mutex_lock(&s->lock);
    if (tb_bytes_add(&s->ready, bytes, n) && !s->code)
        s->code = tb_fail(&s->err, TB_ENOMEM, "out of memory");
    s->samples += samples;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void on_drained(void *ctx)
{
    (void)ctx;
}

static void on_done(void *ctx, enum tb_code code, const struct tb_error *err)
{
    struct spoken *s = ctx;

    pthread_mutex_lock(&s->lock);
    s->done = true;
    if (code && !s->code) {
        s->code = code;
        if (err)
            s->err = *err;
    }
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* Write what comes until all is spoken. */
static enum tb_code pump(struct tb_utterance *u, struct spoken *s, struct outlet *o, struct tb_error *err)
{
    int64_t from = tb_mono_us();
    enum tb_code rc = TB_OK;
    bool done = false;

    while (!rc && !done) {
        pthread_mutex_lock(&s->lock);
        while (!s->done && s->ready.size == 0)
            pthread_cond_wait(&s->changed, &s->lock);
        struct tb_bytes taken = s->ready;
        s->ready = (struct tb_bytes){ 0 };
        done = s->done;
        rc = s->code;
        double seconds = (double)s->samples / RATE;
        pthread_mutex_unlock(&s->lock);
        if (taken.size) {
            tb_utterance_taken(u, taken.size);
            rc = rc ? rc : outlet_write(o, taken.data, taken.size, err);
        }
        tb_bytes_free(&taken);
        if (tb_command_on_terminal())
            fprintf(stderr, "\r%.1f s spoken in %.1f s ", seconds, (double)(tb_mono_us() - from) / 1e6);
    }
    if (tb_command_on_terminal())
        fputc('\n', stderr);
    if (s->code)
        *err = s->err;
    return rc;
}

/* The header of a WAV stream cannot know its length; that of a file can be put right. */
static void mend_header(const struct say *s, const struct outlet *o)
{
    uint8_t header[44];
    long size;

    if (s->format != TB_FORMAT_WAV || !s->out_path || !o->close || fseek(o->f, 0, SEEK_END) ||
        (size = ftell(o->f)) < 44)
        return;
    tb_wav_header(header, RATE, (uint32_t)(size - 44));
    if (fseek(o->f, 0, SEEK_SET) == 0)
        fwrite(header, 1, sizeof header, o->f);
}

static enum tb_code speak(struct tb_local *local, const struct say *s, struct tb_str print,
                          const struct tb_model *model, const struct tb_voice_info *info, struct tb_error *err)
{
    struct spoken spoken = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
    struct tb_utterance_config config = {
        .engine = model->engine, .print = print, .language = s->lang, .fallback = TB_LANG_EN,
        .rate = 1, .pitch = 1, .volume = 50, .format = s->format, .sample_rate = RATE, .bit_rate_kbps = 128,
        .events = { on_audio, on_drained, on_done, &spoken },
    };
    struct tb_utterance *u;
    struct outlet o;
    enum tb_code rc;

    tb_lang_from_code(tb_str_of(info->language), &config.fallback);
    if ((rc = outlet_open(s, &o, err)))
        return rc;
    if ((rc = tb_utterance_open(local->speech, &config, &u, err)) == TB_OK) {
        if ((rc = tb_utterance_text(u, tb_bytes_str(&s->text), err)) == TB_OK) {
            tb_utterance_finish(u);
            rc = pump(u, &spoken, &o, err);
        }
        tb_utterance_close(u);
    }
    if (rc == TB_OK)
        mend_header(s, &o);
    tb_bytes_free(&spoken.ready);
    return outlet_close(&o, rc, err);
}

static enum tb_code say_here(const struct tb_config *config, const char *key, const struct say *s,
                             struct tb_error *err)
{
    struct tb_local local = { 0 };
    struct tb_voice_info info;
    struct tb_bytes print = { 0 };
    int64_t account;
    enum tb_code rc;

    if ((rc = tb_local_open_store(config, &local, err)) == TB_OK &&
        (rc = tb_local_account(&local, key, &account, err)) == TB_OK &&
        (rc = tb_store_voice_get(local.store, account, tb_str_of(s->voice), &info, err)) == TB_OK &&
        (rc = tb_local_open(config, NULL, info.target_model, &local, err)) == TB_OK) {
        const struct tb_model *model = tb_voices_model(local.voices, tb_str_of(info.target_model));
        if (!model)
            rc = tb_fail(err, TB_EVOICE, "the voice is for '%s', which is not served here", info.target_model);
        else if (!(rc = tb_voices_renew(local.voices, account, tb_str_of(s->voice), model, &info, &print, err)))
            rc = speak(&local, s, tb_bytes_str(&print), model, &info, err);
    }
    tb_bytes_free(&print);
    tb_local_close(&local);
    return rc;
}

/* The command -------------------------------------------------------------------------------------------------------*/

/* The operands are words of the text; "-" alone is standard input. */
static enum tb_code gather_text(char **words, int count, struct tb_bytes *text, struct tb_error *err)
{
    enum tb_code rc = TB_OK;

    if (count == 1 && !strcmp(words[0], "-")) {
        rc = tb_read_file("-", text, err);
        count = 0;
    }
    for (int i = 0; i < count && !rc; i++)
        if ((rc = tb_bytes_addf(text, "%s%s", i ? " " : "", words[i])))
            tb_fail(err, rc, "text of more than %zu bytes", text->cap);
    if (!rc && (!text->size || strspn((const char *)text->data, " \t\r\n") == text->size))
        rc = tb_fail(err, TB_EINVAL, "the text is empty");
    return rc;
}

static int run_say(const struct tb_command *self, int argc, char **argv)
{
    struct say s = { .format_name = "wav", .text.cap = 4 * TB_MAX_PENDING_TEXT };
    const struct tb_option own[] = { { "voice", 'v', &s.voice, NULL }, { "language", 'l', &s.language, NULL },
                                     { "format", 'f', &s.format_name, NULL }, { "output", 'o', &s.out_path, NULL } };
    const struct tb_client client = tb_client_from_env();
    struct tb_config config;
    struct tb_error err = { 0 };
    int first, code = tb_options_parse(self, argc, argv, own, 4, &config, &first);

    if (code >= 0)
        return code;
    if (!s.voice)
        return tb_command_usage_error(self, "--voice is needed");
    if (first == argc)
        return tb_command_usage_error(self, "TEXT is needed, or - for standard input");
    if (!tb_format_from_name(tb_str_of(s.format_name), &s.format))
        return tb_command_usage_error(self, "format '%s' is none of wav, mp3, opus, pcm", s.format_name);
    if (s.language && !tb_lang_from_name(tb_str_of(s.language), &s.lang))
        return tb_command_usage_error(self, "language '%s' is none of Auto zh en de it pt es ja ko fr ru", s.language);
    if (!s.out_path && s.format != TB_FORMAT_WAV)
        return tb_command_usage_error(self, "playing needs wav; give -o FILE for %s", s.format_name);
    enum tb_code rc = gather_text(argv + first, argc - first, &s.text, &err);
    if (!rc)
        rc = client.url ? say_on_server(&client, &s, &err) : say_here(&config, client.key, &s, &err);
    tb_bytes_free(&s.text);
    return rc ? tb_command_failed(self, &err) : TB_EXIT_OK;
}

const struct tb_command tb_command_say = {
    "say", "speak text in a cloned voice, to a file or the loudspeaker",
    "usage: timbre say --voice VOICE [OPTIONS] TEXT|-\n\n"
    "Plays through aplay, paplay or ffplay, or writes a file. - reads the text from standard input.\n\n"
    "  -v, --voice VOICE       as `timbre voices` lists it\n"
    "  -l, --language L        a language name or code (Auto: by the text)\n"
    "  -f, --format F          wav, mp3, opus or pcm (24 kHz, mono)\n"
    "  -o, --output FILE       write instead of playing; - is standard output\n"
    "  --data DIR, --engine E, --model DIR, --bind ...  without a server: as for `timbre serve`\n\n"
    "With TIMBRE_URL set, the server there speaks (HTTP synthesis: voices made for " TB_DEFAULT_TARGET " only, and no\n"
    "more text than its max_text); without it, any voice of the data folder speaks.\n\n"
    "examples:\n"
    "  timbre say -v qwen-tts-vc-me-voice-20261122231507482-3fa9 -o hello.wav Hello there.\n"
    "  timbre say -v qwen-tts-vc-me-voice-20261122231507482-3fa9 - <story.txt\n",
    run_say,
};
