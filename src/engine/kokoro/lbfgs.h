/* lbfgs.h - minimise a smooth function of a few dozen variables (Nocedal & Wright, "Numerical Optimization", 7.2). */
#ifndef TB_ENGINE_KOKORO_LBFGS_H
#define TB_ENGINE_KOKORO_LBFGS_H

enum { TB_LBFGS_MAX = 128 /* variables */ };

/* Value at x [n]; fills gradient [n]. */
typedef double tb_lbfgs_fn(const void *ctx, const double *x, double *gradient);

/* Improve x [n], n <= TB_LBFGS_MAX, by at most max_steps steps; returns the value reached, never more than at the
 * start. Stops early when a step gains less than 1e-8 of the value or the gradient vanishes. */
double tb_lbfgs(tb_lbfgs_fn *fn, const void *ctx, int n, double *x, int max_steps);

#endif
