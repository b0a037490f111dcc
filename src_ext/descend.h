/* Epochs over the blocks of a problem, by one thread or by several that run this function at the same time.

   The blocks depend on the problem alone, and their sums are folded in the order of the blocks: the answer has the same
   bits for every number of threads. Each thread has a range of blocks, which stays in its cache from epoch to epoch, and
   takes from the ranges of others when its own is done. Whoever finishes the last block of an epoch folds, updates the
   weights and opens the next epoch. So nobody waits for a thread that has no core, but for a block that it may be in the
   middle of: threads that are late, or never come, find less to do.

   Threads share counters in memory: no thread pool is left behind, so a process may fork afterwards, and calls from
   several Python threads do not meet at all. */

#include "levels.h"

#if defined(_WIN32)
#define give_way() ((void)0)
#else
#include <sched.h>
#define give_way() sched_yield()
#endif

/* The entries of `sync`, all zero at first, each on a line of cache of its own. The counters only grow, over all epochs. */
enum {
    ENDED = 0,                         /* not zero: no more epochs. Set by a thread that stops, or from outside */
    APPLIED = LINE / sizeof(int64_t),  /* how many updates were made: the epoch of this number is open */
    FINISHED = 2 * APPLIED,            /* how many blocks are computed */
    CLAIMED = 3 * APPLIED,             /* how many blocks of the first member's range were taken; then the next member's */
    PATIENCE = 4096                    /* looks at a counter before a waiting thread offers its core to others */
};

enum {
    SUMS = 6,              /* where the sums of a block begin in its row of partials: Σr², Σr, and at a line of cache Σ r·x */
    PACK_FEATURES = 16,    /* X in C order with up to so many features */
    PACK_ELEMENTS = 16384, /* and elements (128 KB) is turned into columns, once a call */
};

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

static ptrdiff_t count_blocks(const descent *d) { return (d->n + d->block_rows - 1) / d->block_rows; }

static void compute(const descent *d, ptrdiff_t b) {
    const ptrdiff_t row = block_begin(d, b), end = b + 1 < count_blocks(d) ? block_begin(d, b + 1) : d->n;
    add_block[d->level][d->is_float](d, row, end - row, d->partials + b * d->partial_size + SUMS);
}

/* Make the update of an epoch whose blocks are all computed; false if there is none. */
static int end_epoch(const descent *d, ptrdiff_t epoch) {
    d->costs[epoch] = fold(d, count_blocks(d));
    return update(d, d->rates[epoch], d->costs[epoch]);
}

/* Memory order. An epoch is opened by a release of APPLIED, and is worked on by those who acquired that value: they see
   its weights and every claim of the epochs before, and nobody reads the partials of those any more. A claim is relaxed:
   all that it needs is that no two of them get the same count. One made too late, when its epoch is over, fails: by then
   the counter has reached the epoch's limit, and a compare-and-swap sees its last value. An epoch cannot end
   while a block that was claimed in it is not finished. Additions to FINISHED acquire and release, each the next one:
   who brings it to the end of an epoch sees the sums of all blocks. */
static int64_t look(const descent *d, int entry) { return __atomic_load_n(&d->sync[entry], __ATOMIC_ACQUIRE); }
static void tell(const descent *d, int entry, int64_t value) { __atomic_store_n(&d->sync[entry], value, __ATOMIC_RELEASE); }

/* Take the next block of a member's range in an epoch; -1 if all are taken. */
static ptrdiff_t claim(const descent *d, int64_t epoch, int64_t member) {
    const ptrdiff_t blocks = count_blocks(d), first = blocks * member / d->members;
    const int64_t size = blocks * (member + 1) / d->members - first;
    int64_t *claimed = &d->sync[CLAIMED + member * APPLIED], count = __atomic_load_n(claimed, __ATOMIC_RELAXED);
    while (count < (epoch + 1) * size)
        if (__atomic_compare_exchange_n(claimed, &count, count + 1, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return first + (ptrdiff_t)(count - epoch * size);
    return -1;
}

/* Compute what can be claimed of an epoch, own blocks first; tell whether its last block was finished here. */
static int take_part(const descent *d, int64_t epoch) {
    const ptrdiff_t blocks = count_blocks(d);
    int64_t taken = 0;
    if (d->members == 1) { /* who is alone needs no claims */
        for (ptrdiff_t b = 0; b < blocks; b++) compute(d, b);
        return 1;
    }
    for (int64_t k = d->member; k < d->member + d->members; k++)
        for (ptrdiff_t b; (b = claim(d, epoch, k % d->members)) >= 0; taken++) compute(d, b);
    return taken && __atomic_add_fetch(&d->sync[FINISHED], taken, __ATOMIC_ACQ_REL) == (epoch + 1) * blocks;
}

static void wait_for_end(const descent *d, int64_t epoch) {
    for (int64_t looks = 0; look(d, APPLIED) == epoch && !look(d, ENDED); looks++)
        if (looks > PATIENCE) give_way();
}

static ptrdiff_t run_epochs(const descent *d) {
    int64_t epoch;
    while ((epoch = look(d, APPLIED)) < d->epochs && !look(d, ENDED))
        if (!take_part(d, epoch))
            wait_for_end(d, epoch);
        else if (end_epoch(d, epoch))
            tell(d, APPLIED, epoch + 1);
        else
            tell(d, ENDED, 1);
    return look(d, APPLIED); /* again: before the end, others may have gone on */
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
