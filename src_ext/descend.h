/* Epochs over the blocks of a problem, by one thread or by several that run this function at the same time.

   The blocks depend on the problem alone, and their sums are folded in the order of the blocks: the answer has the same
   bits for every number of threads. Threads meet twice an epoch, at a counter in memory that they all wait for: no thread
   pool is left behind, so a process may fork afterwards, and calls from several Python threads do not meet at all. */

#include "levels.h"

#if defined(_WIN32)
#define give_way() ((void)0)
#else
#include <sched.h>
#define give_way() sched_yield()
#endif

enum {
    ARRIVED = 0,    /* how many times a thread has arrived at a meeting, all together */
    ABANDONED = 8,  /* set from outside when not all of them will come; a cache line further */
    STOPPED = 9,    /* set by the first thread when an update is not finite */
    PATIENCE = 4096 /* looks at the counter before a waiting thread offers its core to others */
};

enum {
    SUMS = 6,              /* where the sums of a block begin in its row of partials: Σr², Σr, and at a line of cache Σ r·x */
    PACK_FEATURES = 16,    /* X in C order with up to so many features */
    PACK_ELEMENTS = 16384, /* and elements (128 KB) is turned into columns, once a call */
};

/* Wait until all threads have arrived as often as this one; false if they will not. */
static int meet(const descent *d, int64_t *times) {
    if (d->members == 1) return 1;
    *times += d->members;
    __atomic_add_fetch(&d->sync[ARRIVED], 1, __ATOMIC_ACQ_REL);
    for (int64_t looks = 0; __atomic_load_n(&d->sync[ARRIVED], __ATOMIC_ACQUIRE) < *times; looks++) {
        if (__atomic_load_n(&d->sync[ABANDONED], __ATOMIC_ACQUIRE)) return 0;
        if (looks > PATIENCE) give_way();
    }
    return 1;
}

/* Add up the blocks' sums in their order: gradient = Xᵀr / n; return J = rᵀr / 2n. */
static double fold(const descent *d, ptrdiff_t blocks) {
    double squares = 0.0, total = 0.0, *g = d->gradient + d->intercepts;
    for (ptrdiff_t j = 0; j < d->p; j++) g[j] = 0.0;
    for (ptrdiff_t b = 0; b < blocks; b++) {
        const double *partial = d->partials + b * d->partial_size + SUMS;
        squares += partial[0];
        total += partial[1];
        for (ptrdiff_t j = 0; j < d->p; j++) g[j] += partial[2 + j];
    }
    for (ptrdiff_t j = 0; j < d->p; j++) g[j] /= d->n;
    if (d->intercepts) d->gradient[0] = total / d->n;
    return squares / (2 * d->n);
}

/* w ← w − rate·gradient; false, and no update, if the cost or a weight is not finite. */
static int update(const descent *d, double rate, double cost) {
    const ptrdiff_t size = d->p + d->intercepts;
    double nothing = 0.0 * cost; /* 0 · inf and 0 · NaN are NaN */
    for (ptrdiff_t j = 0; j < size; j++) nothing += 0.0 * (d->weights[j] - rate * d->gradient[j]);
    if (nothing != 0.0) return 0;
    for (ptrdiff_t j = 0; j < size; j++) d->weights[j] -= rate * d->gradient[j];
    return 1;
}

/* The columns of a small narrow X, one after the other, in double, each from a line of cache on; NULL without memory. */
static double *pack(const descent *d, ptrdiff_t stride) {
    double *packed = aligned_alloc(LINE, (size_t)(stride * d->p) * sizeof(double));
    if (packed == NULL) return NULL;
    for (ptrdiff_t i = 0; i < d->n; i++)
        for (ptrdiff_t j = 0; j < d->p; j++) {
            const ptrdiff_t k = i * d->p + j;
            packed[j * stride + i] = d->is_float ? ((const float *)d->X)[k] : ((const double *)d->X)[k];
        }
    return packed;
}

/* The row where block b begins. In Fortran order a strip of rows that begins inside a line of cache touches one line of
   every column more. Large arrays begin 16 bytes behind a line, since glibc keeps their size there: 16 bytes' worth of rows
   further up all blocks but the first begin with a line. An array that begins elsewhere takes longer, but since this looks
   at no address, its answer has the same bits. */
static ptrdiff_t block_begin(const descent *d, ptrdiff_t b) {
    const ptrdiff_t up = d->columns && !d->packed ? 16 / (d->is_float ? sizeof(float) : sizeof(double)) : 0;
    return b == 0 ? 0 : b * d->block_rows - up;
}

static ptrdiff_t run_epochs(const descent *d) {
    const ptrdiff_t blocks = (d->n + d->block_rows - 1) / d->block_rows;
    const ptrdiff_t first = blocks * d->member / d->members, last = blocks * (d->member + 1) / d->members;
    int64_t times = 0;
    for (ptrdiff_t epoch = 0; epoch < d->epochs; epoch++) {
        for (ptrdiff_t b = first; b < last; b++) {
            const ptrdiff_t row = block_begin(d, b), end = b + 1 < blocks ? block_begin(d, b + 1) : d->n;
            add_block[d->level][d->is_float](d, row, end - row, d->partials + b * d->partial_size + SUMS);
        }
        if (!meet(d, &times)) return epoch;
        if (d->member == 0) {
            d->costs[epoch] = fold(d, blocks);
            if (!update(d, d->rates[epoch], d->costs[epoch])) d->sync[STOPPED] = 1;
        }
        if (!meet(d, &times) || d->sync[STOPPED]) return epoch;
    }
    return d->epochs;
}

/* Apply the updates and return how many were applied. */
static ptrdiff_t run_descent(const descent *d) {
    const int packs = d->p <= PACK_FEATURES && !d->columns && d->n * d->p <= PACK_ELEMENTS;
    const ptrdiff_t line = LINE / sizeof(double), stride = (d->n + line - 1) / line * line;
    double *packed = packs ? pack(d, stride) : NULL;
    if (packed == NULL) return run_epochs(d);
    descent narrow = *d;
    narrow.X = packed;
    narrow.stride = stride;
    narrow.columns = 1;
    narrow.is_float = 0;
    narrow.packed = 1;
    const ptrdiff_t applied = run_epochs(&narrow);
    free(packed);
    return applied;
}

/* The sum of X, for the time it takes to read it; `ahead` bytes are fetched ahead of the loop. */
static double read_once(int level, int is_float, const void *X, ptrdiff_t size, ptrdiff_t ahead) {
    return read_block[level][is_float](X, size, ahead);
}
