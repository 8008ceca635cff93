/* fft.h - discrete Fourier transform of real frames whose length is 2^a 3^b 5^c, as spectra of speech need it. */
#ifndef TB_AUDIO_FFT_H
#define TB_AUDIO_FFT_H

#include <stddef.h>

#include "base/error.h"

struct tb_fft;

/* size: even, 4 .. 65536, with no prime factor over 5. The plan is read-only and may be shared by threads.
 * Release with tb_fft_close. */
enum tb_code tb_fft_open(int size, struct tb_fft **out, struct tb_error *err);
void tb_fft_close(struct tb_fft *fft); /* NULL is fine */

/* Floats of `work` that tb_fft_real needs. */
size_t tb_fft_work(const struct tb_fft *fft);
/* in [size] -> out [size / 2 + 1][2]: real and imaginary part of bins 0 .. size / 2. Arrays must not overlap. */
void tb_fft_real(const struct tb_fft *fft, const float *in, float *out, float *work);

#endif
