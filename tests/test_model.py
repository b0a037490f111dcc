"""Saved models load with every bit; damaged files are refused with a reason."""

import json
import re
import sys
from dataclasses import fields, replace
from subprocess import run

import numpy as np
import pytest
from problems import random_problem

import fastgd
from fastgd import DescentResult
from fastgd.files.model import SCHEMA, Model, ModelError, load, make_document, save


@pytest.fixture
def document():
    return make_document(Model("y", ["a", "b"], 0.5, [1.0, -2.0]))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.json"


def test_a_written_model_is_read(path, document):
    path.write_text(json.dumps(document))
    model = load(path)
    assert model == Model("y", ["a", "b"], 0.5, [1.0, -2.0])
    np.testing.assert_array_equal(model.predict(np.array([[1.0, 2.0]])), [-2.5])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"intercept": 10**400}, "intercept must be a finite number; got an integer of about 400 digits"),
        ({"coef": [-(10**400)]}, "coef must be a list of finite numbers; got [an integer of about 400 digits]"),
        ({"coef": [1.0, float("nan")]}, "coef must be a list of finite numbers; got [1.0, nan]"),
        ({"intercept": True}, "intercept must be a finite number; got True"),
        ({"target": "x" * 100_000, "features": []}, "one or more different names without the target 'xxx"),
        ({"features": ["a", "a"]}, "one or more different names without the target 'y'; got ['a', 'a']"),
        ({"features": ["a", "y"]}, "one or more different names without the target 'y'; got ['a', 'y']"),
        ({"features": [], "coef": []}, "one or more different names without the target 'y'; got []"),
        ({"coef": [1.0]}, "coef must have one number for each of 2 features; got 1"),
        ({"schema_version": True}, "expected schema_version 1 or 2; got True"),
        ({"schema_version": 1.0}, "expected schema_version 1 or 2; got 1.0"),
        ({"schema_version": "9" * 100_000}, "expected schema_version 1 or 2; got '999"),
        ({"target": ["t" * 1000] * 1000}, "target must be a string; got ['ttt"),
    ],
)
def test_models_with_a_wrong_part_are_refused(path, document, change, message):
    path.write_text(json.dumps(document | change))
    with pytest.raises(ModelError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 400


def test_files_that_are_not_json_are_refused(path):
    for content, got in (
        ("[" * 200_000, "its lists and objects are nested too deeply"),
        ('{"a":' * 200_000, "its lists and objects are nested too deeply"),
        ("1" * 5000, "it holds a number of too many digits"),
        ("", "got an empty file"),
        ('{"a": 1,\n "b', "it is damaged or cut off at line 2, column 2"),
        ("\ufeff{}", "it begins with a byte order mark (BOM): save it in UTF-8 without one"),
        ("size;price\n1;2\n", "got text that looks like CSV"),
        ("\x1b[2J a text of some length", r"got text that begins with '\x1b[2J a text of so…'"),
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ModelError) as raised:
            load(path)
        assert str(raised.value) == f"{path}: expected a model in JSON; {got}"
    path.write_bytes(b"PAR1\x15\xff")
    with pytest.raises(ModelError, match=r"expected a model in JSON; got a file that is no text in UTF-8$"):
        load(path)


def test_other_json_is_refused(path):
    for content in ("[]", "null", "{}", '{"schema": ["x"]}'):
        path.write_text(content)
        with pytest.raises(ModelError, match=f'expected a JSON object with "schema": "{SCHEMA}"'):
            load(path)


X, Y = random_problem(30, 3)


def assert_equal_results(one, other):
    for field in fields(DescentResult):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("frame", [True, False])
def test_a_result_comes_back_whole(tmp_path, fit_intercept, frame):
    data = Frame(X, ["a", "b", "c"]) if frame else X
    result = fastgd.gradient_descent(data, Y, fit_intercept=fit_intercept, learning_rate="constant", epochs=25, tol=0)
    assert result.epochs == 25
    result.save(tmp_path / "model.json", target="price")
    again = DescentResult.load(tmp_path / "model.json")
    assert_equal_results(replace(result, target="price"), again)
    np.testing.assert_array_equal(again.predict(X), result.predict(X))


class Frame:
    """The part of a data frame that fastgd uses."""

    def __init__(self, values, columns):
        self.values, self.columns = values, columns

    def __array__(self, dtype=None, copy=None):
        return self.values

    def __getitem__(self, key):
        return (
            Frame(self.values[key], self.columns) if isinstance(key, slice) else self.values[:, self.columns.index(key)]
        )


def test_a_model_with_equal_names_is_not_saved(tmp_path):
    result = fastgd.gradient_descent(Frame(X, ["a", "b", "y"]), Y)
    with pytest.raises(ModelError, match="features must be one or more different names without the target 'y'"):
        result.save(tmp_path / "model.json")
    assert not (tmp_path / "model.json").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 2}, "fit.cost_history must be a list of finite numbers, one for each of 2 epochs"),
        ({"epochs": "3"}, "fit.epochs must be of type int; got '3'"),
        ({"rates": None}, "fit.rates must be a list of finite numbers"),
        ({"precondition": None}, "fit.precondition must be of type str; got None"),
        ({"converged": 1}, "fit.converged must be of type bool; got 1"),
    ],
)
def test_a_damaged_result_is_refused(tmp_path, change, message):
    path = tmp_path / "model.json"
    fastgd.gradient_descent(X, Y, learning_rate="constant", epochs=3, tol=0).save(path)
    document = json.loads(path.read_text())
    document["fit"] |= change
    path.write_text(json.dumps(document))
    with pytest.raises(ModelError, match=re.escape(message)):
        DescentResult.load(path)


def test_a_model_without_a_history_is_no_result(tmp_path):
    save(Model("y", ["x"], 1.0, [2.0], {"epochs": 1, "reason": "cost", "converged": True}), tmp_path / "model.json")
    expected = (
        "expected a result with its history, as save writes it; got a model without a history, as fastgd fit saves it: "
        "fastgd.files.model.load and GradientDescentRegressor.load read it"
    )
    with pytest.raises(ModelError) as raised:
        DescentResult.load(tmp_path / "model.json")
    assert str(raised.value) == f"{tmp_path / 'model.json'}: {expected}"


@pytest.mark.parametrize("targets", [1, 2])
def test_the_estimator_saves_what_a_result_saves(tmp_path, targets):
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    path, again, y = tmp_path / "model.json", tmp_path / "again.json", Y if targets == 1 else np.column_stack([Y, -Y])
    options: dict = {"learning_rate": "constant", "tol": 1e-12}
    with pytest.warns(Warning, match="not converged"):
        model = fastgd.GradientDescentRegressor(max_iter=3, **options).fit(X, y)
    with pytest.warns(Warning, match="not converged"):
        result = fastgd.gradient_descent(X, y, epochs=3, **options)
    model.save(path)
    assert not np.any(load(path).fit["converged"])
    assert_equal_results(DescentResult.load(path), replace(result, target="y" if targets == 1 else ["y0", "y1"]))
    fastgd.GradientDescentRegressor.load(path).save(again)  # a model that was loaded has not converged either
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_an_estimator_comes_back(tmp_path, fit_intercept):
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    model = fastgd.GradientDescentRegressor(fit_intercept=fit_intercept).fit(X, Y)
    model.save(tmp_path / "model.json", target="price")
    again = fastgd.GradientDescentRegressor.load(tmp_path / "model.json")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.n_features_in_ == 3
    assert load(tmp_path / "model.json").target == "price"
    two = fastgd.GradientDescentRegressor(fit_intercept=fit_intercept).fit(X, np.column_stack([Y, 2 * Y]))
    two.save(tmp_path / "two.json", target=["price", "rent"])
    again = fastgd.GradientDescentRegressor.load(tmp_path / "two.json")
    np.testing.assert_array_equal(again.predict(X), two.predict(X))
    assert again.coef_.shape == (2, 3)
    assert load(tmp_path / "two.json").target == ["price", "rent"]
    with pytest.raises(ValueError, match="target must be a list of 2 names"):
        two.save(tmp_path / "two.json", target="price")


def test_the_command_line_reads_and_writes_the_estimators_models(tmp_path):
    pd = pytest.importorskip("pandas", reason="names of columns need a data frame")
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    frame.assign(y=Y).to_csv(tmp_path / "data.csv", index=False)
    command = [sys.executable, "-m", "fastgd"]
    run(
        [*command, "fit", "data.csv", "--target", "y", "--out", "cli.json"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    ours = fastgd.GradientDescentRegressor.load(tmp_path / "cli.json")
    assert list(ours.feature_names_in_) == ["a", "b", "c"]
    ours.fit(frame, Y).save(tmp_path / "ours.json")
    done = run([*command, "predict", "ours.json", "data.csv"], cwd=tmp_path, check=True, capture_output=True, text=True)
    np.testing.assert_allclose([float(line) for line in done.stdout.split()[1:]], ours.predict(frame))


def test_onnx_by_way_of_linear_regression_predicts_the_same():
    """The recipe of docs/how-to/scikit-learn.md."""
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    skl2onnx = pytest.importorskip("skl2onnx", reason="the recipe needs skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime", reason="the recipe's test runs the model")
    from sklearn.linear_model import LinearRegression

    model = fastgd.GradientDescentRegressor().fit(X, Y)
    linear = LinearRegression()
    linear.coef_, linear.intercept_, linear.n_features_in_ = model.coef_, model.intercept_, model.n_features_in_
    converted = skl2onnx.to_onnx(linear, X[:1])
    session = onnxruntime.InferenceSession(converted.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"X": X})[0].ravel(), model.predict(X), rtol=1e-12)
