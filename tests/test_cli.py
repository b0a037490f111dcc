"""The command line, in a process of its own or called in this one."""

import argparse
import functools
import gzip
import inspect
import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from problems import random_problem

import fastgd
import fastgd.streaming
from fastgd.cli import fit, fitting
from fastgd.cli.main import main, make_parser
from fastgd.cli.option_names import name_options
from fastgd.descent.fit import fit_rows
from fastgd.inputs.extras import is_installed
from fastgd.rates.schedules import SCHEDULES

needs_arrow = pytest.mark.skipif(not is_installed("pyarrow"), reason="batches of files need an extra")
needs_pictures = pytest.mark.skipif(not is_installed("matplotlib"), reason="pictures need an extra")


X, Y = random_problem(40, 2)
BATCHES = ["--missing", "skip"]  # has even one file read in batches


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
    fitted = run("fit", file, "--target", "price", "--out", model)
    assert (fitted.returncode, fitted.stderr) == (0, "")
    document = json.loads(model.read_text())
    assert (document["schema"], document["schema_version"]) == ("fastgd.linear_model", 1)
    assert (document["target"], document["features"]) == ("price", ["age", "size", "tax"])
    exact = np.linalg.lstsq(np.column_stack([np.ones(60), X]), y, rcond=None)[0]
    np.testing.assert_allclose([document["intercept"], *document["coef"]], exact, rtol=1e-10)
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
    options = ["--learning-rate", "1e-4", "--epochs", 30, "--tol", 0, "--compress", "no", "--backend", "python"]
    document = json.loads(run("fit", file, "--target", "price", *options, "--json").stdout)
    expected = fastgd.gradient_descent(
        X, y, learning_rate=1e-4, epochs=30, tol=0, compress=False, precondition="none", backend="python"
    )
    np.testing.assert_allclose([document["intercept"], *document["coef"]], expected.weights, rtol=1e-12)
    notes = document["fit"]
    assert (notes["epochs"], notes["backend"], notes["reason"]) == (30, "python", expected.reason)
    assert (notes["learning_rate"], notes["precondition"], notes["converged"]) == (1e-4, "none", False)
    assert notes["cost"] == pytest.approx(fastgd.cost(X, y, expected.weights))
    assert notes["r_squared"] == pytest.approx(1 - 2 * notes["cost"] / y.var())


def test_divergence_saves_no_model(file, tmp_path):
    finished = run("fit", file, "--target", "price", "--learning-rate", "1", "--out", tmp_path / "model.json")
    assert (finished.returncode, finished.stdout) == (1, "")
    # The limit is 2/smoothness = 0.00074272, rounded down.
    assert finished.stderr == "fastgd: diverged after 10 epochs; no model saved; use a rate below 0.000742\n"
    assert not (tmp_path / "model.json").exists()


@pytest.mark.parametrize("value", [3, 0.1])
def test_a_constant_target_has_no_r_squared(tmp_path, capsys, value):
    path = tmp_path / "flat.csv"
    path.write_text(f"x,y\n1,{value}\n2,{value}\n4,{value}\n")
    assert main(["fit", str(path), "--target", "y"]) == 0
    assert "R² undefined" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "state"),
    [
        ([], "rate auto, precondition whiten, 1 epoch, converged (gradient)"),
        (["--epochs", "1"], "rate auto, precondition whiten, 1 epoch, converged (gradient)"),
        (["--precondition", "none"], "rate auto, precondition none, 3 epochs, converged (gradient)"),
        (["--precondition", "standardize"], "rate auto, precondition standardize, 2 epochs, converged (gradient)"),
        (["--compress", "no"], "rate auto, precondition standardize, 2 epochs, converged (gradient)"),
        pytest.param(
            ["--missing", "skip"], "rate auto, precondition whiten, 1 epoch, converged (gradient)", marks=needs_arrow
        ),
        (
            ["--learning-rate", "silver", "--precondition", "standardize"],
            "rate silver, precondition standardize, 35 epochs, converged (cost)",
        ),
    ],
)
def test_fit_says_how_it_ended(scales, capsys, options, state):
    assert main(["fit", str(scales), "--target", "y", *options]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("5 rows, 2 features, target 'y'\nbackend ")
    assert f", {state}\ncost 0.0063, R² 0.997093\n" in printed.out
    assert printed.err == ""


@pytest.fixture
def scales(tmp_path):
    """Return a file with two collinear columns far from zero, whose least cost is 0.0063."""
    path = tmp_path / "scales.csv"
    path.write_text("a,b,y\n1001,2002,10\n1002,2004,11.5\n1003,2006,13\n1004,2008,14.2\n1005,2010,16\n")
    return path


@pytest.mark.parametrize(
    ("given", "rest"),
    [
        ({"learning_rate": "constant", "precondition": "standardize", "epochs": 3}, []),
        ({"learning_rate": "chebyshev", "precondition": "none"}, []),
        ({"learning_rate": "chebyshev", "epochs": 5}, ["--compress", "no"]),
        pytest.param({"learning_rate": 0.5, "precondition": "standardize", "epochs": 3}, BATCHES, marks=needs_arrow),
    ],
)
def test_a_fit_that_has_not_converged_says_so_first_and_writes_no_model(scales, capsys, given, rest):
    X, y = np.split(np.loadtxt(scales, delimiter=",", skiprows=1), [2], axis=1)
    options = {"compress": "no" not in rest} | given
    with pytest.warns(fastgd.ConvergenceWarning, match=r"^not converged: all \d+ epochs ran") as told:
        epochs = fastgd.gradient_descent(X, y, **options).epochs
    message = name_options(str(told[0].message))
    assert "; try --" in message
    assert "--learning-rate auto" in message
    command = ["fit", str(scales), "--target", "y", *rest]
    command += [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    check_unconverged(capsys, command, scales.parent / "model.json", message, epochs)


@pytest.mark.parametrize("rest", [[], ["--learning-rate", "1e-9"], pytest.param(BATCHES, marks=needs_arrow)])
def test_a_run_of_all_epochs_that_was_asked_for_is_no_failure(scales, capsys, rest):
    out = scales.parent / "model.json"
    command = ["fit", str(scales), "--target", "y", "--epochs", "4", "--tol", "0", "--out", str(out), *rest]
    assert main(command) == 0
    printed = capsys.readouterr()
    first, second, *_ = printed.out.splitlines()
    assert printed.err == ""
    assert first == "5 rows, 2 features, target 'y'"
    assert second.endswith(", 4 epochs, all run as --tol 0 asks")
    notes = json.loads(out.read_text())["fit"]
    assert (notes["tol"], notes["epochs"], notes["reason"], notes["converged"]) == (0.0, 4, "epochs", False)
    assert main(["predict", str(out), str(scales)]) == 0
    assert capsys.readouterr().err == ""


def check_unconverged(capsys, command, out, message, epochs):
    """Check the output and the exit code of a fit that does not converge, and that it writes no model."""
    assert main(command) == 3
    printed = capsys.readouterr()
    first, second, third, *_ = printed.out.splitlines()
    assert printed.err == f"fastgd: {message}\n"
    assert first == f"not converged after {epochs} epochs"
    assert second == "5 rows, 2 features, target 'y'"
    assert third.endswith(f", {epochs} epochs")
    hint = f"fastgd: nothing was written to {out}; --keep-unconverged saves the model all the same\n"
    assert main([*command, "--out", str(out)]) == 3
    assert capsys.readouterr().err == f"fastgd: {message}\n{hint}"
    assert not out.exists()
    out.write_text("kept")
    os.utime(out, (1, 1))
    assert main([*command, "--out", str(out)]) == 3
    assert (out.read_text(), out.stat().st_mtime) == ("kept", 1)


def test_one_epoch_is_told_in_the_singular(file, capsys):
    assert main(["fit", str(file), "--target", "price", "--learning-rate", "1e-5", "--epochs", "1"]) == 3
    printed = capsys.readouterr()
    assert printed.err.startswith("fastgd: not converged: the only epoch ran; J is ")
    assert printed.out.startswith("not converged after 1 epoch\n")


UNCONVERGED = ["--learning-rate", "constant", "--epochs", "3"]


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (
            "J is 2; try compress='auto' and learning_rate='auto' and precondition='auto', or a larger tol",
            "J is 2; try --compress auto and --learning-rate auto and --precondition auto, or a larger --tol",
        ),
        ("all 1000 epochs ran; try more epochs", "all 1000 epochs ran; try more --epochs"),
        ("too large for tol; try fewer columns", "too large for tol; try fewer columns"),
        ("column 'alpha' has tol='3' epochs", "column 'alpha' has tol='3' epochs"),
    ],
)
def test_advice_speaks_of_options_and_the_rest_of_a_message_stays(words, options):
    assert name_options(words) == options


def test_an_unconverged_fit_is_explained_before_its_json_is_printed(scales):
    command = [sys.executable, "-m", "fastgd", "fit", scales, "--target", "y", *UNCONVERGED, "--json"]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False
    )
    first, document = done.stdout.split("\n", 1)
    assert done.returncode == 3
    assert first.startswith("fastgd: not converged: all 3 epochs ran")
    assert json.loads(document)["fit"]["converged"] is False


def test_an_unconverged_model_is_kept_if_asked_for_and_predict_says_so(scales, capsys):
    out = scales.parent / "model.json"
    assert main(["fit", str(scales), "--target", "y", *UNCONVERGED, "--out", str(out), "--keep-unconverged"]) == 3
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("fastgd: not converged: ")
    document = json.loads(out.read_text())
    notes = document["fit"]
    assert (notes["converged"], notes["epochs"], notes["precondition"]) == (False, 3, "none")
    assert main(["predict", str(out), str(scales)]) == 0
    printed = capsys.readouterr()
    doubt = "the fit of this model has not converged: other weights may predict far better"
    assert printed.err == f"fastgd: {out}: {doubt}\n"
    X = np.loadtxt(scales, delimiter=",", skiprows=1)[:, :2]
    np.testing.assert_allclose(
        np.array(printed.out.splitlines()[1:], dtype=float), X @ document["coef"] + document["intercept"], rtol=1e-12
    )


@pytest.mark.parametrize("y", [Y, np.column_stack([Y, -Y])], ids=["one", "two"])
@pytest.mark.parametrize("writer", ["estimator", "partial_fit", "function", "stream"])
def test_predict_says_that_a_fit_has_not_converged_whoever_saved_it(tmp_path, capsys, monkeypatch, writer, y):
    monkeypatch.chdir(tmp_path)
    options = {"learning_rate": "constant", "tol": 1e-12}
    if writer in ("estimator", "partial_fit"):
        pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
        model = fastgd.GradientDescentRegressor(max_iter=3, **options)
        call = model.fit if writer == "estimator" else model.partial_fit
    else:
        front = fastgd.gradient_descent if writer == "function" else fastgd.streaming.fit_array
        call = functools.partial(front, epochs=3, **options)
    with pytest.warns(Warning, match="not converged"):
        saved = call(X, y)
    saved.save("model.json")
    names = ",".join(f"x{j}" for j in range(X.shape[1]))
    np.savetxt("rows.csv", X, delimiter=",", header=names, comments="")
    assert main(["predict", "model.json", "rows.csv"]) == 0
    assert "fastgd: model.json: the fit of this model has not converged" in capsys.readouterr().err
    assert main(["info", "model.json"]) == 0
    assert capsys.readouterr().out.startswith("not converged after 3 epochs")


def test_a_converged_model_is_kept_with_or_without_the_option(scales, capsys):
    one, two = scales.parent / "one.json", scales.parent / "two.json"
    assert main(["fit", str(scales), "--target", "y", "--out", str(one)]) == 0
    assert main(["fit", str(scales), "--target", "y", "--out", str(two), "--keep-unconverged"]) == 0
    assert one.read_bytes() == two.read_bytes()
    assert main(["predict", str(one), str(scales)]) == 0
    assert capsys.readouterr().err == ""
    notes = json.loads(one.read_text())["fit"]
    assert (notes["learning_rate"], notes["precondition"], notes["converged"]) == ("auto", "whiten", True)


@pytest.mark.parametrize("options", [[], pytest.param(["--missing", "skip"], marks=needs_arrow)])
def test_a_fit_without_intercept(scales, capsys, options):
    X, y = np.split(np.loadtxt(scales, delimiter=",", skiprows=1), [2], axis=1)
    assert main(["fit", str(scales), "--target", "y", "--no-intercept", *options]) == 0
    assert "intercept" not in capsys.readouterr().out
    assert main(["fit", str(scales), "--target", "y", "--no-intercept", "--json", *options]) == 0
    document = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(document["coef"], np.linalg.lstsq(X, y[:, 0], rcond=1e-10)[0], rtol=1e-10)
    assert (document["intercept"], document["fit"]["fit_intercept"]) == (0.0, False)


def watch(monkeypatch, place):
    """Note the options and the results of a function of `fastgd.cli.fitting`, which still runs."""
    function, seen = getattr(fitting, place), []

    def watched(source, given, **named):
        seen.append((named or vars(given), function(source, given, **named)))
        return seen[-1][1]

    monkeypatch.setattr(fitting, place, watched)
    return seen


@pytest.mark.parametrize(
    ("place", "rest"), [("fit_rows", []), pytest.param("fit_files", ["--missing", "skip"], marks=needs_arrow)]
)
def test_every_option_reaches_the_descent(file, monkeypatch, place, rest):
    seen = watch(monkeypatch, place)
    options = ["--learning-rate", "silver", "--precondition", "standardize", "--epochs", "700", "--tol", "1e-3"]
    options += ["--threads", "2", "--alpha", "0.5", "--backend", "numpy", "--no-intercept", "--compress", "yes"]
    assert main(["fit", str(file), "--target", "price", *options, *rest]) == 0
    ((given, result),) = seen
    expected = {"precondition": "standardize", "epochs": 700, "tol": 1e-3, "threads": 2}
    expected |= {"alpha": 0.5, "backend": "numpy", "fit_intercept": False}
    expected |= {"learning_rate": "silver"} if place == "fit_files" else {"schedule": SCHEDULES["silver"]}
    assert expected.items() <= given.items()
    assert (result.backend, result.compressed, len(result.weights)) == ("numpy", True, 3)


@pytest.mark.parametrize(("word", "compressed"), [("yes", True), ("no", False), ("auto", False)])
def test_compress_is_a_word(scales, monkeypatch, word, compressed):
    seen = watch(monkeypatch, "fit_rows")
    options = ["--learning-rate", "silver", "--precondition", "standardize", "--compress", word]
    assert main(["fit", str(scales), "--target", "y", *options]) == 0
    ((_, result),) = seen
    assert result.compressed is compressed


@needs_arrow
def test_a_compressed_file_is_read_in_batches_for_nobody_knows_its_size(file, tmp_path, capsys, monkeypatch):
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    seen = watch(monkeypatch, "fit_files")
    for option in ([], ["--compress", "no"]):  # read whole if that is asked for
        assert main(["fit", str(packed), "--target", "price", "--json", *option]) == 0
        found = json.loads(capsys.readouterr().out)
        assert main(["fit", str(file), "--target", "price", "--json", *option]) == 0
        np.testing.assert_allclose(found["coef"], json.loads(capsys.readouterr().out)["coef"], rtol=1e-9)
    assert len(seen) == 1


@needs_arrow
def test_a_large_file_is_read_whole_if_its_rows_must_not_be_compressed(file, capsys, monkeypatch):
    monkeypatch.setattr(fitting, "LARGE_FILE", 10)
    seen = watch(monkeypatch, "fit_files")
    command = ["fit", str(file), "--target", "price", "--json"]
    assert main(command) == 0
    assert len(seen) == 1
    by_batches = json.loads(capsys.readouterr().out)
    assert main([*command, "--compress", "no"]) == 0
    assert len(seen) == 1
    np.testing.assert_allclose(json.loads(capsys.readouterr().out)["coef"], by_batches["coef"], rtol=1e-9)


@pytest.mark.parametrize(
    "rest",
    [
        ["other.csv"],
        ["--weight", "a"],
        ["--missing", "skip"],
        ["--checkpoint", "sums"],
        ["--scheduler", "tcp://127.0.0.1:1"],
    ],
)
def test_rows_read_in_batches_are_always_compressed(scales, capsys, monkeypatch, rest):
    for place in ("fit_stream", "fit_table"):
        monkeypatch.setattr(fit, place, lambda options: pytest.fail("the command started to work"))
    assert main(["fit", str(scales), *rest, "--target", "y", "--compress", "no"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("fastgd: --compress must be auto or yes for rows that are read in batches: ")


def test_whitened_coordinates_need_compressed_rows(scales, capsys):
    assert main(["fit", str(scales), "--target", "y", "--compress", "no", "--precondition", "whiten"]) == 2
    assert capsys.readouterr().err.startswith("fastgd: --compress must not be no with --precondition whiten: ")


def find_arguments():
    """Return the arguments of `fastgd fit` by their names."""
    parser = argparse.ArgumentParser()
    fit.add_arguments(parser)
    return {action.dest: action for action in parser._actions}, " ".join(parser.format_help().split())


def test_the_defaults_are_those_of_the_function():
    signature = inspect.signature(fastgd.gradient_descent).parameters
    arguments, _ = find_arguments()
    shared = {*arguments} & {*signature} - {"target"}
    assert shared == {*fitting.DESCENT_ARGUMENTS, "compress"}
    for name in shared - {"epochs"}:
        assert arguments[name].default == signature[name].default
    assert arguments["epochs"].default == 1000  # what None means


def test_help_shows_every_default_every_schedule_and_the_exit_codes():
    arguments, text = find_arguments()
    switches = {"keep_unconverged", "json", "quiet", "help"}
    for name, argument in arguments.items():
        if argument.required or name in switches:
            continue
        default = argument.default
        (shown,) = re.findall(r"\(default: ([^,;)]+)", argument.help)
        if isinstance(default, float):
            assert float(shown) == default
            assert "e-0" not in shown
        elif default is not None and not isinstance(default, bool):
            assert shown == str(default)
    assert all(name in arguments["learning_rate"].help for name in fastgd.rates.schedules.SCHEDULES)
    assert "Exit codes: 0, the fit converged, or --tol is 0 and all epochs ran; 1, it diverged" in text
    assert "3, the fit has not converged" in text


@pytest.mark.parametrize("options", [[], ["--precondition", "standardize"], ["--precondition", "none"]])
@pytest.mark.parametrize(("scale", "size"), [("200", "large"), ("-200", "small")])
def test_columns_whose_squares_are_out_of_range_are_named(tmp_path, capsys, options, scale, size):
    path = tmp_path / "data.csv"
    path.write_text(f"ok,a,y\n1,1e{scale},1\n2,2e{scale},2\n3,4e{scale},4\n")
    for target in ("y", "a"):
        assert main(["fit", str(path), "--target", target, *options]) == 2
        assert f"column 'a' must have a mean square between 1e-280 and 1e+280; its values are too {size}" in (
            capsys.readouterr().err
        )


@pytest.mark.parametrize("scale", ["139", "-139"])
def test_columns_near_the_ends_of_the_range_are_fitted(tmp_path, capsys, scale):
    path = tmp_path / "data.csv"
    path.write_text(f"ok,a,y\n1,1e{scale},2\n2,3e{scale},5\n3,2e{scale},5\n5,4e{scale},9\n")
    assert main(["fit", str(path), "--target", "y", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(document["coef"], [1, 1 / float(f"1e{scale}")], rtol=1e-12)


def test_a_tiny_constant_has_no_part_in_a_fit_with_an_intercept(tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text("a,tiny,y\n1,1e-300,3\n2,1e-300,5\n4,1e-300,9\n")
    assert main(["fit", str(path), "--target", "y", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose([document["intercept"], *document["coef"]], [1, 2, 0], rtol=1e-12)
    assert main(["fit", str(path), "--target", "y", "--no-intercept"]) == 2
    assert "column 'tiny' must have a mean square" in capsys.readouterr().err


def test_predictions_out_of_range_are_refused(tmp_path, capsys):
    document = {"schema": "fastgd.linear_model", "schema_version": 1, "target": "y", "intercept": 0.0}
    (tmp_path / "model.json").write_text(json.dumps(document | {"features": ["a", "b"], "coef": [1e308, -1e308]}))
    path = tmp_path / "data.csv"
    for row in ("10,0", "10,10"):  # an infinity, and the difference of two
        path.write_text(f"a,b\n1,1\n{row}\n")
        assert main(["predict", str(tmp_path / "model.json"), str(path)]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert f"{path}, line 3: the prediction is out of the range of float64" in printed.err


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
    assert process.returncode == 141


def test_an_interrupt_outside_a_fit_is_exit_code_130(file, capsys, monkeypatch):
    monkeypatch.setattr(fitting, "read_csv", interrupt)
    assert main(["fit", str(file), "--target", "price"]) == 130
    assert capsys.readouterr() == ("", "fastgd: interrupted\n")


def test_an_interrupted_fit_saves_no_model(file, tmp_path, capsys, monkeypatch):
    def descend(source, options):
        return fit_rows(source, replace(options, callback=lambda epoch, *_: epoch == 20 and interrupt()))

    monkeypatch.setattr(fitting, "fit_rows", descend)
    out = tmp_path / "model.json"
    options = ["--learning-rate", "constant", "--out", str(out), "--keep-unconverged"]
    assert main(["fit", str(file), "--target", "price", *options]) == 130
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"fastgd: interrupted after [23]0 epochs; no model saved\n", printed.err)
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


@needs_pictures
@pytest.mark.parametrize(("options", "code"), [([], 0), (UNCONVERGED, 3)])
def test_fit_saves_a_picture_of_any_run_that_did_not_diverge(file, tmp_path, options, code):
    assert run("fit", file, "--target", "price", "--plot", tmp_path / "curve.svg", *options).returncode == code
    assert "<svg" in (tmp_path / "curve.svg").read_text()


@needs_pictures
def test_demo_compares_all_backends_and_saves_a_picture(tmp_path):
    pytest.importorskip("sklearn", reason="the real data come with scikit-learn, an extra")
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


WHOLE = "expected a whole number from 1 to 100,000,000"
RATES = (
    "expected a finite number above 0, or one of auto, constant, inverse_scaling, step_decay, exponential_decay, "
    "silver, chebyshev, eigenvalues"
)


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--epochs", "0", WHOLE),
        ("--epochs", "ten", WHOLE),
        ("--epochs", "1e3", WHOLE),
        ("--epochs", "1000000000000", WHOLE),
        ("--learning-rate", "-1", RATES),
        ("--learning-rate", "0", RATES),
        ("--learning-rate", "nan", RATES),
        ("--learning-rate", "inf", RATES),
        ("--learning-rate", "fast", RATES),
        ("--tol", "-1", "expected a finite number of 0 or more"),
        ("--tol", "inf", "expected a finite number of 0 or more"),
        ("--tol", "small", "expected a finite number of 0 or more"),
        ("--alpha", "-1", "expected a number from 0 to 1e+270"),
        ("--alpha", "1e300", "expected a number from 0 to 1e+270"),
        ("--alpha", "lots", "expected a number from 0 to 1e+270"),
        ("--threads", "0", "expected a whole number of 1 or more"),
        ("--threads", "1.5", "expected a whole number of 1 or more"),
    ],
)
def test_a_bad_value_is_refused_with_its_option_and_what_was_expected(monkeypatch, capsys, option, value, expected):
    assert refuse(monkeypatch, capsys, option, value).endswith(f"argument {option}: {expected}; got {value!r}\n")


@pytest.mark.parametrize("option", ["--backend", "--precondition", "--compress", "--missing"])
def test_a_word_that_is_no_choice_is_refused_with_its_option_and_the_choices(monkeypatch, capsys, option):
    message = refuse(monkeypatch, capsys, option, "abacus")
    assert f"argument {option}: invalid choice: 'abacus' (choose from " in message
    choices = find_arguments()[0][option.removeprefix("--")].choices
    assert all(word in message for word in choices)


def refuse(monkeypatch, capsys, option, value):
    """Return what `fastgd fit` says on standard error to a bad value, with exit code 2 and before any work."""
    for place in ("fit_stream", "fit_table"):
        monkeypatch.setattr(fit, place, lambda options: pytest.fail("the command started to work"))
    with pytest.raises(SystemExit) as raised:
        main(["fit", "data.csv", "--target", "price", option, value])
    printed = capsys.readouterr()
    assert (raised.value.code, printed.out) == (2, "")
    return printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "missing.csv", "--target", "y"], "missing.csv"),
        (["fit", "data.csv", "--target", "rent"], "no column 'rent'; the columns are 'age', 'price'"),
        pytest.param(
            ["fit", "data.csv", "--target", "price", "--plot", "curve.xyz"],
            "--plot must end in one of",
            marks=needs_pictures,  # matplotlib knows the endings
        ),
        (["fit", "data.csv", "--target", "price", "--out", "no/model.json"], "--out must be in a folder that exists"),
        (["fit", "data.csv", "--target", "price", "--out", "."], "--out must be a file; got the folder '.'"),
        (["fit", "data.csv", "--target", "price", "--out", ""], "--out must name a file; got ''"),
        (["fit", "data.csv", "--target", "price", "--plot", ""], "--plot must name a file; got ''"),
        (["fit", "data.csv", "--target", "price", "--plot", "f.png"], "--plot must be a file; got the folder 'f.png'"),
        (["fit", "data.csv", "--target", "price", "--out", "p.svg", "--plot", "p.svg"], "must be different files"),
        (["demo", "--plot", ""], "--plot must name a file; got ''"),
        (["fit", "gap.csv", "--target", "y"], "gap.csv, line 3: expected a row; got an empty line"),
        (["fit", "lonely.csv", "--target", "y"], "expected columns beside the target 'y'"),
        (["fit", "bad.csv", "--target", "y"], "bad.csv, line 3, column 'x': expected a number; got 'red'"),
        (["predict", "model.json", "data.csv"], "data.csv: no column 'weight'; the columns are 'age', 'price'"),
        (
            ["predict", "data.csv", "model.json"],
            "data.csv: expected a model in JSON; got text that looks like CSV; the model comes first: "
            "fastgd predict MODEL.json FILE\n",
        ),
        (["info", "data.csv"], "data.csv: expected a model in JSON; got text that looks like CSV\n"),
        (["predict", "old.json", "data.csv"], "old.json: expected schema_version 1 or 2; got 0"),
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
        main([command, *rest, "--strands", "2"])
    assert raised.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith(f"usage: fastgd {command} ")
    assert message.endswith(f"fastgd {command}: error: unrecognized arguments: --strands 2\n")


def list_options():
    """Return each option of each command that takes a value, as (command, option, help)."""
    commands = next(a for a in make_parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    return [
        (command, action.option_strings[-1], action.help or "")
        for command, parser in commands.items()
        for action in parser._actions
        if action.option_strings and action.nargs != 0 and not action.required
    ]


@pytest.mark.parametrize(("command", "option", "text"), list_options())
def test_the_help_of_every_option_gives_its_default(command, option, text):
    assert "(default: " in text


def test_demo_runs_where_no_file_can_be_written(monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="pictures need an extra")
    monkeypatch.setattr("fastgd.cli.demo.run_demo", lambda picture, backend: print(f"ran with {picture}"))
    monkeypatch.setattr("fastgd.files.paths.find_obstacle", lambda path: "Permission denied")
    assert main(["demo"]) == 0
    expected = "No picture: --plot must be a file that can be written; got 'fastgd-demo.png': Permission denied\n\n"
    assert capsys.readouterr().out == expected + "ran with None\n"
    assert main(["demo", "--plot", "mine.png"]) == 2
    assert "got 'mine.png': Permission denied" in capsys.readouterr().err
