"""The estimator keeps the conventions of scikit-learn, and gives the answers of the closed form."""

import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from problems import random_problem

sklearn = pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")

from scipy import sparse  # noqa: E402 - scikit-learn brings it
from sklearn.base import clone  # noqa: E402
from sklearn.compose import TransformedTargetRegressor  # noqa: E402
from sklearn.ensemble import BaggingRegressor, StackingRegressor, VotingRegressor  # noqa: E402
from sklearn.exceptions import ConvergenceWarning, NotFittedError  # noqa: E402
from sklearn.feature_selection import RFE, SelectFromModel, SequentialFeatureSelector  # noqa: E402
from sklearn.linear_model import LinearRegression, RANSACRegressor  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score, learning_curve  # noqa: E402
from sklearn.multioutput import MultiOutputRegressor, RegressorChain  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import PolynomialFeatures, StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

import fastgd  # noqa: E402
from fastgd import GradientDescentRegressor, backends, estimator  # noqa: E402
from fastgd.descent import auto  # noqa: E402
from fastgd.problem import rows as problem_rows  # noqa: E402
from fastgd.problem import sparse as problem_sparse  # noqa: E402

X, Y = random_problem(200, 5)
TARGETS = np.column_stack([Y, 3 - 2 * X[:, 0] + X[:, 1] ** 2, np.sin(X[:, 2])])
COUNTS = np.random.default_rng(5).integers(0, 4, 200).astype(float)


def precise(**options):
    return GradientDescentRegressor(**{"tol": 1e-12} | options)


def closed_form(X, y, alpha=0.0, fit_intercept=True, sample_weight=None):
    """Return the intercept and the coefficients that solve the normal equations with a ridge."""
    counts = np.ones(len(y)) if sample_weight is None else sample_weight
    rows = np.column_stack([np.ones(len(y)), X]) if fit_intercept else X
    penalty = np.eye(rows.shape[1]) * alpha * counts.sum()
    if fit_intercept:
        penalty[0, 0] = 0
    weights = np.linalg.solve(rows.T @ (rows * counts[:, np.newaxis]) + penalty, rows.T @ (y.T * counts).T)
    return (weights[0], weights[1:].T) if fit_intercept else (0.0, weights.T)


# ---- scikit-learn's own checks


@pytest.mark.parametrize("backend", backends.available())
def test_the_estimator_passes_the_checks_of_scikit_learn(backend):
    results = check_estimator(GradientDescentRegressor(backend=backend), on_skip=None)
    statuses = {result["check_name"]: result["status"] for result in results}
    # scikit-learn skips this check unless an environment variable is set, as in the next test.
    assert {name for name, status in statuses.items() if status != "passed"} <= {"check_array_api_input"}
    assert len(statuses) > 50


def test_the_estimator_passes_the_checks_with_the_array_api():
    code = (
        "import warnings; warnings.simplefilter('error')\n"
        "from sklearn.utils.estimator_checks import check_estimator\n"
        "from fastgd import GradientDescentRegressor\n"
        "print({r['status'] for r in check_estimator(GradientDescentRegressor(), on_skip=None)})"
    )
    environment = {"SCIPY_ARRAY_API": "1", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "{'passed'}", done.stderr


# ---- answers


STANDARDIZED = {"precondition": "standardize", "max_iter": 20_000}


@pytest.mark.parametrize(
    "settings", [{}] + [{"learning_rate": name} | STANDARDIZED for name in ("chebyshev", "eigenvalues")], ids=str
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", [(60, 8), (12, 30)], ids=["tall", "wide"])
@pytest.mark.parametrize("alpha", [1e-3, 0.1, 10.0])
def test_ridge_equals_the_closed_form(alpha, shape, fit_intercept, weighted, settings):
    X, y = random_problem(*shape)
    X = X + 3.0
    sample_weight = np.random.default_rng(2).uniform(0.1, 2, len(y)) if weighted else None
    model = precise(alpha=alpha, fit_intercept=fit_intercept, **settings).fit(X, y, sample_weight)
    intercept, coef = closed_form(X, y, alpha, fit_intercept, sample_weight)
    np.testing.assert_allclose(model.coef_, coef, rtol=1e-7, atol=1e-7 * abs(coef).max())
    np.testing.assert_allclose(model.intercept_, intercept, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_several_targets_equal_one_fit_each(compress, fit_intercept):
    options = {"compress": compress, "fit_intercept": fit_intercept, "alpha": 0.01}
    together = precise(**options).fit(X, TARGETS, COUNTS)
    assert together.coef_.shape == (3, 5)
    assert together.predict(X).shape == TARGETS.shape
    for k, y in enumerate(TARGETS.T):
        alone = precise(**options).fit(X, y, COUNTS)
        np.testing.assert_allclose(together.coef_[k], alone.coef_, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(together.intercept_[k], alone.intercept_, rtol=1e-9, atol=1e-12)
        assert len(together.cost_history_[k]) <= together.n_iter_
    assert set(together.stop_reason_) <= {"gradient", "cost"}


@pytest.mark.parametrize("shape", [(6, 5), (7, 5), (4, 6)])
@pytest.mark.parametrize("learning_rate", ["auto", "eigenvalues", "chebyshev"])
def test_few_sparse_rows_without_an_intercept_are_fitted(shape, learning_rate):
    rows = sparse.random(*shape, density=0.6, random_state=0, format="csr")
    options = {"compress": False, "fit_intercept": False, "precondition": "none", "max_iter": 200_000}
    y = rows @ np.ones(shape[1])
    model = GradientDescentRegressor(learning_rate=learning_rate, tol=1e-12, **options).fit(rows, y)
    np.testing.assert_allclose(model.predict(rows), y, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("seed", [0, "generator"])
def test_mini_batches_of_every_target_have_the_order_of_one_fit(seed):
    options = {"batch_size": 20, "learning_rate": "inverse_scaling", "tol": 0, "max_iter": 20}

    def state():
        return np.random.default_rng(0) if seed == "generator" else seed

    together = GradientDescentRegressor(random_state=state(), **options).fit(X, TARGETS)
    for k, y in enumerate(TARGETS.T):
        alone = GradientDescentRegressor(random_state=state(), **options).fit(X, y)
        np.testing.assert_allclose(together.coef_[k], alone.coef_, rtol=1e-10)


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("precondition", ["none", "standardize"])
@pytest.mark.parametrize("step", [2, -1])
def test_arrays_that_are_not_contiguous_are_fitted(step, precondition, compress):
    options = {"precondition": precondition, "compress": compress}
    for columns in (slice(None), slice(0, 5, 2)):
        part = X[::step, columns]
        model, copied = precise(**options).fit(part, Y[::step]), precise(**options).fit(part.copy(), Y[::step])
        assert np.array_equal(model.coef_, copied.coef_)


def test_several_targets_share_one_compression(monkeypatch):
    summed, summarize = [], problem_rows.summarize_rows

    def count(*given, **options):
        summed.append(1)
        return summarize(*given, **options)

    monkeypatch.setattr(problem_rows, "summarize_rows", count)
    for options in ({}, {"compress": True, "precondition": "standardize"}):
        precise(**options).fit(X, TARGETS)
    assert len(summed) == 2


def test_the_shape_of_y_decides_the_shapes_of_the_attributes():
    vector, column = precise().fit(X, Y), precise().fit(X, Y[:, np.newaxis])
    assert vector.coef_.shape == (5,)
    assert isinstance(vector.intercept_, float)
    assert vector.predict(X).shape == (200,)
    assert column.coef_.shape == (1, 5)
    assert column.predict(X).shape == (200, 1)


@pytest.mark.parametrize("settings", [{}, {"learning_rate": "chebyshev", "precondition": "standardize"}], ids=str)
def test_attributes_are_those_of_the_descent(settings):
    model = GradientDescentRegressor(**settings).fit(X, Y)
    result = fastgd.gradient_descent(X, Y, **settings)
    np.testing.assert_array_equal(model.coef_, result.coef)
    np.testing.assert_array_equal(model.cost_history_, result.cost_history)
    assert (model.intercept_, model.n_iter_) == (result.intercept, result.epochs)
    assert (model.stop_reason_, model.backend_) == (result.reason, result.backend)


# ---- rows in parts


@pytest.mark.parametrize("y", [Y, TARGETS], ids=["one target", "three"])
@pytest.mark.parametrize("ends", [[200], [1, 2, 200], [50, 100, 150, 200], [199, 200]])
def test_parts_give_the_answer_for_all_rows(ends, y):
    model, begin = precise(alpha=0.05), 0
    for end in ends:
        model.partial_fit(X[begin:end], y[begin:end], COUNTS[begin:end] + 0.5)
        begin = end
    whole = precise(alpha=0.05).fit(X, y, COUNTS + 0.5)
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(model.intercept_, whole.intercept_, rtol=1e-9, atol=1e-11)


def test_partial_fit_starts_from_the_weights_of_the_last_fit():
    model = GradientDescentRegressor().partial_fit(X[:150], Y[:150])
    before = model.cost_history_[0]
    model.partial_fit(X[150:], Y[150:])
    assert model.cost_history_[0] < before / 2


def test_a_part_of_another_shape_changes_nothing():
    model = GradientDescentRegressor().partial_fit(X, Y)
    coef = model.coef_
    for part in ((X[:, :3], Y), (X, TARGETS), (X, np.full(200, np.nan))):
        with pytest.raises(ValueError, match=r"X has 3 features|y must have 1 columns|Input y contains NaN"):
            model.partial_fit(*part)
    np.testing.assert_allclose(model.partial_fit(X, Y).coef_, coef, rtol=1e-6)


def test_fit_forgets_earlier_parts():
    model = precise().partial_fit(10 * X, TARGETS[:, 1]).fit(X, Y)
    np.testing.assert_array_equal(model.coef_, precise().fit(X, Y).coef_)
    np.testing.assert_allclose(model.partial_fit(X, TARGETS[:, 2]).coef_, precise().fit(X, TARGETS[:, 2]).coef_)


def test_partial_fit_refuses_mini_batches():
    with pytest.raises(ValueError, match="batch_size must be None for partial_fit"):
        GradientDescentRegressor(batch_size=10).partial_fit(X, Y)


# ---- sparse features

SPARSE = sparse.random_array((300, 20), density=0.2, rng=np.random.default_rng(0), format="csr")
SPARSE_Y = SPARSE @ np.arange(20.0) + np.random.default_rng(1).standard_normal(300) + 7


@pytest.mark.parametrize("options", [{}, {"alpha": 0.1}, {"fit_intercept": False}, {"precondition": "none"}], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("way", ["default", "small", "rows", "parts"])
@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_sparse_features_give_the_fit_of_dense_ones(form, way, weighted, options):
    counts = np.random.default_rng(3).uniform(0, 2, 300) if weighted else None
    dense = precise(**options).fit(SPARSE.toarray(), SPARSE_Y, counts)
    if way in ("small", "rows"):
        options = {"learning_rate": "chebyshev", "precondition": "standardize", "compress": way == "small"} | options
    model = precise(**options)
    if way == "parts":
        for rows in (slice(0, 100), slice(100, 300)):
            model.partial_fit(form(SPARSE[rows]), SPARSE_Y[rows], None if counts is None else counts[rows])
    else:
        model.fit(form(SPARSE), SPARSE_Y, counts)
    assert model.backend_ == backends.resolve("auto")
    np.testing.assert_allclose(model.coef_, dense.coef_, atol=1e-9)
    np.testing.assert_allclose(model.predict(form(SPARSE)), dense.predict(SPARSE.toarray()), atol=1e-8)


def test_many_sparse_features_stay_sparse(monkeypatch):
    monkeypatch.setattr(problem_sparse, "MOST_COMPRESSED", 10)
    monkeypatch.setattr(auto, "MOST_WHITENED", 10)
    model = precise().fit(SPARSE, np.column_stack([SPARSE_Y, -SPARSE_Y]))
    np.testing.assert_allclose(model.coef_[0], -model.coef_[1], atol=1e-10)
    for backend in backends.available():
        named = precise(backend=backend).fit(SPARSE, SPARSE_Y)
        assert named.backend_ == backend
        np.testing.assert_allclose(named.coef_, model.coef_[0], atol=1e-10)
    with pytest.raises(ValueError, match="batch_size must be None for sparse X"):
        precise(batch_size=10).fit(SPARSE, SPARSE_Y)


# ---- Dask


@pytest.mark.parametrize("y", [Y, TARGETS], ids=["one target", "three"])
def test_dask_arrays_give_the_fit_of_all_rows(y):
    da = pytest.importorskip("dask.array", reason="Dask is an extra")
    rows = da.from_array(X, chunks=(60, 5))
    targets, counts = da.from_array(y, chunks=(60, *y.shape[1:])), da.from_array(COUNTS, chunks=60)
    model, whole = precise(alpha=0.01).fit(rows, targets, counts), precise(alpha=0.01).fit(X, y, COUNTS)
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-10)
    predictions = model.predict(rows)
    assert isinstance(predictions, da.Array)
    assert predictions.chunks[0] == rows.chunks[0]
    np.testing.assert_allclose(predictions.compute(), whole.predict(X), rtol=1e-10)
    with pytest.raises(ValueError, match="compress must not be False"):
        precise(compress=False).fit(rows, targets)


def test_dask_frames_keep_the_names_of_their_columns():
    dd = pytest.importorskip("dask.dataframe", reason="Dask is an extra")
    pd = pytest.importorskip("pandas", reason="Dask's frames are pandas'")
    frame = pd.DataFrame(X, columns=list("abcde"))
    rows = dd.from_pandas(frame, npartitions=3)
    model = precise().fit(rows, dd.from_pandas(pd.Series(Y), npartitions=3))
    assert list(model.feature_names_in_) == list("abcde")
    np.testing.assert_allclose(model.predict(rows).compute(), model.predict(frame))
    with pytest.raises(ValueError, match="X must have the columns of the fit"):
        model.predict(rows[["b", "a", "c", "d", "e"]])


# ---- in place of LinearRegression


def fit_compositions(model):
    """Yield fitted estimators of scikit-learn that contain a linear regression."""
    y = Y
    yield make_pipeline(StandardScaler(), PolynomialFeatures(2), model).fit(X, y)
    yield TransformedTargetRegressor(model, func=np.arcsinh, inverse_func=np.sinh).fit(X, y)
    yield VotingRegressor([("a", model), ("b", clone(model))]).fit(X, y)
    yield StackingRegressor([("a", model)], final_estimator=clone(model)).fit(X, y)
    yield BaggingRegressor(model, n_estimators=3, random_state=0).fit(X, y)
    yield RANSACRegressor(model, min_samples=6, random_state=0).fit(X, y)
    yield RFE(model, n_features_to_select=2).fit(X, y)
    yield MultiOutputRegressor(model).fit(X, TARGETS)
    yield RegressorChain(model).fit(X, TARGETS)


def test_the_estimator_can_replace_linear_regression():
    for ours, theirs in zip(fit_compositions(precise()), fit_compositions(LinearRegression()), strict=True):
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6, atol=1e-8)
    for selector in (SelectFromModel, SequentialFeatureSelector):
        np.testing.assert_array_equal(
            selector(precise()).fit(X, Y).get_support(), selector(LinearRegression()).fit(X, Y).get_support()
        )


def test_searches_and_scores_accept_the_estimator():
    search = GridSearchCV(precise(), {"alpha": [0.0, 0.1], "fit_intercept": [True, False]}, n_jobs=2).fit(X, Y)
    assert search.best_params_ == {"alpha": 0.0, "fit_intercept": True}
    np.testing.assert_allclose(cross_val_score(precise(), X, Y), cross_val_score(LinearRegression(), X, Y), rtol=1e-8)
    assert learning_curve(precise(), X, Y)[1].shape == (5, 5)


def test_clones_and_pickles_are_the_same_estimator():
    model = precise(alpha=0.1).partial_fit(X, Y)
    assert clone(model).get_params() == model.get_params()
    assert not hasattr(clone(model), "coef_")
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.partial_fit(X, Y).coef_, model.partial_fit(X, Y).coef_)


def test_the_estimator_shows_as_html():
    shown = precise(learning_rate="silver")._repr_html_()  # before 1.7 it has the parameters that were set
    assert "GradientDescentRegressor" in shown
    assert "learning_rate" in shown


def test_sample_weights_are_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        pipe = make_pipeline(StandardScaler(), precise().set_fit_request(sample_weight=True))
        pipe.named_steps["standardscaler"].set_fit_request(sample_weight=False)
        pipe.fit(X, Y, sample_weight=COUNTS)
    intercept, coef = closed_form(StandardScaler().fit_transform(X), Y, sample_weight=COUNTS)
    np.testing.assert_allclose(pipe[-1].coef_, coef, rtol=1e-8)
    assert pipe[-1].intercept_ == pytest.approx(intercept)


# ---- parameters


def test_a_warm_start_begins_where_the_last_fit_ended():
    options = {"learning_rate": "constant", "tol": 0, "max_iter": 30}
    cold = GradientDescentRegressor(**options).fit(X, Y)
    warm = GradientDescentRegressor(warm_start=True, **options).fit(X, Y).fit(X, Y)
    longer = GradientDescentRegressor(**options | {"max_iter": 60}).fit(X, Y)
    np.testing.assert_allclose(np.append(cold.cost_history_, warm.cost_history_), longer.cost_history_, rtol=1e-12)
    assert warm.cost_history_[0] < cold.cost_history_[0] / 2
    assert warm.fit(X[:, :2], Y).coef_.shape == (2,)  # weights of another shape: starts from zeros


def test_a_warm_start_at_the_least_cost_stays_there():
    first = GradientDescentRegressor().fit(X, Y)
    again = GradientDescentRegressor(warm_start=True).fit(X, Y).fit(X, Y)
    least = fastgd.gradient_descent(X, Y).cost
    assert first.cost_history_[0] == pytest.approx(np.mean(Y**2) / 2, rel=1e-12)
    assert again.cost_history_[0] == pytest.approx(least, rel=1e-12)


def test_too_few_epochs_warn():
    options = {"max_iter": 2, "learning_rate": "constant"}
    for y in (Y, TARGETS):
        with pytest.warns(
            ConvergenceWarning, match=r"^not converged: .*all 2 epochs ran; .* larger max_iter"
        ) as caught:
            GradientDescentRegressor(**options).fit(X, y)
        assert len(caught) == 1  # of all targets
        GradientDescentRegressor(tol=0, **options).fit(X, y)  # tol=0 asks for all epochs: no warning


@pytest.mark.parametrize("compress", ["auto", False])
@pytest.mark.parametrize("y", [Y, TARGETS], ids=["one target", "three"])
def test_the_estimator_is_right_where_nothing_is_named(y, compress):
    far = X * [1.0, 1e-3, 1e6, 10.0, 1.0] + [1e3, 1.0, 0.0, 0.0, 50.0]
    model = GradientDescentRegressor(compress=compress).fit(far, y)
    scaled = make_pipeline(StandardScaler(), LinearRegression()).fit(far, y)  # alone, it drops the second column
    np.testing.assert_allclose(model.predict(far), scaled.predict(far), rtol=0, atol=1e-6 * y.std())
    if compress == "auto":
        assert model.n_iter_ == 1
        np.testing.assert_allclose(model.coef_ * scaled[0].scale_, scaled[1].coef_, rtol=1e-9)


@pytest.mark.parametrize("seed", [0, np.random.RandomState(0)], ids=["int", "RandomState"])
def test_mini_batches_are_reproducible(seed):
    options = {"batch_size": 20, "learning_rate": "inverse_scaling", "tol": 0, "max_iter": 20}
    one, other = (GradientDescentRegressor(random_state=0, **options).fit(X, Y) for _ in range(2))
    np.testing.assert_array_equal(one.coef_, other.coef_)
    model = GradientDescentRegressor(random_state=seed, **options).fit(X, Y)
    np.testing.assert_allclose(model.coef_, closed_form(X, Y)[1], atol=0.2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": -1}, "alpha must be finite and not negative"),
        ({"learning_rate": "fast"}, "learning_rate must be"),
        ({"max_iter": 0}, "must be 1 or more"),
        ({"backend": "fortran"}, "backend must be one of"),
        ({"compress": "no"}, "compress must be one of"),
        ({"tol": -1}, "tol must be"),
    ],
)
def test_the_error_of_a_bad_parameter_names_it(options, message):
    for y in (Y, TARGETS):
        with pytest.raises(ValueError, match=message):
            GradientDescentRegressor(**options).fit(X, y)


def test_predict_refuses_an_estimator_that_is_not_fitted():
    with pytest.raises(NotFittedError):
        GradientDescentRegressor().predict(X)


# ---- loading


def test_scikit_learn_is_loaded_on_first_use():
    loaded = "print('sklearn' in sys.modules)"
    code = f"import sys, fastgd; {loaded}; fastgd.GradientDescentRegressor; {loaded}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_the_error_without_scikit_learn_names_it():
    code = "import sys; sys.modules['sklearn'] = None; import fastgd; fastgd.GradientDescentRegressor"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'ImportError: GradientDescentRegressor needs scikit-learn: pip install "scikit-learn>=' in done.stderr


def test_an_unknown_name_in_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Regressor'"):
        fastgd.Regressor  # noqa: B018


# ---- refused calls lose no rows, and count none twice


def test_a_part_that_was_refused_can_be_added_again():
    model = precise().partial_fit(X[:100], Y[:100])
    for wrong in ({"backend": "nope"}, {"tol": -1}, {"max_iter": 0}, {"alpha": -1}):
        right = {name: model.get_params()[name] for name in wrong}
        with pytest.raises(ValueError, match=r"must be"):
            model.set_params(**wrong).partial_fit(X[100:], Y[100:])
        model.set_params(**right)
        with pytest.raises(ValueError, match=r"must be"):
            model.set_params(**wrong).fit(X, Y)  # a refused fit loses no parts either
        model.set_params(**right)
    np.testing.assert_allclose(model.partial_fit(X[100:], Y[100:]).coef_, precise().fit(X, Y).coef_, rtol=1e-9)


def test_changed_parameters_apply_to_all_parts():
    model = precise().partial_fit(X[:100], Y[:100]).set_params(alpha=1.0, fit_intercept=False)
    model.partial_fit(X[100:], Y[100:])
    whole = precise(alpha=1.0, fit_intercept=False).fit(X, Y)
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-9)


def test_an_interrupt_is_raised_again(monkeypatch):
    result = fastgd.gradient_descent(X, Y)
    stopped = replace(result, reason="interrupted")
    monkeypatch.setattr(estimator, "solve", lambda *_: (stopped, None))
    with pytest.raises(KeyboardInterrupt):
        cross_val_score(GradientDescentRegressor(), X, Y)


def test_a_loaded_model_can_be_saved_again(tmp_path):
    model = precise().fit(X, Y)
    model.save(tmp_path / "one.json")
    again = GradientDescentRegressor.load(tmp_path / "one.json")
    again.save(tmp_path / "two.json")
    np.testing.assert_array_equal(GradientDescentRegressor.load(tmp_path / "two.json").predict(X), model.predict(X))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sample_weight": np.linspace(-1, 1, 300)}, "sample_weight must not be negative"),
        ({"X": SPARSE * 1e-160}, "X must have .* mean square"),
        ({"X": SPARSE * 1e160}, "X must have a mean square"),
        ({"y": SPARSE_Y * 1e160}, "y must have a mean square"),
    ],
)
@pytest.mark.parametrize("compress", [True, False])
def test_sparse_features_are_checked_as_dense_ones_are(compress, change, message):
    for X in (SPARSE, SPARSE.toarray()):
        rows = {"X": X, "y": SPARSE_Y} | change
        if not sparse.issparse(X) and "X" in change:
            rows["X"] = change["X"].toarray()
        with pytest.raises(ValueError, match=message):
            precise(compress=compress).fit(**rows)


@pytest.mark.parametrize("compress", [True, False])
def test_sparse_features_that_are_all_zero_are_fitted_by_the_mean(compress):
    model = precise(compress=compress).fit(SPARSE * 0.0, SPARSE_Y)
    assert model.intercept_ == pytest.approx(SPARSE_Y.mean())


def test_several_targets_refuse_the_same_arguments_as_one():
    for y in (Y, TARGETS):
        with pytest.raises(ValueError, match="compress must not be True with batch_size=10"):
            precise(batch_size=10, compress=True, learning_rate="constant").fit(X, y)
        with pytest.raises(ValueError, match=r"learning_rate must have no long steps.*'inverse_scaling'"):
            GradientDescentRegressor(batch_size=10, learning_rate="chebyshev").fit(X, y)


@pytest.mark.parametrize("y", [Y, TARGETS], ids=["one target", "three"])
def test_mini_batches_come_near_the_least_cost_where_nothing_is_named(y):
    options = {"batch_size": 10, "random_state": 0}
    with pytest.warns(ConvergenceWarning, match=r"^not converged: .*mini-batches seldom settle") as caught:
        model = GradientDescentRegressor(**options).fit(X, y)
    assert len(caught) == 1
    assert 1 - model.score(X, y) <= 1.001 * (1 - LinearRegression().fit(X, y).score(X, y))
    settled = GradientDescentRegressor(tol=0, **options).fit(X, y)
    np.testing.assert_array_equal(settled.coef_, model.coef_)


def test_predictions_out_of_range_are_refused():
    with pytest.raises(ValueError, match="X must have predictions in the range of float64; row 0"):
        precise().fit(X, Y * 1e10).predict(np.full((1, 5), 1e308) * [1, -1, 1, 1, 1])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_the_error_of_a_text_column_names_it(library):
    module = pytest.importorskip(library, reason=f"{library} is an extra of the tests")
    frame = module.DataFrame({"size": X[:, 0], "town": ["Bonn"] * 200})
    for fit in (precise().fit, precise().partial_fit):
        with pytest.raises(TypeError, match="in column 'town': encode that column as numbers"):
            fit(frame, Y)


def test_dask_computes_nothing_before_parameters_are_checked():
    da = pytest.importorskip("dask.array", reason="Dask is an extra")
    made = []
    rows = da.from_array(X, chunks=(60, 5)).map_blocks(lambda block: (made.append(1), block)[1], meta=np.empty((0, 0)))
    with pytest.raises(ValueError, match="backend must be one of"):
        precise(backend="nope").fit(rows, Y.tolist())
    assert not made
    np.testing.assert_allclose(precise().fit(rows, Y.tolist()).coef_, precise().fit(X, Y).coef_, rtol=1e-10)
    parts = precise().partial_fit(rows[:100], Y[:100]).partial_fit(X[100:], Y[100:])
    np.testing.assert_allclose(parts.coef_, precise().fit(X, Y).coef_, rtol=1e-10)
