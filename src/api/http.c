/* http.c - see http.h: routes, who may ask, the common part of all requests, and how an answer leaves.
 *
 * Order of checks (docs/API.md): path, key, method, headers that ask for what we have not, JSON; the rest is the
 * surface's. */
#include "api/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

enum { SMALL_BODY = 64 * 1024 }; /* parsed in a millisecond: no need to queue behind enrolments */

struct tb_route {
    const char *path;
    bool prefix; /* path begins with this */
    bool post;   /* POST with a key; else GET and HEAD without one */
    const char *name;
    void (*run)(struct tb_exchange *x);   /* worker */
    void (*reply)(struct tb_exchange *x); /* loop, instead of run */
};

static void send_text(struct tb_exchange *x, char *text)
{
    size_t n = text ? strlen(text) : 0;

    tb_exchange_head(x, 200, "text/plain; charset=utf-8", (int64_t)n, "Cache-Control: no-store\r\n");
    if (n && !tb_str_eq(x->method, "HEAD"))
        x->reply.write(x->reply.ctx, text, n);
    free(text);
    tb_exchange_end(x);
}

static void reply_health(struct tb_exchange *x)
{
    send_text(x, tb_str_dup(TB_STR("ok\n")));
}

static void reply_metrics(struct tb_exchange *x)
{
    send_text(x, tb_api_metrics(x->api));
}

/* A plain GET where a WebSocket handshake belongs. */
static void reply_no_upgrade(struct tb_exchange *x)
{
    tb_problem_set(&x->problem, TB_P_ENDPOINT, NULL, NULL);
    tb_exchange_answer(x);
}

static const struct tb_route routes[] = {
    { "/api/v1/services/audio/tts/customization", false, true, "customization", tb_customization_run, NULL },
    { "/api/v1/services/aigc/multimodal-generation/generation", false, true, "synthesis", tb_synthesis_run, NULL },
    { "/files/", true, false, "file", tb_files_run, NULL },
    { "/healthz", false, false, "health", NULL, reply_health },
    { "/metrics", false, false, "metrics", NULL, reply_metrics },
};

static const struct tb_route no_upgrade = { "", false, false, "realtime", NULL, reply_no_upgrade };

static const struct tb_route *find_route(struct tb_str path)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        size_t n = strlen(routes[i].path);

        if (routes[i].prefix ? path.n > n && memcmp(path.p, routes[i].path, n) == 0
                             : tb_str_eq(tb_path_trim(path), routes[i].path))
            return &routes[i];
    }
    return tb_path_realtime(path) ? &no_upgrade : NULL;
}

/* Release -----------------------------------------------------------------------------------------------------------*/

static void unref(struct tb_exchange *x)
{
    if (--x->refs)
        return;
    *(x->prev ? &x->prev->next : &x->api->exchanges) = x->next;
    if (x->next)
        x->next->prev = x->prev;
    x->api->counters.exchanges_open--;
    tb_synthesis_free(x);
    json_decref(x->request);
    tb_bytes_free(&x->body);
    free(x->answer);
    free(x->file_path);
    free(x->text);
    free(x);
}

void tb_exchange_gone(struct tb_exchange *x)
{
    if (!x->ended) {
        x->api->counters.failed++;
        tb_log(TB_LOG_INFO, "client-gone", "request=%s route=%s ms=%lld", x->request_id,
               x->route ? x->route->name : "none", (long long)((tb_mono_us() - x->began_us) / 1000));
    }
    x->gone = true;
    if (!x->working) /* else no stream runs: none is open before the first visit to a worker or during the second */
        tb_synthesis_stop(x);
    unref(x);
}

void tb_exchange_end_all(struct tb_api *api)
{
    struct tb_exchange *next;

    for (struct tb_exchange *x = api->exchanges; x; x = next) {
        next = x->next;
        if (!x->gone)
            tb_exchange_gone(x);
    }
}

void tb_exchange_taken(struct tb_exchange *x, size_t n)
{
    if (!x->gone && !x->working)
        tb_synthesis_taken(x, n);
}

/* Answers -----------------------------------------------------------------------------------------------------------*/

void tb_exchange_head(struct tb_exchange *x, int status, const char *type, int64_t length, const char *extra)
{
    static const char allow_origin[] = "Access-Control-Allow-Origin: *\r\n"
                                       "Access-Control-Expose-Headers: x-request-id\r\n";
    char headers[1024];

    snprintf(headers, sizeof headers, "%s%s", extra, x->cross_origin ? allow_origin : "");
    x->headed = true;
    x->status = status;
    x->reply.head(x->reply.ctx, status, type, length, x->request_id, headers[0] ? headers : NULL);
}

void tb_exchange_end(struct tb_exchange *x)
{
    struct tb_api_counters *c = &x->api->counters;

    x->ended = true;
    c->requests++;
    c->refused += x->status >= 400 && x->status < 500;
    c->failed += x->status >= 500;
    tb_log(TB_LOG_INFO, "http", "request=%s route=%s status=%d code=%s account=%lld ms=%.1f", x->request_id,
           x->route ? x->route->name : "none", x->status, x->problem.kind ? tb_problem_code(&x->problem) : "-",
           (long long)x->account, (double)(tb_mono_us() - x->began_us) / 1000.0);
    x->reply.end(x->reply.ctx);
}

void tb_exchange_answer(struct tb_exchange *x)
{
    int status = tb_problem_status(&x->problem);
    char *text;
    size_t n;

    if (!x->problem.kind && !x->answer)
        tb_problem_set(&x->problem, TB_P_BUSY, NULL, NULL); /* no memory for the answer */
    if (x->problem.kind) {
        status = tb_problem_status(&x->problem);
        if (status >= 500)
            tb_log(TB_LOG_ERROR, "failed", "request=%s detail=\"%s\"", x->request_id, x->problem.detail);
        text = tb_problem_json(&x->problem, x->request_id);
    } else {
        text = x->answer;
        x->answer = NULL;
    }
    n = text ? strlen(text) : 0;
    tb_exchange_head(x, status, "application/json", (int64_t)n,
                     status == 503 || status == 429 ? "Retry-After: 1\r\n" : "");
    if (n && !tb_str_eq(x->method, "HEAD"))
        x->reply.write(x->reply.ctx, text, n);
    free(text);
    tb_exchange_end(x);
}

/* To the workers and back -------------------------------------------------------------------------------------------*/

static void job_run(struct tb_job *job)
{
    struct tb_exchange *x = TB_HOLDER(job, struct tb_exchange, job);

    x->run(x);
}

static void job_done(struct tb_job *job)
{
    struct tb_exchange *x = TB_HOLDER(job, struct tb_exchange, job);
    void (*then)(struct tb_exchange *) = x->then, (*more)(struct tb_exchange *) = x->more;

    x->working = false;
    if (!x->gone && !job->dropped) {
        x->then = x->more = NULL;
        if (more)
            tb_exchange_work(x, x->api->heavy, true, more, NULL);
        else if (then)
            then(x);
        else
            tb_exchange_answer(x);
    }
    unref(x);
}

void tb_exchange_work(struct tb_exchange *x, struct tb_work *work, bool first, void (*run)(struct tb_exchange *x),
                      void (*then)(struct tb_exchange *x))
{
    x->run = run;
    x->then = then;
    x->on_heavy = work == x->api->heavy;
    x->job.run = job_run;
    x->job.done = job_done;
    x->working = true;
    x->refs++;
    if (!first) {
        tb_work_follow(work, &x->job);
    } else if (tb_work_add(work, &x->job)) {
        x->refs--;
        x->working = false;
        x->then = NULL;
        tb_problem_set(&x->problem, TB_P_BUSY, NULL, "the work queue is full");
        tb_exchange_answer(x);
    }
}

/* Requests ----------------------------------------------------------------------------------------------------------*/

/* Key, method and headers of a POST surface. On a worker. */
static bool may_ask(struct tb_exchange *x)
{
    char method[24];
    struct tb_error err = { 0 };
    enum tb_code rc = tb_api_account(x->api, x->authorization, TB_STR(""), &x->account, &err);

    if (rc == TB_ENOTFOUND)
        return tb_problem_set(&x->problem, TB_P_KEY, NULL, NULL);
    if (rc)
        return tb_problem_from(&x->problem, rc, &err);
    snprintf(method, sizeof method, "%.*s", (int)x->method.n, x->method.p);
    if (strcmp(method, "POST") != 0)
        return tb_problem_set(&x->problem, TB_P_METHOD, method, NULL);
    if (x->async)
        return tb_problem_set(&x->problem, TB_P_ASYNC, NULL, NULL);
    if (x->encrypted)
        return tb_problem_set(&x->problem, TB_P_BODY, NULL,
                              "Encrypted input (X-DashScope-EncryptionKey) is not supported.");
    return true;
}

static void run_post(struct tb_exchange *x)
{
    struct tb_error err = { 0 };

    if (!may_ask(x))
        return;
    if (x->body.size > TB_MAX_BODY) {
        tb_problem_set(&x->problem, TB_P_TOO_LARGE, NULL, "%zu bytes, at most %d are taken", x->body.size, TB_MAX_BODY);
        return;
    }
    x->request = tb_json_object(tb_bytes_str(&x->body), &err);
    tb_bytes_free(&x->body);
    if (!x->request) {
        tb_problem_set(&x->problem, TB_P_BODY, NULL, "%s", err.text);
        return;
    }
    x->route->run(x);
}

static void run_get(struct tb_exchange *x)
{
    x->route->run(x);
}

bool tb_request_model(struct tb_exchange *x, struct tb_str *model)
{
    const json_t *value = tb_json_member(x->request, "model");
    char got[64];

    *model = tb_json_str(value);
    if (!value || (json_is_string(value) && !model->n))
        return tb_problem_set(&x->problem, TB_P_MODEL_MISSING, NULL, NULL);
    tb_json_show(value, got);
    return json_is_string(value) ||
           tb_problem_set(&x->problem, TB_P_FIELD, "model", "Got %s: a string is needed.", got);
}

bool tb_request_input(struct tb_exchange *x, json_t **input)
{
    *input = tb_json_member(x->request, "input");
    if (!*input)
        return tb_problem_set(&x->problem, TB_P_INPUT_MISSING, NULL, NULL);
    return json_is_object(*input) || tb_problem_set(&x->problem, TB_P_INPUT_TYPE, NULL, NULL);
}

/* Copy the spans that outlive tb_exchange_open. */
static bool copy_request(struct tb_exchange *x, const struct tb_http_request *req)
{
    const struct {
        struct tb_str from, *to;
    } parts[] = { { req->method, &x->method }, { req->path, &x->path },   { req->query, &x->query },
                  { req->authorization, &x->authorization },              { req->host, &x->host },
                  { req->range, &x->range } };
    size_t size = 1;
    char *at;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        size += parts[i].from.n;
    if (!(at = x->text = malloc(size)))
        return false;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        *parts[i].to = (struct tb_str){ at, parts[i].from.n };
        if (parts[i].from.n)
            memcpy(at, parts[i].from.p, parts[i].from.n);
        at += parts[i].from.n;
    }
    x->sse = tb_str_eq_nocase(req->sse, "enable");
    x->async = tb_str_eq_nocase(req->async, "enable");
    x->encrypted = req->encryption.n > 0;
    x->cross_origin = req->origin.n > 0;
    if (req->body_bytes) {
        x->body = *req->body_bytes;
        *req->body_bytes = (struct tb_bytes){ .cap = x->body.cap };
        return true;
    }
    return !req->body.n || tb_bytes_add(&x->body, req->body.p, req->body.n) == TB_OK;
}

static void reply_options(struct tb_exchange *x)
{
    x->cross_origin = true;
    tb_exchange_head(x, 204, "", 0,
                     "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n"
                     "Access-Control-Allow-Headers: Authorization, Content-Type, X-DashScope-SSE, "
                     "X-DashScope-WorkSpace, X-DashScope-DataInspection, Cache-Control, X-Accel-Buffering, Range\r\n"
                     "Access-Control-Max-Age: 86400\r\n");
    tb_exchange_end(x);
}

static void dispatch(struct tb_exchange *x)
{
    const struct tb_route *route = x->route;
    char method[24];

    if (!route) {
        tb_problem_set(&x->problem, TB_P_PATH, NULL, NULL);
        tb_exchange_answer(x);
    } else if (tb_str_eq(x->method, "OPTIONS")) {
        reply_options(x);
    } else if (route->post) {
        tb_exchange_work(x, x->body.size > SMALL_BODY ? x->api->heavy : x->api->quick, true, run_post, NULL);
    } else if (!tb_str_eq(x->method, "GET") && !tb_str_eq(x->method, "HEAD")) {
        snprintf(method, sizeof method, "%.*s", (int)x->method.n, x->method.p);
        tb_problem_set(&x->problem, TB_P_METHOD, method, NULL);
        tb_exchange_answer(x);
    } else if (route->reply) {
        route->reply(x);
    } else {
        tb_exchange_work(x, x->api->quick, true, run_get, NULL);
    }
}

bool tb_exchange_wants_body(struct tb_api *api, const struct tb_http_request *req)
{
    const struct tb_route *route = find_route(req->path);
    int64_t account;

    return route && route->post && tb_str_eq(req->method, "POST") &&
           tb_api_account(api, req->authorization, TB_STR(""), &account, NULL) != TB_ENOTFOUND;
}

struct tb_exchange *tb_exchange_open(struct tb_api *api, const struct tb_http_request *req,
                                     const struct tb_http_reply *reply)
{
    struct tb_exchange *x = calloc(1, sizeof *x);

    if (!x)
        return NULL;
    x->api = api;
    x->refs = 1;
    x->reply = *reply;
    x->began_us = tb_mono_us();
    tb_request_id(x->request_id);
    x->next = api->exchanges;
    if (x->next)
        x->next->prev = x;
    api->exchanges = x;
    api->counters.exchanges_open++;
    if (!copy_request(x, req)) {
        tb_problem_set(&x->problem, TB_P_BUSY, NULL, "no memory for a request of %zu bytes", req->body.n);
        tb_exchange_answer(x);
        return x;
    }
    x->route = find_route(x->path);
    dispatch(x);
    return x;
}
