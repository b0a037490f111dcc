"""Sparse rows with centred columns act as the dense ones do, and nothing fills their zeros."""

import warnings
from fractions import Fraction

import numpy as np
import pytest

sparse = pytest.importorskip("scipy.sparse", reason="sparse features need SciPy")
pytest.importorskip("sklearn", reason="the estimator takes sparse features")

import fastgd  # noqa: E402
from fastgd import GradientDescentRegressor  # noqa: E402
from fastgd.backends.sparse import take_rows  # noqa: E402
from fastgd.descent.options import DescentOptions  # noqa: E402
from fastgd.inputs.arrays import sum_squares  # noqa: E402
from fastgd.problem import curvature  # noqa: E402
from fastgd.problem import sparse as problem_sparse  # noqa: E402
from fastgd.problem.coordinates import Problem, standardize_rows  # noqa: E402
from fastgd.problem.sparse_gram import merge_entries  # noqa: E402
from fastgd.problem.sparse_rows import CentredRows, SparseRows  # noqa: E402

FORMS = [sparse.csr_array, sparse.csr_matrix]


def make_rows(shape, seed=0, density=0.2):
    """Return sparse rows of standard normal entries."""
    generator = np.random.default_rng(seed)
    return sparse.random_array(shape, density=density, rng=generator, format="csr", data_sampler=generator.normal)


def far_rows(n_samples, n_features, far=1e6, seed=0):
    """Return sparse rows with three columns far from zero, and a target that is linear in them, with its weights."""
    generator = np.random.default_rng(seed)
    columns = far + generator.standard_normal((n_samples, 3))
    X = sparse.hstack([make_rows((n_samples, n_features - 3), seed, 0.02), columns], format="csr")
    coef = generator.standard_normal(n_features)
    return X, (
        X - sparse.csr_array(np.full((n_samples, 1), far) * (np.arange(n_features) >= n_features - 3))
    ) @ coef + 3


# ---- arithmetic


def wrapped(form, shape, centred):
    """Return wrapped sparse rows, and what they stand for as a dense array."""
    rows, generator = form(make_rows(shape)), np.random.default_rng(1)
    if not centred:
        return SparseRows(rows), rows.toarray()
    left, right = generator.uniform(0, 2, shape[0]), generator.standard_normal(shape[1])
    return CentredRows(rows, left, right), rows.toarray() - np.outer(left, right)


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_sparse_rows_do_what_a_dense_array_does(form, centred):
    rows, dense = wrapped(form, (30, 12), centred)
    vector, residual = np.linspace(-1, 1, 12), np.linspace(1, 2, 30)
    for part, whole in ((rows, dense), (rows[5:17], dense[5:17]), (rows.astype(np.float64, copy=False), dense)):
        assert part.shape == whole.shape
        assert len(part) == len(whole)
        for found, expected in (
            (part @ vector, whole @ vector),
            (residual[: len(whole)] @ part, residual[: len(whole)] @ whole),
            (part.T @ part, whole.T @ whole),
            (part @ part.T, whole @ whole.T),
            (part.T @ residual[: len(whole)], whole.T @ residual[: len(whole)]),
            (part[:, 3], whole[:, 3]),
            (np.asarray(part, dtype=np.float64), whole),
            (part.sum(), whole.sum()),
            (part.sum(axis=0), whole.sum(axis=0)),
            (part.sum(axis=1), whole.sum(axis=1)),
            (part.column_means(), whole.mean(axis=0)),
            (part.mean_squares(vector), np.square(whole - vector).mean(axis=0)),
            (np.square(part.reshape(-1, order="A")).sum(), np.square(whole).sum()),
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    assert rows.any()
    assert not SparseRows(form((3, 2))).any()


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("shape", [(60, 8), (9, 8), (8, 30), (400, 300), (300, 400)], ids=str)
def test_the_curvature_of_sparse_rows_is_that_of_dense_ones(shape, centred, fit_intercept):
    rows, dense = wrapped(sparse.csr_array, shape, centred)
    found, expected = (curvature.Curvature(X, fit_intercept) for X in (rows, dense))
    assert found.smoothness == pytest.approx(expected.smoothness, rel=1e-10)
    assert found.extremes == pytest.approx(expected.extremes, rel=1e-8)
    assert found.condition == pytest.approx(expected.condition, rel=1e-6)
    if min(shape) < 100:
        np.testing.assert_allclose(found.eigenvalues, expected.eigenvalues, rtol=1e-9)


# ---- coordinates


@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_standardized_sparse_rows_are_those_of_dense_rows(form, fit_intercept, weighted, alpha):
    X = sparse.lil_array(make_rows((50, 6)))
    X[:, [1]] = np.linspace(1e6, 1e6 + 1, 50)[:, np.newaxis]  # no zero
    X[1:, [2]] = np.full((49, 1), 1e6)  # one zero
    X[:, [3]] = np.full((50, 1), 7.3)  # constant
    X[:, [4]] = np.zeros((50, 1))
    counts = np.random.default_rng(1).uniform(0.1, 2, 50) if weighted else np.ones(50)
    rows = form(X.tocsr())
    moved, coordinates = problem_sparse.standardize_sparse(take_rows(form(rows.copy())), counts, fit_intercept, alpha)
    problem, expected = standardize_rows(Problem(rows.toarray(), None, fit_intercept), counts, alpha)
    np.testing.assert_allclose(coordinates.means, expected.means, rtol=1e-15)
    np.testing.assert_allclose(coordinates.scales, expected.scales, rtol=1e-12)
    dense = np.asarray(moved)
    np.testing.assert_allclose(dense, problem.X, rtol=1e-9, atol=1e-9)
    assert moved.rows.nnz == rows.nnz
    if fit_intercept:
        assert not dense[:, 3].any()  # exactly zero
        np.testing.assert_allclose(counts @ dense, 0, atol=1e-8)


def test_means_and_deviations_lose_no_digits():
    X, _ = far_rows(2000, 10, far=1e9)
    found = problem_sparse.standardize_sparse(take_rows(X), np.ones(2000), True, 0.0)[1]
    exact = X.toarray().astype(np.longdouble)
    np.testing.assert_allclose(found.means, exact.mean(axis=0).astype(float), rtol=1e-14)
    np.testing.assert_allclose(found.scales, exact.std(axis=0).astype(float), rtol=1e-13)


def test_the_parts_of_an_entry_that_is_stored_in_parts_are_added():
    parts = sparse.csr_array((np.array([1.0, 2.0, 5.0, 4.0]), np.array([0, 0, 0, 1]), np.array([0, 2, 3, 4])), (3, 2))
    moved, _ = problem_sparse.standardize_sparse(take_rows(merge_entries(parts)), None, True, 0.0)
    whole, _ = problem_sparse.standardize_sparse(take_rows(sparse.csr_array(parts.toarray())), None, True, 0.0)
    np.testing.assert_allclose(np.asarray(moved), np.asarray(whole), rtol=1e-15)


def test_zeros_of_negligible_weight_are_no_deviation():
    X = sparse.csr_array(np.append(np.full((49, 1), 7.3), [[0.0]], axis=0))
    for weight in (1e-17, 1e-20, 1e-30):
        moved, coordinates = problem_sparse.standardize_sparse(take_rows(X), np.append(np.ones(49), weight), True, 0.0)
        assert np.isfinite(coordinates.scales).all()
        assert np.isfinite(np.asarray(moved)).all()


def test_centred_rows_store_no_more_than_the_data(monkeypatch):
    X, y = far_rows(2000, 800)
    for kind in (sparse.csr_array, sparse.csc_array):
        monkeypatch.setattr(kind, "toarray", lambda *_: pytest.fail("the rows were made dense"))
    options = DescentOptions.checked(precondition="standardize", learning_rate="chebyshev", compress=False)
    prepared = problem_sparse.prepare_sparse(X, y, None, options)
    assert prepared.problem.X.rows.nnz == X.nnz
    assert prepared.curvature.condition < 100
    weighted = problem_sparse.prepare_sparse(X, y, np.linspace(1, 2, 2000), options)
    assert weighted.problem.X.rows.nnz == X.nnz + 2000  # the column of ones


# ---- descents


def fit(X, y, counts=None, **options):
    """Return a fitted estimator of standardized columns that used Chebyshev rates on the rows themselves."""
    options = {"precondition": "standardize", "learning_rate": "chebyshev", "compress": False, "tol": 1e-13} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return GradientDescentRegressor(max_iter=4000, **options).fit(X, y, counts)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(300, 20), (400, 300), (20, 60)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_standardized_sparse_descents_are_those_of_dense_rows(dtype, shape, weighted, alpha, fit_intercept):
    X, y = far_rows(*shape, far=1e3 if fit_intercept else 1.0)
    X = X.astype(dtype)
    counts = np.random.default_rng(2).uniform(0.5, 2, len(y)) if weighted else None
    found, dense = (fit(rows, y, counts, alpha=alpha, fit_intercept=fit_intercept) for rows in (X, X.toarray()))
    np.testing.assert_allclose(found.coef_, dense.coef_, rtol=1e-10, atol=1e-10 * abs(dense.coef_).max())
    np.testing.assert_allclose(found.predict(X), dense.predict(X.toarray()), rtol=0, atol=1e-8 * y.std())


@pytest.mark.parametrize("learning_rate", ["chebyshev", "auto"])
def test_sparse_columns_far_from_zero_are_fitted(learning_rate):
    X, y = far_rows(2000, 800)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GradientDescentRegressor(precondition="standardize", learning_rate=learning_rate, compress=False)
        assert model.fit(X, y).score(X, y) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("learning_rate", ["chebyshev", "constant"])
def test_sparse_columns_far_from_zero_as_they_are_are_not_converged(learning_rate):
    X, y = far_rows(2000, 800)
    with pytest.warns(UserWarning, match="condition number of X") as caught:
        model = GradientDescentRegressor(precondition="none", learning_rate=learning_rate, compress=False).fit(X, y)
    assert len(caught) == 1
    assert model.score(X, y) < 0.9


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("value", [7.3, 1.7e9])
def test_constant_sparse_columns_count_as_zero(value, alpha):
    rows = make_rows((300, 6))
    X = sparse.hstack([rows, np.full((300, 1), value), sparse.csr_array((300, 1))], format="csr")
    y = rows @ np.arange(6.0) + 5.0 + np.random.default_rng(1).standard_normal(300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model, without = (
            GradientDescentRegressor(precondition="standardize", compress=False, alpha=alpha).fit(columns, y)
            for columns in (X, rows)
        )
    assert not model.coef_[6:].any()
    np.testing.assert_allclose(model.coef_[:6], without.coef_, rtol=1e-7)


def test_rows_of_weight_zero_have_no_influence():
    X, y = far_rows(300, 20)
    model = fit(X, y)
    added = sparse.vstack([X, sparse.csr_array(np.full((5, 20), 1e9)), sparse.csr_array((5, 20))], format="csr")
    same = fit(added, np.append(y, np.full(10, -1e9)), np.append(np.ones(300), np.zeros(10)))
    np.testing.assert_allclose(same.coef_, model.coef_, rtol=1e-9, atol=1e-9)


# ---- few rows


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_few_rows_are_whitened_without_a_gram_matrix(monkeypatch, alpha, weighted):
    X, y = far_rows(40, 900)
    counts = np.random.default_rng(2).uniform(0.5, 2, 40) if weighted else None
    monkeypatch.setattr(problem_sparse, "sum_rows", lambda *_: pytest.fail("the Gram matrix was formed"))
    found, dense = (
        GradientDescentRegressor(precondition="whiten", alpha=alpha).fit(rows, y, counts) for rows in (X, X.toarray())
    )
    np.testing.assert_allclose(found.coef_, dense.coef_, rtol=1e-9, atol=1e-9 * abs(dense.coef_).max())


def test_rows_that_are_too_many_to_be_made_dense_are_not(monkeypatch):
    X, y = far_rows(40, 60, far=1.0)
    model = GradientDescentRegressor(precondition="whiten").fit(X, y)
    monkeypatch.setattr(problem_sparse, "MOST_DENSE", 40 * 60 - 1)
    monkeypatch.setattr(problem_sparse, "summarize_sparse", refuse_dense(problem_sparse.summarize_sparse))
    blocks = GradientDescentRegressor(precondition="whiten").fit(X, y)
    np.testing.assert_allclose(blocks.coef_, model.coef_, rtol=1e-8, atol=1e-10)


def refuse_dense(summarize):
    """Return the function with an assertion that nothing is made dense at once."""

    def checked(*arguments, dense, threads):
        assert not dense
        return summarize(*arguments, dense=dense, threads=threads)

    return checked


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("size", [1e160, 1e307])
def test_entries_whose_squares_overflow_are_refused(size, compress):
    X = make_rows((300, 20))
    X.data = np.sign(X.data) + 1.0
    with pytest.raises(ValueError, match="X must have a mean square between"):
        GradientDescentRegressor(compress=compress).fit(X * (size / 2), np.ones(300))


@pytest.mark.parametrize("options", [{}, {"compress": False}, {"precondition": "none", "learning_rate": "constant"}])
def test_columns_whose_squares_vanish_are_refused_as_in_dense_rows(options):
    X = sparse.hstack([make_rows((300, 5)), 1e-150 * make_rows((300, 1))], format="csr")
    for rows in (X, X.toarray()):
        with pytest.raises(ValueError, match=r"column 5 .* is too small for its squares"):
            GradientDescentRegressor(**options).fit(rows, np.arange(300.0))


# ---- the function


@pytest.mark.parametrize("options", [{}, {"compress": False}, {"learning_rate": 0.3, "epochs": 400}, {"alpha": 0.1}])
@pytest.mark.parametrize("form", ["csr_array", "csr_matrix", "csc_array", "coo_matrix", "lil_array", "whole numbers"])
def test_gradient_descent_takes_sparse_rows(form, options):
    X = make_rows((300, 6))
    if form == "whole numbers":
        X.data = np.round(3 * X.data)
    y = X @ np.arange(6.0) + 2 + np.random.default_rng(1).standard_normal(300)
    given = X.astype(np.int64) if form == "whole numbers" else getattr(sparse, form)(X)
    found, dense = (fastgd.gradient_descent(rows, y, tol=1e-12, **options) for rows in (given, X.toarray()))
    np.testing.assert_allclose(found.weights, dense.weights, rtol=1e-8, atol=1e-9)
    assert found.converged == dense.converged
    assert found.compressed == (options.get("compress") is not False)
    np.testing.assert_allclose(found.predict(given), dense.predict(X.toarray()), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda X: X.data.__setitem__(3, np.nan), ValueError, r"X must be finite; got nan at row \d+, column \d+"),
        (lambda X: X.data.__setitem__(3, -np.inf), ValueError, "X must be finite; got -inf at row"),
        (
            lambda X: setattr(X, "data", X.data * 1j),
            TypeError,
            "X must hold real numbers; got a csr_array of dtype comp",
        ),
        (lambda X: setattr(X, "data", X.data.astype(object)), TypeError, "X must hold real numbers"),
    ],
)
def test_sparse_rows_that_hold_no_finite_numbers_are_refused(change, error, message):
    X = make_rows((30, 6))
    change(X)
    with pytest.raises(error, match=message):
        fastgd.gradient_descent(X, np.ones(30))


def test_the_place_of_a_bad_entry_is_named():
    X = sparse.csr_array(([1.0, np.inf], ([0, 3], [1, 2])), shape=(5, 4))
    with pytest.raises(ValueError, match="got inf at row 3, column 2 "):
        fastgd.gradient_descent(X, np.ones(5))


def test_sparse_rows_of_other_shapes_are_refused():
    X = make_rows((30, 6))
    with pytest.raises(ValueError, match="got 30 in X and 29 in y"):
        fastgd.gradient_descent(X, np.ones(29))
    with pytest.raises(ValueError, match="at least one row and one column"):
        fastgd.gradient_descent(sparse.csr_array((3, 0)), np.ones(3))
    with pytest.raises(ValueError, match="X must have 6 columns, as in the fit; got 5"):
        fastgd.gradient_descent(X, np.arange(30.0)).predict(X[:, :5])
    with pytest.raises(ValueError, match="batch_size must be None for sparse X; got 5"):
        fastgd.gradient_descent(X, np.ones(30), batch_size=5)


def test_fits_of_sparse_rows_leave_their_arrays_as_they_are():
    X = make_rows((300, 6))
    before = [array.copy() for array in (X.data, X.indices, X.indptr)]
    for array in (X.data, X.indices, X.indptr):
        array.flags.writeable = False
    for options in ({}, {"compress": False}, {"compress": False, "precondition": "none"}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fastgd.gradient_descent(X, np.arange(300.0), sample_weight=np.linspace(0, 1, 300), **options)
    for array, kept in zip((X.data, X.indices, X.indptr), before, strict=True):
        np.testing.assert_array_equal(array, kept)


# ---- many columns


def many_columns(name):
    """Return sparse rows of 900 columns: well-conditioned, or with something that few products may not see."""
    X = make_rows((4000, 900), density=0.02)
    generator = np.random.default_rng(8)
    if name == "one-hot":
        places = generator.integers(0, 300, (4000, 3)) + np.array([0, 300, 600])
        return sparse.csr_array((np.ones(12_000), places.ravel(), 3 * np.arange(4001)), (4000, 900))
    if name.startswith("nearly twice"):
        size = float(name.split()[-1])
        changed = X[:, :1] + size * make_rows((4000, 1), seed=5, density=0.02)
        return sparse.hstack([X[:, :-1], changed], format="csr")
    if name == "decay":
        return (X @ sparse.random_array((900, 900), density=0.01, rng=generator)).tocsr()
    return X


MANY = ["plain", "one-hot", "nearly twice 1e-2", "nearly twice 1e-4", "nearly twice 1e-6", "decay"]


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("n_targets", [1, 3])
def test_many_columns_are_fitted_by_default(monkeypatch, name, n_targets):
    if not name.startswith("nearly twice"):
        monkeypatch.setattr(problem_sparse, "MOST_COMPRESSED", 500)
    X, generator = many_columns(name), np.random.default_rng(1)
    coef = generator.standard_normal((900, n_targets))
    coef[-1] += 100.0  # the direction that two columns leave has a part in the target
    y = X @ coef + 5.0 + generator.standard_normal((4000, n_targets))
    y = y[:, 0] if n_targets == 1 else y
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = fastgd.gradient_descent(X, y)
    assert np.all(result.converged)
    rows = X.toarray() - X.toarray().mean(axis=0)
    centred = y - y.mean(axis=0)
    least = np.square(centred - rows @ np.linalg.lstsq(rows, centred)[0]).sum(axis=0) / 8000
    assert np.all(result.cost <= least * (1 + 1e-7))


@pytest.mark.parametrize("size", [1e-1, 1e-2, 1e-3, 1e-4])
def test_a_descent_on_the_rows_that_misses_a_direction_is_not_called_converged(size):
    X, generator = many_columns(f"nearly twice {size}"), np.random.default_rng(1)
    coef = generator.standard_normal(900)
    coef[-1] += 100.0
    y = X @ coef + generator.standard_normal(4000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = fastgd.gradient_descent(X, y, compress=False, epochs=200)
    rows = X.toarray() - X.toarray().mean(axis=0)
    least = np.square(y - y.mean() - rows @ np.linalg.lstsq(rows, y - y.mean())[0]).sum() / 8000
    assert not result.converged or result.cost <= least * (1 + 1e-6)


def test_well_conditioned_rows_are_not_compressed(monkeypatch):
    monkeypatch.setattr(problem_sparse, "MOST_COMPRESSED", 500)
    X = many_columns("plain")
    y = X @ np.ones(900) + np.random.default_rng(1).standard_normal(4000)
    result = fastgd.gradient_descent(X, y)
    assert (result.compressed, result.precondition) == (False, "standardize")
    assert fastgd.gradient_descent(X, y, compress=True).compressed
    assert fastgd.gradient_descent(many_columns("decay"), y).compressed


@pytest.mark.parametrize("settings", [{}, {"compress": False}, {"learning_rate": "constant", "epochs": 20, "tol": 0}])
def test_weights_of_rows_may_lie_anywhere_in_memory(settings):
    X, generator = make_rows((200, 8)), np.random.default_rng(0)
    y, weights = generator.standard_normal(200), generator.uniform(1, 2, 400)[::2]
    expected = fastgd.gradient_descent(X, y, sample_weight=weights.copy(), **settings)
    result = fastgd.gradient_descent(X, y, sample_weight=weights, **settings)
    np.testing.assert_array_equal(result.weights, expected.weights)


# ---- functions beside the fit


def make_sparse_problem(n_targets=None, form="csr", seed=0):
    """Return sparse rows with an empty column, targets, and weights of the rows."""
    generator = np.random.default_rng(seed)
    X = sparse.random_array((300, 12), density=0.3, rng=generator, format="lil")
    X[:, 4] = 0.0
    return X.asformat(form), generator.standard_normal((300, n_targets) if n_targets else 300), generator.random(300)


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("n_targets", [None, 3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("intercept", [0, 1])
def test_cost_and_gradient_take_sparse_rows(form, n_targets, dtype, intercept):
    X, y, _ = make_sparse_problem(n_targets, form)
    X = X.astype(dtype)
    weights = np.random.default_rng(1).standard_normal((12 + intercept, *y.shape[1:]))
    np.testing.assert_allclose(fastgd.cost(X, y, weights), fastgd.cost(X.toarray(), y, weights), rtol=1e-12)
    found, dense = fastgd.gradient(X, y, weights), fastgd.gradient(X.toarray(), y, weights)
    assert found.shape == weights.shape
    np.testing.assert_allclose(found, dense, rtol=0, atol=1e-12 * abs(dense).max())


def test_cost_of_sparse_rows_refuses_what_that_of_dense_rows_does():
    X, y, _ = make_sparse_problem()
    with pytest.raises(ValueError, match="weights must have"):
        fastgd.cost(X, y, np.ones(5))
    with pytest.raises(ValueError, match="y must be finite"):
        fastgd.cost(X, np.where(np.arange(300) == 7, np.nan, y), np.ones(13))
    X.data[3] = np.inf
    with pytest.raises(ValueError, match="X must be finite"):
        fastgd.gradient(X, y, np.ones(13))
    X.data[3] = 1e200
    with pytest.raises(ValueError, match="mean square"):
        fastgd.cost(X, y, np.ones(13))


@pytest.mark.parametrize("method", ["auto", "gram", "qr"])
@pytest.mark.parametrize("n_targets", [None, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_compressed_sparse_rows_have_the_cost_of_the_rows(method, n_targets, fit_intercept, alpha):
    X, y, counts = make_sparse_problem(n_targets)
    options = {"fit_intercept": fit_intercept, "sample_weight": counts, "alpha": alpha, "method": method}
    small, goal = fastgd.compress(X, y, **options)
    dense, dense_goal = fastgd.compress(X.toarray(), y, **(options | {"method": "qr"}))
    assert len(small) == len(goal) <= X.shape[1] + 2 + X.shape[1] * (alpha > 0)
    for seed in range(3):
        weights = np.random.default_rng(seed).standard_normal((small.shape[1], *y.shape[1:]))
        expected = fastgd.cost(dense, dense_goal, weights)
        np.testing.assert_allclose(fastgd.cost(small, goal, weights), expected, rtol=1e-10)


def test_compressed_sparse_rows_of_dependent_columns_have_the_cost_of_the_rows():
    X, y, _ = make_sparse_problem()
    X = sparse.hstack([X, X[:, :2] @ np.array([[1.0], [2.0]])], format="csr")
    small, goal = fastgd.compress(X, y)
    weights = np.random.default_rng(5).standard_normal(14)
    np.testing.assert_allclose(fastgd.cost(small, goal, weights), fastgd.cost(X, y, weights), rtol=1e-10)
    nearly = X.tocsc()
    nearly.data[-1] += 1e-5  # neither a direction of zero nor one that products can tell from it
    with pytest.raises(ValueError, match="method must not be 'gram'"):
        fastgd.compress(nearly, y, method="gram")


def test_few_sparse_rows_are_compressed_as_dense_ones_are():
    X, y, _ = make_sparse_problem()
    small, goal = fastgd.compress(X[:6], y[:6])
    weights = np.random.default_rng(5).standard_normal(13)
    np.testing.assert_allclose(fastgd.cost(small, goal, weights), fastgd.cost(X[:6], y[:6], weights), rtol=1e-10)


def test_batches_of_sparse_rows_are_refused_with_the_way_out():
    X, y, _ = make_sparse_problem()
    with pytest.raises(ValueError, match=r"batch_size must be None for sparse X; got 10: .*toarray"):
        fastgd.gradient_descent(X, y, batch_size=10)


def test_small_matrices_of_sparse_fits_have_one_thread_of_blas(monkeypatch):
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="without it, BLAS is left alone")
    X, y, _ = make_sparse_problem()
    counts, prepare_summary = [], problem_sparse.prepare_summary

    def count(*arguments):
        counts.extend(pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas")
        return prepare_summary(*arguments)

    monkeypatch.setattr(problem_sparse, "prepare_summary", count)
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
        fastgd.gradient_descent(X, y)
        assert [pool["num_threads"] for pool in threadpoolctl.threadpool_info()] == before
    assert set(counts) == {1}


@pytest.mark.parametrize("size", [0, 3, 8191, 8192, 20_000])
def test_sums_of_squares_are_those_of_exact_arithmetic(size):
    vector = np.random.default_rng(0).standard_normal(size)
    exact = float(sum(Fraction(value) ** 2 for value in vector.tolist()))
    assert sum_squares(vector) == pytest.approx(exact, rel=1e-12)
