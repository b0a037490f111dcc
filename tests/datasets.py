"""Data sets that an ordinary call must fit: real ones, NIST's, cases that once went wrong, and generators.

DATASETS holds them by name. Nothing is read or made before it is asked for. scikit-learn and statsmodels bring the
real ones; without these packages they are left out.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial

import numpy as np
import oracle
import strd

from fastgd.inputs.extras import is_installed


@dataclass(frozen=True, eq=False)
class Dataset:
    """A problem: its data, and how it is to be fitted.

    Attributes
    ----------
    make : callable
        Returns X and y.
    fit_intercept : bool
        True to fit an intercept.
    alpha : float
        The ridge.
    limit : float
        The largest error of a prediction, in deviations of y, that the digits of the data excuse.
    quick : {"all", "some", "none"}
        The front ends that fit the data in little time.
    """

    make: Callable[[], tuple[np.ndarray, np.ndarray]]
    fit_intercept: bool = True
    alpha: float = 0.0
    limit: float = 1e-6
    quick: str = "all"

    @cached_property
    def data(self):
        return self.make()

    @property
    def X(self):
        return self.data[0]

    @property
    def y(self):
        return self.data[1]

    @cached_property
    def expected(self):
        """The predictions of the rows, accurate to more digits than a fit in float64."""
        return oracle.predict(self.X, self.y, self.fit_intercept, self.alpha)


DATASETS: dict[str, Dataset] = {}
BEYOND: dict[str, Dataset] = {}  # float64 has too few digits for these: a fit may be wrong, but must say so


def add(name, make, *, beyond=False, **settings):
    """Add a data set; `beyond` says that float64 has too few digits for it."""
    assert name not in DATASETS | BEYOND
    (BEYOND if beyond else DATASETS)[name] = Dataset(make, **settings)


def case(name, **settings):
    """Return a decorator that adds the data set which a function of a random generator makes."""

    def decorate(function):
        add(name, lambda: function(np.random.default_rng(15)), **settings)
        return function

    return decorate


# ---- real data


def read_sklearn(name, **options):
    """Return a data set of scikit-learn as features and targets; classes become numbers."""
    data = getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")(**options)
    return data.data, np.asarray(data.target, dtype=np.float64)


def last_column(name):
    """Return a data set of scikit-learn with its last feature as the target."""
    X = read_sklearn(name)[0]
    return X[:, :-1], X[:, -1]


def one_target(name, target):
    """Return a data set of scikit-learn with one of its targets."""
    X, y = read_sklearn(name)
    return X, y[:, target].copy()


def products(name):
    """Return at most ten columns of a data set of scikit-learn, with all products of two as further columns."""
    X, y = read_sklearn(name)
    X, y = X[:, :10], y if y.ndim == 1 else y[:, 0].copy()
    pairs = np.triu_indices(X.shape[1])
    return np.column_stack([X, X[:, pairs[0]] * X[:, pairs[1]]]), y


def add_sklearn():
    add("diabetes", partial(read_sklearn, "diabetes"))
    add("diabetes, unscaled", partial(read_sklearn, "diabetes", scaled=False))
    for target, name in enumerate(("weight", "waist", "pulse")):
        add(f"linnerud, {name}", partial(one_target, "linnerud", target))
    for name in ("iris", "wine", "breast_cancer", "digits"):
        add(f"{name}, class", partial(read_sklearn, name))
        add(f"{name}, last column", partial(last_column, name))
    for name in ("diabetes", "linnerud", "iris", "wine", "breast_cancer"):
        add(f"{name}, products", partial(products, name))


@cache
def read_statsmodels(name):
    """Return the frame of a data set of statsmodels, with its dates as seconds, and the name of its target or None."""
    data = importlib.import_module(f"statsmodels.datasets.{name}").load_pandas()
    frame = data.data.copy()
    if frame.index.dtype.kind == "M":
        seconds = frame.index.to_numpy().astype("datetime64[s]").astype(np.float64)
        frame.insert(0, "seconds", seconds)
    target = getattr(getattr(data, "endog", None), "name", None)
    return frame, target


def statsmodels_rows(name, target=None, dummies=False):
    """Return the numbers of a data set of statsmodels: rows without a missing value, and columns mostly with values.

    Parameters
    ----------
    name : str
        The module of the data set.
    target : str or None
        The column to predict; None for the last one.
    dummies : bool
        True for one column of zeros and ones for each text of a column of texts, else these columns are left out.
    """
    import pandas as pd

    frame, _ = read_statsmodels(name)
    numbers = frame.select_dtypes("number")
    numbers = numbers.loc[:, numbers.isna().mean() < 0.5]
    complete = numbers.notna().all(axis=1)
    y = numbers.pop(numbers.columns[-1] if target is None else target)
    if dummies:
        numbers = pd.concat([pd.get_dummies(frame.select_dtypes(exclude="number")), numbers], axis=1)
    return numbers[complete].to_numpy(dtype=np.float64), y[complete].to_numpy(dtype=np.float64)


def add_statsmodels():
    """Add every data set that statsmodels ships, with the last column and with its own target as the target."""
    import statsmodels.datasets

    for module in pkgutil.iter_modules(statsmodels.datasets.__path__):
        if not module.ispkg or module.name == "tests":
            continue
        frame, target = read_statsmodels(module.name)
        numeric = list(frame.select_dtypes("number").columns)
        add(f"{module.name}, last column", partial(statsmodels_rows, module.name))
        if target in numeric[:-1]:
            add(f"{module.name}, {target}", partial(statsmodels_rows, module.name, target))
        texts = frame.select_dtypes(exclude="number")
        if texts.size and texts.nunique().max() < len(frame):
            add(f"{module.name}, dummies", partial(statsmodels_rows, module.name, dummies=True))


if is_installed("sklearn"):
    add_sklearn()
if is_installed("statsmodels"):
    add_statsmodels()
for name, problem in strd.PROBLEMS.items():
    add(f"NIST {name}", partial(lambda problem: (problem.X, problem.y), problem), fit_intercept=problem.fit_intercept)


# ---- columns without a deviation, and categories


def noisy(rng, X, coef=None, noise=1.0):
    """Return y: a sum of the columns, each divided by its size, plus noise."""
    sizes = np.abs(X).max(axis=0)
    coef = np.arange(1.0, X.shape[1] + 1) if coef is None else coef
    return (X / np.where(sizes > 0, sizes, 1.0)) @ coef + noise * rng.standard_normal(len(X))


def make_constant(value):
    rng = np.random.default_rng(15)
    X = np.column_stack([rng.standard_normal((50, 2)), np.full(50, value), rng.standard_normal(50)])
    return X, X[:, 0] - 2 * X[:, 3] + 5 + rng.standard_normal(50)


for value in (7.3, 1.7e18, 0.1, -1e-130):
    add(f"constant column of {value:g}", partial(make_constant, value))


@case("constant columns alone")
def _(rng):
    return np.full((20, 3), [7.3, 1.7e18, 0.0]), rng.standard_normal(20)


def make_dummies(n, levels, left_out):
    """Return the dummies of a category, perhaps without the first, beside a column of numbers."""
    rng = np.random.default_rng(15)
    kinds = np.concatenate([np.arange(levels), rng.integers(0, levels, n - levels)])
    X = np.column_stack([np.eye(levels)[kinds][:, int(left_out) :], rng.standard_normal(n)])
    return X, noisy(rng, X) + 10


for left_out in (False, True):
    words = "but one" if left_out else "all"
    for intercept in ("with", "without"):
        add(
            f"dummies, {words}, {intercept} intercept",
            partial(make_dummies, 200, 5, left_out),
            fit_intercept=intercept == "with",
        )
add("all dummies of a category, 100,000 rows", partial(make_dummies, 100_000, 5, False), quick="some")
add("one-hot, 5,000 rows of 300 levels", partial(make_dummies, 5_000, 300, False), quick="some")


@case("dummies of two categories")
def _(rng):
    X = np.column_stack([np.eye(4)[rng.integers(0, 4, 300)], np.eye(7)[rng.integers(0, 7, 300)]])
    return X, noisy(rng, X)


@case("dummies of two categories and their pairs, 4,000 rows", quick="some")
def _(rng):
    first, second = rng.integers(0, 12, 4_000), rng.integers(0, 9, 4_000)
    X = np.column_stack([np.eye(12)[first], np.eye(9)[second], np.eye(108)[first * 9 + second]])
    return X, noisy(rng, X, rng.standard_normal(X.shape[1]))


# ---- columns that are nearly or exactly combinations of others


def make_copies(n, p, intercept=True):
    rng = np.random.default_rng(15)
    X = rng.standard_normal((n, p)) + 3
    X = np.column_stack([X, X[:, 1]])
    return X, noisy(rng, X) + intercept * 10


add("a column twice", partial(make_copies, 60, 4))
add("a column twice, without intercept", partial(make_copies, 60, 4, False), fit_intercept=False)
add("a column twice, 100,000 rows", partial(make_copies, 100_000, 4), quick="some")


@case("columns times numbers")
def _(rng):
    X = rng.standard_normal((80, 3))
    X = np.column_stack([X, X[:, 0] / 3, 1e5 * X[:, 1], -0.1 * X[:, 2], X[:, 0] * 0.7 + 0.3])
    return X, noisy(rng, X)


@case("sums of columns")
def _(rng):
    X = rng.integers(0, 1000, (120, 6)).astype(np.float64)
    X = np.column_stack([X, X.sum(axis=1), X[:, :3].mean(axis=1)])
    return X, noisy(rng, X)


@case("parts of a whole, in percent")
def _(rng):
    parts = rng.dirichlet(np.ones(6), 90)
    X = np.round(100 * parts, 1)
    return X, noisy(rng, X)


@case("parts of a whole that add up to 1")
def _(rng):
    X = rng.dirichlet(np.ones(6), 90)
    return X, noisy(rng, X)


def make_conversions(columns, n=100):
    """Return columns that two numbers, an amount and a noise, give, and a target that depends on both."""
    rng = np.random.default_rng(15)
    amount, noise = np.round(rng.uniform(99.5, 100.5, n), 2), rng.standard_normal(n)
    return np.column_stack(columns(amount, noise)), 3 * (amount - 100) + noise + rng.standard_normal(n)


CONVERSIONS = {
    "price, with tax, and tax": lambda amount, noise: (amount, 1.19 * amount, 0.19 * amount, noise),
    "°C, °F and K": lambda amount, noise: (amount, 1.8 * amount + 32, amount + 273.15),
    "seconds and days": lambda amount, noise: (1.7e9 + 1e5 * amount, (1.7e9 + 1e5 * amount) / 86400, noise),
    "year and age": lambda amount, noise: (1900 + amount, 2024.3 - (1900 + amount), noise),
    "sum and difference": lambda amount, noise: (amount, 1e3 + noise, amount + 1e3 + noise, amount - 1e3 - noise),
    "share and rest": lambda amount, noise: (amount / (amount + 300), 300 / (amount + 300), noise),
}
for name, columns in CONVERSIONS.items():
    for n in (10, 100, 1_000):
        add(f"{name}, {n:,} rows", partial(make_conversions, columns, n))


@case("fourth column 1e-7 beside the first")
def _(rng):
    X = rng.standard_normal((50, 4))
    X[:, 3] = X[:, 0] + 1e-7 * rng.standard_normal(50)
    return X, X @ [1.0, 2.0, 3.0, 4.0] + rng.standard_normal(50)


def near_duplicates(seed):
    """Return a few columns, one of which is a random combination of others plus 1e-2 to 1e-9 of noise."""
    rng = np.random.default_rng(seed)
    n, p = rng.integers(10, 100), rng.integers(2, 7)
    X = rng.standard_normal((n, p)) * 10.0 ** rng.integers(-3, 4, p) + rng.integers(-1, 2, p) * 10.0
    gap = 10.0 ** rng.uniform(-9, -2)
    near = X[:, : rng.integers(1, p)]
    X[:, -1] = near.sum(axis=1) + gap * near.std() * rng.standard_normal(n)
    return X, noisy(rng, X, rng.standard_normal(p), noise=10.0 ** rng.uniform(-6, 1))


for seed in range(12):
    add(f"near-duplicates {seed}", partial(near_duplicates, seed), limit=1e-4)


@case("far column beside two columns 1e-4 apart", limit=1e-4)
def _(rng):
    near = rng.standard_normal(200)
    X = np.column_stack([1.7e12 + rng.integers(0, 100, 200), near, near + 1e-4 * rng.standard_normal(200)])
    return X, X[:, 1:] @ [1.0, 2.0]


# ---- times, offsets, scales


@case("seconds since 1970")
def _(rng):
    x = 1.7e9 + np.arange(100.0)
    return x[:, np.newaxis], 5 * (x - 1.7e9) + 3


@case("two times in nanoseconds, seconds apart", beyond=True)
def _(rng):
    begin = 1.7e18 + 1e9 * np.arange(150.0)
    X = np.column_stack([begin, begin + rng.integers(1, 3_000, 150)])
    return X, (X[:, 1] - X[:, 0]) / 1_000 + 0.1 * rng.standard_normal(150)


@case("milliseconds since 1970, and others")
def _(rng):
    X = np.column_stack([1.7e12 + 1000 * np.arange(200.0), rng.standard_normal(200), rng.integers(0, 24, 200)])
    return X, 1e-4 * (X[:, 0] - 1.7e12) + X[:, 1] + rng.standard_normal(200)


@case("nanoseconds since 1970, by days")
def _(rng):
    days = np.arange(300.0)
    X = np.column_stack([1.7e18 + 8.64e13 * days, np.sin(days / 58)])
    return X, days + 10 * X[:, 1] + rng.standard_normal(300)


@case("begin and end in seconds")
def _(rng):
    begin = 1.7e9 + np.sort(rng.integers(0, 10_000_000, 150))
    X = np.column_stack([begin, begin + rng.integers(1, 600, 150)]).astype(np.float64)
    return X, (X[:, 1] - X[:, 0]) + 10 * rng.standard_normal(150)


def make_offset(offset, target_offset):
    rng = np.random.default_rng(15)
    X = rng.standard_normal((100, 4))
    return X + offset, X @ [1.0, -2.0, 0.5, 3.0] + target_offset + rng.standard_normal(100)


for power in (3, 6, 9, 12):
    # The intercept and the products of the predictions are rounded at eps times the offset.
    limit = max(1e-6, 10.0**power * 1e-15)
    add(f"columns at 1e{power}", partial(make_offset, 10.0**power, 0.0), limit=limit)
    add(f"target at 1e{power}", partial(make_offset, 0.0, 10.0**power), limit=limit)
for power in (13, 14, 15):
    add(f"columns at 1e{power}", partial(make_offset, 10.0**power, 0.0), beyond=True)
    add(f"target at 1e{power}", partial(make_offset, 0.0, 10.0**power), beyond=True)
add("columns and target at 1e9", partial(make_offset, 1e9, 1e9), limit=1e-5)


def make_scales(scales, target_scale=1.0):
    rng = np.random.default_rng(15)
    X = rng.standard_normal((100, len(scales)))
    return X * scales, (X @ np.arange(1.0, len(scales) + 1) + 5 + rng.standard_normal(100)) * target_scale


for scales in ((1e139, 1e139), (1e-139, 1e-139), (1e139, 1.0, 1e-139)):
    add(f"columns of size {', '.join(f'{scale:g}' for scale in scales)}", partial(make_scales, scales))
add("target of size 1e-139", partial(make_scales, (1.0, 1.0), 1e-139))
add("target of size 1e139", partial(make_scales, (1.0, 1.0), 1e139))
add("columns of size 1e-9 … 1e9", partial(make_scales, tuple(10.0 ** np.arange(-9, 10, 3))))


@case("uniform between 1e14 and 2e14")
def _(rng):
    X = rng.uniform(1, 2, (100, 5)) * 1e14
    return X, (X / 1e14) @ np.arange(1.0, 6)


# ---- powers


def make_powers(x, degree):
    rng = np.random.default_rng(15)
    X = x[:, np.newaxis] ** np.arange(1.0, degree + 1)
    sizes = np.abs(X).max(axis=0)
    return X, (X / sizes) @ np.ones(degree) + 0.1 * rng.standard_normal(len(x))


for degree in (2, 3, 4):
    add(f"years, powers to {degree}", partial(make_powers, np.arange(1950.0, 2021), degree))
for degree in (4, 8, 12):
    add(f"0 … 1, powers to {degree}", partial(make_powers, np.linspace(0, 1, 60), degree))
for degree in (20, 40):
    add(f"0 … 1, powers to {degree}", partial(make_powers, np.linspace(0, 1, 60), degree), beyond=True)
add("years, powers to 8", partial(make_powers, np.arange(1950.0, 2021), 8), beyond=True)
add("0 … 20, powers to 7", partial(make_powers, np.arange(21.0), 7))
add("-5 … 5, powers to 9", partial(make_powers, np.linspace(-5, 5, 101), 9))


# ---- few rows, and other shapes


def make_normal(n, p, offset=0.0, dtype=np.float64, seed=15):
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((n, p)) + offset).astype(dtype)
    return X, X.astype(np.float64) @ np.linspace(-1, 3, p) + 2 + rng.standard_normal(n)


for n, p in ((1, 3), (2, 1), (2, 10), (3, 5), (5, 4), (5, 5), (20, 50), (60, 58), (100, 300)):
    for intercept in ("with", "without"):
        name = f"{n} × {p}, {intercept} intercept"
        add(name, partial(make_normal, n, p, 3.0), fit_intercept=intercept == "with")
for seed in range(6):
    add(f"float32, 60 × 58, {seed}", partial(make_normal, 60, 58, 1.0, np.float32, seed))
add("float32, 500 × 5 at 1,000", partial(make_normal, 500, 5, 1e3, np.float32))
add("wide, columns at 1e6", partial(make_normal, 20, 50, 1e6))


@case("target is a column")
def _(rng):
    X = rng.standard_normal((40, 3)) * [1.0, 1e3, 1e-3]
    return X, X[:, 1].copy()


@case("constant target")
def _(rng):
    return rng.standard_normal((40, 3)), np.full(40, 7.3)


@case("one row far out")
def _(rng):
    X = rng.standard_normal((80, 3))
    X[3, 1] = 1e9
    return X, X[:, [0, 2]] @ [1.0, 2.0] + rng.standard_normal(80)


@case("one target far out")
def _(rng):
    X, y = make_normal(80, 3)
    y[3] = 1e9
    return X, y


# ---- sparse rows


def make_texts(n, words):
    """Return rows like TF-IDF: a few words each, of which a few are frequent, scaled to norm 1."""
    rng = np.random.default_rng(15)
    counts = rng.poisson(20 / np.arange(1, words + 1), (n, words)) + (rng.random((n, words)) < 0.01)
    X = counts * np.log(1 + n / (1 + np.count_nonzero(counts, axis=0)))
    X /= np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-12)
    return X, X @ rng.standard_normal(words) + 0.1 * rng.standard_normal(n)


def make_sparse(n, p):
    """Return sparse columns, but three dense ones far from zero."""
    rng = np.random.default_rng(15)
    near = np.where(rng.random((n, p)) < 0.01, rng.standard_normal((n, p)), 0.0)
    near[:, :3] = rng.standard_normal((n, 3))
    X = near + np.where(np.arange(p) < 3, 1e6, 0.0)
    return X, near @ rng.standard_normal(p) + 0.1 * rng.standard_normal(n)


add("sparse, 400 × 60, three columns at 1e6", partial(make_sparse, 400, 60))
add("sparse, 2,000 × 800, three columns at 1e6", partial(make_sparse, 2_000, 800), quick="none")
add("texts, 400 × 150", partial(make_texts, 400, 150))
add("texts, 100 × 300", partial(make_texts, 100, 300))


# ---- ridge


@case("ridge of 1e14 and an intercept", alpha=1e14)
def _(rng):
    X = rng.standard_normal((60, 3))
    return X, X @ [1.0, 2.0, 3.0] + 21.13 + rng.standard_normal(60)


def make_small_columns():
    rng = np.random.default_rng(15)
    X = rng.standard_normal((100, 5)) * np.geomspace(1e-4, 1, 5)
    return X, (X / np.geomspace(1e-4, 1, 5)) @ np.arange(1.0, 6) + 3 + rng.standard_normal(100)


ALPHAS = (1e-14, 1e-10, 1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e6, 1e10, 1e14)
for alpha in ALPHAS:
    add(f"ridge of {alpha:g}, columns from 1e-4 to 1", make_small_columns, alpha=alpha)
    add(f"ridge of {alpha:g}, 20 × 50", partial(make_normal, 20, 50, 3.0), alpha=alpha)
    add(f"ridge of {alpha:g}, texts", partial(make_texts, 200, 100), alpha=alpha)
    add(f"ridge of {alpha:g}, wide texts", partial(make_texts, 60, 150), alpha=alpha)
    add(f"ridge of {alpha:g}, a column twice", partial(make_copies, 60, 4), alpha=alpha)
    add(
        f"ridge of {alpha:g}, without intercept",
        partial(make_normal, 100, 4, 3.0),
        alpha=alpha,
        fit_intercept=False,
    )
