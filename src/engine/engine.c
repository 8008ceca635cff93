/* engine.c - see engine.h: the calls through an engine's table. */
#include "engine/engine.h"

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
