/* qwen3.h - the flagship engine: Qwen3-TTS-12Hz-0.6B-Base or 1.7B-Base, from the published folder
 * (docs/MODEL-qwen3.md).
 *
 * open wants the folder in model_dir; helper_dir is not used. Weights are mapped. It speaks at the model's own rate and
 * pitch. A recording with its text is cloned in context, one without by its x-vector alone. */
#ifndef TB_ENGINE_QWEN3_QWEN3_H
#define TB_ENGINE_QWEN3_QWEN3_H

#include "engine/engine.h"

extern const struct tb_engine_ops tb_qwen3_ops;

#endif
