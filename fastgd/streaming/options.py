"""The options that the fits of streams share, all checked before a row is read."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastgd.backends.threads import choose_threads
from fastgd.descent.options import DescentOptions
from fastgd.files.paths import check_output
from fastgd.inputs.options import check_choice, check_flag
from fastgd.problem.moments import METHODS

MISSING = ("error", "skip")
MOST_THREADS = 8  # unless more are asked for: each holds a block of rows
LARGE = (1 << 20, 1 << 20)  # the shape of data that are worth all threads
# The options of a descent on rows that are gone.
DESCENT = (
    "learning_rate",
    "epochs",
    "weights",
    "tol",
    "check_every",
    "backend",
    "standardize",
    "threads",
    "random_state",
    "callback",
    "verbose",
)


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """The arguments that `fit_batches`, `fit_array` and `fit_files` share, checked.

    Attributes
    ----------
    descent : DescentOptions
        How to descend.
    method : {"auto", "gram", "qr"}
        How rows are summed up.
    missing : {"error", "skip"}
        Whether rows with missing values are refused or skipped.
    checkpoint : Path or None
        The file that keeps the sums.
    quiet : bool
        Whether no progress is shown.
    threads : int
        How many blocks of rows are summed up at a time, where they stay as they are.
    """

    descent: DescentOptions
    method: str
    missing: str
    checkpoint: Path | None
    quiet: bool
    threads: int


def check_options(
    front: str,
    descent: Mapping[str, Any],
    *,
    fit_intercept: Any,
    alpha: Any,
    method: Any,
    missing: Any,
    checkpoint: Any,
    quiet: Any,
) -> StreamOptions:
    """Return the options that the arguments of `front`, one of the three functions, stand for."""
    for name in descent:
        if name not in DESCENT:
            raise TypeError(f"{front}() got an unexpected keyword argument {name!r}; a descent takes {list(DESCENT)}")
    options = DescentOptions.checked(fit_intercept=fit_intercept, alpha=alpha, **descent)
    return StreamOptions(
        descent=options,
        method=check_choice("method", method, METHODS),
        missing=check_choice("missing", missing, MISSING),
        checkpoint=check_path(checkpoint),
        quiet=check_flag("quiet", quiet),
        threads=options.threads or min(MOST_THREADS, choose_threads(*LARGE, 1)),
    )


def check_path(path: Any) -> Path | None:
    """Return where a checkpoint is to be kept."""
    if path is None:
        return None
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"checkpoint must be None or a path; got {path!r}, a {type(path).__name__}")
    for name in (str(path), f"{path}.new"):  # the new checkpoint is written beside the old one, and then replaces it
        check_output("checkpoint", name)
    return Path(path)
