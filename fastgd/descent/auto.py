"""The choices of "auto": coordinates by the size of the small problem, compression by estimated times."""

MOST_WHITENED = 4096  # up to as many columns or rows, whichever are fewer, the factor of the problem is affordable
MOST_ELEMENTS = 1 << 26  # of each matrix between whitened coordinates and coefficients: 512 MB

# Seconds that benchmarks/compression_costs.py fits to measurements on one machine. Only their ratios matter, and ratios
# differ less between machines than times. Measuring them at each call would make the choice differ from run to run.
DIRECT = (1.3e-7, 1.5e-10)  # an epoch on the data: a constant, and a time per element of X
SMALL = (1.4e-7, 2.4e-10)  # an epoch on the compressed problem: a constant, and a time per element
COMPRESS = (1.3e-4, 3.6e-9, 1.7e-11)  # compressing: a constant, a time per element, a time per element and column
LEAST_GAIN = 2.0  # compress if that is estimated to be this many times as fast: the data may turn out to need a QR


def choose_precondition(shape: tuple[int, ...], *, rate_named: bool, may_compress: bool) -> str:
    """Return the coordinates of a descent for which the user named none.

    Parameters
    ----------
    shape : (n_samples, n_features)
        The shape of X.
    rate_named : bool
        True if the user named rates: they belong to the units of the data.
    may_compress : bool
        True if the rows may be compressed, as whitened coordinates need.

    Examples
    --------
    >>> from fastgd.descent.auto import choose_precondition
    >>> choose_precondition((1000, 10), rate_named=False, may_compress=True)
    'whiten'
    """
    if rate_named:
        return "none"
    affordable = min(shape) <= MOST_WHITENED and min(shape) * shape[1] <= MOST_ELEMENTS
    return "whiten" if may_compress and affordable else "standardize"


def choose_compression(shape: tuple[int, ...], epochs: int, targets: int = 1) -> tuple[bool, str]:
    """Return True to compress, else False, and the reason in words.

    Parameters
    ----------
    shape : (n_samples, n_features)
        The shape of X.
    epochs : int
        The number of epochs asked for.
    targets : int
        The number of targets: each takes the time of its own epochs, and is one more column to compress.

    Examples
    --------
    >>> from fastgd.descent.auto import choose_compression
    >>> choose_compression((100_000, 50), 3)[0]
    False
    >>> choose_compression((100_000, 50), 1000)[0], choose_compression((1000, 10), 150, targets=3)[0]
    (True, True)
    """
    (n, p), updates = shape, epochs * targets
    if n <= p + 2:
        return False, "the data have no more rows than a compressed problem"
    direct = updates * (DIRECT[0] + DIRECT[1] * n * p)
    once = COMPRESS[0] + n * p * (COMPRESS[1] + COMPRESS[2] * (p + targets - 1))
    gain = direct / (once + updates * (SMALL[0] + SMALL[1] * (p + 2) * (p + 1)))
    estimate = f"an estimated {gain:.2g} times as long as with compression"
    return gain >= LEAST_GAIN, f"{epochs} epochs on the data would take {estimate}"
