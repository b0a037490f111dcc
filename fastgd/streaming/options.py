"""What the fits of streams have in common: their arguments, all checked before a row is read."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from fastgd.backends.threads import choose_threads
from fastgd.descent.fit import fit_compressor, make_start
from fastgd.descent.solve import Settings, check_settings
from fastgd.files.paths import check_output
from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_numbers, check_start
from fastgd.inputs.options import check_alpha, check_choice, check_flag, check_random_state
from fastgd.problem.compressor import METHODS

MISSING = ("error", "skip")
MOST_THREADS = 8  # unless more are asked for: each holds a block of rows
LARGE = (1 << 20, 1 << 20)  # the shape of data that are worth all threads
# The keyword arguments of a descent on rows that are gone, and their defaults.
DESCENT = {
    name: parameter.default
    for name, parameter in signature(fit_compressor).parameters.items()
    if name not in ("compressor", "target")
}


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments that `fit_batches`, `fit_array` and `fit_files` share, checked.

    Attributes
    ----------
    settings : Settings
        How to descend.
    weights : None, "random" or ndarray
        The start of the descent.
    generator : numpy.random.Generator or None
        Where random weights come from.
    threads : int
        How many blocks of rows are summed up at a time, where they stay as they are.
    """

    fit_intercept: bool
    alpha: float
    method: str
    missing: str
    checkpoint: Path | None
    quiet: bool
    settings: Settings
    standardize: bool
    weights: Array | str | None
    generator: np.random.Generator | None
    threads: int

    def check_start(self, n_features: int) -> None:
        """Refuse weights to start from that are not one for each feature, and one for the intercept."""
        if isinstance(self.weights, np.ndarray):
            check_start(self.weights, n_features + self.fit_intercept, self.fit_intercept)

    def make_start(self, n_features: int) -> Array:
        """Return the weights of epoch 0."""
        return make_start(self.weights, n_features + self.fit_intercept, self.fit_intercept, self.generator)


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
) -> Options:
    """Return the options that the arguments of `front`, one of the three functions, stand for."""
    for name in descent:
        if name not in DESCENT:
            raise TypeError(f"{front}() got an unexpected keyword argument {name!r}; a descent takes {list(DESCENT)}")
    given = {**DESCENT, **descent}
    standardize = check_flag("standardize", given.pop("standardize"))
    weights, random_state = given.pop("weights"), given.pop("random_state")
    generator = check_random_state(random_state) if isinstance(weights, str) else None
    settings = check_settings(**given)
    return Options(
        fit_intercept=check_flag("fit_intercept", fit_intercept),
        alpha=check_alpha(alpha),
        method=check_choice("method", method, METHODS),
        missing=check_choice("missing", missing, MISSING),
        checkpoint=check_path(checkpoint),
        quiet=check_flag("quiet", quiet),
        settings=settings,
        standardize=standardize,
        weights=check_weights(weights, generator),
        generator=generator,
        threads=settings.threads or min(MOST_THREADS, choose_threads(*LARGE, 1)),
    )


def check_weights(weights: Any, generator: np.random.Generator | None) -> Array | str | None:
    """Return the weights to start from, as far as they can be checked before the number of features is known."""
    if weights is None or isinstance(weights, str):
        make_start(weights, 1, False, generator and np.random.default_rng(0))  # "random" is the only text
        return weights
    array = check_numbers("weights", weights)
    return check_start(array, array.size, False)


def check_path(path: Any) -> Path | None:
    """Return where a checkpoint is to be kept."""
    if path is None:
        return None
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"checkpoint must be None or a path; got {path!r}, a {type(path).__name__}")
    for name in (str(path), f"{path}.new"):  # what is being written stands beside it, and then replaces it
        check_output("checkpoint", name)
    return Path(path)
