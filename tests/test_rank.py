"""Columns that depend on each other are found from the Gram matrix, and the fit is that of least norm, exactly."""

import warnings

import numpy as np
import pytest

sparse = pytest.importorskip("scipy.sparse", reason="sparse features need SciPy")
pytest.importorskip("sklearn", reason="the estimator takes sparse features")

from fastgd import GradientDescentRegressor  # noqa: E402
from fastgd.problem import rank, sparse_gram  # noqa: E402
from fastgd.problem import sparse as problem_sparse  # noqa: E402
from fastgd.problem.whitening import whiten_summary  # noqa: E402


def one_hot(n_samples, levels, seed=0):
    """Return one-hot columns of all levels of some categories: one direction of each is zero with an intercept."""
    generator, places = np.random.default_rng(seed), []
    for k, count in enumerate(levels):
        chosen = generator.integers(0, count, n_samples)
        chosen[:count] = np.arange(count)  # each level occurs
        places.append(chosen + sum(levels[:k]))
    indices = np.column_stack(places).ravel()
    indptr = len(levels) * np.arange(n_samples + 1)
    return sparse.csr_array((np.ones(len(indices)), indices, indptr), (n_samples, sum(levels)))


def least_norm(X, y, counts=None, fit_intercept=True):
    """Return the coefficients of least norm, by NumPy."""
    counts = np.ones(len(y)) if counts is None else counts
    rows, goal = X.toarray().astype(np.float64), y
    if fit_intercept:
        rows, goal = rows - counts @ rows / counts.sum(), y - counts @ y / counts.sum()
    roots = np.sqrt(counts).reshape(-1, *[1] * (y.ndim - 1))
    return np.linalg.lstsq(np.sqrt(counts)[:, np.newaxis] * rows, roots * goal)[0]


def refuse_qr(monkeypatch):
    """Let the test fail if rows are made dense."""
    for kind in (sparse.csr_array, sparse.csr_matrix):
        monkeypatch.setattr(kind, "toarray", lambda *_: pytest.fail("rows were made dense"))


def make_target(X, noise=1.0, seed=1):
    """Return a target that is linear in the columns, and noise."""
    generator = np.random.default_rng(seed)
    return X @ generator.standard_normal(X.shape[1]) + 3.0 + noise * generator.standard_normal(X.shape[0])


def fit(X, y, counts=None, **options):
    """Return a fitted estimator; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return GradientDescentRegressor(**options).fit(X, y, counts)


BIG = one_hot(6000, [30, 5, 12])  # too many rows to be made dense for a QR without need


@pytest.mark.parametrize("kernel", ["compiled", "scipy"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("noise", [1.0, 1e-9, 0.0])
def test_one_hot_columns_of_all_levels_have_the_fit_of_least_norm(monkeypatch, noise, weighted, kernel):
    y = make_target(BIG, noise)
    counts = np.random.default_rng(2).uniform(0.1, 2, len(y)) if weighted else None
    expected = least_norm(BIG, y, counts)
    refuse_qr(monkeypatch)
    if kernel == "scipy":
        monkeypatch.setattr(sparse_gram, "find_kernel", lambda: "numpy")
    model = fit(BIG, y, counts)
    np.testing.assert_allclose(model.coef_, expected, rtol=0, atol=1e-9 * abs(expected).max())
    assert model.n_iter_ == 1


@pytest.mark.parametrize("options", [{"fit_intercept": False}, {"alpha": 0.01}, {"precondition": "standardize"}])
def test_other_options_of_dependent_columns_are_right(options):
    y = make_target(BIG)
    model, dense = (fit(X, y, tol=1e-12, **options) for X in (BIG, BIG.toarray()))
    np.testing.assert_allclose(model.coef_, dense.coef_, rtol=0, atol=1e-6 * abs(dense.coef_).max())
    np.testing.assert_allclose(model.predict(BIG), dense.predict(BIG.toarray()), rtol=0, atol=1e-7)


def test_several_targets_share_the_rank(monkeypatch):
    y = np.column_stack([make_target(BIG), make_target(BIG, 0.0, seed=4), np.ones(BIG.shape[0])])
    expected = least_norm(BIG, y)
    refuse_qr(monkeypatch)
    model = fit(BIG, y)
    np.testing.assert_allclose(model.coef_.T, expected, rtol=0, atol=1e-9 * abs(expected).max())


CARE = ["empty", "twice", "sum of two", "constant", "far and constant", "of other sizes", "one stored", "nearly twice"]


def extended(name):
    """Return sparse rows with columns that need care, and whether they can do without a QR."""
    generator = np.random.default_rng(3)
    base = sparse.random_array((6000, 40), density=0.1, rng=generator, format="csc")
    ones = np.ones((6000, 1))
    columns = {
        "empty": [base, sparse.csc_array((6000, 3))],
        "twice": [base, base[:, [3]], base[:, [3]] * 7.0],
        "sum of two": [base, base[:, [0]] + base[:, [1]] * 0.3],
        "constant": [base, 7.3 * ones],
        "far and constant": [base, 1e9 * ones, 1e6 + generator.standard_normal((6000, 1))],
        "of other sizes": [base * 1e-3, base[:, [5]] * 1e3],
        "one stored": [base, sparse.csc_array(([1.0], ([17], [0])), (6000, 1))],
        "nearly twice": [base, base[:, [3]] + 1e-5 * sparse.random_array((6000, 1), density=0.1, rng=generator)],
    }[name]
    return sparse.hstack(columns, format="csr"), name != "nearly twice"


@pytest.mark.parametrize("name", CARE)
def test_columns_that_need_care_have_the_fit_of_least_norm(monkeypatch, name):
    X, without_qr = extended(name)
    y = make_target(X[:, :40] / abs(X[:, :40]).max(), 0.1)
    scales = np.maximum(X.toarray().std(axis=0), 1e-12)
    expected = least_norm(X, y)
    if without_qr:
        refuse_qr(monkeypatch)
    model = fit(X, y)
    if name == "nearly twice":  # the coefficients of the pair are large, and as exact as their condition allows
        monkeypatch.undo()
        np.testing.assert_allclose(model.predict(X), X @ expected + (y - X @ expected).mean(), atol=1e-6)
        return
    error = abs(model.coef_ - expected) * scales
    assert error.max() < 1e-8 * max(abs(expected * scales).max(), y.std())


def test_shuffled_and_divided_entries_are_merged():
    X = sparse.csr_array(BIG.copy())
    parts = sparse.csr_array((np.repeat(X.data, 2) / 2, np.repeat(X.indices, 2)[::1], 2 * X.indptr), X.shape)
    for first, last in zip(parts.indptr[:-1], parts.indptr[1:], strict=True):
        parts.indices[first:last] = parts.indices[first:last][::-1]
    before = parts.indices.copy()
    y = make_target(X)
    np.testing.assert_allclose(fit(parts, y).coef_, fit(X, y).coef_, atol=1e-11)
    np.testing.assert_array_equal(parts.indices, before)  # the caller's arrays stay


@pytest.mark.parametrize("name", ["twice", "sum of two"])
def test_the_summary_of_dependent_columns_has_the_cost_of_the_rows(name):
    X, _ = extended(name)
    y = make_target(X)[:, np.newaxis]
    summary = problem_sparse.compress_sparse(X, y, None)
    assert len(summary.rows) < X.shape[1] + 1
    coef = np.random.default_rng(5).standard_normal(X.shape[1])
    centred = X.toarray() - X.toarray().mean(axis=0)
    expected = np.square(centred @ coef - (y[:, 0] - y.mean())).sum()
    assert np.square(summary.rows @ np.append(coef, -1.0)).sum() == pytest.approx(expected, rel=1e-10)
    _, _, coordinates = whiten_summary(summary, True, 0.0)
    product = coordinates.to_whitened @ np.column_stack(
        [coordinates.find_coef(row) for row in np.eye(len(coordinates.to_whitened))]
    )
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-12)


def test_without_pivots_the_rows_are_factorized(monkeypatch):
    from fastgd.problem import rank

    y = make_target(BIG)
    expected = least_norm(BIG, y)
    monkeypatch.setattr(rank, "find_pivots", lambda *_: None)
    model = fit(BIG, y)
    np.testing.assert_allclose(model.coef_, expected, rtol=0, atol=1e-9 * abs(expected).max())


def test_the_factor_of_dependent_columns_is_the_same_without_the_kernel(monkeypatch):
    y = make_target(BIG)
    compiled = fit(BIG, y)
    monkeypatch.setattr(rank, "find_compiled", lambda name: None)
    model = fit(BIG, y)
    np.testing.assert_allclose(model.coef_, compiled.coef_, rtol=0, atol=1e-12 * abs(compiled.coef_).max())


def test_a_triangle_is_packed_into_the_first_numbers_of_its_factor():
    kernel = pytest.importorskip("fastgd.backends._kernel", reason="the extension is not built")
    factor = np.arange(1.0, 17.0).reshape(4, 4)
    kernel.pack_triangle(factor, 3)
    assert factor.ravel()[:9].tolist() == [1.0, 2.0, 3.0, 0.0, 6.0, 7.0, 0.0, 0.0, 11.0]
    for r in (-1, 5):
        with pytest.raises(ValueError, match="r must be at most"):
            kernel.pack_triangle(factor, r)
    rows = np.zeros((2, 3))
    kernel.spread_factor(np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([2, 0]), np.array([10.0, 1.0]), rows)
    assert rows.tolist() == [[2.0, 0.0, 10.0], [3.0, 0.0, 0.0]]
    for columns, norms in ((np.array([3, 0]), np.ones(2)), (np.array([0, 1]), np.ones(3))):
        with pytest.raises(ValueError, match=r"columns must be|factor must have"):
            kernel.spread_factor(np.ones((2, 2)), columns, norms, rows)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("make", [lambda: BIG, lambda: extended("sum of two")[0], lambda: BIG[:40, :3]])
def test_gram_sums_have_the_same_bits_for_any_number_of_threads(make, weighted):
    X = make().tocsr()
    y = np.column_stack([make_target(X), make_target(X, seed=3)])
    counts = np.random.default_rng(2).uniform(0.1, 2, len(y)) if weighted else None
    rows = problem_sparse.take_rows(sparse_gram.merge_entries(X))
    shifted = sparse_gram.shift_rows(rows, y, counts, problem_sparse.check_entries(rows, counts))
    single = sparse_gram.sum_rows(shifted, 1)[0].matrix
    assert np.linalg.norm(single) > 0
    for threads in (2, 3, 7):
        np.testing.assert_array_equal(sparse_gram.sum_rows(shifted, threads)[0].matrix, single)


@pytest.mark.parametrize("threads", [2, 3])
def test_fits_of_sparse_rows_have_the_same_bits_for_any_number_of_threads(threads):
    y = make_target(BIG)
    for options in ({}, {"precondition": "standardize"}):
        model, single = (fit(BIG, y, threads=count, **options) for count in (threads, 1))
        np.testing.assert_array_equal(model.coef_, single.coef_)
