/* enrol.h - from a recording to a voice print, in about a second and without training.
 *
 * The recording's GE2E embedding, pitch, rate and long-term spectrum are measured; a map that was fitted once on
 * thousands of synthetic clips (adapter.safetensors) says which style would give that embedding (surrogate.h), and what
 * pitch, rate and spectrum that style has by itself. A small network adds to the style of each decoder block
 * (residual.h). Then the voice says a sentence on trial (calibrate.h): by how much its embedding is off from what the
 * map expects is taken from the recording's, and the style is found again from there. The differences that are left
 * become the print's pitch, speed and equaliser. */
#ifndef TB_ENGINE_KOKORO_ENROL_H
#define TB_ENGINE_KOKORO_ENROL_H

#include "engine/engine.h"
#include "engine/kokoro/model.h"

struct tb_kokoro_enroller;

/* Reads model_dir/ge2e.safetensors and model_dir/adapter.safetensors (scripts/setup copies the latter there from
 * assets/kokoro). model plans a text to find a style's pitch (calibrate.h); without it, NULL, the map's guess stays
 * and there is no trial. pool may be NULL. Both must outlive the enroller. Release with tb_kokoro_enroller_close. */
enum tb_code tb_kokoro_enroller_open(const char *model_dir, const struct tb_kokoro_model *model, struct tb_pool *pool,
                                     struct tb_kokoro_enroller **out, struct tb_error *err);
void tb_kokoro_enroller_close(struct tb_kokoro_enroller *enroller); /* NULL is fine */

/* As tb_engine_enrol. TB_EAUDIO_SPEECH: fewer than TB_MIN_SPEECH_MS of clear speech. Any thread. */
enum tb_code tb_kokoro_enrol(struct tb_kokoro_enroller *enroller, const struct tb_enrol_request *req,
                             struct tb_bytes *print, struct tb_enrol_report *report, struct tb_error *err);

#endif
