"""Every way to fit a data set, called without options, and the verdict on what it returns."""

import io
import json
import tempfile
import warnings
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import fastgd
from fastgd.cli import codes
from fastgd.cli.main import main
from fastgd.inputs.extras import is_installed
from fastgd.streaming import fit_array, fit_batches

WRONG = 1e-3  # deviations of y by which a prediction may be off


@dataclass(frozen=True)
class Verdict:
    """What a fit returned.

    Attributes
    ----------
    error : float
        The largest error of a prediction, in deviations of y; infinite if no weights were returned.
    converged : bool
        True if the fit says so; an estimator says so by not warning.
    warnings : tuple of str
        The warnings, or the lines on standard error.
    weights : ndarray or None
        [intercept, coef…], or [coef…] without an intercept.
    """

    error: float
    converged: bool
    warnings: tuple[str, ...]
    weights: np.ndarray | None

    @property
    def right(self):
        return self.error < WRONG

    @property
    def silent(self):
        return not self.right and not self.warnings


def judge(dataset, fit):
    """Fit the data set by a function of it, and return the verdict."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        weights, converged, lines = fit(dataset)
    told = (*(f"{warning.category.__name__}: {warning.message}" for warning in caught), *lines)
    if converged is None:
        converged = not told
    return Verdict(measure_error(dataset, weights, dataset.expected), converged, told, weights)


def measure_error(dataset, weights, expected):
    """Return the largest difference of a prediction by these weights from the expected one, in deviations of y."""
    if weights is None:
        return np.inf
    X = dataset.X.astype(np.float64, copy=False)
    intercept, coef = (weights[0], weights[1:]) if dataset.fit_intercept else (0.0, weights)
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(X @ coef + intercept - expected).max()
    return float(error / measure_unit(dataset)) if np.isfinite(error) else np.inf


def measure_unit(dataset):
    """Return the deviation of y: from its mean, or from zero if y is constant or no intercept is fitted."""
    y = dataset.y.astype(np.float64, copy=False)
    size = np.sqrt(np.square(y / (np.abs(y).max() or 1.0)).mean()) * np.abs(y).max()
    return y.std() if dataset.fit_intercept and y.std() > 1e-12 * size else size or 1.0


def options_of(dataset):
    """Return the options that define the problem of the data set, and no other options."""
    return {"fit_intercept": dataset.fit_intercept, "alpha": dataset.alpha}


def cut(dataset):
    """Return the data set in three batches of rows, or fewer if there are fewer rows."""
    cuts = np.linspace(0, len(dataset.y), 4).astype(int)[1:-1]
    parts = zip(np.split(dataset.X, cuts), np.split(dataset.y, cuts), strict=True)
    return [part for part in parts if len(part[1])]


def by_function(dataset, **options):
    result = fastgd.gradient_descent(dataset.X, dataset.y, **options_of(dataset), **options)
    return result.weights, result.converged, ()


def by_groups(dataset):
    result = fastgd.fit_groups(dataset.X, dataset.y, np.zeros(len(dataset.y)), **options_of(dataset))
    return result.weights[0], bool(result.converged[0]), ()


def by_batches(dataset):
    result = fit_batches(cut(dataset), **options_of(dataset))
    return result.weights, result.converged, ()


def by_array(dataset):
    result = fit_array(dataset.X, dataset.y, **options_of(dataset))
    return result.weights, result.converged, ()


def by_dask(dataset):
    import dask.array as da

    rows = -(-len(dataset.y) // 3)
    X = da.from_array(dataset.X, chunks=(rows, dataset.X.shape[1]))
    result = fastgd.gradient_descent(X, da.from_array(dataset.y, chunks=rows), **options_of(dataset))
    return result.weights, result.converged, ()


def read_estimator(model, lines=()):
    weights = np.append(model.intercept_, model.coef_) if model.fit_intercept else model.coef_
    return weights, None, lines


def by_estimator(dataset, **options):
    model = fastgd.GradientDescentRegressor(**options_of(dataset), **options)
    return read_estimator(model.fit(dataset.X, dataset.y))


def by_sparse_rows(dataset):
    from scipy import sparse

    model = fastgd.GradientDescentRegressor(**options_of(dataset))
    return read_estimator(model.fit(sparse.csr_array(dataset.X), dataset.y))


def by_partial_fit(dataset):
    model = fastgd.GradientDescentRegressor(**options_of(dataset))
    for X, y in cut(dataset):
        with warnings.catch_warnings(record=True) as caught:  # warnings of the first rows are none of all rows
            warnings.simplefilter("always")
            model.partial_fit(X, y)
    return read_estimator(model, [str(warning.message) for warning in caught])


def by_command_line(dataset):
    output, errors = io.StringIO(), io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        names = [f"x{k}" for k in range(dataset.X.shape[1])]
        table = np.column_stack([dataset.X.astype(np.float64), dataset.y])
        np.savetxt(path, table, fmt="%.17g", delimiter=",", header=",".join([*names, "y"]), comments="")
        arguments = ["fit", str(path), "--target", "y", "--json", "--alpha", repr(dataset.alpha)]
        arguments += [] if dataset.fit_intercept else ["--no-intercept"]
        with redirect_stdout(output), redirect_stderr(errors):
            code = main(arguments)
    lines = tuple(errors.getvalue().splitlines())
    if code not in (codes.CONVERGED, codes.UNCONVERGED):
        return None, False, (f"exit code {code}", *lines)
    document = json.loads(output.getvalue())
    weights = [document["intercept"]] * dataset.fit_intercept + document["coef"]
    return np.array(weights), code == codes.CONVERGED, lines


FRONT_ENDS = {
    "gradient_descent": by_function,
    "fit_groups": by_groups,
    "fit_batches": by_batches,
    "fit_array": by_array,
    "command line": by_command_line,
}
if is_installed("sklearn"):
    FRONT_ENDS |= {"estimator": by_estimator, "partial_fit": by_partial_fit, "sparse rows": by_sparse_rows}
if is_installed("dask"):
    FRONT_ENDS["Dask"] = by_dask
