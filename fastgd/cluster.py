"""Files that the workers of a running Dask cluster read, each its own part: `fastgd fit --scheduler ADDRESS`."""

from typing import Any

from fastgd.descent import fit_compressor
from fastgd.distributed import collect
from fastgd.result import DescentResult
from fastgd.streaming.result import judge
from fastgd.tables import list_names, quote

CONNECT_SECONDS = 10  # after which a scheduler that does not answer is an error


def fit_on_cluster(
    files: list[str], target: str, *, scheduler: str, weight: str | None = None, alpha: float = 0.0, **settings: Any
) -> tuple[DescentResult, list[str], dict[str, Any]]:
    """Return the fit of files, its features, and what is known of the rows.

    Parameters
    ----------
    files : list of str
        Parquet or CSV files, by paths that mean the same to the workers.
    target : str
        The column to predict, from all others.
    scheduler : str
        The address of the scheduler, such as "tcp://10.0.0.1:8786".
    weight : str or None
        A column of weights of the rows.
    alpha, **settings
        As in `fastgd.gradient_descent`.

    Raises
    ------
    ValueError, TypeError
        If a column is not there, or is not of numbers.
    OSError
        If no scheduler answers at the address, or a file cannot be read.
    ImportError
        If Dask is not installed.
    """
    try:
        from dask import dataframe
        from dask.distributed import Client
    except ImportError as error:
        raise ImportError("--scheduler needs Dask: pip install 'fastgd[dask,parquet]'") from error
    with Client(scheduler, timeout=CONNECT_SECONDS):
        frame = dataframe.read_csv(files) if files[0].lower().endswith(".csv") else dataframe.read_parquet(files)
        names = list(frame.columns)
        for option, column in (("--target", target), ("--weight", weight)):
            if column is not None and column not in names:
                raise ValueError(f"no column {quote(column)} for {option}; there are {list_names(names)}")
        features = [name for name in names if name not in (target, weight)]
        if not features:
            raise ValueError(f"expected columns beside the target {quote(target)}; got none")
        counts = None if weight is None else frame[weight]
        compressor = collect(frame[features], frame[target], sample_weight=counts, alpha=alpha)
    result = fit_compressor(compressor, **settings)
    reached, r_squared = judge(compressor.summary(), result, True)
    return result, features, {"n_samples": compressor.n_samples, "cost": reached, "r_squared": r_squared}
