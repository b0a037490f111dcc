# %% [markdown]
# # Data larger than memory, and larger than a machine
#
# One pass over memory maps, streams and Parquet files, and the same on a cluster of Dask: docs/streaming.md. The
# cluster is two processes on this machine, so everything is started below `if __name__ == "__main__"`.

# %%
"""One pass over a memory map, a stream and Parquet files, and a cluster of two processes."""

import tempfile
from pathlib import Path

import dask.array as da
import numpy as np
import pyarrow as pa
import pyarrow.parquet
from dask.distributed import Client, LocalCluster

import fastgd
from fastgd.streaming import fit_array, fit_batches, fit_files

HOW = {"learning_rate": "eigenvalues", "standardize": True, "tol": 1e-12}


def make_data():
    """Return features and a target; real ones would not fit into memory."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30_000, 6))
    return X, 3.0 + X @ np.arange(6.0) + rng.standard_normal(30_000)


# %% [markdown]
# ## A memory map
# As large as the disk; read in blocks, once.


# %%
def fit_memory_map(X, y, folder):
    """Fit an array that stays on disk."""
    np.save(folder / "X.npy", X)
    result = fit_array(np.load(folder / "X.npy", mmap_mode="r"), y, **HOW)
    print(f"memory map: {result.n_samples} rows, R² {result.r_squared:.4f}, cost {result.cost:.4f}, by {result.method}")
    return result


# %% [markdown]
# ## A stream, interrupted
# The sums of what was read are kept in a checkpoint. The same call goes on after it, and gives the same bits as a run
# that nothing interrupted.


# %%
def fit_stream(X, y, folder):
    """Fit batches from a source that fails once."""

    def read(fails):
        for start in range(0, len(X), 5000):
            if fails and start == 15_000:
                raise ConnectionError("the source has gone away")
            yield X[start : start + 5000], y[start : start + 5000]

    kept = folder / "stream.checkpoint"
    try:
        fit_batches(read(fails=True), checkpoint=kept, **HOW)
    except ConnectionError as error:
        print(f"stream: {error}; a checkpoint is there: {kept.exists()}")
    resumed = fit_batches(read(fails=False), checkpoint=kept, **HOW)
    whole = fit_batches(read(fails=False), **HOW)
    assert np.array_equal(resumed.weights, whole.weights)
    assert not kept.exists()  # the fit is done
    return resumed


# %% [markdown]
# ## Parquet files, with a hole
# A missing value is an error that says where; `missing="skip"` leaves such rows out, and counts them.


# %%
def fit_parquet(X, y, folder):
    """Fit a folder of Parquet files, one of which lacks a value."""
    for part, rows in enumerate(np.array_split(np.arange(len(X)), 3)):
        columns = {f"x{j}": X[rows, j] for j in range(X.shape[1])} | {"price": y[rows]}
        if part == 1:
            extra = {name: np.append(column, 1.0) for name, column in columns.items()}
            extra["x2"][-1] = np.nan
            columns = extra
        pa.parquet.write_table(pa.table(columns), folder / f"part-{part}.parquet")
    files = str(folder / "part-*.parquet")
    try:
        fit_files(files, "price", **HOW)
    except ValueError as error:
        print("Parquet:", str(error).replace(str(folder), "…"))
    result = fit_files(files, "price", missing="skip", **HOW)
    assert (result.n_samples, result.skipped) == (len(X), 1)
    return result


# %% [markdown]
# ## Dask
# Blocks are compressed where they live, and small matrices travel. The tree in which they are merged depends on the
# blocks alone, so one worker and two give the same bits.


# %%
def fit_dask(X, y):
    """Fit arrays of Dask, by whatever workers there are."""
    blocks = da.from_array(X, chunks=(5000, X.shape[1]))
    return fastgd.gradient_descent(blocks, da.from_array(y, chunks=5000), **HOW)


def main():
    """Fit the same rows in every way, and compare."""
    X, y = make_data()
    exact = np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[0]
    with tempfile.TemporaryDirectory() as name:
        results = {
            "memory map": fit_memory_map(X, y, Path(name)),
            "stream": fit_stream(X, y, Path(name)),
            "Parquet": fit_parquet(X, y, Path(name)),
            "Dask, in threads": fit_dask(X, y),
        }
        with (
            LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=":0", local_directory=name, silence_logs=50
            ) as cluster,
            Client(cluster),
        ):
            results["Dask, two processes"] = fit_dask(X, y)
    assert np.array_equal(results["Dask, in threads"].weights, results["Dask, two processes"].weights)
    for way, result in results.items():
        error = np.abs(result.weights - exact).max()
        print(f"{way:>19}: {result.reason} after {result.epochs} epochs, error {error:.0e}")
        assert np.allclose(result.weights, exact, rtol=1e-9)


# %%
if __name__ == "__main__":
    main()
