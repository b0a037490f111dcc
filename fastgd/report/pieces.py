"""Code for the slides: one epoch of one target in its shortest form; tests run it beside the backends."""

from fastgd.report.sources import Source

LOOP = """\
def epoch(X, y, w, rate):
    n, p = len(X), len(X[0])
    squares, g = 0.0, [0.0] * (p + 1)
    for i in range(n):
        r = w[0] - y[i]
        for j in range(p):
            r += X[i][j] * w[j + 1]
        squares += r * r
        g[0] += r / n
        for j in range(p):
            g[j + 1] += r * X[i][j] / n
    for j in range(p + 1):
        w[j] -= rate * g[j]
    return squares / (2 * n)
"""
ARRAYS = """\
def epoch(X, y, w, rate):
    n, g = len(X), np.empty_like(w)
    r = w[0] + X @ w[1:] - y
    cost = r @ r / (2 * n)
    g[0] = r.sum() / n
    g[1:] = r @ X / n
    w -= rate * g
    return cost
"""
FUSED = """\
def epoch(X, y, w, rate):
    n, p = X.shape
    squares, g = 0.0, np.zeros(p + 1)
    for i in range(n):
        r = w[0] - y[i]
        for j in range(p):  # from memory
            r += X[i, j] * w[j + 1]
        squares += r * r
        g[0] += r / n
        for j in range(p):  # from cache
            g[j + 1] += r * X[i, j] / n
    for j in range(p + 1):
        w[j] -= rate * g[j]
    return squares / (2 * n)
"""
OWN = "One epoch in its shortest form; fastgd's own source is on the study's page"
FASTER = "One epoch in its shortest form; fastgd's own loop, on the study's page, takes several rows at once"
LOOPS = {"r": ["r =", "r +="], "j": ["squares +=", "return squares"], "g": ["g["], "w": ["w[j] -="]}
LINES = {"r": ["r ="], "j": ["cost ="], "g": ["g["], "w": ["w -="]}
PIECES = {
    "python": Source("python", "an epoch as a loop", OWN, "python", LOOP, LOOPS),
    "numpy": Source("numpy", "an epoch in NumPy", OWN, "python", ARRAYS, LINES),
    "numba": Source("numba", "an epoch for Numba", FASTER, "python", f"@njit\n{FUSED}", LOOPS),
    "cython": Source("cython", "an epoch for Cython", FASTER, "cython", FUSED, LOOPS),
}
