"""The options that `fit_batches`, `fit_array` and `fit_files` share, checked before they read a row."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from fastgd.backends.threads import choose_threads
from fastgd.descent.options import DescentOptions
from fastgd.files.paths import check_output
from fastgd.inputs.options import check_choice, check_flag
from fastgd.problem.moments import METHODS

MISSING = ("error", "skip")
MOST_THREADS = 8  # unless the user asks for more: each thread holds a block of rows
LARGE_SHAPE = (1 << 20, 1 << 20)  # data of this shape are worth all threads
WHOLE_DATA = ("compress", "batch_size")  # the options of a descent that need all rows in memory
DESCENT_OPTIONS = [name for name in DescentOptions.checked.__kwdefaults__ or () if name not in WHOLE_DATA]


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How to sum rows and descend: the arguments of `fit_batches`, `fit_array` and `fit_files`, checked.

    Attributes
    ----------
    descent : DescentOptions
        The options of the descent.
    method : {"auto", "gram", "qr"}
        The method by which rows are summed.
    missing : {"error", "skip"}
        "error" to refuse rows with missing values, "skip" to leave them out.
    checkpoint : Path or None
        The file that keeps the sums.
    quiet : bool
        True to show no progress.
    threads : int
        The number of batches summed at a time, if the batches can be read again.
    """

    descent: DescentOptions
    method: str
    missing: str
    checkpoint: Path | None
    quiet: bool
    threads: int

    @classmethod
    def checked(
        cls, function: str, descent: Mapping[str, Any], *, method: Any, missing: Any, checkpoint: Any, quiet: Any
    ) -> Self:
        """Return the options that the arguments of the named function stand for."""
        for name in descent:
            if name not in DESCENT_OPTIONS:
                known = f"a descent takes {DESCENT_OPTIONS}"
                raise TypeError(f"{function}() got an unexpected keyword argument {name!r}; {known}")
        options = DescentOptions.checked(**descent)
        if isinstance(options.weights, np.ndarray) and options.weights.ndim != 1:  # the rows tell the length later
            raise ValueError(
                "weights must have the shape of the gradient, (n_features + fit_intercept,); "
                f"got shape {options.weights.shape}"
            )
        return cls(
            descent=options,
            method=check_choice("method", method, METHODS),
            missing=check_choice("missing", missing, MISSING),
            checkpoint=check_checkpoint(checkpoint),
            quiet=check_flag("quiet", quiet),
            threads=options.threads or min(MOST_THREADS, choose_threads(*LARGE_SHAPE, 1)),
        )


def check_checkpoint(path: Any) -> Path | None:
    """Return the path of a checkpoint; refuse a path that cannot be written."""
    if path is None:
        return None
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"checkpoint must be None or a path; got {path!r}, a {type(path).__name__}")
    for name in (str(path), f"{path}.new"):  # a save writes the second file, which then replaces the first
        check_output("checkpoint", name)
    return Path(path)
