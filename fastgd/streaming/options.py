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
from fastgd.inputs.words import kind_of, printable, quote
from fastgd.problem.moments import METHODS
from fastgd.streaming.bad_rows import MISSING

MOST_THREADS = 8  # unless the user asks for more: each thread holds a block of rows
LARGE_SHAPE = (1 << 20, 1 << 20)  # data of this shape are worth all threads
WHOLE_DATA = ("compress", "batch_size")  # the options of a descent that need all rows in memory
NEW = ".12345678.new"  # at the end of the name of a new checkpoint, with other characters
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
        given = options.weights
        if isinstance(given, np.ndarray) and (given.ndim not in (1, 2) or given.shape[1:] == (1,)):
            raise ValueError(  # the rows tell the lengths later
                "weights must have the shape of the gradient, (n_features + fit_intercept,), with a column for each of "
                f"several targets; got shape {given.shape}"
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
    """Return the path of a checkpoint; refuse a path that cannot be written, or that leads to anything but a file."""
    if path is None:
        return None
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if not isinstance(name, str):
        raise TypeError(f"checkpoint must be None or a path; got {quote(path)}, {kind_of(path)}")
    if "\0" in name:
        raise ValueError(f"checkpoint must name a file; got {quote(name)}")
    if os.path.islink(name):  # a save would replace the link, or a file that somebody else chose
        raise ValueError(f"checkpoint must be a file; got '{printable(name)}', a symbolic link: name its target")
    check_output("checkpoint", name)
    if os.path.exists(name) and not os.path.isfile(name):
        raise ValueError(f"checkpoint must be a regular file; got '{printable(name)}', a pipe, a socket or a device")
    check_output("checkpoint", f"{name}{NEW}")  # a save writes such a file, which then replaces the checkpoint
    return Path(name)
