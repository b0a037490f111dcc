"""The command line, in a process of its own or called in this one."""

import json
import os
import re
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

import fastgd
from fastgd.cli import fit
from fastgd.cli.main import main


def run(*arguments, cwd=None, **environment):
    """Run the command line in a process, and return the finished process."""
    command = [sys.executable, "-m", "fastgd", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env=os.environ | environment, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def data():
    """Return three features on different scales, and a target that is linear in them up to noise."""
    generator = np.random.default_rng(3)
    X = generator.standard_normal((60, 3)) * [1.0, 10.0, 0.1] + [0.0, 50.0, 2.0]
    return X, 2.0 + X @ [1.0, -0.5, 3.0] + 0.1 * generator.standard_normal(60)


@pytest.fixture
def file(tmp_path, data):
    """Return the path of the data as a CSV file, with the target as the second column."""
    X, y = data
    path = tmp_path / "data.csv"
    rows = np.column_stack([X[:, 0], y, X[:, 1:]])
    np.savetxt(path, rows, delimiter=",", header="age,price,size,tax", comments="", fmt="%.17g")
    return path


def test_fit_saves_a_model_that_predict_reads(file, data, tmp_path):
    X, y = data
    model = tmp_path / "model.json"
    fitted = run("fit", file, "--target", "price", "--precondition", "standardize", "--out", model, "--epochs", 5000)
    assert (fitted.returncode, fitted.stderr) == (0, "")
    document = json.loads(model.read_text())
    assert (document["schema"], document["schema_version"]) == ("fastgd.linear_model", 1)
    assert (document["target"], document["features"]) == ("price", ["age", "size", "tax"])
    exact = np.linalg.lstsq(np.column_stack([np.ones(60), X]), y, rcond=None)[0]
    np.testing.assert_allclose([document["intercept"], *document["coef"]], exact, rtol=1e-3)
    for name, value in zip(document["features"], document["coef"], strict=True):
        assert f"{name:9}  {value:>16.8g}" in fitted.stdout

    predicted = run("predict", model, file)
    header, *lines = predicted.stdout.splitlines()
    assert (predicted.returncode, header) == (0, "price")
    np.testing.assert_allclose(np.array(lines, dtype=float), X @ document["coef"] + document["intercept"], rtol=1e-12)
    as_json = json.loads(run("predict", model, file, "--json").stdout)
    assert as_json["predictions"] == [float(line) for line in lines]


def test_fit_is_gradient_descent_on_the_file(file, data):
    X, y = data
    document = json.loads(
        run(
            "fit", file, "--target", "price", "--learning-rate", "1e-4", "--epochs", 30, "--backend", "python", "--json"
        ).stdout
    )
    expected = fastgd.gradient_descent(X, y, learning_rate=1e-4, epochs=30, backend="python")
    np.testing.assert_allclose([document["intercept"], *document["coef"]], expected.weights, rtol=1e-12)
    notes = document["fit"]
    assert (notes["epochs"], notes["backend"], notes["reason"]) == (expected.epochs, "python", expected.reason)
    assert notes["cost"] == pytest.approx(fastgd.cost(X, y, expected.weights))
    assert notes["r_squared"] == pytest.approx(1 - 2 * notes["cost"] / y.var())


def test_a_fit_that_runs_out_of_epochs_says_so(file):
    finished = run("fit", file, "--target", "price", "--epochs", 20)
    assert finished.returncode == 0
    assert "not converged after 20 epochs: try more --epochs, or --precondition whiten" in finished.stderr


def test_divergence_saves_no_model(file, tmp_path):
    finished = run("fit", file, "--target", "price", "--learning-rate", "1", "--out", tmp_path / "model.json")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert "2/smoothness" in finished.stderr
    assert not (tmp_path / "model.json").exists()


@pytest.mark.parametrize("value", [3, 0.1])
def test_a_constant_target_has_no_r_squared(tmp_path, capsys, value):
    path = tmp_path / "flat.csv"
    path.write_text(f"x,y\n1,{value}\n2,{value}\n4,{value}\n")
    assert main(["fit", str(path), "--target", "y"]) == 0
    assert "R² undefined" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "state", "advice"),
    [
        (
            ["--epochs", "3"],
            "not converged",
            "not converged after 3 epochs: try more --epochs, or --precondition whiten",
        ),
        (
            ["--epochs", "3", "--precondition", "standardize"],
            "not converged",
            "not converged after 3 epochs: try more --epochs, or --precondition whiten\n",
        ),
        (["--epochs", "3", "--precondition", "whiten"], "converged (gradient)", ""),
        ([], "not converged", "not converged after 1000 epochs: try more --epochs, or --precondition whiten"),
        (["--precondition", "standardize", "--alpha", "0.1"], "converged (cost)", ""),
        (["--precondition", "standardize"], "converged (gradient)", ""),
    ],
)
def test_fit_says_how_it_ended(tmp_path, capsys, options, state, advice):
    path = tmp_path / "scales.csv"
    path.write_text("a,b,y\n1001,2002,10\n1002,2004,11.5\n1003,2006,13\n1004,2008,14.2\n1005,2010,16\n")
    assert main(["fit", str(path), "--target", "y", *options]) == 0
    printed = capsys.readouterr()
    assert f"epochs, {state}\n" in printed.out
    assert advice in printed.err
    assert bool(printed.err) == bool(advice)


@pytest.mark.parametrize(("scale", "size"), [("200", "large"), ("-200", "small")])
def test_columns_that_cannot_be_standardized_are_named(tmp_path, capsys, scale, size):
    path = tmp_path / "data.csv"
    path.write_text(f"ok,a,y\n1,1e{scale},1\n2,2e{scale},2\n")
    assert main(["fit", str(path), "--target", "y", "--precondition", "standardize"]) == 2
    assert f"column 'a' must have a mean square between 1e-280 and 1e+280; its values are too {size}" in (
        capsys.readouterr().err
    )
    assert main(["fit", str(path), "--target", "a"]) == 2
    assert "column 'a' must have a mean square" in capsys.readouterr().err


def test_predictions_out_of_range_are_refused(tmp_path, capsys):
    document = {"schema": "fastgd.linear_model", "schema_version": 1, "target": "y", "intercept": 0.0}
    (tmp_path / "model.json").write_text(json.dumps(document | {"features": ["a", "b"], "coef": [1e308, -1e308]}))
    path = tmp_path / "data.csv"
    for row in ("10,0", "10,10"):  # an infinity, and the difference of two
        path.write_text(f"a,b\n1,1\n{row}\n")
        assert main(["predict", str(tmp_path / "model.json"), str(path)]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert f"{path}, row 2 below the column names: the prediction is out of the range of float64" in printed.err


def test_output_survives_a_terminal_without_the_characters(tmp_path):
    (tmp_path / "data.csv").write_text("größe,y\n1,1\n2,2\n", encoding="utf-8")
    finished = run("fit", "data.csv", "--target", "y", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert finished.returncode == 0
    assert "R? 1.0" in finished.stdout
    assert "gr??e" in finished.stdout


def test_the_command_ends_quietly_when_its_reader_goes_away(tmp_path):
    document = {"schema": "fastgd.linear_model", "schema_version": 1, "target": "y", "intercept": 0.0}
    (tmp_path / "model.json").write_text(json.dumps(document | {"features": ["a"], "coef": [1.0]}))
    (tmp_path / "many.csv").write_text("a\n" + "1.5\n" * 50_000)
    command = [sys.executable, "-m", "fastgd", "predict", "model.json", "many.csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout.readline() == "y\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_an_interrupt_outside_a_fit_is_exit_code_130(file, capsys, monkeypatch):
    monkeypatch.setattr(fit, "read_csv", interrupt)
    assert main(["fit", str(file), "--target", "price"]) == 130
    assert capsys.readouterr() == ("", "fastgd: interrupted\n")


def test_an_interrupted_fit_saves_no_model(file, tmp_path, capsys, monkeypatch):
    descend = partial(fastgd.gradient_descent, callback=lambda epoch, *_: epoch == 20 and interrupt())
    monkeypatch.setattr(fit, "gradient_descent", descend)
    out = tmp_path / "model.json"
    assert main(["fit", str(file), "--target", "price", "--out", str(out)]) == 130
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"fastgd: no model: interrupted after [23]0 epochs\n", printed.err)
    assert not out.exists()


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_input_is_never_overwritten(file, tmp_path, capsys):
    before = file.read_bytes()
    (tmp_path / "other.csv").symlink_to(file)
    for out in (file, tmp_path / "." / file.name, tmp_path / "other.csv"):
        assert main(["fit", str(file), "--target", "price", "--out", str(out)]) == 2
        assert "--out must not be the file that is read" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_fit_saves_a_picture(file, tmp_path):
    assert run("fit", file, "--target", "price", "--plot", tmp_path / "curve.svg").returncode == 0
    assert "<svg" in (tmp_path / "curve.svg").read_text()


def test_demo_compares_all_backends_and_saves_a_picture(tmp_path):
    finished = run("demo", "--plot", "demo.png", "--backend", "numpy", cwd=tmp_path)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert (tmp_path / "demo.png").read_bytes().startswith(b"\x89PNG")
    assert [f"epoch {k}: cost" in finished.stdout for k in (0, 10, 90, 100)] == [True] * 4
    table = finished.stdout.split("backend   time per epoch")[1].splitlines()[1:]
    rows = {line.split()[0]: line.split() for line in table if "×" in line}
    assert set(rows) == set(fastgd.backends.available())
    assert all(float(row[-1]) < 1e-12 for row in rows.values())
    assert "least squares" in finished.stdout


def test_config_shows_versions_and_backends(tmp_path):
    shown = json.loads(run("config", "--json").stdout)
    assert shown["fastgd"] == fastgd.__version__
    assert shown["backends"] == fastgd.backends.available()
    text = run("config").stdout
    assert "numpy" in text
    assert "compiler" in text or "not built" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "missing.csv", "--target", "y"], "missing.csv"),
        (["fit", "data.csv", "--target", "rent"], "no column 'rent' for --target; there are 'age', 'price'"),
        (["fit", "data.csv", "--target", "price", "--epochs", "0"], "epochs must be 1 or more; got 0"),
        (["fit", "data.csv", "--target", "price", "--epochs", "ten"], "invalid int value: 'ten'"),
        (["fit", "data.csv", "--target", "price", "--learning-rate", "-1"], "learning_rate must be finite"),
        (
            ["fit", "data.csv", "--target", "price", "--learning-rate", "fast"],
            "expected a number, or one of auto, constant, inverse_scaling, step_decay, exponential_decay, silver, "
            "chebyshev, eigenvalues; got 'fast'",
        ),
        (["fit", "data.csv", "--target", "price", "--backend", "abacus"], "invalid choice: 'abacus'"),
        (["fit", "data.csv", "--target", "price", "--plot", "curve.xyz"], "--plot must end in one of"),
        (["fit", "data.csv", "--target", "price", "--out", "no/model.json"], "--out must be in a folder that exists"),
        (["fit", "data.csv", "--target", "price", "--out", "."], "--out must be a file; got the folder '.'"),
        (["fit", "data.csv", "--target", "price", "--out", ""], "--out must name a file; got ''"),
        (["fit", "data.csv", "--target", "price", "--plot", ""], "--plot must name a file; got ''"),
        (["fit", "data.csv", "--target", "price", "--plot", "f.png"], "--plot must be a file; got the folder 'f.png'"),
        (["fit", "data.csv", "--target", "price", "--out", "p.svg", "--plot", "p.svg"], "must be different files"),
        (["demo", "--plot", ""], "--plot must name a file; got ''"),
        (["fit", "data.csv", "--target", "price", "--epochs", "1000000000000"], "epochs must be"),
        (["fit", "gap.csv", "--target", "y"], "gap.csv, line 3: expected a row; got an empty line"),
        (["fit", "lonely.csv", "--target", "y"], "expected columns beside the target 'y'"),
        (["fit", "bad.csv", "--target", "y"], "bad.csv, line 3, column 'x': expected a number; got 'red'"),
        (["predict", "model.json", "data.csv"], "data.csv, line 1: no column 'weight'; the columns are 'age', 'price'"),
        (["predict", "data.csv", "data.csv"], "data.csv: expected a model in JSON"),
        (["predict", "old.json", "data.csv"], "old.json: expected schema_version 1; got 0"),
        (["predict", "other.json", "data.csv"], 'other.json: expected a JSON object with "schema"'),
        (["predict", "short.json", "data.csv"], "short.json: coef must have one number for each of 2 features; got 1"),
        (["predict", "text.json", "data.csv"], "text.json: intercept must be a finite number; got 'high'"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_bad_input_is_exit_code_2_and_one_line(file, tmp_path, arguments, message):
    model = {"schema": "fastgd.linear_model", "schema_version": 1, "target": "y", "intercept": 0.0}
    documents = {
        "model.json": {**model, "features": ["weight"], "coef": [1.0]},
        "old.json": {**model, "schema_version": 0},
        "other.json": {"schema": "something else"},
        "short.json": {**model, "features": ["a", "b"], "coef": [1.0]},
        "text.json": {**model, "features": ["a"], "coef": [1.0], "intercept": "high"},
    }
    for name, document in documents.items():
        (tmp_path / name).write_text(json.dumps(document))
    (tmp_path / "lonely.csv").write_text("y\n1\n")
    (tmp_path / "bad.csv").write_text("x,y\n1,2\nred,3\n")
    (tmp_path / "gap.csv").write_text("x,y\n1,2\n\n2,3\n")
    (tmp_path / "f.png").mkdir()
    finished = run(*arguments, cwd=tmp_path)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert message in finished.stderr
    assert "Traceback" not in finished.stderr


def test_the_error_of_an_empty_cell_names_the_option_that_skips_it(tmp_path):
    (tmp_path / "data.csv").write_text("a,y\n1,2\n,3\n4,9\n5,11\n")
    done = run("fit", "data.csv", "--target", "y", cwd=tmp_path)
    assert done.returncode == 2
    assert "got an empty cell; --missing skip leaves out rows without a value" in done.stderr


@pytest.mark.parametrize(("command", "rest"), [("fit", ["a.csv", "--target", "y"]), ("study", []), ("config", [])])
def test_the_error_of_an_unknown_option_shows_the_usage_of_its_command(capsys, command, rest):
    with pytest.raises(SystemExit) as raised:
        main([command, *rest, "--thread", "2"])
    assert raised.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith(f"usage: fastgd {command} ")
    assert message.endswith(f"fastgd {command}: error: unrecognized arguments: --thread 2\n")
