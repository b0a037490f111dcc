"""The check of shapes that every backend begins with."""

from fastgd.inputs.arrays import Array


def count_intercepts(X: Array, y: Array, weights: Array, rates: Array, costs: Array, gradient: Array) -> int:
    """Return 1 if `weights` hold an intercept in front of the coefficients, 0 if not.

    The gradient always has the shape of the weights. The weights have one entry for each column of X, and may have one
    more in front, for the implied column of ones.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or X is neither C- nor Fortran-contiguous.
    """
    n_samples, n_features = X.shape
    if weights.shape not in ((n_features,), (n_features + 1,)) or gradient.shape != weights.shape:
        raise ValueError(
            f"weights of shape {weights.shape} and gradient of shape {gradient.shape} do not fit X of shape "
            f"{X.shape}: both must be ({n_features},), or ({n_features + 1},) with an intercept"
        )
    if y.shape != (n_samples,):
        raise ValueError(f"y of shape {y.shape} does not fit X of shape {X.shape}: expected ({n_samples},)")
    if costs.shape != rates.shape:
        raise ValueError(f"costs of shape {costs.shape} and rates of shape {rates.shape} must be alike")
    if not (X.flags.c_contiguous or X.flags.f_contiguous):
        raise ValueError("X must be C- or Fortran-contiguous; numpy.ascontiguousarray(X) makes it so")
    return len(weights) - n_features
