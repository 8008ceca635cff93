/* residual.h - what the surrogate's best style leaves over, made good in each decoder block by a small network.
 *
 * It was trained on real speakers through the frozen decoder (tools/adapter/train.py, which has the same network in
 * class Residual): 624 inputs, a few tanh units; out of them comes what is added to the acoustic style of each of the
 * 13 blocks. With it comes a correction of the surrogate's spectrum, linear in z, so that the equaliser is right for
 * what is really heard. */
#ifndef TB_ENGINE_KOKORO_RESIDUAL_H
#define TB_ENGINE_KOKORO_RESIDUAL_H

#include "engine/kokoro/surrogate.h"

struct tb_residual;

/* Reads the tensors residual.* of adapter.safetensors. An adapter that was only fitted has none of them: *out is then
 * NULL and the result TB_OK. Release with tb_residual_close. Errors name the file and the tensor. */
enum tb_code tb_residual_open(const char *path, struct tb_residual **out, struct tb_error *err);
void tb_residual_close(struct tb_residual *r); /* NULL is fine */

/* voice: as measured. z [TB_SURROGATE_Z]: what inversion found for it, own: the surrogate's prediction for z.
 * Adds to styles and to spectrum [TB_KOKORO_EQ_BANDS] (natural log of power, as own->spectrum). r NULL adds nothing. */
void tb_residual_add(const struct tb_residual *r, const struct tb_sound *voice, const float *z,
                     const struct tb_sound *own, float (*styles)[TB_KOKORO_HALF], float *spectrum);

#endif
