/* renew.c - a print for an engine that did not serve the voice's model when the voice was made, of the recording that
 * was kept then. What was checked at the making is not checked again: the engine alone may refuse. */
#include "audio/decode.h"
#include "base/clock.h"
#include "base/log.h"
#include "voices/voices_priv.h"

static enum tb_code enrol(struct tb_voices *v, const struct tb_voice_info *info, struct tb_engine *engine,
                          struct tb_str file, struct tb_str text, struct tb_bytes *print, struct tb_error *err)
{
    struct tb_enrol_request req = { .text = text, .lang = TB_LANG_AUTO };
    struct tb_pcm pcm = { 0 };
    struct tb_error why = { 0 };
    enum tb_code rc = tb_decode(v->config.helper_dir, file, &pcm, NULL, &why);

    if (!rc) {
        tb_lang_from_code(tb_str_of(info->language), &req.lang);
        req.audio = &pcm;
        req.turn = tb_turn_begin(&v->config.turns, TB_ENROL_TURN_US);
        rc = tb_engine_enrol(engine, &req, print, NULL, &why);
        tb_turn_end(req.turn);
    }
    tb_pcm_free(&pcm);
    if (tb_code_is_audio(rc))
        return tb_fail(err, TB_EPRINT, "Engine '%s' cannot make this voice of its recording: %s. Create it again",
                       engine->ops->name, why.text);
    return rc ? tb_fail(err, rc, "%s", why.text) : TB_OK;
}

/* Make, store and append the print. */
static enum tb_code make_print(struct tb_voices *v, int64_t account, const struct tb_voice_info *info,
                               struct tb_engine *engine, struct tb_bytes *print, struct tb_error *err)
{
    struct tb_bytes file = { .cap = TB_MAX_AUDIO_FILE }, text = { 0 }, made = { .cap = TB_MAX_PRINT };
    const char *name = engine->ops->name;
    int64_t began = tb_mono_us();
    enum tb_code rc = tb_store_recording_get(v->config.store, account, tb_str_of(info->id), &file, &text, err);

    if (!rc)
        rc = enrol(v, info, engine, tb_bytes_str(&file), tb_bytes_str(&text), &made, err);
    if (!rc)
        rc = tb_store_print_put(v->config.store, account, tb_str_of(info->id), name, tb_bytes_str(&made), err);
    if (!rc && (rc = tb_bytes_add(print, made.data, made.size)))
        tb_fail(err, rc, "a voice print of %zu bytes", made.size);
    if (!rc) {
        tb_print_cache_put(v->cache, info, tb_bytes_str(&made));
        tb_preparer_add(v->preparer, engine, tb_bytes_str(&made));
        tb_log(TB_LOG_INFO, "voice-renewed", "account=%lld voice=%s engine=%s made_with=%s ms=%lld", (long long)account,
               info->id, name, info->engine, (long long)((tb_mono_us() - began) / 1000));
    } else if (rc == TB_EPRINT) {
        tb_log(TB_LOG_WARN, "voice-not-renewed", "account=%lld voice=%s engine=%s detail=\"%s\"", (long long)account,
               info->id, name, err ? err->text : "");
    }
    tb_bytes_free(&made);
    tb_bytes_free(&text);
    tb_bytes_free(&file);
    return rc;
}

enum tb_code tb_voices_renew(struct tb_voices *v, int64_t account, struct tb_str id, const struct tb_model *model,
                             struct tb_voice_info *out, struct tb_bytes *print, struct tb_error *err)
{
    enum tb_code rc;

    pthread_mutex_lock(&v->renewing);
    rc = tb_voices_find(v, account, id, model, out, print, err);
    if (rc == TB_ERENEW && !(rc = tb_store_voice_get(v->config.store, account, id, out, err)))
        rc = make_print(v, account, out, model->engine, print, err);
    pthread_mutex_unlock(&v->renewing);
    if (rc)
        *out = (struct tb_voice_info){ 0 };
    return rc;
}
