"""Whether to compress where the user leaves the choice: by the times of epochs and of compression on one machine."""

# Seconds that benchmarks/compression_costs.py fits to measurements. Only their ratios decide, and these differ less
# from machine to machine than times do; measured anew at each call, a choice would differ from run to run.
DIRECT = (1.3e-7, 1.5e-10)  # an epoch on the data: in any case, for each element of X
SMALL = (1.4e-7, 2.4e-10)  # an epoch on the compressed problem: in any case, for each of its elements
COMPRESS = (1.3e-4, 3.6e-9, 1.7e-11)  # compressing: in any case, for each element, for each element and column
LEAST_GAIN = 2.0  # the estimated gain from which compression is chosen, since the data may turn out to need a QR


def choose_compression(shape: tuple[int, ...], epochs: int, *, backend_named: bool, batches: bool) -> tuple[bool, str]:
    """Return whether to compress, and why, for the user to read.

    Parameters
    ----------
    shape : (n_samples, n_features)
        The shape of X.
    epochs : int
        The number of epochs asked for.
    backend_named : bool
        Whether the user named a backend.
    batches : bool
        Whether there are mini-batches.

    Examples
    --------
    >>> from fastgd.descent.auto import choose_compression
    >>> choose_compression((100_000, 50), 3, backend_named=False, batches=False)[0]
    False
    >>> choose_compression((100_000, 50), 1000, backend_named=False, batches=False)[0]
    True
    """
    if batches:
        return False, "mini-batches need the rows of the data"
    if backend_named:
        return False, "a backend was named, to be used on the data"
    n, p = shape
    if n <= p + 2:
        return False, "the data have no more rows than a compressed problem"
    direct = epochs * (DIRECT[0] + DIRECT[1] * n * p)
    once = COMPRESS[0] + n * p * (COMPRESS[1] + COMPRESS[2] * p)
    gain = direct / (once + epochs * (SMALL[0] + SMALL[1] * (p + 2) * (p + 1)))
    estimate = f"an estimated {gain:.2g} times as long as with compression"
    return gain >= LEAST_GAIN, f"{epochs} epochs on the data would take {estimate}"
