/* cmd_serve.c - `timbre serve`: the server in the foreground until SIGTERM or SIGINT. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "main/command.h"
#include "main/local.h"
#include "main/options.h"
#include "server/server.h"
#include "tensor/cpu.h"

enum { SWEEP_EVERY_S = 3600 };

static struct tb_server *running; /* for the signal handler */

static void on_signal(int number)
{
    (void)number;
    int saved = errno;
    tb_server_stop(running);
    errno = saved;
}

static void catch_signals(struct tb_server *server)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

    running = server;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

/* Each connection is a descriptor; the soft limit of a shell (1024) is under TB_MAX_CONNECTIONS. That of a container
 * may be a million, for each of which the event loop would hold a table entry. */
static void set_file_limit(void)
{
    struct rlimit limit;
    const rlim_t wanted = TB_MAX_CONNECTIONS + 512;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* The hourly sweep of old voices and files, on a thread of its own because the disk may take its time. */
struct sweeper {
    struct tb_voices *voices;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
};

static void *sweep(void *arg)
{
    struct sweeper *s = arg;

    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        struct tb_error err;
        struct timespec until;

        pthread_mutex_unlock(&s->lock);
        if (tb_voices_sweep(s->voices, &err))
            tb_log(TB_LOG_WARN, "sweep-failed", "error=\"%s\"", err.text);
        pthread_mutex_lock(&s->lock);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += SWEEP_EVERY_S;
        while (!s->stop && pthread_cond_timedwait(&s->wake, &s->lock, &until) == 0)
            ;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static bool sweeper_start(struct sweeper *s, struct tb_voices *voices)
{
    *s = (struct sweeper){ .voices = voices };
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    return pthread_create(&s->thread, NULL, sweep, s) == 0;
}

static void sweeper_stop(struct sweeper *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
}

/* A server without a key answers 401 to everybody: take the one of the environment, else make the first one. */
static enum tb_code ensure_key(struct tb_local *l, bool any_key, struct tb_error *err)
{
    const char *chosen = getenv("DASHSCOPE_API_KEY");
    struct tb_key_info *keys = NULL;
    size_t count = 0, valid = 0;
    int64_t account;
    char made[64];
    enum tb_code rc;

    if (chosen && chosen[0])
        return tb_store_key_import(l->store, chosen, "DASHSCOPE_API_KEY", &account, err);
    if (any_key)
        return TB_OK;
    if ((rc = tb_store_key_list(l->store, &keys, &count, err)))
        return rc;
    for (size_t i = 0; i < count; i++)
        valid += !keys[i].revoked;
    free(keys);
    if (valid > 0)
        return TB_OK;
    if ((rc = tb_store_key_add(l->store, "first", 0, made, err)))
        return rc;
    fprintf(stderr, "There was no key yet. This one is shown once, keep it:\n\n    export DASHSCOPE_API_KEY=%s\n\n",
            made);
    return TB_OK;
}

static enum tb_code serve(const struct tb_config *c, struct tb_local *l, struct tb_error *err)
{
    const struct tb_server_config config = {
        .listen = c->listen,
        .ws_accept_delay_ms = (int)c->ws_accept_delay_ms,
        .api = {
            .store = l->store,
            .voices = l->voices,
            .speech = l->speech,
            .workers = (int)c->workers,
            .public_url = c->public_url[0] ? c->public_url : NULL,
            .default_model = c->default_model[0] ? c->default_model : NULL,
            .max_text = (size_t)c->max_text,
            .max_sessions = (size_t)c->max_sessions,
            .synthesis_ms = c->synthesis_ms,
            .idle_ms = c->idle_ms,
            .any_key = c->any_key,
        },
    };
    struct tb_server *server;
    struct sweeper sweeper;
    char host[TB_CONFIG_TEXT];
    enum tb_code rc;

    if ((rc = tb_server_open(&config, &server, err)))
        return rc;
    catch_signals(server);
    struct tb_error unprepared;
    if (tb_voices_prepare(l->voices, &unprepared))
        tb_log(TB_LOG_WARN, "voices-not-prepared", "error=\"%s\"", unprepared.text);
    snprintf(host, sizeof host, "%s", c->listen);
    *strrchr(host, ':') = 0;
    printf("listening http://%s:%d\n", host[0] ? host : "127.0.0.1", tb_server_port(server));
    fflush(stdout);
    bool sweeping = sweeper_start(&sweeper, l->voices);
    rc = tb_server_run(server, err);
    if (sweeping)
        sweeper_stop(&sweeper);
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    tb_server_close(server);
    return rc;
}

static int run(const struct tb_command *self, int argc, char **argv)
{
    struct tb_config config;
    struct tb_local local = { 0 };
    struct tb_error err = { 0 };
    int first, done = tb_options_parse(self, argc, argv, NULL, 0, &config, &first);

    if (done >= 0)
        return done;
    if (first < argc)
        return tb_command_usage_error(self, "unexpected '%s'", argv[first]);
    tb_log_set_level(config.log_level);
    set_file_limit();
    tb_clock_shift(config.test_clock_shift_s * 1000);
    int64_t from = tb_mono_us();
    if (tb_local_open(&config, NULL, NULL, &local, &err) || ensure_key(&local, config.any_key, &err)) {
        tb_local_close(&local);
        return tb_command_failed(self, &err);
    }
    for (size_t i = 0; i < local.model_count; i++)
        tb_log(TB_LOG_INFO, "bound", "model=%s engine=%s", local.models[i].name, local.models[i].engine->ops->name);
    tb_log(TB_LOG_INFO, "ready", "cpu=%s threads=%d ms=%lld", tb_cpu_name(tb_tensor_level()),
           tb_pool_threads(local.pool), (long long)((tb_mono_us() - from) / 1000));
    enum tb_code rc = serve(&config, &local, &err);
    tb_local_close(&local);
    return rc ? tb_command_failed(self, &err) : TB_EXIT_OK;
}

const struct tb_command tb_command_serve = {
    "serve", "run the server",
    "usage: timbre serve [OPTIONS]\n\n"
    "Serves voice cloning and synthesis until SIGTERM or SIGINT, then lets running answers end (10 s at most).\n"
    "Prints one line on stdout when it is ready: listening http://HOST:PORT. The log goes to stderr.\n"
    "Keys are those of the data folder (`timbre keys`) and the one in DASHSCOPE_API_KEY; if there is none, one is\n"
    "made and shown once.\n\n"
    "  --listen HOST:PORT         where to listen (127.0.0.1:8080); port 0 picks a free one\n"
    "  --data DIR                 accounts, keys, voices (var/data)\n"
    "  --engine kokoro|qwen3      the speech engine (kokoro)\n"
    "  --model DIR                its weights (var/models/kokoro); of qwen3 the downloaded Qwen3-TTS-12Hz Base folder\n"
    "  --bind MODEL:ENGINE,...    model names that another engine serves, which is then loaded too\n"
    "  --kokoro-model DIR, --qwen3-model DIR  the weights of each engine\n"
    "  --weights int8|int4|float  of qwen3: talker in 8 or 4 bits and code predictor in 4, or exact (int8)\n"
    "  --cache DIR                those, made at the first start (the data folder's name with .cache)\n"
    "  --config FILE              settings, one `key = value` a line; options win over it (docs/CONFIG.md)\n"
    "  --public-url URL           base of audio URLs, when clients reach the server under another name\n"
    "  --default-model NAME       for realtime connections that name no model\n"
    "  --max-text N               characters of one HTTP synthesis (600)\n"
    "  --max-voices N             voices of one account (1000)\n"
    "  --max-sessions N           realtime connections at once (4096)\n"
    "  --max-syntheses N          syntheses at once, over HTTP and in sessions (256)\n"
    "  --max-load PERCENT         of the time that may be promised to listeners (85)\n"
    "  --synthesis-ms N           longest work on one HTTP synthesis (300000)\n"
    "  --idle-ms N                close a realtime session that says nothing for so long (60000)\n"
    "  --ws-accept-delay-ms N     pause before a WebSocket is accepted (5); the Java SDK needs it\n"
    "  --threads N                computing threads (0: one per core)\n"
    "  --windows yes|no           sound before a sentence is done (yes)\n"
    "  --workers N                threads for requests (2)\n"
    "  --allow-private-urls yes|no  fetch recordings from private addresses too (no)\n"
    "  --allow-urls LIST          private addresses that recordings may be fetched from: 10.0.0.7:9000,[fd00::7]:80\n"
    "  --keep-recordings yes|no   keep recordings, so that another engine can speak with a voice later (no)\n"
    "  --any-key yes|no           take any key as one account (no)\n"
    "  --log-level LEVEL          debug, info, warn, error or none (info)\n\n"
    "examples:\n"
    "  timbre serve\n"
    "  timbre serve --listen 0.0.0.0:8080 --public-url http://voices.example:8080\n"
    "  timbre serve --bind qwen3-tts-vc-2026-01-22:qwen3 --qwen3-model /path/to/Qwen3-TTS-12Hz-0.6B-Base\n"
    "  DASHSCOPE_API_KEY=sk-mine timbre serve --config /etc/timbre.conf\n",
    run,
};
