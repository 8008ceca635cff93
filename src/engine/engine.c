/* engine.c - see engine.h: the calls through an engine's table. */
#include "engine/engine.h"

#include "base/limits.h"
#include "text/utf8.h"

enum tb_code tb_engine_open(const struct tb_engine_ops *ops, const struct tb_engine_config *config,
                            struct tb_engine **out, struct tb_error *err)
{
    *out = NULL;
    return ops->open(config, out, err);
}

void tb_engine_close(struct tb_engine *engine)
{
    if (engine)
        engine->ops->close(engine);
}

bool tb_engine_speaks(const struct tb_engine *engine, enum tb_lang lang)
{
    return lang == TB_LANG_AUTO || (engine->ops->languages >> (unsigned)lang & 1u);
}

enum tb_code tb_engine_enrol(struct tb_engine *engine, const struct tb_enrol_request *req, struct tb_bytes *print,
                             struct tb_enrol_report *report, struct tb_error *err)
{
    struct tb_enrol_report unused;

    tb_bytes_free(print);
    return engine->ops->enrol(engine, req, print, report ? report : &unused, err);
}

enum tb_code tb_engine_listen(struct tb_engine *engine, const struct tb_listen_request *req,
                              struct tb_listen_report *report, struct tb_error *err)
{
    *report = (struct tb_listen_report){ 0 };
    if (!engine->ops->listen || !tb_engine_speaks(engine, req->lang) || req->lang == TB_LANG_AUTO)
        return tb_fail(err, TB_EUNSUPPORTED, "%s cannot compare speech with a text in %s", engine->ops->name,
                       tb_lang_name(req->lang));
    if (tb_utf8_count(req->text) > TB_MAX_TRANSCRIPT)
        return tb_fail(err, TB_ETOOBIG, "a transcript of %zu characters, at most %d", tb_utf8_count(req->text),
                       TB_MAX_TRANSCRIPT);
    return engine->ops->listen(engine, req, report, err);
}

enum tb_code tb_engine_fits(struct tb_engine *engine, struct tb_str print, struct tb_error *err)
{
    return engine->ops->fits ? engine->ops->fits(engine, print, err) : TB_OK;
}

bool tb_engine_prepared(struct tb_engine *engine, struct tb_str print)
{
    return !engine->ops->prepared || engine->ops->prepared(engine, print);
}

enum tb_code tb_engine_prepare(struct tb_engine *engine, struct tb_str print, const struct tb_sink *sink,
                               struct tb_error *err)
{
    return engine->ops->prepare ? engine->ops->prepare(engine, print, sink, err) : TB_OK;
}

enum tb_code tb_session_open(struct tb_engine *engine, struct tb_str print, const struct tb_speak *speak,
                             struct tb_session **out, struct tb_error *err)
{
    *out = NULL;
    return engine->ops->session_open(engine, print, speak, out, err);
}

enum tb_code tb_session_text(struct tb_session *session, struct tb_str text, enum tb_lang lang, struct tb_error *err)
{
    return session->ops->session_text(session, text, lang, err);
}

enum tb_code tb_session_step(struct tb_session *session, const struct tb_sink *sink, bool *more, struct tb_error *err)
{
    *more = false;
    return session->ops->session_step(session, sink, more, err);
}

void tb_session_close(struct tb_session *session)
{
    if (session)
        session->ops->session_close(session);
}
