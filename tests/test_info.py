"""`fastgd info`: saved models of all kinds, for a person and as JSON."""

import functools
import itertools
import json

import numpy as np
import pytest
from problems import random_problem

import fastgd
import fastgd.streaming
from fastgd.cli.main import main
from fastgd.files.model import Model, save

X, Y = random_problem(40, 2)


def test_a_model_of_the_command_line_is_shown_as_fit_printed_it(tmp_path, capsys):
    path, out = tmp_path / "a.csv", tmp_path / "model.json"
    path.write_text(
        "size,age,price\n" + "\n".join(f"{a!r},{b!r},{y!r}" for (a, b), y in zip(X.tolist(), Y.tolist(), strict=True))
    )
    for targets in (["price"], ["price", "age"]):
        assert main(["fit", str(path), "--target", *targets, "--out", str(out)]) == 0
        printed = capsys.readouterr().out
        assert main(["info", str(out)]) == 0
        assert capsys.readouterr().out == printed
        assert main(["info", str(out), "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == json.loads(out.read_text())


def test_models_of_results_and_of_the_estimator_are_shown(tmp_path, capsys):
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    out = str(tmp_path / "model.json")
    result = fastgd.gradient_descent(X, Y)
    for saved in (result, fastgd.GradientDescentRegressor().fit(X, Y)):
        saved.save(out, target="price")
        assert main(["info", out]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[:4] == [
            "40 rows, 2 features, target 'price'",
            f"backend {result.backend}, precondition whiten, 1 epoch, converged (gradient)",
            f"cost {result.cost:.8g}, R² {result.r_squared:.6f}",
            "",
        ]
        shown = {name: float(value) for name, value in (line.split() for line in lines[4:])}
        np.testing.assert_allclose(list(shown.values()), result.weights, rtol=1e-6)
        assert list(shown) == ["intercept", "x0", "x1"]
    fastgd.gradient_descent(X, np.column_stack([Y, -Y])).save(out, target=["up", "down"])
    assert main(["info", out]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "40 rows, 2 features, 2 targets"
    assert [line.split()[0] for line in lines[3:6]] == ["target", "up", "down"]


def test_a_model_with_few_notes_is_shown_by_those_it_has(tmp_path, capsys):
    path = str(tmp_path / "model.json")
    for notes, lines in (
        ({}, ["1 feature, target 'y'", "", "intercept                 1", "x                         2"]),
        ({"epochs": 3, "converged": False}, ["not converged after 3 epochs", "1 feature, target 'y'", "3 epochs", ""]),
        ({"reason": "cost", "cost": 0.5}, ["1 feature, target 'y'", "cost 0.5", ""]),
    ):
        save(Model("y", ["x"], 1.0, [2.0], notes), path)
        assert main(["info", path]) == 0
        assert capsys.readouterr().out.splitlines()[: len(lines)] == lines
    save(Model(["y", "z"], ["x"], [1.0, 0.0], [[2.0, 3.0]], {"converged": [True, False]}), path)
    assert main(["info", path]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["not converged: 1 of 2 targets", "1 feature, 2 targets"]


@pytest.mark.parametrize("rows", ["streams", "sparse", "dask", "compressor", "plain"])
def test_the_number_of_rows_is_shown_however_they_came(tmp_path, capsys, rows):
    if rows == "dask":
        da = pytest.importorskip("dask.array", reason="Dask is an extra")
        result = fastgd.gradient_descent(da.from_array(X, chunks=(15, 2)), da.from_array(Y, chunks=15))
    elif rows == "sparse":
        sparse = pytest.importorskip("scipy.sparse", reason="sparse rows need SciPy")
        result = fastgd.gradient_descent(sparse.csr_array(X), Y, compress=False, sample_weight=np.arange(40.0))
    elif rows == "streams":
        result = fastgd.streaming.fit_array(np.vstack([X, [np.nan, 1.0]]), np.append(Y, 1.0), missing="skip")
    elif rows == "compressor":
        compressor = fastgd.Compressor()
        compressor.add(X, Y)
        result = fastgd.gradient_descent(compressor)
    else:
        result = fastgd.gradient_descent(X, Y, compress=False, alpha=0.1, tol=1e-3)
    assert result.n_samples == 40
    result.save(tmp_path / "model.json")
    assert fastgd.DescentResult.load(tmp_path / "model.json").n_samples == 40
    assert main(["info", str(tmp_path / "model.json")]) == 0
    assert capsys.readouterr().out.startswith("40 rows, 2 features, target 'y'\n")


def test_a_file_that_is_no_model_is_refused(tmp_path, capsys):
    (tmp_path / "a.json").write_text("[1, 2]")
    assert main(["info", str(tmp_path / "a.json")]) == 2
    assert 'a.json: expected a JSON object with "schema"' in capsys.readouterr().err


def write_models(folder):
    """Write models of one target with levels, and of two targets, as `fastgd fit` saves them; return them."""
    (folder / "a.csv").write_text(
        "x,t,y,z\n" + "".join(f"{k},{'uvw'[k % 3]},{3 * k + k % 2},{k * k}\n" for k in range(9))
    )
    fits = {"one": ["--target", "y", "--one-hot", "t"], "two": ["--target", "y", "z", "--features", "x"]}
    for name, options in fits.items():
        assert main(["fit", str(folder / "a.csv"), *options, "--out", str(folder / f"{name}.json")]) == 0
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in fits}


def list_places(value, place=()):
    """Yield the places of all parts of a document."""
    for key, part in value.items() if isinstance(value, dict) else enumerate(value[:2]):
        yield (*place, key)
        if isinstance(part, dict | list):
            yield from list_places(part, (*place, key))


def edit(document, place, value):
    """Return the document with another value at a place; without it, if the value is REMOVED."""
    document = json.loads(json.dumps(document))
    part = document
    for key in place[:-1]:
        part = part[key]
    if value is REMOVED:
        del part[place[-1]]
    else:
        part[place[-1]] = value
    return document


REMOVED = object()
DEEP = functools.reduce(lambda value, _: [value], range(400), [])
VALUES = [None, True, -1, 1.5, float("nan"), 10**400, "", "\x1b[2J", [], [1], ["a"], [[1]], {}, {"a": 1}, DEEP, REMOVED]


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_model_edited_by_hand_is_shown_or_refused_by_its_name_and_field(tmp_path, capsys, name):
    document, path = write_models(tmp_path)[name], tmp_path / "edited.json"
    codes = set()
    for place, value in itertools.product(list_places(document), VALUES):
        path.write_text(json.dumps(edit(document, place, value)))
        capsys.readouterr()
        for command in (["info", str(path)], ["info", str(path), "--json"]):
            code = main(command)
            printed = capsys.readouterr()
            codes.add(code)
            assert "\x1b" not in printed.out + printed.err
            if code:
                assert (code, printed.err.count("\n")) == (2, 1)
                assert printed.err.startswith(f"fastgd: {path}: ")
                assert place[0] in printed.err, (place, value)
    assert codes == {0, 2}


@pytest.mark.parametrize(
    ("name", "place", "value", "message"),
    [
        ("one", ("fit", "cost"), "3", "fit.cost must be a finite number; got '3'"),
        ("one", ("fit", "epochs"), -1, "fit.epochs must be a whole number; got -1"),
        ("one", ("fit", "tol"), float("inf"), "fit.tol must be a finite number; got inf"),
        ("one", ("fit", "more"), DEEP, "fit.more must not be nested more than 20 times"),
        ("one", ("fit", "skipped"), "some", "fit.skipped must be a whole number; got 'some'"),
        (
            "two",
            ("fit", "converged"),
            True,
            "fit.converged must be a list of 2 values, one for each target, each true or",
        ),
        (
            "two",
            ("fit", "r_squared"),
            [0.5],
            "fit.r_squared must be a list of 2 values, one for each target, each a fin",
        ),
        ("one", ("levels", "t"), ["v", "u", "w"], "levels must give the features that end in =LEVEL, in their order"),
        ("one", ("levels", "t"), ["u", "v", "w", "q"], "levels must give the features that end in =LEVEL"),
    ],
)
def test_the_message_says_what_the_field_must_be(tmp_path, capsys, name, place, value, message):
    document, path = write_models(tmp_path)[name], tmp_path / "edited.json"
    path.write_text(json.dumps(edit(document, place, value)))
    assert main(["info", str(path)]) == 2
    assert f"edited.json: {message}" in capsys.readouterr().err


def test_predictions_refuse_levels_in_another_order(tmp_path, capsys):
    document, path = write_models(tmp_path)["one"], tmp_path / "edited.json"
    path.write_text(json.dumps(edit(document, ("levels", "t"), ["v", "u", "w"])))
    capsys.readouterr()
    assert main(["predict", str(path), str(tmp_path / "a.csv")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "edited.json: levels must give the features" in printed.err
