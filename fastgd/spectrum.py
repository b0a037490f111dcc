"""The curvature of J: smoothness and convexity, the extreme eigenvalues of its Hessian XᵀX/n.

With an intercept, X has the implied column of ones in front.
"""

import numpy as np

from fastgd.arrays import Array, norm

# Up to this many features the Hessian is formed and solved exactly; above, power iterations cost less.
EXACT_FEATURES = 256
POWER_ITERATIONS = 16
BLOCK_ROWS = 4096


def smoothness(X: Array, fit_intercept: bool) -> float:
    """Return the largest eigenvalue of the Hessian; an estimate from a little above it for many features.

    Gradient descent lowers J at every update as long as its rate is below 2/smoothness.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.spectrum import smoothness
    >>> smoothness(np.array([[3.0], [-3.0]]), fit_intercept=True)
    9.0
    """
    if X.shape[1] <= EXACT_FEATURES:
        return float(max(np.linalg.eigvalsh(hessian(X, fit_intercept))[-1], 0.0))
    return power_iteration(X, fit_intercept)


def extremes(X: Array, fit_intercept: bool, noise: float = 0.0) -> tuple[float, float]:
    """Return smoothness and convexity, the largest and the smallest non-zero eigenvalue of the Hessian.

    Of few rows, as of a compressed problem, they come from the singular values, to more digits. What is below the
    rounding error of the largest one counts as zero; `noise` is how many times that X carries on top.
    """
    if not fit_intercept and len(X) <= X.shape[1] + 2:
        values = np.linalg.svd(X, compute_uv=False)
        nonzero = values[values > (max(X.shape) + noise) * np.finfo(np.float64).eps * values[0]]
        return float(values[0]) ** 2 / len(X), float(nonzero[-1]) ** 2 / len(X) if len(nonzero) else 0.0
    eigenvalues = np.linalg.eigvalsh(smaller_gram(X, fit_intercept))
    largest = float(max(eigenvalues[-1], 0.0))
    nonzero = eigenvalues[eigenvalues > len(eigenvalues) * np.finfo(np.float64).eps * largest]
    return largest, float(nonzero[0]) if len(nonzero) else 0.0


def smaller_gram(X: Array, fit_intercept: bool) -> Array:
    """Return XᵀX/n or XXᵀ/n, the smaller one: their eigenvalues are the same but for zeros."""
    if len(X) > X.shape[1]:
        return hessian(X, fit_intercept)
    rows = X.astype(np.float64, copy=False)
    return (rows @ rows.T + fit_intercept) / len(X)


def hessian(X: Array, fit_intercept: bool) -> Array:
    """Return XᵀX/n in float64, summed over blocks of rows so that float32 data is never copied whole."""
    n_samples, n_features = X.shape
    products = np.zeros((n_features, n_features))
    sums = np.zeros(n_features)
    for start in range(0, n_samples, BLOCK_ROWS):
        block = X[start : start + BLOCK_ROWS].astype(np.float64, copy=False)
        products += block.T @ block
        sums += block.sum(axis=0)
    if fit_intercept:
        products = np.block([[np.array([[float(n_samples)]]), sums[None, :]], [sums[:, None], products]])
    return products / n_samples


def power_iteration(X: Array, fit_intercept: bool) -> float:
    """Return the Rayleigh quotient of the last of a few power iterations plus the norm of its residual.

    The quotient alone is never above the largest eigenvalue; the residual bounds how far it is from an
    eigenvalue, so that a rate taken from the sum errs to the short side. The number of iterations is fixed: a
    quotient can rest on a lower eigenvalue for a while. From a random start 16 of them come within a factor of
    2 of the largest eigenvalue, which is what a stable rate needs, with near certainty for any spectrum.

    References
    ----------
    B. N. Parlett, The Symmetric Eigenvalue Problem, SIAM, 1998, sections 4.2 and 4.5.
    J. Kuczyński and H. Woźniakowski, Estimating the largest eigenvalue by the power and Lanczos algorithms with
    a random start, SIAM J. Matrix Anal. Appl. 13 (1992) 1094-1122.
    """
    vector = np.random.default_rng(0).standard_normal(X.shape[1] + fit_intercept)
    image = vector
    for _ in range(POWER_ITERATIONS):
        length = norm(image)
        if length == 0:
            return 0.0
        vector = image / length
        image = hessian_product(X, vector, fit_intercept)
    quotient = float(vector @ image)
    return quotient + norm(image - quotient * vector)


def hessian_product(X: Array, vector: Array, fit_intercept: bool) -> Array:
    """Return XᵀXv/n, by blocks of rows."""
    image = np.zeros_like(vector)
    for start in range(0, len(X), BLOCK_ROWS):
        block = X[start : start + BLOCK_ROWS].astype(np.float64, copy=False)
        product = block @ vector[fit_intercept:]
        if fit_intercept:
            product += vector[0]
            image[0] += product.sum()
        image[fit_intercept:] += product @ block
    return image / len(X)
