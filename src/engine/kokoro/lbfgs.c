/* lbfgs.c - see lbfgs.h. The inverse Hessian is kept as the last few steps and changes of gradient (two-loop
 * recursion); steps are found by halving and doubling until both Wolfe conditions hold. */
#include "engine/kokoro/lbfgs.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { MEMORY = 8, MAX_TRIES = 20 };

static const double DECREASE = 1e-4, CURVATURE = 0.9; /* of the Wolfe conditions */
static const double ENOUGH = 1e-8;                    /* relative gain of a step under which to stop */

struct history {
    double step[MEMORY][TB_LBFGS_MAX], change[MEMORY][TB_LBFGS_MAX]; /* of x and of the gradient */
    double inverse[MEMORY];                                         /* 1 / (step . change) */
    int count, next;
};

static double dot(const double *a, const double *b, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* direction = -H gradient. */
static void direction_of(const struct history *h, int n, const double *gradient, double *direction)
{
    double part[MEMORY];
    int newest = (h->next + MEMORY - 1) % MEMORY;

    for (int i = 0; i < n; i++)
        direction[i] = -gradient[i];
    for (int k = 0; k < h->count; k++) {
        int at = (newest + MEMORY - k) % MEMORY;
        part[at] = h->inverse[at] * dot(h->step[at], direction, n);
        for (int i = 0; i < n; i++)
            direction[i] -= part[at] * h->change[at][i];
    }
    if (h->count) {
        double scale = 1 / (h->inverse[newest] * dot(h->change[newest], h->change[newest], n));
        for (int i = 0; i < n; i++)
            direction[i] *= scale;
    }
    for (int k = h->count - 1; k >= 0; k--) {
        int at = (newest + MEMORY - k) % MEMORY;
        double back = h->inverse[at] * dot(h->change[at], direction, n);
        for (int i = 0; i < n; i++)
            direction[i] += (part[at] - back) * h->step[at][i];
    }
}

/* Remember a step when the curvature along it is positive, as it must be for a descent direction next time. */
static void remember(struct history *h, int n, const double *x0, const double *x1, const double *g0, const double *g1)
{
    double *step = h->step[h->next], *change = h->change[h->next];

    for (int i = 0; i < n; i++) {
        step[i] = x1[i] - x0[i];
        change[i] = g1[i] - g0[i];
    }
    double product = dot(step, change, n);
    if (product <= 1e-12 * dot(change, change, n))
        return;
    h->inverse[h->next] = 1 / product;
    h->next = (h->next + 1) % MEMORY;
    h->count = h->count < MEMORY ? h->count + 1 : MEMORY;
}

/* Where the search stands. */
struct point {
    double x[TB_LBFGS_MAX], gradient[TB_LBFGS_MAX], value;
};

/* Find a step along direction from *from; *to is the best point seen. False when nothing better was found. */
static int search(tb_lbfgs_fn *fn, const void *ctx, int n, const struct point *from, const double *direction,
                  double length, struct point *to)
{
    double slope = dot(from->gradient, direction, n), low = 0, high = INFINITY;

    if (slope >= 0)
        return 0;
    for (int tries = 0; tries < MAX_TRIES; tries++) {
        for (int i = 0; i < n; i++)
            to->x[i] = from->x[i] + length * direction[i];
        to->value = fn(ctx, to->x, to->gradient);
        if (!(to->value <= from->value + DECREASE * length * slope)) /* NaN too */
            high = length;
        else if (dot(to->gradient, direction, n) < CURVATURE * slope)
            low = length;
        else
            return 1;
        length = isinf(high) ? 2 * length : 0.5 * (low + high);
    }
    return to->value < from->value;
}

double tb_lbfgs(tb_lbfgs_fn *fn, const void *ctx, int n, double *x, int max_steps)
{
    struct history h = { .count = 0 };
    struct point here, there;
    double direction[TB_LBFGS_MAX];

    assert(n > 0 && n <= TB_LBFGS_MAX);
    memcpy(here.x, x, (size_t)n * sizeof *x);
    here.value = fn(ctx, here.x, here.gradient);
    for (int step = 0; step < max_steps; step++) {
        double size = sqrt(dot(here.gradient, here.gradient, n));
        if (size < 1e-10)
            break;
        direction_of(&h, n, here.gradient, direction);
        if (!search(fn, ctx, n, &here, direction, h.count ? 1 : 1 / size, &there))
            break;
        double gain = here.value - there.value;
        remember(&h, n, here.x, there.x, here.gradient, there.gradient);
        here = there;
        if (gain < ENOUGH * (fabs(here.value) + 1e-6))
            break;
    }
    memcpy(x, here.x, (size_t)n * sizeof *x);
    return here.value;
}
