/* dot.h - the inner loop of the adapter's maps. */
#ifndef TB_ENGINE_KOKORO_DOT_H
#define TB_ENGINE_KOKORO_DOT_H

/* a . b in eight running sums that the compiler can keep in vectors. */
static inline float tb_kokoro_dot(const float *a, const float *b, int n)
{
    float part[8] = { 0 }, sum = 0;
    int i = 0;

    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++)
            part[j] += a[i + j] * b[i + j];
    for (; i < n; i++)
        sum += a[i] * b[i];
    return sum + ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
}

#endif
