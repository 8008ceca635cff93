/* groups.c - see groups.h. */
#include "engine/kokoro/groups.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { ROUNDS = 20, FEWEST = 5, SHARE = 5 };

static double dot(const float *a, const float *b)
{
    double sum = 0;

    for (int i = 0; i < TB_GE2E_SIZE; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* The two vectors that are least alike. */
static void begin(const float *vectors, size_t n, float mean[2][TB_GE2E_SIZE])
{
    size_t first = 0, second = 0;
    double least = 2;

    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++) {
            double like = dot(vectors + i * TB_GE2E_SIZE, vectors + k * TB_GE2E_SIZE);
            if (like < least) {
                least = like;
                first = i;
                second = k;
            }
        }
    memcpy(mean[0], vectors + first * TB_GE2E_SIZE, sizeof mean[0]);
    memcpy(mean[1], vectors + second * TB_GE2E_SIZE, sizeof mean[1]);
}

/* Put each vector to the mean it is nearer to; false when none has moved. */
static bool assign(const float *vectors, size_t n, float mean[2][TB_GE2E_SIZE], bool *second)
{
    bool moved = false;

    for (size_t i = 0; i < n; i++) {
        const float *v = vectors + i * TB_GE2E_SIZE;
        bool now = dot(v, mean[1]) > dot(v, mean[0]);

        moved |= now != second[i];
        second[i] = now;
    }
    return moved;
}

static void find_means(const float *vectors, size_t n, const bool *second, float mean[2][TB_GE2E_SIZE])
{
    memset(mean[0], 0, 2 * sizeof mean[0]);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < TB_GE2E_SIZE; k++)
            mean[second[i]][k] += vectors[i * TB_GE2E_SIZE + (size_t)k];
    for (int g = 0; g < 2; g++) {
        float length = (float)(sqrt(dot(mean[g], mean[g])) + 1e-9);
        for (int k = 0; k < TB_GE2E_SIZE; k++)
            mean[g][k] /= length;
    }
}

float tb_groups_likeness(const float *vectors, size_t n)
{
    float mean[2][TB_GE2E_SIZE];
    bool second[TB_GROUPS_MOST] = { 0 };
    size_t smaller = 0;

    n = n < TB_GROUPS_MOST ? n : TB_GROUPS_MOST;
    if (n < FEWEST)
        return 1;
    begin(vectors, n, mean);
    for (int round = 0; round < ROUNDS && (assign(vectors, n, mean, second) || round == 0); round++)
        find_means(vectors, n, second, mean);
    for (size_t i = 0; i < n; i++)
        smaller += second[i];
    smaller = smaller < n - smaller ? smaller : n - smaller;
    return smaller * SHARE < n ? 1 : (float)dot(mean[0], mean[1]);
}
