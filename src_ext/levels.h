/* The loops, once for every CPU level and storage type, and the table they are called through. */

#if !defined(__GNUC__)
#error "fastgd's kernel needs GCC or Clang (vector extensions)"
#endif

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One call of the kernel, as seen by one thread. */
typedef struct {
    const void *X;        /* n × p, C order; Fortran order where `columns` is set */
    const double *y;      /* n */
    ptrdiff_t n, p;
    ptrdiff_t stride;     /* elements from row to row, or from column to column where `columns` is set */
    int columns, is_float, level, intercepts;
    int packed;           /* X is a copy that begins at a line of cache */
    double *weights;      /* p + intercepts, as are gradient and `total` */
    const double *rates;  /* epochs */
    double *costs;        /* epochs */
    double *gradient;
    ptrdiff_t epochs;
    ptrdiff_t block_rows; /* rows of a block; the last one may be shorter */
    double *partials;     /* one row of `partial_size` doubles for each block */
    ptrdiff_t partial_size;
    int64_t *sync;        /* shared by all threads of the call; see descend.h */
    int64_t member, members;
} descent;

typedef void add_block_function(const descent *, ptrdiff_t first, ptrdiff_t rows, double *out);
typedef double read_function(const void *X, ptrdiff_t size, ptrdiff_t ahead);

typedef double four __attribute__((vector_size(32)));
typedef double unaligned_four __attribute__((vector_size(32), aligned(8), may_alias));

enum {
    LINE = 64,               /* bytes of a line of cache */
    NARROW = 8,              /* features for which a vector is a column of rows */
    MOST_VECTORS = 6,        /* vectors of a row whose gradient fits in registers */
    FOUR_ROWS = 600,         /* bytes of a row of doubles up to which four are taken at a time, then two */
    FAR_AHEAD = 1 << 16,     /* bytes that rows are fetched ahead, at least, */
    NEAR_AHEAD = 1 << 14,    /* and once more */
    CACHED = 1 << 24,        /* bytes of X above which it is expected to be out of cache */
    STREAMS = 16,            /* columns that a processor follows of its own accord */
    MANY_STREAMS = 1500,     /* columns so far apart that two lines of each are read at once */
    AHEAD_OF_ALL = 1 << 18,  /* bytes that all columns together are fetched ahead: they stay in L2 */
    MOST_STRIP_VECTORS = 8,
};

/* Bounds checks of every access to X, for builds with FASTGD_BOUNDS_CHECKS=1. */
#ifdef FASTGD_BOUNDS_CHECKS
#include <stdio.h>
static _Thread_local const char *bounds_begin, *bounds_end;
static inline void check_bounds(const char *begin, size_t bytes) {
    if (begin < bounds_begin || begin + bytes > bounds_end) {
        fprintf(stderr, "fastgd: kernel out of bounds by %td bytes\n",
                begin < bounds_begin ? begin - bounds_begin : begin + bytes - bounds_end);
        abort();
    }
}
#define SET_BOUNDS(X, bytes) (bounds_begin = (const char *)(X), bounds_end = bounds_begin + (bytes))
#define IN_BOUNDS(a, count) check_bounds((const char *)(a), (count) * sizeof(*(a)))
#else
#define SET_BOUNDS(X, bytes) ((void)0)
#define IN_BOUNDS(a, count) ((void)0)
#endif

/* Keep a vector in its register. GCC 12 reads an operand that is used twice from memory twice; where there is little else
   to do, and half of the reads cross a line of cache, that takes 7% longer. */
#if defined(__x86_64__)
#define KEEP(v) __asm__("" : "+v"(v))
#else
#define KEEP(v) ((void)0)
#endif

#define PASTE_(a, b, c) a##_##b##_##c
#define PASTE(a, b, c) PASTE_(a, b, c)
#define NAME(function) PASTE(function, LEVEL, FLOAT)

#define LEVEL baseline
#define TARGET
#define LANES 2
#define FLOAT double
#define WIDEN(v) (v)
#include "loops.h"
#undef FLOAT
#undef WIDEN
#define FLOAT float
#define WIDEN(v) __builtin_convertvector(v, vec)
#include "loops.h"
#undef FLOAT
#undef WIDEN
#undef LEVEL
#undef TARGET
#undef LANES

#if defined(__x86_64__)
#include <immintrin.h> /* GCC 12 makes four instructions of __builtin_convertvector where one would do */

#define LEVEL avx2
#define TARGET __attribute__((target("avx2,fma,bmi,bmi2")))
#define LANES 4
#define FLOAT double
#define WIDEN(v) (v)
#include "loops.h"
#undef FLOAT
#undef WIDEN
#define FLOAT float
#define WIDEN(v) (vec) _mm256_cvtps_pd((__m128)(v))
#include "loops.h"
#undef FLOAT
#undef WIDEN
#undef LEVEL
#undef TARGET
#undef LANES

/* 256-bit vectors here too, with twice the registers and shorter moves: X is rarely aligned to 64 bytes, and a 512-bit load
   that crosses a line costs as much as two. */
#define LEVEL avx512
#define TARGET __attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512dq,avx512vl,prefer-vector-width=256")))
#define LANES 4
#define FLOAT double
#define WIDEN(v) (v)
#include "loops.h"
#undef FLOAT
#undef WIDEN
#define FLOAT float
#define WIDEN(v) (vec) _mm256_cvtps_pd((__m128)(v))
#include "loops.h"
#undef FLOAT
#undef WIDEN
#undef LEVEL
#undef TARGET
#undef LANES

enum { LEVELS = 3 };
static const char *const level_names[LEVELS] = {"baseline", "avx2", "avx512"};
static add_block_function *const add_block[LEVELS][2] = {
    {add_block_baseline_double, add_block_baseline_float},
    {add_block_avx2_double, add_block_avx2_float},
    {add_block_avx512_double, add_block_avx512_float},
};
static read_function *const read_block[LEVELS][2] = {
    {read_baseline_double, read_baseline_float},
    {read_avx2_double, read_avx2_float},
    {read_avx512_double, read_avx512_float},
};

/* The highest level that this processor and its operating system support. */
static int highest_level(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2")) return 0;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") ? 2 : 1;
}
#else
enum { LEVELS = 1 };
static const char *const level_names[LEVELS] = {"baseline"};
static add_block_function *const add_block[LEVELS][2] = {{add_block_baseline_double, add_block_baseline_float}};
static read_function *const read_block[LEVELS][2] = {{read_baseline_double, read_baseline_float}};
static int highest_level(void) { return 0; }
#endif
