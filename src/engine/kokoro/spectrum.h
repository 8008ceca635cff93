/* spectrum.h - the 20-point transform of the source signal, with the rounding that the network knows. */
#ifndef TB_ENGINE_KOKORO_SPECTRUM_H
#define TB_ENGINE_KOKORO_SPECTRUM_H

enum { TB_SPECTRUM_POINTS = 20, TB_SPECTRUM_BINS = 11 };

/* w [22][20]: 20 samples to the real parts of 11 bins of their Hann-windowed spectrum, then the imaginary ones. */
void tb_spectrum_matrix(float *w);

#endif
