/* kokoro.h - the embedded engine: Kokoro-82M with voices made by our own adapter.
 *
 * open wants in model_dir: kokoro.safetensors, ge2e.safetensors, adapter.safetensors, ear.safetensors, lexicon-en.bin
 * and lexicon-zh.bin; in helper_dir: timbre-phonemes. It takes 129 MB for the weights, 66 MB of mapped ones that
 * processes share and, while something is spoken, 12 MB per second of the sentence (docs/SPEED.md). */
#ifndef TB_ENGINE_KOKORO_KOKORO_H
#define TB_ENGINE_KOKORO_KOKORO_H

#include "engine/engine.h"

extern const struct tb_engine_ops tb_kokoro_ops;

#endif
