"""The smallest inputs that once failed, as found by the other tests in this folder."""

import json
import math
from decimal import Decimal

import numpy as np
import pytest
from junk import call

import fastgd
from fastgd import rates

X = np.array([[1.0, -2.0], [3.0, 0.0], [-1.0, 2.0], [4.0, 5.0], [0.0, 1.0]])
Y = np.array([1.0, 3.0, -2.0, 8.0, 1.0])


def fit(**options):
    return call(fastgd.gradient_descent, {"X": X, "y": Y} | options, list(options))


@pytest.mark.parametrize("scale", [1e13, 1e15])
def test_a_spectrum_too_wide_for_rates_of_its_eigenvalues_still_fits(scale):
    assert fit(X=X * scale, learning_rate="eigenvalues") is not None


def test_batches_of_a_compressed_problem_are_refused_for_a_bool_of_numpy_too():
    assert fit(compress=np.True_, batch_size=2) is None


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("alpha", [1e290, 1e308])
def test_an_alpha_that_is_too_large_is_named(alpha, compress):
    assert fit(alpha=alpha, compress=compress) is None


@pytest.mark.parametrize("settings", [{"compress": False}, {"compress": True}, {"precondition": "whiten"}], ids=str)
def test_an_alpha_far_larger_than_the_columns_leaves_the_mean(settings):
    """The scales of the columns include the ridge, so that no penalty is out of range."""
    result = fit(X=X * 1e-100, alpha=1e200, **({"precondition": "standardize"} | settings))
    assert result.converged
    np.testing.assert_allclose(result.predict(X * 1e-100), Y.mean(), rtol=1e-12)
    assert 1e200 / 2 * result.coef @ result.coef <= 1e-30 * result.cost


def test_a_column_too_large_to_be_standardized_is_named():
    assert fit(X=X * [1.0, 1e154], precondition="standardize", compress=False) is None


def test_sample_weights_too_large_to_be_standardized_are_named_or_accepted():
    fit(X=X * 1e10, sample_weight=np.full(5, 1e300), precondition="standardize", compress=False)


def test_a_start_too_large_for_standardized_columns_is_named():
    assert fit(X=X * 1e100, weights=[0.0, 1e300, 1.0], precondition="standardize") is None


def test_a_prediction_out_of_range_blames_x():
    assert call(fastgd.gradient_descent(X, Y).predict, {"X": [[1e308, 1e308]] * 2}, ["X"]) is None


def test_a_fit_that_ignores_a_tiny_column_is_not_converged():
    with pytest.warns(fastgd.ConvergenceWarning, match="not converged"):
        result = fastgd.gradient_descent(X * [1.0, 1e-20], Y, learning_rate="eigenvalues")
    assert not result.converged


@pytest.mark.parametrize("compress", ["auto", False])
def test_a_tiny_column_is_fitted_where_nothing_is_named(compress):
    result = fit(X=X * [1.0, 1e-20], compress=compress)
    assert result.converged
    expected = np.linalg.lstsq(np.column_stack([np.ones(5), X]), Y)[0] / [1.0, 1.0, 1e-20]
    np.testing.assert_allclose(result.weights, expected, rtol=1e-6)


def test_whole_coefficients_in_a_file_are_loaded_as_floats(tmp_path):
    fastgd.gradient_descent(X, Y).save(tmp_path / "model.json")
    document = json.loads((tmp_path / "model.json").read_text()) | {"coef": [0, 10**30]}
    (tmp_path / "model.json").write_text(json.dumps(document))
    loaded = fastgd.DescentResult.load(tmp_path / "model.json")
    assert (loaded.coef.dtype, loaded.weights.dtype) == (np.float64, np.float64)


def test_a_signalling_nan_is_named():
    assert fit(y=[Decimal("sNaN"), *[Decimal(1)] * 4]) is None


@pytest.mark.parametrize("target", [np.int64(0), np.uint8(0)])
def test_a_target_may_be_a_whole_number_of_numpy(target):
    compressor = fastgd.Compressor()
    compressor.add(X, Y)
    assert call(compressor.problem, {"target": target}, []) is not None


def test_random_state_is_checked_with_a_compressor_too():
    compressor = fastgd.Compressor()
    compressor.add(X, Y)
    assert fit(random_state="seed") is None
    assert call(fastgd.gradient_descent, {"X": compressor, "random_state": "seed"}, ["random_state"]) is None


SCHEDULES = {
    "epochs of NumPy": [(name, {"epochs": np.int64(9)}) for name in ("silver", "chebyshev")],
    "few bits": [("inverse_scaling", {"epochs": np.uint8(255)}), ("constant", {"smoothness": np.float32(3)})],
    "decimals": [("constant", {"smoothness": Decimal(3)}), ("inverse_scaling", {"power": Decimal(1)})],
    "None": [("chebyshev", {"convexity": None}), ("silver", {"convexity": None})],
    "rates out of range": [("constant", {"smoothness": 1e-320}), ("chebyshev", {"smoothness": 1e-310})],
    "too many epochs": [(name, {"epochs": 10**30}) for name in ("constant", "silver", "chebyshev")],
    "powers out of range": [
        ("inverse_scaling", {"power": 1e300}),
        ("step_decay", {"factor": 1e300, "every": 1}),
        ("step_decay", {"every": 2**63}),
        ("exponential_decay", {"decay": 1e308}),
    ],
}
CASES = [pytest.param(*case, id=f"{name}: {case[0]} {case[1]}") for name, cases in SCHEDULES.items() for case in cases]


@pytest.mark.parametrize(("name", "changed"), CASES)
def test_a_schedule_is_right_or_names_the_wrong_argument(name, changed):
    good = {"epochs": 9, "smoothness": 3.0, "convexity": 0.5}
    call(getattr(rates, name), good | changed, list(changed))


def test_a_spectrum_too_wide_for_float64_still_has_rates():
    assert call(rates.eigenvalues, {"epochs": 4, "spectrum": [1.0, 1e-26]}, []) is not None


@pytest.mark.parametrize("spectrum", [[1e-320], [1e300, 1e-300]])
def test_rates_of_eigenvalues_out_of_range_are_refused(spectrum):
    call(rates.eigenvalues, {"epochs": 4, "spectrum": spectrum}, ["spectrum"])


def test_infinite_rates_of_a_users_own_schedule_are_refused():
    def far(epochs, smoothness, convexity):
        return [math.inf] * epochs

    assert fit(learning_rate=far) is None


def test_the_rows_of_a_frame_of_many_columns_are_cut_once():
    pandas = pytest.importorskip("pandas")

    class Frame(pandas.DataFrame):
        cuts = 0

        def __getitem__(self, key):
            Frame.cuts += isinstance(key, slice)
            return super().__getitem__(key)

    frame = Frame(np.arange(2_000.0).reshape(2, 1_000), columns=[f"x{k}" for k in range(1_000)])
    fastgd.gradient_descent(frame, [1.0, 2.0])
    assert Frame.cuts <= 10  # each cut takes a time that grows with the number of columns


def test_a_model_for_a_folder_that_does_not_exist_is_refused_by_its_own_name(tmp_path):
    """The name was that of a hidden file that would have been written first."""
    with pytest.raises(FileNotFoundError) as caught:
        fit().save(tmp_path / "missing" / "model.json")
    assert caught.value.filename == str(tmp_path / "missing" / "model.json")
