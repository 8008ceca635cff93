/* api_double.h - an api that says little: what the server does can be seen without voices, engines and models.
 *
 * /echo gives the body back with its length, and so does /secret, which wants one from the key "good" only; /chunks
 * three pieces of unknown length, through the loop's post and after; /file the file named in double_file; /hold answers
 * never; /flood writes as fast as it is taken, for ever. A dialogue echoes text, closes with 1000 when it is told
 * "close", and with 1012 when the server stops. */
#ifndef TB_TEST_API_DOUBLE_H
#define TB_TEST_API_DOUBLE_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

struct tb_api {
    struct tb_loop loop;
};

struct tb_exchange {
    struct tb_api *api;
    struct tb_http_reply reply;
    char *answer;
    int step;
    bool gone, pending;
    size_t waiting; /* written and not taken */
};

struct tb_dialogue {
    struct tb_dialogue_out out;
};

static char double_file[256];
static atomic_int double_open; /* exchanges and dialogues alive */
static atomic_size_t double_most_waiting;

enum tb_code tb_api_open(const struct tb_api_config *config, struct tb_api **out, struct tb_error *err)
{
    (void)err;
    *out = calloc(1, sizeof **out);
    (*out)->loop = config->loop;
    return TB_OK;
}

void tb_api_close(struct tb_api *api)
{
    free(api);
}

void tb_api_refusal(struct tb_api *api, enum tb_code code, const char *text, int *status, char **body)
{
    (void)api;
    *status = code == TB_EBUSY ? 503 : 400;
    *body = malloc(200);
    snprintf(*body, 200, "{\"code\":\"%s\",\"message\":\"%.100s\"}", tb_code_name(code), text);
}

static void free_exchange(struct tb_exchange *x)
{
    if (x->gone && !x->pending) {
        atomic_fetch_sub(&double_open, 1);
        free(x->answer);
        free(x);
    }
}

static void next_chunk(void *arg)
{
    struct tb_exchange *x = arg;

    x->pending = false;
    if (!x->gone && x->step < 3) {
        x->reply.write(x->reply.ctx, "0123456789" + x->step, 5);
        x->step++;
        x->pending = true;
        if (x->step == 1)
            x->api->loop.post(x->api->loop.ctx, next_chunk, x);
        else
            x->api->loop.after(x->api->loop.ctx, 5, next_chunk, x);
    } else if (!x->gone) {
        x->reply.end(x->reply.ctx);
    }
    free_exchange(x);
}

static void flood(struct tb_exchange *x)
{
    static char piece[64 * 1024];

    for (; x->waiting < 1024 * 1024; x->waiting += sizeof piece)
        x->reply.write(x->reply.ctx, piece, sizeof piece);
    if (x->waiting > atomic_load(&double_most_waiting))
        atomic_store(&double_most_waiting, x->waiting);
}

bool tb_exchange_wants_body(struct tb_api *api, const struct tb_http_request *req)
{
    (void)api;
    return !tb_str_eq(req->path, "/secret") || tb_str_eq(req->authorization, "Bearer good");
}

struct tb_exchange *tb_exchange_open(struct tb_api *api, const struct tb_http_request *req,
                                     const struct tb_http_reply *reply)
{
    struct tb_exchange *x = calloc(1, sizeof *x);

    x->api = api;
    x->reply = *reply;
    atomic_fetch_add(&double_open, 1);
    if (tb_str_eq(req->path, "/chunks")) {
        reply->head(reply->ctx, 200, "text/event-stream", -1, "rid-1", NULL);
        x->pending = true;
        api->loop.post(api->loop.ctx, next_chunk, x);
    } else if (tb_str_eq(req->path, "/file")) {
        reply->head(reply->ctx, 206, "audio/wav", 150000, "rid-1", "Accept-Ranges: bytes\r\n");
        reply->file(reply->ctx, double_file, 50000, 150000);
        reply->end(reply->ctx);
    } else if (tb_str_eq(req->path, "/flood")) {
        x->step = 100;
        reply->head(reply->ctx, 200, "text/plain", -1, "rid-1", NULL);
        flood(x);
    } else if (!tb_str_eq(req->path, "/hold")) {
        reply->head(reply->ctx, 200, "text/plain", (int64_t)req->body.n, "rid-1", NULL);
        reply->write(reply->ctx, req->body.p, req->body.n);
        reply->end(reply->ctx);
    }
    return x;
}

void tb_exchange_taken(struct tb_exchange *x, size_t n)
{
    x->waiting -= n < x->waiting ? n : x->waiting;
    if (x->step == 100)
        flood(x);
}

void tb_exchange_gone(struct tb_exchange *x)
{
    x->gone = true;
    free_exchange(x);
}

enum tb_code tb_dialogue_admit(struct tb_api *api, const struct tb_http_request *req, int64_t *account, int *status,
                               char **body)
{
    (void)api;
    *account = 7;
    if (tb_str_eq(req->authorization, "Bearer good"))
        return TB_OK;
    *status = 401;
    *body = strdup("{\"code\":\"InvalidApiKey\"}");
    return TB_EINVAL;
}

struct tb_dialogue *tb_dialogue_open(struct tb_api *api, int64_t account, struct tb_str query,
                                     const struct tb_dialogue_out *out)
{
    struct tb_dialogue *d = calloc(1, sizeof *d);
    char text[100];
    (void)api;

    d->out = *out;
    atomic_fetch_add(&double_open, 1);
    int n = snprintf(text, sizeof text, "created %d %.*s", (int)account, (int)query.n, query.p);
    out->text(out->ctx, text, (size_t)n);
    return d;
}

void tb_dialogue_text(struct tb_dialogue *d, const char *p, size_t n)
{
    if (n == 5 && !memcmp(p, "close", 5))
        d->out.close(d->out.ctx, 1000, "done");
    else
        d->out.text(d->out.ctx, p, n);
}

void tb_dialogue_binary(struct tb_dialogue *d)
{
    d->out.text(d->out.ctx, "binary", 6);
}

void tb_dialogue_taken(struct tb_dialogue *d, size_t n)
{
    (void)d;
    (void)n;
}

void tb_dialogue_restart(struct tb_dialogue *d)
{
    d->out.close(d->out.ctx, 1012, "restart");
}

void tb_dialogue_gone(struct tb_dialogue *d)
{
    atomic_fetch_sub(&double_open, 1);
    free(d);
}

#endif
