/* Check the kernel's loops and counters without Python, on any machine and compiler.

   For each CPU level of the machine, blocks of many shapes are compared with a plain loop, and a hash of all results is
   printed: builds with the same hash give the same bits. It exits with 1 if a result is wrong. */

#include "levels.h"

#include "atomics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(_WIN32)
__declspec(dllimport) void *__stdcall CreateThread(void *, size_t, unsigned long(__stdcall *)(void *), void *,
                                                   unsigned long, unsigned long *);
__declspec(dllimport) unsigned long __stdcall WaitForSingleObject(void *, unsigned long);
#else
#include <pthread.h>
#endif

enum { ROUNDS = 20000, GUARD = 4 };

static const ptrdiff_t features[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,  15,  16,  17,  18,
                                     19, 20, 21, 23, 24, 25, 31, 32, 33, 50, 76, 77, 100, 151, 200, 1501};
static const ptrdiff_t samples[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100};
static const ptrdiff_t several[] = {1, 2, 3, 4, 5, 7, 8, 9, 17};
#define COUNT(array) ((ptrdiff_t)(sizeof(array) / sizeof(array[0])))

/* Results so far: a hash that does not depend on the byte order of the machine (FNV-1a), and how many were wrong. */
static uint64_t hash;
static long cases, faults;

static void record(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    for (int shift = 0; shift < 64; shift += 8) hash = (hash ^ (bits >> shift & 255)) * UINT64_C(1099511628211);
}

static void expect(int right, const char *level, const char *what, ptrdiff_t rows, ptrdiff_t p) {
    cases++;
    if (right) return;
    faults++;
    if (faults < 10) printf("FAULT: level %s, %s, %ld x %ld\n", level, what, (long)rows, (long)p);
}

/* Return the next number between -1 and 1. It has 24 bits, so that a float holds it too. */
static uint64_t state;
static double next_number(void) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(int64_t)(state >> 40) / 8388608.0 - 1.0;
}

/* Compare one block with a plain loop. All arrays end where their memory ends; the results have guards on both sides. */
static void check_block(int level, int is_float, int columns, int cached, ptrdiff_t rows, ptrdiff_t p) {
    const size_t size = is_float ? sizeof(float) : sizeof(double);
    const ptrdiff_t stride = columns ? rows + (cached ? 3 : 0) : p, numbers = columns ? (p - 1) * stride + rows : rows * p;
    const double intercept = cached ? 0.0 : next_number();
    char *X = malloc(numbers * size);
    double *y = malloc(rows * sizeof(double)), *w = malloc(p * sizeof(double));
    double *out = malloc((p + 2 + 2 * GUARD) * sizeof(double));
    double *sums = calloc(p + 2, sizeof(double)), *scales = calloc(p + 2, sizeof(double));
    if (!X || !y || !w || !out || !sums || !scales) exit(2);
    for (ptrdiff_t k = 0; k < numbers; k++) {
        const double number = next_number();
        if (is_float)
            ((float *)X)[k] = (float)number;
        else
            ((double *)X)[k] = number;
    }
    for (ptrdiff_t i = 0; i < rows; i++) y[i] = next_number();
    for (ptrdiff_t j = 0; j < p; j++) w[j] = next_number();
    for (ptrdiff_t j = 0; j < p + 2 + 2 * GUARD; j++) out[j] = 12345.0;

    for (ptrdiff_t i = 0; i < rows; i++) {
        double r = intercept - y[i], scale = fabs(r);
        for (int pass = 0; pass < 2; pass++) {
            for (ptrdiff_t j = 0; j < p; j++) {
                const ptrdiff_t k = columns ? j * stride + i : i * p + j;
                const double x = is_float ? ((float *)X)[k] : ((double *)X)[k];
                if (pass == 0) {
                    r += x * w[j];
                    scale += fabs(x * w[j]);
                } else {
                    sums[2 + j] += r * x;
                    scales[2 + j] += scale * fabs(x);
                }
            }
        }
        sums[0] += r * r;
        sums[1] += r;
        scales[0] += scale * scale;
        scales[1] += scale;
    }

    cpu_levels[level].add_block[is_float](X, y, rows, p, stride, columns, cached, w, intercept, out + GUARD);
    int right = 1;
    for (ptrdiff_t j = 0; j < p + 2; j++) {
        const double found = out[GUARD + j];
        right &= fabs(found - sums[j]) <= 1e-14 * scales[j];
        record(found);
    }
    for (ptrdiff_t j = 0; j < GUARD; j++) right &= out[j] == 12345.0 && out[GUARD + p + 2 + j] == 12345.0;
    expect(right, cpu_levels[level].name, is_float ? "floats" : "doubles", rows, p);

    double total = 0.0;
    for (ptrdiff_t k = 0; k < numbers; k++) total += is_float ? ((float *)X)[k] : ((double *)X)[k];
    const double read = cpu_levels[level].sum_all[is_float](X, numbers, cached ? 512 : 0);
    expect(fabs(read - total) <= (is_float ? 1e-6 : 1e-14) * numbers, cpu_levels[level].name, "reading", rows, p);

    if (!is_float) { /* a NaN must reach the sums */
        ((double *)X)[numbers - 1] = NAN;
        cpu_levels[level].add_block[0](X, y, rows, p, stride, columns, cached, w, intercept, out + GUARD);
        expect(isnan(out[GUARD]) && isnan(out[GUARD + 1 + p]), cpu_levels[level].name, "NaN", rows, p);
    }
    free(X), free(y), free(w), free(out), free(sums), free(scales);
}

/* Compare one block of several targets with a plain loop for each target. All arrays end where their memory ends. */
static void check_targets(int level, int is_float, int columns, int intercepts, ptrdiff_t rows, ptrdiff_t p, ptrdiff_t k) {
    const size_t size = is_float ? sizeof(float) : sizeof(double);
    const ptrdiff_t stride = columns ? rows : p, tiles = (k + TILE - 1) / TILE;
    const ptrdiff_t weights = tiles * (intercepts + p) * TILE, sums = tiles * (2 + p) * TILE;
    char *X = malloc(rows * p * size);
    double *y = malloc(rows * k * sizeof(double)), *w = calloc(weights, sizeof(double));
    double *scratch = malloc(scratch_rows(p) * (TILE + p) * sizeof(double)), *out = malloc(sums * sizeof(double));
    if (!X || !y || !w || !scratch || !out) exit(2);
    for (ptrdiff_t a = 0; a < rows * p; a++) {
        const double number = next_number();
        if (is_float)
            ((float *)X)[a] = (float)number;
        else
            ((double *)X)[a] = number;
    }
    for (ptrdiff_t a = 0; a < rows * k; a++) y[a] = next_number();
    for (ptrdiff_t a = 0; a < weights; a++)
        if (a / ((intercepts + p) * TILE) * TILE + a % TILE < k) w[a] = next_number();
    cpu_levels[level].add_targets[is_float](X, y, rows, p, stride, columns, k, w, intercepts, scratch, out);

    int right = 1;
    for (ptrdiff_t t = 0; t < k; t++) {
        const double *weight = w + t / TILE * (intercepts + p) * TILE + t % TILE;
        const double *found = out + t / TILE * (2 + p) * TILE + t % TILE;
        for (ptrdiff_t j = -2; j < p; j++) {
            double sum = 0.0, scale = 0.0;
            for (ptrdiff_t i = 0; i < rows; i++) {
                double r = (intercepts ? weight[0] : 0.0) - y[i * k + t], size_of_r = fabs(r), x = 1.0;
                for (ptrdiff_t l = 0; l < p; l++) {
                    const ptrdiff_t a = columns ? l * stride + i : i * p + l;
                    const double number = is_float ? ((float *)X)[a] : ((double *)X)[a];
                    const double term = number * weight[(intercepts + l) * TILE];
                    r += term;
                    size_of_r += fabs(term);
                    if (l == j) x = number;
                }
                sum += r * (j == -2 ? r : x);
                scale += size_of_r * (j == -2 ? size_of_r : fabs(x));
            }
            right &= fabs(found[(2 + j) * TILE] - sum) <= 1e-14 * scale;
            record(found[(2 + j) * TILE]);
        }
    }
    expect(right, cpu_levels[level].name, is_float ? "targets, floats" : "targets, doubles", rows, p);

    y[rows * k - 1] = NAN; /* must reach the sums of its own target, and of no other */
    cpu_levels[level].add_targets[is_float](X, y, rows, p, stride, columns, k, w, intercepts, scratch, out);
    right = 1;
    for (ptrdiff_t t = 0; t < k; t++)
        right &= !isnan(out[t / TILE * (2 + p) * TILE + t % TILE]) == (t < k - 1);
    expect(right, cpu_levels[level].name, "targets, NaN", rows, p);
    free(X), free(y), free(w), free(scratch), free(out);
}

/* Each thread adds to one entry and takes numbers from another. */
static int64_t sync[3 * 8];
static long taken[2];

static void count(void *argument) {
    const ptrdiff_t self = (long *)argument - taken;
    for (int k = 0; k < ROUNDS; k++) {
        add_to_entry(sync, 0, 3);
        int64_t found = read_entry(sync, 8);
        while (found < ROUNDS && !replace_entry(sync, 8, found, found + 1)) found = read_entry(sync, 8);
        taken[self] += found < ROUNDS;
        if (k % 64 == 0) give_way();
    }
    if (self == 0) write_entry(sync, 16, INT64_C(1) << 40);
}

#if defined(_WIN32)
static unsigned long __stdcall run(void *argument) {
    count(argument);
    return 0;
}
static void run_two(void) {
    void *thread = CreateThread(NULL, 0, run, &taken[1], 0, NULL);
    if (!thread) exit(2);
    count(&taken[0]);
    WaitForSingleObject(thread, 0xFFFFFFFF);
}
#else
static void *run(void *argument) {
    count(argument);
    return NULL;
}
static void run_two(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, &taken[1])) exit(2);
    count(&taken[0]);
    pthread_join(thread, NULL);
}
#endif

int main(void) {
    for (int level = 0; level <= highest_level(); level++) {
        hash = UINT64_C(14695981039346656037);
        state = 1;
        for (ptrdiff_t a = 0; a < COUNT(features); a++)
            for (ptrdiff_t b = 0; b < COUNT(samples); b++)
                for (int kind = 0; kind < 8; kind++)
                    check_block(level, kind & 1, kind >> 1 & 1, kind >> 2, samples[b], features[a]);
        for (ptrdiff_t a = 0; a < COUNT(features); a += 3)
            for (ptrdiff_t b = 0; b < COUNT(samples); b += 2)
                for (ptrdiff_t c = 0; c < COUNT(several) && features[a] <= 50; c++)
                    for (int kind = 0; kind < 8; kind++)
                        check_targets(level, kind & 1, kind >> 1 & 1, kind >> 2, samples[b], features[a], several[c]);
        check_targets(level, 0, 0, 1, 100, 1501, 9); /* rows are packed in several parts */
        printf("level %s %016llx\n", cpu_levels[level].name, (unsigned long long)hash);
    }
    run_two();
    expect(read_entry(sync, 0) == 6 * ROUNDS && read_entry(sync, 8) == ROUNDS && taken[0] + taken[1] == ROUNDS &&
               read_entry(sync, 16) == INT64_C(1) << 40,
           "-", "counters", 2, ROUNDS);
    volatile double tiny = 2.3e-308;
    expect(tiny / 4.0 != 0.0, "-", "denormal numbers", 1, 1);
    printf("cases %ld faults %ld loops %s\n", cases, faults, PLAIN_LOOPS ? "plain" : "vectors");
    return faults != 0;
}
