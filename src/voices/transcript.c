/* transcript.c - see transcript.h. */
#include "voices/transcript.h"

#include "base/log.h"
#include "text/utf8.h"
#include "voices/language.h"

/* A text outside these bounds cannot be of the recording, whatever the language: the fastest speakers say 8 Han
 * characters or 25 letters in a second. */
static const double most_per_s = 40, least_per_s = 0.5;

/* The same in all languages: under the right texts measured, over nine wrong ones in ten (docs/ENROLMENT.md). */
static const float least_match = 0.1F, good_match = 0.5F;

static enum tb_code check_length(const struct tb_transcript_request *req, struct tb_error *err)
{
    double points = (double)tb_utf8_count(req->text), seconds = (double)req->speech_s;

    if (points > most_per_s * seconds || points < least_per_s * seconds)
        return tb_fail(err, TB_EAUDIO_TEXT, "a text of %.0f characters cannot be that of %.1f s of speech", points,
                       seconds);
    return TB_OK;
}

/* How well the text fits, read in `lang`; match -1 where it cannot be told. */
static enum tb_code listen(const struct tb_transcript_request *req, enum tb_lang lang, struct tb_listen_report *report,
                           struct tb_error *err)
{
    const struct tb_listen_request listen = { .audio = req->audio, .text = req->text, .lang = lang, .turn = req->turn };
    struct tb_error why = { 0 };
    enum tb_code rc = tb_engine_listen(req->engine, &listen, report, &why);

    if (rc == TB_OK)
        return TB_OK;
    *report = (struct tb_listen_report){ .match = -1 };
    if (rc == TB_ENOMEM || rc == TB_ECANCELLED)
        return tb_fail(err, rc, "%s", why.text);
    tb_log(TB_LOG_WARN, "transcript-unchecked", "language=%s code=%s detail=\"%s\"", tb_lang_code(lang),
           tb_code_name(rc), why.text);
    return TB_OK;
}

static enum tb_code refuse(const struct tb_listen_report *report, struct tb_error *err)
{
    if (report->words == 0)
        return tb_fail(err, TB_EAUDIO_TEXT, "the text has no words");
    return tb_fail(err, TB_EAUDIO_TEXT,
                   "the text is not what is said: match %.3f, at least %g is needed; %.0f %% of its %zu words are "
                   "not heard",
                   (double)report->match, (double)least_match, 100 * (double)report->strange, report->words);
}

enum tb_code tb_transcript_check(const struct tb_transcript_request *req, struct tb_transcript *out,
                                 struct tb_advice *advice, struct tb_error *err)
{
    enum tb_lang written = tb_lang_detect(req->text, TB_LANG_AUTO);
    enum tb_lang first = req->declared != TB_LANG_AUTO ? req->declared : written;
    struct tb_listen_report report = { .match = -1 }, other = { .match = -1 };
    enum tb_code rc = check_length(req, err);

    *out = (struct tb_transcript){ .match = -1, .lang = first, .reason = "unknown" };
    if (rc || first == TB_LANG_AUTO || (rc = listen(req, first, &report, err)))
        return rc;
    if (written != TB_LANG_AUTO && written != first && (rc = listen(req, written, &other, err)))
        return rc;
    struct tb_language_evidence evidence = { .declared = req->declared, .written = written, .text = req->text,
                                             .fits_declared = report.match, .fits_written = other.match };
    if ((rc = tb_language_decide(&evidence, &out->lang, &out->reason, err)))
        return rc;
    out->match = report.match;
    if (report.match < 0)
        return TB_OK;
    if (report.words == 0 || report.match < least_match)
        return refuse(&report, err);
    if (report.match < good_match)
        tb_advise(advice, "transcript", "the text may not be quite what is said: match %.2f, %.2f or more is better; "
                  "check it word by word", (double)report.match, (double)good_match);
    return TB_OK;
}
