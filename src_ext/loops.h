/* One block of rows: the residuals, and at once their part of the gradient.

   This file is included once for every CPU level and storage type, with
     LEVEL   a name for the level, part of every function's name
     TARGET  the attribute that lets the compiler use the level's instructions
     LANES   doubles in a vector of that level: 2, 4 or 8
     FLOAT   the storage type of X: double or float; arithmetic is in double either way
     WIDEN   what turns a vector of FLOAT into one of double

   Design:
   (a) X is read once. A few rows (C order) or a tile of rows (Fortran order) are used twice while they are in L1 or L2.
   (b) Explicit vectors instead of -ffast-math: the order of every sum stands in this file, so it is the same for every
       compiler, and neither NaN nor denormals are treated differently from anywhere else in the process.
   (c) Columns beyond the last whole vector are read by one more vector that overlaps the one before, with weights of
       zero where it does: no scalar loop at the end of each row.
   (d) A block's sums go to out = [Σr², Σr, Σ r·x₁, …, Σ r·xₚ]; who adds up the blocks decides about threads, not these loops.
*/

#define vec NAME(vec)
#define vec_of_double NAME(vec_of_double)
#define vec_of_float NAME(vec_of_float)
#define unaligned_float NAME(unaligned_float)
typedef double vec __attribute__((vector_size(8 * LANES)));
typedef double vec_of_double __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef FLOAT vec_of_float __attribute__((vector_size(sizeof(FLOAT) * LANES)));
typedef FLOAT unaligned_float __attribute__((vector_size(sizeof(FLOAT) * LANES), aligned(sizeof(FLOAT)), may_alias));

#define INLINE TARGET static inline __attribute__((always_inline))
#define OUTLINE TARGET static __attribute__((noinline))
#define load NAME(load)
#define load_x NAME(load_x)
#define gather_x NAME(gather_x)
#define store NAME(store)
#define splat NAME(splat)
#define sum NAME(sum)
#define residuals NAME(residuals)
#define add_rest NAME(add_rest)
#define tail_weights NAME(tail_weights)

INLINE vec load(const double *a) { return *(const vec_of_double *)a; }

INLINE void store(double *a, vec v) { *(vec_of_double *)a = v; }

INLINE vec load_x(const FLOAT *a) {
    IN_BOUNDS(a, LANES);
    vec_of_float v = *(const unaligned_float *)a;
    return WIDEN(v);
}

INLINE vec gather_x(const FLOAT *a, ptrdiff_t stride) {
    vec_of_float v;
    for (int k = 0; k < LANES; k++) {
        IN_BOUNDS(a + k * stride, 1);
        v[k] = a[k * stride];
    }
    return WIDEN(v);
}

INLINE vec splat(double a) {
    vec v;
    for (int k = 0; k < LANES; k++) v[k] = a;
    return v;
}

INLINE double sum(vec v) {
    double total = 0.0;
    for (int k = 0; k < LANES; k++) total += v[k];
    return total;
}

/* Four sums of four vectors, side by side. */
INLINE four NAME(sums)(vec a, vec b, vec c, vec d) {
#if LANES == 2
    vec ab = __builtin_shufflevector(a, b, 0, 2) + __builtin_shufflevector(a, b, 1, 3);
    vec cd = __builtin_shufflevector(c, d, 0, 2) + __builtin_shufflevector(c, d, 1, 3);
    return __builtin_shufflevector(ab, cd, 0, 1, 2, 3);
#else
#if LANES == 8
    four a4 = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
    four b4 = __builtin_shufflevector(b, b, 0, 1, 2, 3) + __builtin_shufflevector(b, b, 4, 5, 6, 7);
    four c4 = __builtin_shufflevector(c, c, 0, 1, 2, 3) + __builtin_shufflevector(c, c, 4, 5, 6, 7);
    four d4 = __builtin_shufflevector(d, d, 0, 1, 2, 3) + __builtin_shufflevector(d, d, 4, 5, 6, 7);
#else
    four a4 = a, b4 = b, c4 = c, d4 = d;
#endif
    four ab = __builtin_shufflevector(a4, b4, 0, 4, 2, 6) + __builtin_shufflevector(a4, b4, 1, 5, 3, 7);
    four cd = __builtin_shufflevector(c4, d4, 0, 4, 2, 6) + __builtin_shufflevector(c4, d4, 1, 5, 3, 7);
    return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
#endif
}

/* The rows that are left when LANES or four at a time do not come out even. Elements of a row are `step` apart. */
OUTLINE void add_rest(const FLOAT *X, const double *y, ptrdiff_t rows, ptrdiff_t p, ptrdiff_t next_row, ptrdiff_t step,
                      const double *w, double intercept, double *out) {
    for (ptrdiff_t i = 0; i < rows; i++) {
        const FLOAT *a = X + i * next_row;
        double r = intercept - y[i];
        for (ptrdiff_t j = 0; j < p; j++) {
            IN_BOUNDS(a + j * step, 1);
            r += a[j * step] * w[j];
        }
        out[0] += r * r;
        out[1] += r;
        for (ptrdiff_t j = 0; j < p; j++) out[2 + j] += r * a[j * step];
    }
}

/* 1 to 8 features: a vector is a column of LANES rows, so that no lane is idle. All sums stay in registers. */
INLINE void NAME(add_narrow)(const int P, const int columns, const FLOAT *X, const double *y, ptrdiff_t rows,
                             ptrdiff_t stride, const double *w, double intercept, double *out) {
    const int groups = P <= 4 ? 2 : 1; /* two independent chains where one would wait for its own sums */
    vec squares[2] = {{0}, {0}}, total[2] = {{0}, {0}}, g[2][8], weight[8], start = splat(intercept);
    for (int j = 0; j < P; j++) {
        weight[j] = splat(w[j]);
        g[0][j] = g[1][j] = (vec){0};
    }
    ptrdiff_t i = 0;
    for (; i + groups * LANES <= rows; i += groups * LANES)
        for (int k = 0; k < groups; k++) {
            const ptrdiff_t row = i + k * LANES;
            vec x[8], r = start - load(y + row);
            for (int j = 0; j < P; j++) {
                x[j] = columns ? load_x(X + j * stride + row) : gather_x(X + row * stride + j, stride);
                r += x[j] * weight[j];
            }
            squares[k] += r * r;
            total[k] += r;
            for (int j = 0; j < P; j++) g[k][j] += r * x[j];
        }
    out[0] = sum(squares[0] + squares[1]);
    out[1] = sum(total[0] + total[1]);
    for (int j = 0; j < P; j++) out[2 + j] = sum(g[0][j] + g[1][j]);
    add_rest(columns ? X + i : X + i * stride, y + i, rows - i, P, columns ? 1 : stride, columns ? stride : 1, w,
             intercept, out);
}

OUTLINE void NAME(add_narrow_any)(ptrdiff_t p, int columns, const FLOAT *X, const double *y, ptrdiff_t rows,
                                  ptrdiff_t stride, const double *w, double intercept, double *out) {
#define CASE(P)                                                                       \
    case P:                                                                           \
        if (columns) NAME(add_narrow)(P, 1, X, y, rows, stride, w, intercept, out);   \
        else NAME(add_narrow)(P, 0, X, y, rows, stride, w, intercept, out);           \
        break;
    switch (p) { CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) }
#undef CASE
}

/* The weights of the last vector of a row: zero where the vector before has been there already. */
INLINE vec tail_weights(const double *w, ptrdiff_t p, ptrdiff_t whole) {
    vec v;
    for (int k = 0; k < LANES; k++) v[k] = p - LANES + k >= whole ? w[p - LANES + k] : 0.0;
    return v;
}

/* More than 8 features but few vectors a row: four rows at a time, weights and gradient in registers. */
INLINE void NAME(add_short_rows)(const int vectors, const FLOAT *X, const double *y, ptrdiff_t rows, ptrdiff_t p,
                                 const double *w, double intercept, double *out) {
    const ptrdiff_t last = p - LANES, whole = (ptrdiff_t)(vectors - 1) * LANES;
    vec g[MOST_VECTORS], weight[MOST_VECTORS];
    four squares = {0}, total = {0};
    for (int k = 0; k < vectors; k++) {
        g[k] = (vec){0};
        weight[k] = k < vectors - 1 ? load(w + k * LANES) : tail_weights(w, p, whole);
    }
    ptrdiff_t i = 0;
    for (; i + 4 <= rows; i += 4) {
        const FLOAT *a = X + i * p, *b = a + p, *c = b + p, *d = c + p;
        vec s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
        for (int k = 0; k < vectors; k++) {
            const ptrdiff_t j = k < vectors - 1 ? k * LANES : last;
            s0 += weight[k] * load_x(a + j);
            s1 += weight[k] * load_x(b + j);
            s2 += weight[k] * load_x(c + j);
            s3 += weight[k] * load_x(d + j);
        }
        const four r = NAME(sums)(s0, s1, s2, s3) + (intercept - *(const unaligned_four *)(y + i));
        squares += r * r;
        total += r;
        const vec r0 = splat(r[0]), r1 = splat(r[1]), r2 = splat(r[2]), r3 = splat(r[3]);
        for (int k = 0; k < vectors; k++) {
            const ptrdiff_t j = k < vectors - 1 ? k * LANES : last;
            g[k] += (r0 * load_x(a + j) + r1 * load_x(b + j)) + (r2 * load_x(c + j) + r3 * load_x(d + j));
            for (int line = 0; line < 4 * LANES * (int)sizeof(FLOAT); line += LINE)
                __builtin_prefetch((const char *)(a + 4 * k * LANES) + SHORT_AHEAD + line);
        }
    }
    for (int k = 0; k < vectors - 1; k++) store(out + 2 + k * LANES, g[k]);
    for (int k = 0; k < LANES; k++)
        if (last + k >= whole) out[2 + last + k] = g[vectors - 1][k];
    out[0] = (squares[0] + squares[1]) + (squares[2] + squares[3]);
    out[1] = (total[0] + total[1]) + (total[2] + total[3]);
    add_rest(X + i * p, y + i, rows - i, p, p, 1, w, intercept, out);
}

OUTLINE void NAME(add_short_rows_any)(ptrdiff_t vectors, const FLOAT *X, const double *y, ptrdiff_t rows, ptrdiff_t p,
                                      const double *w, double intercept, double *out) {
#define CASE(V)                                                             \
    case V:                                                                 \
        NAME(add_short_rows)(V, X, y, rows, p, w, intercept, out);          \
        break;
    switch (vectors) { CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) }
#undef CASE
}

/* The dot product of one row with the weights, whole vectors only. */
INLINE vec NAME(dot)(const FLOAT *a, const double *w, ptrdiff_t whole) {
    vec s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    ptrdiff_t j = 0;
    for (; j + 4 * LANES <= whole; j += 4 * LANES) {
        s0 += load(w + j) * load_x(a + j);
        s1 += load(w + j + LANES) * load_x(a + j + LANES);
        s2 += load(w + j + 2 * LANES) * load_x(a + j + 2 * LANES);
        s3 += load(w + j + 3 * LANES) * load_x(a + j + 3 * LANES);
    }
    for (; j < whole; j += LANES) s0 += load(w + j) * load_x(a + j);
    return (s0 + s1) + (s2 + s3);
}

/* Four of them side by side, added to s. */
INLINE void NAME(dots)(const FLOAT *a, const FLOAT *b, const FLOAT *c, const FLOAT *d, const double *w, ptrdiff_t whole,
                       vec *s) {
    vec t[4] = {{0}, {0}, {0}, {0}};
    ptrdiff_t j = 0;
    for (; j + 2 * LANES <= whole; j += 2 * LANES) {
        const vec u = load(w + j), v = load(w + j + LANES);
        s[0] += u * load_x(a + j);
        s[1] += u * load_x(b + j);
        s[2] += u * load_x(c + j);
        s[3] += u * load_x(d + j);
        t[0] += v * load_x(a + j + LANES);
        t[1] += v * load_x(b + j + LANES);
        t[2] += v * load_x(c + j + LANES);
        t[3] += v * load_x(d + j + LANES);
    }
    if (j < whole) {
        const vec u = load(w + j);
        s[0] += u * load_x(a + j);
        s[1] += u * load_x(b + j);
        s[2] += u * load_x(c + j);
        s[3] += u * load_x(d + j);
    }
    for (int k = 0; k < 4; k++) s[k] += t[k];
}

/* Long rows: four residuals, then one pass over the gradient for all four rows while they are in cache.

   Out of cache the dot products of rows of some 100 features are fastest one after the other, so that memory is read in
   one stream, with the next four rows fetched during the pass over the gradient. Much longer rows are streams of their
   own: there, and in cache, dot products side by side save loads of the weights, and prefetching costs more than it
   gains. */
INLINE void NAME(add_long_rows)(const int streams, const FLOAT *X, const double *y, ptrdiff_t rows, ptrdiff_t p,
                                const double *w, double intercept, double *out) {
    const ptrdiff_t whole = p - p % LANES, last = p - LANES;
    const vec tail = tail_weights(w, p, whole);
    double *g = out + 2;
    vec g_tail = {0};
    four squares = {0}, total = {0};
    for (ptrdiff_t j = 0; j < p; j++) g[j] = 0.0;
    ptrdiff_t i = 0;
    for (; i + 4 <= rows; i += 4) {
        const FLOAT *a = X + i * p, *b = a + p, *c = b + p, *d = c + p;
        vec s[4] = {{0}, {0}, {0}, {0}};
        if (streams == 4)
            NAME(dots)(a, b, c, d, w, whole, s);
        else
            for (int k = 0; k < 4; k++) s[k] = NAME(dot)(a + k * p, w, whole);
        if (whole < p)
            for (int k = 0; k < 4; k++) s[k] += tail * load_x(a + k * p + last);
        const four r = NAME(sums)(s[0], s[1], s[2], s[3]) + (intercept - *(const unaligned_four *)(y + i));
        squares += r * r;
        total += r;
        const vec r0 = splat(r[0]), r1 = splat(r[1]), r2 = splat(r[2]), r3 = splat(r[3]);
        for (ptrdiff_t j = 0; j < whole; j += LANES) {
            const vec rx = (r0 * load_x(a + j) + r1 * load_x(b + j)) + (r2 * load_x(c + j) + r3 * load_x(d + j));
            store(g + j, load(g + j) + rx);
            if (streams == 1)
                for (int line = 0; line < 4 * LANES * (int)sizeof(FLOAT); line += LINE)
                    __builtin_prefetch((const char *)(a + 4 * (p + j)) + line);
        }
        if (whole < p)
            g_tail += (r0 * load_x(a + last) + r1 * load_x(b + last)) + (r2 * load_x(c + last) + r3 * load_x(d + last));
    }
    for (int k = 0; k < LANES; k++)
        if (last + k >= whole) g[last + k] += g_tail[k];
    out[0] = (squares[0] + squares[1]) + (squares[2] + squares[3]);
    out[1] = (total[0] + total[1]) + (total[2] + total[3]);
    add_rest(X + i * p, y + i, rows - i, p, p, 1, w, intercept, out);
}

OUTLINE void NAME(add_long_rows_any)(int streams, const FLOAT *X, const double *y, ptrdiff_t rows, ptrdiff_t p,
                                     const double *w, double intercept, double *out) {
    if (streams == 4) NAME(add_long_rows)(4, X, y, rows, p, w, intercept, out);
    else NAME(add_long_rows)(1, X, y, rows, p, w, intercept, out);
}

/* Fortran order: residuals of a tile of rows, four columns at a time, then the same columns once more from cache. */
OUTLINE void NAME(add_tiles)(const FLOAT *X, const double *y, ptrdiff_t rows, ptrdiff_t p, ptrdiff_t stride,
                             const double *w, double intercept, double *out) {
    const ptrdiff_t tile = tile_rows(p);
    double r[MOST_TILE_ROWS], *g = out + 2;
    vec squares = {0}, total = {0};
    for (ptrdiff_t j = 0; j < p; j++) g[j] = 0.0;
    ptrdiff_t start = 0;
    for (; start + LANES <= rows; start += tile) {
        ptrdiff_t m = rows - start < tile ? rows - start : tile, i, j;
        m -= m % LANES;
        for (i = 0; i < m; i += LANES) store(r + i, intercept - load(y + start + i));
        for (j = 0; j + 4 <= p; j += 4) {
            const FLOAT *a = X + start + j * stride, *b = a + stride, *c = b + stride, *d = c + stride;
            const vec w0 = splat(w[j]), w1 = splat(w[j + 1]), w2 = splat(w[j + 2]), w3 = splat(w[j + 3]);
            /* Pieces of columns are too short for the processor to foresee the next ones. */
            for (i = 0; i < m; i += LINE / (int)sizeof(FLOAT)) {
                __builtin_prefetch(a + COLUMNS_AHEAD * stride + i);
                __builtin_prefetch(b + COLUMNS_AHEAD * stride + i);
                __builtin_prefetch(c + COLUMNS_AHEAD * stride + i);
                __builtin_prefetch(d + COLUMNS_AHEAD * stride + i);
            }
            for (i = 0; i < m; i += LANES)
                store(r + i, load(r + i) + ((w0 * load_x(a + i) + w1 * load_x(b + i)) +
                                            (w2 * load_x(c + i) + w3 * load_x(d + i))));
        }
        for (; j < p; j++) {
            const FLOAT *a = X + start + j * stride;
            const vec w0 = splat(w[j]);
            for (i = 0; i < m; i += LANES) store(r + i, load(r + i) + w0 * load_x(a + i));
        }
        for (i = 0; i < m; i += LANES) {
            squares += load(r + i) * load(r + i);
            total += load(r + i);
        }
        for (j = 0; j + 4 <= p; j += 4) {
            const FLOAT *a = X + start + j * stride, *b = a + stride, *c = b + stride, *d = c + stride;
            vec s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
            for (i = 0; i < m; i += LANES) {
                const vec ri = load(r + i);
                s0 += ri * load_x(a + i);
                s1 += ri * load_x(b + i);
                s2 += ri * load_x(c + i);
                s3 += ri * load_x(d + i);
            }
            *(unaligned_four *)(g + j) += NAME(sums)(s0, s1, s2, s3);
        }
        for (; j < p; j++) {
            const FLOAT *a = X + start + j * stride;
            vec s0 = {0};
            for (i = 0; i < m; i += LANES) s0 += load(r + i) * load_x(a + i);
            g[j] += sum(s0);
        }
    }
    out[0] = sum(squares);
    out[1] = sum(total);
    const ptrdiff_t rest = rows % LANES;
    add_rest(X + rows - rest, y + rows - rest, rest, p, 1, stride, w, intercept, out);
}

/* Whichever of these loops suits the problem. */
TARGET static void NAME(add_block)(const descent *d, ptrdiff_t first, ptrdiff_t rows, double *out) {
    const FLOAT *X = (const FLOAT *)d->X + (d->columns ? first : first * d->p);
    const double *y = d->y + first, *w = d->weights + d->intercepts;
    const double intercept = d->intercepts ? d->weights[0] : 0.0;
    const ptrdiff_t vectors = (d->p + LANES - 1) / LANES;
    SET_BOUNDS(d->X, d->n * d->p * (ptrdiff_t)sizeof(FLOAT));
#ifdef FASTGD_PLANT_BUG /* one element beyond X, for tests/sanitize.sh */
    add_rest((const FLOAT *)d->X + d->n * d->p, y, 1, 1, 1, 1, w, intercept, out);
#endif
    if (d->p <= NARROW)
        NAME(add_narrow_any)(d->p, d->columns, X, y, rows, d->columns ? d->n : d->p, w, intercept, out);
    else if (d->columns)
        NAME(add_tiles)(X, y, rows, d->p, d->n, w, intercept, out);
    else if (vectors <= MOST_VECTORS)
        NAME(add_short_rows_any)(vectors, X, y, rows, d->p, w, intercept, out);
    else
        NAME(add_long_rows_any)(streams(d, sizeof(FLOAT)), X, y, rows, d->p, w, intercept, out);
}

/* The sum of X, for the time it takes to read it: eight independent sums, prefetching `ahead` bytes unless 0. */
TARGET static double NAME(read)(const void *X, ptrdiff_t size, ptrdiff_t ahead) {
    const FLOAT *x = X;
    vec_of_float s[8] = {{0}};
    double total = 0.0;
    ptrdiff_t i = 0;
    for (; i + 8 * LANES <= size; i += 8 * LANES) {
        for (int k = 0; k < 8; k++) s[k] += *(const unaligned_float *)(x + i + k * LANES);
        if (ahead)
            for (int line = 0; line < 8 * LANES * (int)sizeof(FLOAT); line += LINE)
                __builtin_prefetch((const char *)(x + i) + ahead + line);
    }
    for (; i < size; i++) total += x[i];
    for (int k = 0; k < 8; k++)
        for (int lane = 0; lane < LANES; lane++) total += s[k][lane];
    return total;
}

#undef vec
#undef vec_of_double
#undef vec_of_float
#undef unaligned_float
#undef INLINE
#undef OUTLINE
#undef load
#undef load_x
#undef gather_x
#undef store
#undef splat
#undef sum
#undef residuals
#undef add_rest
#undef tail_weights
