"""Awkward problems by name: each function returns (X, y) in a form that the kernels accept."""

import numpy as np

PROBLEMS = {}


def problem(function):
    """Add the function to PROBLEMS; its name in words is the key."""
    PROBLEMS[function.__name__.replace("_", " ")] = function
    return function


def random_problem(n_samples, n_features):
    """Return standard normal features, and a target that is linear in the features plus noise."""
    generator = np.random.default_rng(7)
    X = generator.standard_normal((n_samples, n_features))
    return X, 2.0 + X @ np.linspace(-1.0, 3.0, n_features) + generator.standard_normal(n_samples)


@problem
def tutorial():
    return random_problem(100, 5)


@problem
def one_row():
    return random_problem(1, 4)


@problem
def one_column():
    return random_problem(30, 1)


@problem
def one_row_and_one_column():
    return random_problem(1, 1)


@problem
def more_columns_than_rows():
    return random_problem(5, 12)


@problem
def collinear_columns():
    X, y = random_problem(40, 4)
    X[:, 2], X[:, 3] = X[:, 0], X[:, 0] - 2 * X[:, 1]
    return X, y


@problem
def constant_column():
    X, y = random_problem(40, 3)
    X[:, 1] = 3.0  # collinear with the intercept
    return X, y


@problem
def column_of_zeros():
    X, y = random_problem(40, 3)
    X[:, 1] = 0.0
    return X, y


@problem
def nothing_but_zeros():
    return np.zeros((6, 2)), np.zeros(6)


@problem
def exact_fit():
    X, _ = random_problem(40, 3)
    return X, X @ [1.0, -2.0, 0.5]


@problem
def offset_of_a_million():
    X, y = random_problem(40, 3)
    return X + 1e6, y  # terms of order 1e6 cancel and leave residuals of order 1


@problem
def target_offset_of_a_million():
    X, y = random_problem(40, 3)
    return X, y + 1e6


@problem
def tiny_scale():
    X, y = random_problem(40, 3)
    return X * 1e-100, y * 1e-100


@problem
def huge_scale():
    X, y = random_problem(40, 3)
    return X * 1e100, y * 1e100


@problem
def mixed_column_scales():
    X, y = random_problem(40, 7)
    return X * 10.0 ** np.arange(-9, 12, 3), y


@problem
def float32():
    X, y = random_problem(50, 6)
    return X.astype(np.float32), y


@problem
def float32_fortran():
    X, y = random_problem(50, 6)
    return np.asfortranarray(X, dtype=np.float32), y


@problem
def fortran():
    X, y = random_problem(50, 6)
    return np.asfortranarray(X), y


@problem
def float32_over_two_tiles_fortran():
    X, y = random_problem(513, 3)
    return np.asfortranarray(X, dtype=np.float32), y


def odd_size(n_samples, n_features, order):
    """Return a function that makes a problem of this size and order."""

    def make():
        X, y = random_problem(n_samples, n_features)
        return np.array(X, order=order), y

    return make


# The compiled kernels take a few rows at a time in C order and tiles of rows in Fortran order. These sizes leave every
# remainder of rows, lie around whole tiles, and have columns that no vector width divides. test_kernels.py tests the
# other paths.
ODD_SIZES = [(n_samples, 3, "C") for n_samples in (2, 3, 4, 5, 6, 7, 8, 9)]
ODD_SIZES += [(n_samples, 3, "F") for n_samples in (2, 3, 5, 255, 256, 257, 511, 512, 513)]
ODD_SIZES += [(n_samples, 9, "F") for n_samples in (511, 512, 513)]
ODD_SIZES += [(513, 3, "C"), (513, 9, "C"), (700, 5, "C"), (9, 17, "C"), (9, 17, "F"), (31, 33, "C"), (31, 33, "F")]
PROBLEMS |= {f"{rows} x {columns} {order}": odd_size(rows, columns, order) for rows, columns, order in ODD_SIZES}
