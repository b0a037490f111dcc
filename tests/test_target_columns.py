"""Several target columns of files: one pass and one fit, in Python, on a cluster and on the command line."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

import fastgd
from fastgd.cli import fit as fit_command
from fastgd.cli import fitting
from fastgd.cli.main import main
from fastgd.descent.fit import fit_rows
from fastgd.files import csv_blocks
from fastgd.files.model import load
from fastgd.inputs.extras import is_installed
from fastgd.streaming import columns, fit_files

needs_arrow = pytest.mark.skipif(not is_installed("pyarrow"), reason="batches of files need an extra")
FEATURES, TARGETS = ["size", "rooms", "age"], ["price", "rent", "tax"]
generator = np.random.default_rng(11)
X = generator.standard_normal((240, 3)) * [1.0, 10.0, 0.1] + [0.0, 50.0, 2.0]
Y = 2.0 + X @ generator.standard_normal((3, 3)) + generator.standard_normal((240, 3)) * [0.1, 1.0, 3.0]
COUNTS = generator.integers(0, 4, 240).astype(float)
ORDER = ["rent", "size", "price", "rooms", "count", "age", "tax"]  # of the columns in a file
VALUES = dict(zip([*FEATURES, *TARGETS, "count"], [*X.T, *Y.T, COUNTS], strict=True))


def write_rows(path, values, order=ORDER):
    """Write columns as a Parquet or CSV file, by the suffix of the path; NaN becomes an empty cell."""
    if path.suffix == ".parquet":
        pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        pq.write_table(pa.table({name: pa.array(values[name], from_pandas=True) for name in order}), path)
        return
    rows = np.column_stack([values[name] for name in order])
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(order)
        writer.writerows([["" if np.isnan(value) else value for value in row] for row in rows.tolist()])


@pytest.fixture(params=[pytest.param(".csv", marks=needs_arrow), ".parquet"])
def folder(request, tmp_path, monkeypatch):
    """Return a folder of two files, which are read in many batches."""
    monkeypatch.setattr(columns, "BATCH_BYTES", 1)
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 1000)
    for number, rows in enumerate((slice(0, 150), slice(150, None))):
        values = {name: column[rows] for name, column in VALUES.items()}
        write_rows(tmp_path / f"{number}{request.param}", values, ORDER[::-1] if number else ORDER)
    return tmp_path


def assert_same_weights(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("method", ["auto", "gram", "qr"])
@pytest.mark.parametrize("settings", [{}, {"alpha": 0.3}, {"fit_intercept": False}], ids=str)
def test_one_pass_fits_all_targets_as_each_alone(folder, method, settings):
    options = {"features": FEATURES, "weight": "count", "method": method, **settings}
    together = fit_files(folder, TARGETS, **options)
    assert (together.features, together.target, together.n_samples) == (FEATURES, TARGETS, 240)
    assert together.converged.all()
    expected = fastgd.gradient_descent(X, Y, sample_weight=COUNTS, **settings)
    assert_same_weights(together.weights, expected.weights)
    np.testing.assert_allclose(together.cost, expected.cost, rtol=0, atol=1e-12 * Y.var(axis=0).min())
    for k, name in enumerate(TARGETS):
        alone = fit_files(folder, name, **options)
        assert_same_weights(together.weights[:, k], alone.weights)
        np.testing.assert_allclose(together.r_squared[k], alone.r_squared, rtol=1e-12)


def test_the_features_are_all_columns_but_the_targets_and_the_weight(folder):
    result = fit_files(folder, ["tax", "rent"], weight="count")
    first = [name for name in ORDER if name in {"size", "price", "rooms", "age"}]
    assert result.features == first
    expected = fastgd.gradient_descent(np.column_stack([VALUES[name] for name in first]), Y[:, [2, 1]])
    assert fit_files(folder, ["tax", "rent"], features=first).weights.shape == expected.weights.shape
    assert_same_weights(fit_files(folder, ["tax", "rent"], features=first).weights, expected.weights)


def test_a_list_of_one_target_is_one_target(folder):
    one, alone = fit_files(folder, ["rent"], features=FEATURES), fit_files(folder, "rent", features=FEATURES)
    assert one.target == alone.target == "rent"
    np.testing.assert_array_equal(one.weights, alone.weights)


@pytest.mark.parametrize("kind", ["int16", "uint64", "float32", "bool"])
def test_targets_of_all_types_are_read(tmp_path, kind):
    pytest.importorskip("pyarrow")
    other = (Y[:, 1] > 0).astype(kind)
    write_rows(tmp_path / "a.parquet", VALUES | {"rent": other})
    result = fit_files(tmp_path / "a.parquet", ["price", "rent"], features=FEATURES)
    expected = fastgd.gradient_descent(X, np.column_stack([Y[:, 0], other.astype(float)]))
    assert_same_weights(result.weights, expected.weights)


def test_rows_without_a_value_of_any_target_are_refused_or_left_out(folder):
    path = min(folder.glob("*"))
    values = {name: column[:150].copy() for name, column in VALUES.items()}
    values["tax"][70] = values["price"][20] = np.nan
    write_rows(path, values)
    with pytest.raises(
        ValueError, match=r"(row 20|line 22)\b.*, column 'price': expected .* number; got .*; missing='skip'"
    ):
        fit_files(folder, TARGETS, features=FEATURES)
    with pytest.raises(
        ValueError, match=r"(row 70|line 72)\b.*, column 'tax': expected .* number; got .*; missing='skip'"
    ):
        fit_files(folder, ["rent", "tax"], features=FEATURES)
    result = fit_files(folder, TARGETS, features=FEATURES, missing="skip")
    assert (result.n_samples, result.skipped) == (238, 2)
    kept = np.delete(np.arange(240), [20, 70])
    assert_same_weights(result.weights, fastgd.gradient_descent(X[kept], Y[kept]).weights)


@pytest.mark.parametrize("names", [TARGETS, ["price"]])
def test_files_resume_with_all_targets(folder, tmp_path, monkeypatch, names):
    expected, kept = fit_files(folder, names, features=FEATURES), folder / "kept"
    for stop in (1, 4, 9):
        with monkeypatch.context() as patched:
            numbers = iter(range(stop))
            patched.setattr("fastgd.progress.Progress.show", lambda *_, numbers=numbers: next(numbers))
            with pytest.raises(StopIteration):
                fit_files(folder, names, features=FEATURES, checkpoint=kept)
        result = fit_files(folder, names, features=FEATURES, checkpoint=kept)
        assert result.weights.tobytes() == expected.weights.tobytes()


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (["price", "rent"], ["price", "tax"], "with target 'rent'; got 'tax'"),
        (["price", "rent"], ["rent", "price"], "with target 'price'; got 'rent'"),
        (["price"], ["price", "rent"], r"with target 'price'; got \['price', 'rent'\]"),
        (["price", "rent"], ["price", "rent", "tax"], "without 'tax' in target"),
        (["price", "rent", "tax"], ["price", "rent"], "with 'tax' in target too"),
        ("price", "rent", "with target 'price'; got 'rent'"),
    ],
)
@pytest.mark.parametrize("features", [FEATURES, None])
def test_a_checkpoint_of_other_targets_is_refused(folder, monkeypatch, before, now, told, features):
    options = {"features": features, "checkpoint": folder / "kept"}
    with monkeypatch.context() as patched:
        numbers = iter(range(2))
        patched.setattr("fastgd.progress.Progress.show", lambda *_: next(numbers))
        with pytest.raises(StopIteration):
            fit_files(folder, before, **options)
    with pytest.raises(ValueError, match=f"the checkpoint is of another fit, {told}; delete it to begin anew"):
        fit_files(folder, now, **options)


def test_an_interrupted_descent_keeps_the_checkpoint(folder):
    def interrupt(*_):
        raise KeyboardInterrupt

    options = {"features": FEATURES, "checkpoint": folder / "kept"}
    result = fit_files(folder, TARGETS, callback=interrupt, **options)
    assert result.reason == ["interrupted"] * 3
    assert (folder / "kept").exists()
    assert fit_files(folder, TARGETS, **options).converged.all()
    assert not (folder / "kept").exists()


@pytest.mark.parametrize(
    ("target", "options", "told"),
    [
        ([], {}, r"target must be the name of a column, or a list of names; got \[\]"),
        (["price", 3], {}, "target must be the name of a column, or a list of names"),
        ({"price"}, {}, "target must be the name of a column, or a list of names"),
        (["price", "price"], {}, "target must be different columns; got 'price' twice"),
        (["price", "count"], {"weight": "count"}, "weight must be another column than target; got 'count' for both"),
        (["price", "age"], {"features": FEATURES}, "without target and weight; got 'age' twice"),
        (["price", "none"], {}, "no column 'none'; the columns are"),
        (ORDER, {}, "expected columns beside the targets 'rent', 'size'"),
    ],
)
def test_targets_that_are_no_other_columns_are_refused(folder, target, options, told):
    with pytest.raises((ValueError, TypeError), match=told):
        fit_files(folder, target, **options)


def test_the_start_has_a_column_for_each_target(folder):
    start = np.linalg.lstsq(np.column_stack([np.ones(240), X]), Y, rcond=None)[0]
    result = fit_files(folder, TARGETS, features=FEATURES, weights=start)
    assert_same_weights(result.weights, start)
    with pytest.raises(ValueError, match=r"weights must have the shape of the gradient, \(4, 3\)"):
        fit_files(folder, TARGETS, features=FEATURES, weights=start[:, :2])


def run_command(capsys, *arguments, code=0):
    """Run the command line in this process; return what it prints on both streams."""
    assert main([str(argument) for argument in arguments]) == code
    return capsys.readouterr()


@pytest.fixture
def file(tmp_path):
    """Return a CSV file of all columns."""
    write_rows(tmp_path / "data.csv", VALUES)
    return tmp_path / "data.csv"


BATCHES = pytest.param(["--missing", "skip"], marks=needs_arrow)  # has the file read in batches
SELECTED = ["--features", *FEATURES]


@pytest.mark.parametrize("rest", [[], BATCHES])
@pytest.mark.parametrize("form", [["--target", "price", "rent", "tax"], ["--target", "price", "rent", "--target=tax"]])
def test_the_command_line_fits_all_targets(file, tmp_path, capsys, rest, form):
    model = tmp_path / "model.json"
    printed = run_command(capsys, "fit", file, *form, *SELECTED, *rest, "--out", model)
    expected = fastgd.gradient_descent(X, Y)
    document = json.loads(model.read_text())
    assert (document["schema_version"], document["target"], document["features"]) == (2, TARGETS, FEATURES)
    assert_same_weights(np.array([document["intercept"], *document["coef"]]), expected.weights)
    notes = document["fit"]
    assert (notes["converged"], notes["reason"], notes["n_samples"]) == ([True] * 3, ["gradient"] * 3, 240)
    np.testing.assert_allclose(notes["r_squared"], expected.r_squared, rtol=1e-12)
    first, second, blank, *lines = printed.out.splitlines()
    assert first == "240 rows, 3 features, 3 targets"
    assert second.endswith(", 1 epoch, converged (gradient)")
    assert (blank, printed.err) == ("", "")
    assert lines[0].split() == ["target", "cost", "R²"]
    for k, line in enumerate(lines[1:4]):
        assert line.split() == [TARGETS[k], f"{notes['cost'][k]:.8g}", f"{notes['r_squared'][k]:.6f}"]
    assert lines[5].split() == TARGETS
    weights = [document["intercept"], *document["coef"]]
    for name, numbers, line in zip(["intercept", *FEATURES], weights, lines[6:], strict=True):
        assert line.split() == [name, *(f"{number:.8g}" for number in numbers)]
    assert (
        json.loads(run_command(capsys, "fit", file, *form, *SELECTED, *rest, "--json").out)["coef"] == document["coef"]
    )

    predicted = run_command(capsys, "predict", model, file).out
    header, *rows = csv.reader(io.StringIO(predicted))
    assert header == TARGETS
    np.testing.assert_allclose(np.array(rows, dtype=float), load(model).predict(X), rtol=1e-15)
    np.testing.assert_allclose(np.array(rows, dtype=float), expected.predict(X), rtol=1e-11)
    as_json = json.loads(run_command(capsys, "predict", model, file, "--json").out)
    assert (as_json["target"], as_json["predictions"]) == (TARGETS, [[float(cell) for cell in row] for row in rows])


def test_a_model_of_one_target_stays_as_it_was(file, capsys):
    document = json.loads(run_command(capsys, "fit", file, "--target", "rent", *SELECTED, "--json").out)
    assert (document["schema_version"], document["target"], document["fit"]["converged"]) == (1, "rent", True)


@pytest.mark.parametrize("rest", [[], BATCHES])
def test_a_fit_of_which_some_targets_have_not_converged_says_so(file, tmp_path, capsys, rest):
    values = VALUES | {"flat": np.zeros(240)}
    write_rows(file, values, [*ORDER, "flat"])
    model = tmp_path / "model.json"
    settings = ["--learning-rate", "constant", "--precondition", "standardize", "--epochs", 2, *rest]
    command = ["fit", file, "--target", "flat", "price", "tax", *SELECTED, *settings, "--out", model]
    printed = run_command(capsys, *command, code=3)
    lines = printed.out.splitlines()
    assert lines[:2] == ["not converged after 2 epochs: 2 of 3 targets", "240 rows, 3 features, 3 targets"]
    assert lines[2].endswith(", 2 epochs")
    assert [line.endswith("not converged") for line in lines[5:8]] == [False, True, True]
    assert lines[5].split()[::2] == ["flat", "undefined"]
    assert printed.err.startswith("fastgd: not converged: 2 targets ('price', 'tax') of 3: all 2 epochs ran")
    assert not model.exists()
    run_command(capsys, *command, "--keep-unconverged", code=3)
    assert load(model).fit["converged"] == [True, False, False]
    assert load(model).fit["r_squared"][0] is None
    assert "the fit of this model has not converged" in run_command(capsys, "predict", model, file).err
    asked = run_command(capsys, *command[:-2], "--tol", 0)
    assert ", 2 epochs, all run as --tol 0 asks" in asked.out
    assert "not converged" not in asked.out


def test_the_table_has_a_line_for_each_target_and_the_weights_of_the_first_ones(tmp_path, capsys):
    draw, names = np.random.default_rng(0), ["価格", "x" * 100, "\x1b[2J", *(f"y{k}" for k in range(5))]
    values = {"a": draw.standard_normal(20), **{name: draw.standard_normal(20) for name in names}}
    write_rows(tmp_path / "a.csv", values, list(values))
    lines = run_command(capsys, "fit", tmp_path / "a.csv", "--target", *names).out.splitlines()
    assert "".join(lines).isprintable()
    assert len(lines[4:]) == 8 + 5
    assert [line.split()[0] for line in lines[7:12]] == [f"y{k}" for k in range(5)]
    assert len(lines[-2].split()) == 1 + 5
    assert lines[-1] == "and 3 more targets: --json prints all weights, and --out saves them"


def test_pictures_draw_a_curve_for_each_target(file, tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    drawn = []
    monkeypatch.setattr(fit_command, "save_figure", lambda figure, path: drawn.append(figure))
    command = ["fit", file, "--target", *TARGETS, *SELECTED, "--plot", tmp_path / "cost.svg"]
    run_command(capsys, *command, "--learning-rate", "chebyshev", "--precondition", "standardize", "--epochs", 20)
    (axes,) = drawn[0].axes
    assert [line.get_label() for line in axes.lines] == TARGETS
    assert len({line.get_color() for line in axes.lines}) == 3
    assert [text.get_text() for text in axes.get_legend().get_texts()] == TARGETS
    monkeypatch.setattr(fit_command, "MOST_CURVES", 2)
    run_command(capsys, *command)
    assert drawn[1].axes[0].get_legend().get_title().get_text() == "the first 2 of 3 targets"


@pytest.mark.parametrize("rest", [[], BATCHES], ids=["whole", "in parts"])
def test_the_warning_names_the_targets_that_have_not_converged(file, capsys, rest):
    slow = ["--learning-rate", "1e-5", "--epochs", "20"]
    printed = run_command(capsys, "fit", file, "--target", *TARGETS, *SELECTED, *slow, *rest, code=3)
    assert printed.err.startswith("fastgd: not converged: 3 targets ('price', 'rent', 'tax') of 3: all 20 epochs ran; ")
    assert "above its least value for target 'price'; try " in printed.err


def test_an_interrupted_fit_of_several_targets_saves_no_model(file, tmp_path, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    def descend(source, options):
        return fit_rows(source, replace(options, callback=interrupt))

    monkeypatch.setattr(fitting, "fit_rows", descend)
    model = tmp_path / "model.json"
    printed = run_command(capsys, "fit", file, "--target", *TARGETS, *SELECTED, "--out", model, code=130)
    assert printed == ("", "fastgd: interrupted after 1 epoch; no model saved\n")
    assert not model.exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--target", "price", "none"], "no column 'none'; the columns are 'rent', 'size'"),
        (["--target", "price", "price"], "target must be different columns; got 'price' twice"),
        (["--target", "price", "age", *SELECTED], "without target and weight; got 'age' twice"),
        (["--target", *ORDER], "expected columns beside the targets 'rent', 'size'"),
    ],
)
@pytest.mark.parametrize("rest", [[], BATCHES])
def test_the_command_line_refuses_targets_that_are_no_other_columns(file, capsys, arguments, told, rest):
    printed = run_command(capsys, "fit", file, *arguments, *rest, code=2)
    assert told in printed.err
    assert printed.out == ""


def test_a_column_of_a_target_out_of_range_is_named(file, capsys):
    write_rows(file, VALUES | {"rent": 1e200 * Y[:, 1]})
    printed = run_command(capsys, "fit", file, "--target", "price", "rent", *SELECTED, code=2)
    assert "column 'rent' must have a mean square between" in printed.err
