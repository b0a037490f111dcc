"""`fastgd info`: saved models of all kinds, for a person and as JSON."""

import json

import numpy as np
import pytest
from problems import random_problem

import fastgd
from fastgd.cli.main import main

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
        assert lines[0] == "2 features, target 'price'"
        assert "reason gradient" in lines[1]
        shown = {name: float(value) for name, value in (line.split() for line in lines[3:])}
        np.testing.assert_allclose(list(shown.values()), result.weights, rtol=1e-6)
        assert list(shown) == ["intercept", "x0", "x1"]
    fastgd.gradient_descent(X, np.column_stack([Y, -Y])).save(out, target=["up", "down"])
    assert main(["info", out]) == 0
    assert "2 features, targets 'up', 'down'" in capsys.readouterr().out


def test_a_file_that_is_no_model_is_refused(tmp_path, capsys):
    (tmp_path / "a.json").write_text("[1, 2]")
    assert main(["info", str(tmp_path / "a.json")]) == 2
    assert 'a.json: expected a JSON object with "schema"' in capsys.readouterr().err
