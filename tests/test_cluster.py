"""`fastgd fit --scheduler` fits files that the workers of a cluster read."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from problems import random_problem

import fastgd
from fastgd.streaming import cluster

distributed = pytest.importorskip("dask.distributed", reason="Dask is an extra")
pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow, an extra")
parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow, an extra")

X, Y = random_problem(300, 3)
COUNTS = np.random.default_rng(0).integers(1, 4, 300).astype(float)
QUIET = os.environ | {"DASK_LOGGING__DISTRIBUTED": "error"}


@pytest.fixture(scope="module")
def address():
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as local:
        yield local.scheduler_address


@pytest.fixture
def folder(tmp_path):
    for part in range(3):
        rows = slice(100 * part, 100 * (part + 1))
        columns = {f"x{j}": X[rows, j] for j in range(3)} | {"price": Y[rows], "count": COUNTS[rows]}
        table = pa.table(columns | {"town": ["here"] * 100})
        parquet.write_table(table, tmp_path / f"{part}.parquet")
        table.to_pandas().to_csv(tmp_path / f"{part}.csv", index=False)
    return tmp_path


def fit(folder, *arguments):
    command = [sys.executable, "-m", "fastgd", "fit", *arguments]
    return subprocess.run(command, cwd=folder, env=QUIET, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files_read_by_workers_give_the_fit_of_all_rows(folder, address, kind):
    options = ["--target", "price", "--weight", "count", "--alpha", "0.01"]
    options += ["--features", "x0", "x1", "x2", "--scheduler", address, "--json", "--out", "model.json"]
    done = fit(folder, str(folder / f"*.{kind}"), *options)
    assert done.returncode == 0, done.stderr
    model = json.loads(done.stdout)
    result = fastgd.gradient_descent(X, Y, sample_weight=COUNTS, alpha=0.01)
    np.testing.assert_allclose([model["intercept"], *model["coef"]], result.weights, rtol=1e-9)
    assert model["features"] == ["x0", "x1", "x2"]
    assert model["fit"]["n_samples"] == 300
    residual = Y - result.predict(X)
    mean = COUNTS @ Y / COUNTS.sum()
    expected = 1 - COUNTS @ residual**2 / (COUNTS @ (Y - mean) ** 2)
    assert model["fit"]["r_squared"] == pytest.approx(expected, rel=1e-9)
    assert json.loads((folder / "model.json").read_text()) == model


def test_workers_sum_up_several_targets(folder, address):
    options = ["--features", "x0", "x1", "--scheduler", address, "--json"]
    done = fit(folder, str(folder / "*.parquet"), "--target", "price", "x2", *options)
    assert done.returncode == 0, done.stderr
    model = json.loads(done.stdout)
    expected = fastgd.gradient_descent(X[:, :2], np.column_stack([Y, X[:, 2]]))
    tolerance = 1e-12 * np.abs(expected.weights).max()
    np.testing.assert_allclose([model["intercept"], *model["coef"]], expected.weights, rtol=0, atol=tolerance)
    assert (model["schema_version"], model["target"], model["features"]) == (2, ["price", "x2"], ["x0", "x1"])


def test_workers_know_the_columns_of_folders(tmp_path, address):
    years = np.arange(300) // 100
    for year in range(3):
        (tmp_path / f"year={year}").mkdir()
        columns = {"x0": X[year == years, 0], "price": (Y + 2.0 * years)[year == years]}
        parquet.write_table(pa.table(columns), tmp_path / f"year={year}" / "a.parquet")
    done = fit(tmp_path, ".", "--target", "price", "--scheduler", address, "--json")
    assert done.returncode == 0, done.stderr
    model = json.loads(done.stdout)
    expected = fastgd.gradient_descent(np.column_stack([X[:, 0], years]), Y + 2.0 * years)
    assert model["features"] == ["x0", "year"]
    np.testing.assert_allclose([model["intercept"], *model["coef"]], expected.weights, rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--features", "x0", "--target", "price", "cost"],
            "0.parquet: no column 'cost'; the columns are 'x0', 'x1', 'x2'",
        ),
        (["--features", "x0", "--target", "cost"], "0.parquet: no column 'cost'; the columns are 'x0', 'x1', 'x2'"),
        (["--features", "x0", "--target", "price", "--weight", "w"], "0.parquet: no column 'w'"),
        (["--target", "price", "--checkpoint", "c"], "--scheduler goes without --checkpoint"),
        (["--target", "price", "--features", "x0", "town"], "0.parquet, column 'town': expected numbers; got the type"),
    ],
)
def test_bad_input_is_reported_in_one_line(folder, address, arguments, message):
    done = fit(folder, str(folder / "*.parquet"), *arguments, "--scheduler", address)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_scheduler_without_an_answer_is_an_error(folder, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(OSError, match=r"127\.0\.0\.1:9"):
        cluster.fit_on_cluster([str(folder / "0.parquet")], "price", features=["x0"], scheduler="tcp://127.0.0.1:9")
