/* One block of rows: the residuals, and at once their part of the gradient.

   This file is included once for every CPU level and storage type, with
     LEVEL   a name for the level, part of every function's name
     TARGET  the attribute that lets the compiler use the level's instructions
     LANES   doubles in a vector of that level: 2 or 4
     FLOAT   the storage type of X: double or float; arithmetic is in double either way
     WIDEN   what turns a vector of FLOAT into one of double

   Design:
   (a) X is read once. A few rows (C order) or a strip of rows (Fortran order) are used twice while they are in L1 or L2.
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

/* Fetch so many bytes into L2, line by line, from far ahead and again from nearer: processors drop what they are asked for
   while too much is under way, and the second time most lines are there already. */
INLINE void NAME(fetch_twice)(const char *a, ptrdiff_t far, ptrdiff_t near, int bytes) {
#ifdef FASTGD_NO_FETCH
    bytes = 0;
#endif
    for (int line = 0; line < bytes; line += LINE) {
        __builtin_prefetch(a + far + line, 0, 2);
        __builtin_prefetch(a + near + line, 0, 2);
    }
}

INLINE vec splat(double a) {
    vec v;
    for (int k = 0; k < LANES; k++) v[k] = a;
    return v;
}

INLINE double sum(vec v) {
#if LANES == 2
    return v[0] + v[1];
#else
    return (v[0] + v[2]) + (v[1] + v[3]);
#endif
}

/* Four sums of four vectors, side by side. */
INLINE four NAME(sums)(vec a, vec b, vec c, vec d) {
#if LANES == 2
    vec ab = __builtin_shufflevector(a, b, 0, 2) + __builtin_shufflevector(a, b, 1, 3);
    vec cd = __builtin_shufflevector(c, d, 0, 2) + __builtin_shufflevector(c, d, 1, 3);
    return __builtin_shufflevector(ab, cd, 0, 1, 2, 3);
#else
    vec ab = __builtin_shufflevector(a, b, 0, 4, 2, 6) + __builtin_shufflevector(a, b, 1, 5, 3, 7);
    vec cd = __builtin_shufflevector(c, d, 0, 4, 2, 6) + __builtin_shufflevector(c, d, 1, 5, 3, 7);
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

/* LANES rows of P elements, turned into P columns. Rows of two and three are read as they lie in memory, of longer ones
   four elements at once, the last four from where the row ends. */
INLINE void NAME(load_transposed)(const int P, const FLOAT *a, ptrdiff_t stride, vec *x) {
#if LANES == 2
    for (int j = 0; j < P; j++) {
        IN_BOUNDS(a + j, 1);
        IN_BOUNDS(a + stride + j, 1);
        x[j] = (vec){a[j], a[stride + j]};
    }
#else
    if (P == 2) {
        const vec ab = load_x(a), cd = load_x(a + 4);
        x[0] = __builtin_shufflevector(ab, cd, 0, 2, 4, 6);
        x[1] = __builtin_shufflevector(ab, cd, 1, 3, 5, 7);
        return;
    }
    if (P == 3) {
        const vec abc_a = load_x(a), bc_ab = load_x(a + 4), c_abc = load_x(a + 8); /* abc abc abc abc */
        const vec ab_ab = __builtin_shufflevector(abc_a, bc_ab, 0, 1, 6, 7);
        const vec ca_ca = __builtin_shufflevector(abc_a, c_abc, 2, 3, 4, 5);
        const vec bc_bc = __builtin_shufflevector(bc_ab, c_abc, 0, 1, 6, 7);
        x[0] = __builtin_shufflevector(ab_ab, ca_ca, 0, 5, 2, 7);
        x[1] = __builtin_shufflevector(ab_ab, bc_bc, 1, 4, 3, 6);
        x[2] = __builtin_shufflevector(ca_ca, bc_bc, 0, 5, 2, 7);
        return;
    }
    for (int j = 0; j < P; j += 4) {
        const int from = j + 4 <= P ? j : P - 4;
        const vec r0 = load_x(a + from), r1 = load_x(a + stride + from), r2 = load_x(a + 2 * stride + from);
        const vec r3 = load_x(a + 3 * stride + from);
        const vec even01 = __builtin_shufflevector(r0, r1, 0, 4, 2, 6), odd01 = __builtin_shufflevector(r0, r1, 1, 5, 3, 7);
        const vec even23 = __builtin_shufflevector(r2, r3, 0, 4, 2, 6), odd23 = __builtin_shufflevector(r2, r3, 1, 5, 3, 7);
        const vec column[4] = {__builtin_shufflevector(even01, even23, 0, 1, 4, 5),
                               __builtin_shufflevector(odd01, odd23, 0, 1, 4, 5),
                               __builtin_shufflevector(even01, even23, 2, 3, 6, 7),
                               __builtin_shufflevector(odd01, odd23, 2, 3, 6, 7)};
        for (int k = 0; k < 4; k++)
            if (from + k >= j && from + k < P) x[from + k] = column[k];
    }
#endif
}

/* 1 to 8 features: a vector is a column of LANES rows, so that no lane is idle. All sums stay in registers. */
INLINE void NAME(add_narrow)(const int P, const int columns, const FLOAT *X, const double *y, ptrdiff_t rows,
                             ptrdiff_t stride, const double *w, double intercept, double *out) {
    const int groups = P <= 4 ? 2 : 1; /* two independent chains where one would wait for its own sums */
    vec squares[2] = {{0}, {0}}, total[2] = {{0}, {0}}, g[2][NARROW], weight[NARROW], start = splat(intercept);
    for (int j = 0; j < P; j++) {
        weight[j] = splat(w[j]);
        g[0][j] = g[1][j] = (vec){0};
    }
    ptrdiff_t i = 0;
    for (; i + groups * LANES <= rows; i += groups * LANES)
        for (int k = 0; k < groups; k++) {
            const ptrdiff_t row = i + k * LANES;
            vec x[NARROW], r = start - load(y + row);
            if (columns)
                for (int j = 0; j < P; j++) x[j] = load_x(X + j * stride + row);
            else
                NAME(load_transposed)(P, X + row * stride, stride, x);
            if (P == 1) KEEP(x[0]);
            for (int j = 0; j < P; j++) r += x[j] * weight[j];
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
#define CASE(P)                                                                               \
    case P:                                                                                   \
        if (columns || P == 1) NAME(add_narrow)(P, 1, X, y, rows, stride, w, intercept, out); \
        else NAME(add_narrow)(P, 0, X, y, rows, stride, w, intercept, out);                   \
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
            NAME(fetch_twice)((const char *)(a + 4 * k * LANES), FAR_AHEAD, NEAR_AHEAD, 4 * LANES * sizeof(FLOAT));
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

/* Longer rows, R of them at a time: their residuals side by side, so that a weight is loaded once for all, then one pass over
   the gradient for all while they are in cache. As many bytes as are used are fetched into L2 from further ahead, evenly
   over both passes, so that memory never waits for the arithmetic. */
INLINE void NAME(add_long_rows)(const int R, const FLOAT *X, const double *y, ptrdiff_t rows, ptrdiff_t p,
                                const double *w, double intercept, double *out) {
    const ptrdiff_t whole = p - p % LANES, pairs = p - p % (2 * LANES), last = p - LANES;
    const ptrdiff_t group = R * p * (ptrdiff_t)sizeof(FLOAT);
    const ptrdiff_t far = 2 * group > FAR_AHEAD ? 2 * group : FAR_AHEAD, near = group > NEAR_AHEAD ? group : NEAR_AHEAD;
    const vec tail = tail_weights(w, p, whole);
    double *g = out + 2;
    vec g_tail = {0};
    double squares = 0.0, total = 0.0;
    for (ptrdiff_t j = 0; j < p; j++) g[j] = 0.0;
    ptrdiff_t i = 0;
    for (; i + R <= rows; i += R) {
        const FLOAT *a = X + i * p;
        const char *at = (const char *)a;
        vec s[4] = {{0}, {0}, {0}, {0}}, t[4] = {{0}, {0}, {0}, {0}};
        ptrdiff_t j = 0;
        for (; j < pairs; j += 2 * LANES) {
            const vec u = load(w + j), v = load(w + j + LANES);
            for (int k = 0; k < R; k++) {
                s[k] += u * load_x(a + k * p + j);
                t[k] += v * load_x(a + k * p + j + LANES);
            }
            NAME(fetch_twice)(at + R / 2 * j * (ptrdiff_t)sizeof(FLOAT), far, near, R * LANES * sizeof(FLOAT));
        }
        if (j < whole)
            for (int k = 0; k < R; k++) s[k] += load(w + j) * load_x(a + k * p + j);
        for (int k = 0; k < R; k++) {
            s[k] += t[k];
            if (whole < p) s[k] += tail * load_x(a + k * p + last);
        }
        const four r4 = NAME(sums)(s[0], s[1], s[2 % R], s[3 % R]);
        vec r[4];
        for (int k = 0; k < R; k++) {
            const double residual = r4[k] + (intercept - y[i + k]);
            squares += residual * residual;
            total += residual;
            r[k] = splat(residual);
        }
        at += group / 2;
        for (j = 0; j < pairs; j += 2 * LANES) {
            vec u = load(g + j), v = load(g + j + LANES);
            for (int k = 0; k < R; k++) {
                u += r[k] * load_x(a + k * p + j);
                v += r[k] * load_x(a + k * p + j + LANES);
            }
            store(g + j, u);
            store(g + j + LANES, v);
            NAME(fetch_twice)(at + R / 2 * j * (ptrdiff_t)sizeof(FLOAT), far, near, R * LANES * sizeof(FLOAT));
        }
        if (j < whole) {
            vec u = load(g + j);
            for (int k = 0; k < R; k++) u += r[k] * load_x(a + k * p + j);
            store(g + j, u);
        }
        if (whole < p)
            for (int k = 0; k < R; k++) g_tail += r[k] * load_x(a + k * p + last);
    }
    for (int k = 0; k < LANES; k++)
        if (last + k >= whole) g[last + k] += g_tail[k];
    out[0] = squares;
    out[1] = total;
    add_rest(X + i * p, y + i, rows - i, p, p, 1, w, intercept, out);
}

OUTLINE void NAME(add_long_rows_any)(const FLOAT *X, const double *y, ptrdiff_t rows, ptrdiff_t p, const double *w,
                                     double intercept, double *out) {
    if (sizeof(FLOAT) == sizeof(float) || p * sizeof(FLOAT) <= FOUR_ROWS)
        NAME(add_long_rows)(4, X, y, rows, p, w, intercept, out);
    else
        NAME(add_long_rows)(2, X, y, rows, p, w, intercept, out);
}

/* Fortran order: the residuals of a strip of rows in registers, column after column, then the same columns once more from
   cache. A column gives one or two lines of cache to a strip; `ahead` bytes of it are fetched ahead unless 0, since the
   processor follows some streams of its own accord, but not hundreds. Sums are added to out; returns the rows done. */
INLINE ptrdiff_t NAME(add_strips)(const int vectors, const FLOAT *X, const double *y, ptrdiff_t rows, ptrdiff_t p,
                                  ptrdiff_t stride, const double *w, double intercept, ptrdiff_t ahead, double *out) {
    const int strip = vectors * LANES;
    double *g = out + 2;
    vec squares = {0}, total = {0};
    ptrdiff_t i = 0;
    for (; i + strip <= rows; i += strip) {
        vec r[MOST_STRIP_VECTORS];
        for (int k = 0; k < vectors; k++) r[k] = intercept - load(y + i + k * LANES);
        for (ptrdiff_t j = 0; j < p; j++) {
            const FLOAT *a = X + j * stride + i;
            const vec weight = splat(w[j]);
            for (int k = 0; k < vectors; k++) r[k] += weight * load_x(a + k * LANES);
            if (ahead) NAME(fetch_twice)((const char *)a, ahead, ahead / 2, strip * sizeof(FLOAT));
        }
        for (int k = 0; k < vectors; k++) {
            squares += r[k] * r[k];
            total += r[k];
        }
        ptrdiff_t j = 0;
        for (; j + 4 <= p; j += 4) {
            vec s[4];
            for (int c = 0; c < 4; c++) {
                const FLOAT *a = X + (j + c) * stride + i;
                s[c] = r[0] * load_x(a);
                for (int k = 1; k < vectors; k++) s[c] += r[k] * load_x(a + k * LANES);
            }
            *(unaligned_four *)(g + j) += NAME(sums)(s[0], s[1], s[2], s[3]);
        }
        for (; j < p; j++) {
            const FLOAT *a = X + j * stride + i;
            vec s = r[0] * load_x(a);
            for (int k = 1; k < vectors; k++) s += r[k] * load_x(a + k * LANES);
            g[j] += sum(s);
        }
    }
    out[0] += sum(squares);
    out[1] += sum(total);
    return i;
}

OUTLINE void NAME(add_strips_any)(const FLOAT *X, const double *y, ptrdiff_t rows, ptrdiff_t p, ptrdiff_t stride,
                                  int cached, const double *w, double intercept, double *out) {
    const int few = p <= STREAMS || cached;
    const ptrdiff_t two_lines = 2 * LINE, most = LINE * LINE, fair = AHEAD_OF_ALL / p / LINE * LINE;
    const ptrdiff_t ahead = few ? 0 : fair < two_lines ? two_lines : fair > most ? most : fair;
    ptrdiff_t i = 0;
    for (ptrdiff_t j = 0; j < p + 2; j++) out[j] = 0.0;
    if (sizeof(FLOAT) == sizeof(float) || few || p > MANY_STREAMS)
        i = NAME(add_strips)(16 / LANES, X, y, rows, p, stride, w, intercept, ahead, out);
    i += NAME(add_strips)(8 / LANES, X + i, y + i, rows - i, p, stride, w, intercept, ahead, out);
    i += NAME(add_strips)(1, X + i, y + i, rows - i, p, stride, w, intercept, 0, out);
    add_rest(X + i, y + i, rows - i, p, 1, stride, w, intercept, out);
}

/* Whichever of these loops suits the problem. */
TARGET static void NAME(add_block)(const descent *d, ptrdiff_t first, ptrdiff_t rows, double *out) {
    const FLOAT *X = (const FLOAT *)d->X + (d->columns ? first : first * d->stride);
    const double *y = d->y + first, *w = d->weights + d->intercepts;
    const double intercept = d->intercepts ? d->weights[0] : 0.0;
    const ptrdiff_t vectors = (d->p + LANES - 1) / LANES, bytes = d->n * d->p * (ptrdiff_t)sizeof(FLOAT);
    SET_BOUNDS(d->X, d->stride * (d->columns ? d->p : d->n) * (ptrdiff_t)sizeof(FLOAT));
#ifdef FASTGD_PLANT_BUG /* one element beyond X, for tests/sanitize.sh */
    add_rest((const FLOAT *)d->X + d->stride * (d->columns ? d->p : d->n), y, 1, 1, 1, 1, w, intercept, out);
#endif
    if (d->p <= NARROW)
        NAME(add_narrow_any)(d->p, d->columns, X, y, rows, d->stride, w, intercept, out);
    else if (d->columns)
        NAME(add_strips_any)(X, y, rows, d->p, d->stride, bytes <= CACHED, w, intercept, out);
    else if (vectors <= MOST_VECTORS)
        NAME(add_short_rows_any)(vectors, X, y, rows, d->p, w, intercept, out);
    else
        NAME(add_long_rows_any)(X, y, rows, d->p, w, intercept, out);
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
#undef store
#undef splat
#undef sum
#undef residuals
#undef add_rest
#undef tail_weights
