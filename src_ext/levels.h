/* The loops of loops.inc, compiled for every CPU level and for X of doubles and of floats. */

/* Vectors are those of GCC and Clang. Other compilers, and builds with FASTGD_PLAIN=1, get plain loops. */
#if !defined(__GNUC__) && !defined(__clang__) && !defined(FASTGD_PLAIN)
#define FASTGD_PLAIN
#endif

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "fastgd's kernel must tell NaN from numbers: build it without -ffast-math"
#endif

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#if defined(FASTGD_PLAIN)
#elif defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#if defined(__clang__) && defined(_MSC_VER) /* with Microsoft's headers, Clang 14 leaves out what no flag asks for */
#include <avxintrin.h>
#include <fmaintrin.h>
#endif
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum {
    LINE = 64,               /* bytes of a cache line */
    NARROW = 8,              /* most features for add_narrow */
    MOST_VECTORS = 6,        /* most vectors in a row for add_short_rows: the gradient stays in registers */
    FOUR_ROWS = 600,         /* most bytes in a row of doubles for which add_long_rows takes four rows at a time, not two */
    FAR_AHEAD = 1 << 16,     /* least distance in bytes at which rows are prefetched */
    NEAR_AHEAD = 1 << 14,    /* least distance in bytes at which they are prefetched again */
    CACHED = 1 << 24,        /* most bytes of an X that is expected to stay in cache */
    STREAMS = 16,            /* most columns that a processor prefetches by itself */
    MANY_STREAMS = 1500,     /* most columns for which a strip and half of the next one fit in L2 */
    COLUMNS_AHEAD = 64,      /* most columns by which strips are prefetched ahead */
    STRIP_VECTORS = 8,       /* most vectors in a column of a strip: residuals stay in half of 16 registers */
    TILE = 8,                /* targets side by side: a cache line of doubles */
    SCRATCH = 1 << 12,       /* doubles of X that are packed at a time for several targets: they fit in L1 */
    LEAST_SCRATCH_ROWS = 8,  /* least and most rows that are packed at a time, both multiples of 4 */
    MOST_SCRATCH_ROWS = 64,
    PACKED_ROWS = 128,       /* rows that add_gram packs at a time: their tiles' columns fit in L1 */
    MOST_PACKED_ROWS = 512,  /* as many of wide rows, whose products leave L2: each of them is loaded less often */
    MOST_PANEL = 24,         /* most columns of a panel of packed rows */
    MOST_REDUCED_ROWS = 512, /* most rows that add_triangle packs at a time */
#ifdef FASTGD_PLAIN
    PLAIN_LOOPS = 1,
#else
    PLAIN_LOOPS = 0,
#endif
};

/* Builds with FASTGD_BOUNDS_CHECKS=1 check every access to X: set_bounds says where X begins and how long it is. */
#ifdef FASTGD_BOUNDS_CHECKS
#include <stdio.h>
#include <stdlib.h>
static _Thread_local const char *bounds_begin, *bounds_end;
static void set_bounds(const void *X, ptrdiff_t bytes) {
    bounds_begin = X;
    bounds_end = bounds_begin + bytes;
}
static inline void check_bounds(const char *begin, size_t bytes) {
    if (begin < bounds_begin || begin + bytes > bounds_end) {
        fprintf(stderr, "fastgd: kernel out of bounds by %td bytes\n",
                begin < bounds_begin ? begin - bounds_begin : begin + bytes - bounds_end);
        abort();
    }
}
#define IN_BOUNDS(a, count) check_bounds((const char *)(a), (count) * sizeof(*(a)))
#else
#define set_bounds(X, bytes) ((void)0)
#define IN_BOUNDS(a, count) ((void)0)
#endif

/* Return how many rows of p features are packed at a time for several targets: a multiple of 4. */
static inline ptrdiff_t scratch_rows(ptrdiff_t p) {
    const ptrdiff_t rows = SCRATCH / p / 4 * 4;
    return rows < LEAST_SCRATCH_ROWS ? LEAST_SCRATCH_ROWS : rows > MOST_SCRATCH_ROWS ? MOST_SCRATCH_ROWS : rows;
}

/* Keep a vector in its register. GCC 12 reads a vector that is used twice from memory twice; in the loop over a single
   column, where half of the reads cross a cache line, that takes 7% longer. */
#if defined(__x86_64__) && !defined(FASTGD_PLAIN)
#define KEEP(v) __asm__("" : "+v"(v))
#else
#define KEEP(v) ((void)0)
#endif

/* GCC 11 unrolls a loop over two sets of sums too late to keep the sums in registers. */
#if defined(__GNUC__) && !defined(__clang__)
#define UNROLL_TWICE _Pragma("GCC unroll 2")
#else
#define UNROLL_TWICE
#endif

#if defined(__GNUC__) || defined(__clang__)
#define PREFETCH(address) __builtin_prefetch(address, 0, 2)
#define INLINE TARGET static inline __attribute__((always_inline))
#define OUTLINE TARGET static __attribute__((noinline))
#define TILE_INLINE TILE_TARGET static inline __attribute__((always_inline))
#define TILE_OUTLINE TILE_TARGET static __attribute__((noinline))
#else
#define PREFETCH(address) ((void)(address))
#define INLINE static __forceinline
#define OUTLINE static __declspec(noinline)
#define TILE_INLINE static __forceinline
#define TILE_OUTLINE static __declspec(noinline)
#endif

/* Pick lanes of two vectors. GCC has had the builtin of Clang since version 12 only. */
#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (mask){__VA_ARGS__})
#endif

/* Each name of loops.inc gets the level and the type of X as a suffix: add_rest becomes add_rest_avx2_double. */
#define JOIN(name, level, type) name##_##level##_##type
#define JOIN_EXPANDED(name, level, type) JOIN(name, level, type)
#define NAME(name) JOIN_EXPANDED(name, LEVEL, FLOAT)
#define vec NAME(vec)
#define unaligned_vec NAME(unaligned_vec)
#define mask NAME(mask)
#define stored_vec NAME(stored_vec)
#define unaligned_stored_vec NAME(unaligned_stored_vec)
#define load_doubles NAME(load_doubles)
#define load_x NAME(load_x)
#define load_transposed NAME(load_transposed)
#define store_doubles NAME(store_doubles)
#define fetch NAME(fetch)
#define fetch_twice NAME(fetch_twice)
#define splat NAME(splat)
#define sum_lanes NAME(sum_lanes)
#define add_lanes NAME(add_lanes)
#define tail_weights NAME(tail_weights)
#define add_rest NAME(add_rest)
#define add_narrow NAME(add_narrow)
#define add_narrow_any NAME(add_narrow_any)
#define add_short_rows NAME(add_short_rows)
#define add_short_rows_any NAME(add_short_rows_any)
#define add_long_rows NAME(add_long_rows)
#define add_long_rows_any NAME(add_long_rows_any)
#define fetch_column NAME(fetch_column)
#define add_strips NAME(add_strips)
#define add_strips_any NAME(add_strips_any)
#define pack_rows NAME(pack_rows)
#define load_targets NAME(load_targets)
#define add_residuals NAME(add_residuals)
#define add_products NAME(add_products)
#define add_tile NAME(add_tile)
#define tile NAME(tile)
#define unaligned_tile NAME(unaligned_tile)
#define stored_tile NAME(stored_tile)
#define tile_bits NAME(tile_bits)
#define least NAME(least)
#define turn NAME(turn)
#define spread NAME(spread)
#define load_tile NAME(load_tile)
#define multiply NAME(multiply)
#define multiply_any NAME(multiply_any)
#define multiply_panel NAME(multiply_panel)
#define pack_c_order NAME(pack_c_order)
#define pack_column NAME(pack_column)
#define pack_fortran_order NAME(pack_fortran_order)
#define number_at NAME(number_at)
#define number_place NAME(number_place)
#define pack_numbers NAME(pack_numbers)
#define load_numbers NAME(load_numbers)
#define multiply_targets NAME(multiply_targets)
#define multiply_targets_any NAME(multiply_targets_any)
#define pack_targets NAME(pack_targets)
#define pack_panel NAME(pack_panel)
#define add_packed_row NAME(add_packed_row)
#define add_sums NAME(add_sums)
#define add_sums_any NAME(add_sums_any)
#define pack_target NAME(pack_target)
#define pack_turned NAME(pack_turned)
#define sum_tile NAME(sum_tile)
#define reflect NAME(reflect)
#define reduce_columns NAME(reduce_columns)
#define add_centred_row NAME(add_centred_row)
#define add_four_rows NAME(add_four_rows)
#define add_columns NAME(add_columns)

/* The sums over rows that add_gram and add_triangle add to, and their memory. */
typedef struct {
    ptrdiff_t p, k;      /* columns of X and of y */
    ptrdiff_t stride;    /* numbers from column to column of X in Fortran order */
    int columns;         /* X is in Fortran order */
    int singles;         /* y has numbers of single precision */
    const double *shift; /* subtracted from each column of X and y */
    ptrdiff_t left;      /* columns of X, padded to half a tile */
    ptrdiff_t width;     /* columns of [X y], padded to whole tiles */
    ptrdiff_t rows;      /* that are packed at a time, in whole vectors */
    ptrdiff_t share;     /* of the panels whose products are summed: those with this number modulo `shares` */
    ptrdiff_t shares;
    double *packed;      /* the rows of all panels that have columns of X, zero; of a triangle, rows × (1 + p + k) */
    double *panel;       /* the rows of a panel that has targets only */
    double *sums;        /* left × width: the products on and above the diagonal; of a triangle, R, (2 + p) × (1 + p + k) */
    double *totals;      /* width: the sums of the columns */
    double *squares;     /* width: those of the targets */
} gram_task;

/* Weights that add_measured measures, and the sums that it adds to; arrays are padded with zeros to whole cache lines. */
typedef struct {
    ptrdiff_t p;          /* columns of X */
    ptrdiff_t stride;     /* numbers from column to column of X in Fortran order */
    int columns;          /* X is in Fortran order */
    const double *means;  /* of the columns */
    const double *vector; /* the weights of the centred columns */
    double centre;        /* the mean of y */
    double *sums;         /* Σ s·r², and from the next cache line on Σ s·r·(x − mean) */
} measure_task;

/* A level: its name, and its functions for X of doubles and of floats. */
typedef void (*add_block_function)(const void *X, const double *y, ptrdiff_t rows, ptrdiff_t p, ptrdiff_t stride,
                                   int columns, int cached, const double *w, double intercept, double *out);
typedef void (*add_targets_function)(const void *X, const double *y, ptrdiff_t rows, ptrdiff_t p, ptrdiff_t stride,
                                     int columns, ptrdiff_t k, const double *w, int intercepts, double *scratch,
                                     double *out);
typedef double (*sum_all_function)(const void *X, ptrdiff_t size, ptrdiff_t ahead);
typedef void (*add_rows_function)(const gram_task *task, const void *part, const void *y, const double *weights,
                                  ptrdiff_t n);
typedef void (*reduce_block_function)(double *block, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t pivots, ptrdiff_t columns,
                                      double *R);
typedef void (*add_measured_function)(const measure_task *task, const void *part, const double *y, ptrdiff_t k,
                                      const double *weights, ptrdiff_t n);
typedef struct {
    const char *name;
    add_block_function add_block[2];
    add_targets_function add_targets[2];
    sum_all_function sum_all[2];
    add_rows_function add_gram[2];
    add_rows_function add_triangle[2];
    reduce_block_function reduce_block;
    add_measured_function add_measured[2];
    ptrdiff_t tile_rows;
    ptrdiff_t panel_columns;
} cpu_level;
#define FUNCTIONS_OF(level, tile_rows)                                                  \
    {#level,                                                                            \
     {add_block_##level##_double, add_block_##level##_float},                           \
     {add_targets_##level##_double, add_targets_##level##_float},                       \
     {sum_all_##level##_double, sum_all_##level##_float},                               \
     {add_gram_##level##_double, add_gram_##level##_float},                             \
     {add_triangle_##level##_double, add_triangle_##level##_float},                     \
     reduce_columns_##level##_double,                                                   \
     {add_measured_##level##_double, add_measured_##level##_float},                     \
     tile_rows,                                                                         \
     panel_columns_##level##_double}

#define LEVEL baseline
#define TARGET
#define TILE_TARGET TARGET
#ifdef FASTGD_PLAIN
#define LANES 1
#else
#define LANES 2
#endif
#define TILE_LANES LANES
#define TILE_ROWS 4
#if defined(__aarch64__) && !defined(FASTGD_PLAIN)
#define TILE_VECTORS 6
#else
#define TILE_VECTORS (4 / LANES)
#endif
#define TILE_FUSED(a, b, c) FUSED(a, b, c)
#include "level.inc"

#if defined(__x86_64__) && !defined(FASTGD_PLAIN)
#define LEVEL avx2
#define TARGET __attribute__((target("avx2,fma,bmi,bmi2")))
#define TILE_TARGET TARGET
#define LANES 4
#define TILE_LANES 4
#define TILE_ROWS 4
#define TILE_VECTORS 3
#define TILE_FUSED(a, b, c) FUSED(a, b, c)
#include "level.inc"

/* 256-bit vectors here too, with twice the registers and shorter moves: X is rarely aligned to 64 bytes, and a 512-bit load
   that crosses a cache line costs as much as two loads. Clang ignores a target attribute of which it does not know a part. */
#define LEVEL avx512
#if defined(__clang__)
#define TARGET __attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512dq,avx512vl"), min_vector_width(256)))
#else
#define TARGET __attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512dq,avx512vl,prefer-vector-width=256")))
#endif
#define LANES 4
#if defined(__clang__)
#define TILE_TARGET __attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512dq,avx512vl"), min_vector_width(512)))
#else
#define TILE_TARGET __attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512dq,avx512vl,prefer-vector-width=512")))
#endif
#define TILE_LANES 8
#define TILE_ROWS 8
#define TILE_VECTORS 3
#define TILE_FUSED(a, b, c) _mm512_fmadd_pd(a, b, c)
#include "level.inc"

static const cpu_level cpu_levels[] = {FUNCTIONS_OF(baseline, 4), FUNCTIONS_OF(avx2, 4), FUNCTIONS_OF(avx512, 8)};

/* Return the highest level that this processor and its operating system support. It asks the processor itself, since not
   every linker has what __builtin_cpu_supports needs; in a virtual machine the answer may take microseconds. macOS saves the
   registers of AVX-512 only for programs that have used them, and gets avx2. */
static int highest_level(void) {
    enum { SAVES_AVX = 0x06, SAVES_AVX512 = 0xe6 }; /* bits of the registers that the system saves */
    const unsigned avx = bit_AVX | bit_FMA | bit_OSXSAVE, avx2 = bit_AVX2 | bit_BMI | bit_BMI2;
    const unsigned avx512 = bit_AVX512F | bit_AVX512DQ | bit_AVX512VL;
    unsigned a, b, c, d, saved, unused;
    if (!__get_cpuid(1, &a, &b, &c, &d) || ~c & avx) return 0;
    __asm__("xgetbv" : "=a"(saved), "=d"(unused) : "c"(0));
    if (~saved & SAVES_AVX || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || ~b & avx2) return 0;
    return ~saved & SAVES_AVX512 || ~b & avx512 ? 1 : 2;
}
#else
static const cpu_level cpu_levels[] = {FUNCTIONS_OF(baseline, 4)};
static int highest_level(void) { return 0; }
#endif

/* Headers that come later have names of their own. */
#undef vec
#undef unaligned_vec
#undef mask
#undef stored_vec
#undef unaligned_stored_vec
#undef load_doubles
#undef load_x
#undef load_transposed
#undef store_doubles
#undef fetch
#undef fetch_twice
#undef splat
#undef sum_lanes
#undef add_lanes
#undef tail_weights
#undef add_rest
#undef add_narrow
#undef add_narrow_any
#undef add_short_rows
#undef add_short_rows_any
#undef add_long_rows
#undef add_long_rows_any
#undef fetch_column
#undef add_strips
#undef add_strips_any
#undef pack_rows
#undef load_targets
#undef add_residuals
#undef add_products
#undef add_tile
#undef tile
#undef unaligned_tile
#undef stored_tile
#undef tile_bits
#undef least
#undef turn
#undef spread
#undef load_tile
#undef multiply
#undef multiply_any
#undef multiply_panel
#undef pack_c_order
#undef pack_column
#undef pack_fortran_order
#undef number_at
#undef number_place
#undef pack_numbers
#undef load_numbers
#undef multiply_targets
#undef multiply_targets_any
#undef pack_targets
#undef pack_panel
#undef add_packed_row
#undef add_sums
#undef add_sums_any
#undef pack_target
#undef pack_turned
#undef sum_tile
#undef reflect
#undef reduce_columns
#undef add_centred_row
#undef add_four_rows
#undef add_columns
#undef INLINE
#undef OUTLINE
#undef TILE_INLINE
#undef TILE_OUTLINE
#undef SHUFFLE
#undef UNROLL_TWICE
#undef KEEP
#undef PREFETCH
#undef IN_BOUNDS
#undef NAME
#undef JOIN_EXPANDED
#undef JOIN
#undef FUNCTIONS_OF
