"""The options of a descent, checked once and then passed on as one object."""

from __future__ import annotations  # so that np.random is not loaded to name its generator

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from fastgd import backends
from fastgd.descent.auto import choose_compression, choose_precondition
from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_numbers, check_start
from fastgd.inputs.options import (
    MOST_EPOCHS,
    check_alpha,
    check_callback,
    check_choice,
    check_count,
    check_flag,
    check_level,
    check_not_negative,
    check_random_state,
    check_rates,
)
from fastgd.inputs.words import quote
from fastgd.rates.schedules import Schedule, find_schedule

DEFAULT_EPOCHS = 1000
PRECONDITIONS = ("auto", "none", "standardize", "whiten")


@dataclass(frozen=True, kw_only=True, eq=False)  # without slots, which take longer to copy
class DescentOptions:
    """How to descend, whatever the data: the arguments of `fastgd.gradient_descent`, checked.

    They keep their names and their meaning, but for these: `learning_rate` is either a `schedule` or the `rates`
    themselves, and `rate_named` is False for "auto"; `backend` is the one that runs; `generator` makes random weights
    and the order of mini-batches, and is None if nothing is random.
    """

    schedule: Schedule | None
    rates: Array | None
    rate_named: bool
    epochs: int
    weights: Array | str | None
    fit_intercept: bool
    tol: float
    check_every: int
    backend: str
    compress: bool | str
    alpha: float
    batch_size: int | None
    precondition: str
    threads: int | None
    generator: np.random.Generator | None
    callback: Any
    verbose: int
    history: bool = False
    stop_on_divergence: bool = True

    @classmethod
    def checked(
        cls,
        *,
        learning_rate: Any = "auto",
        epochs: Any = None,
        weights: Any = None,
        fit_intercept: Any = True,
        tol: Any = 1e-8,
        check_every: Any = 10,
        backend: Any = "auto",
        compress: Any = "auto",
        alpha: Any = 0.0,
        batch_size: Any = None,
        precondition: Any = "auto",
        threads: Any = None,
        random_state: Any = None,
        callback: Any = None,
        verbose: Any = 0,
        history: Any = False,
        stop_on_divergence: Any = True,
    ) -> Self:
        """Return the options as one object; refuse arguments that are wrong for all data.

        Examples
        --------
        >>> from fastgd.descent.options import DescentOptions
        >>> DescentOptions.checked(tol=0).epochs
        1000
        """
        schedule = find_schedule(learning_rate)
        epochs = check_epochs(epochs, None if schedule else learning_rate)
        check_callback(callback)
        name = backends.resolve(backend)
        backends.load(name)
        compress = check_choice("compress", compress, ("auto", True, False))
        precondition = check_choice("precondition", precondition, PRECONDITIONS)
        batch_size = None if batch_size is None else check_count("batch_size", batch_size)
        if batch_size is not None and compress is True:
            raise ValueError(
                f"compress must not be True with batch_size={batch_size}: a compressed problem has no rows of the data "
                "to take batches from; leave out one of them"
            )
        if precondition == "whiten" and (compress is False or batch_size is not None):
            given = "compress=False" if compress is False else f"batch_size={batch_size}"
            raise ValueError(f"precondition must not be 'whiten' with {given}: whitening needs the compressed problem")
        generator = None
        if random_state is not None or batch_size is not None or isinstance(weights, str):
            generator = check_random_state(random_state)  # only if needed: it takes longer than a small fit
        return cls(
            schedule=schedule,
            rates=None if schedule else check_rates(learning_rate, epochs),
            rate_named=not (isinstance(learning_rate, str) and learning_rate == "auto"),
            epochs=epochs,
            weights=check_start_values(weights),
            fit_intercept=check_flag("fit_intercept", fit_intercept),
            tol=check_not_negative("tol", tol),
            check_every=check_count("check_every", check_every),
            backend=name,
            compress=compress,
            alpha=check_alpha(alpha),
            batch_size=batch_size,
            precondition=precondition,
            threads=None if threads is None else check_count("threads", threads),
            generator=generator,
            callback=callback,
            verbose=check_level("verbose", verbose),
            history=check_flag("history", history),
            stop_on_divergence=check_flag("stop_on_divergence", stop_on_divergence),
        )

    def with_problem(self, fit_intercept: bool, alpha: float) -> Self:
        """Return the options with the intercept and the ridge of a compressor; refuse options that contradict them."""
        if (not self.fit_intercept and fit_intercept) or self.alpha not in (0.0, alpha):
            raise ValueError(
                "fit_intercept and alpha must be left out, or be those of the compressor, "
                f"{fit_intercept} and {alpha}; got {self.fit_intercept} and {self.alpha}"
            )
        return replace(self, fit_intercept=fit_intercept, alpha=alpha)

    def check_start_shape(self, n_features: int, n_targets: int = 1) -> None:
        """Refuse starting weights unless there is one for each feature, and one for the intercept if it is fitted."""
        if isinstance(self.weights, np.ndarray):
            check_start(self.weights, self._start_shape(n_features, n_targets), self.fit_intercept)

    def make_start(self, n_features: int, n_targets: int = 1) -> Array:
        """Return the starting weights, in the units of the data; for several targets, a column for each."""
        shape = self._start_shape(n_features, n_targets)
        if self.weights is None:
            return np.zeros(shape)
        if isinstance(self.weights, str):
            assert self.generator is not None  # `checked` makes one for random weights
            return self.generator.standard_normal(shape)
        return check_start(self.weights, shape, self.fit_intercept)

    def _start_shape(self, n_features: int, n_targets: int) -> tuple[int, ...]:
        """Return the shape of the weights: one target has one dimension."""
        n_weights = n_features + self.fit_intercept
        return (n_weights,) if n_targets == 1 else (n_weights, n_targets)

    def resolved(self, shape: tuple[int, ...], *, affordable: bool = True) -> Self:
        """Return the options with the coordinates that "auto" stands for, for an X of this shape.

        Where whitening is not affordable, "auto" stands for other coordinates.
        """
        if self.precondition != "auto":
            return self
        may_compress = self.compress is not False and not (self.batch_size and self.batch_size < shape[0])
        chosen = choose_precondition(shape, rate_named=self.rate_named, may_compress=may_compress and affordable)
        return self._changed(precondition=chosen)

    def _changed(self, **values: Any) -> Self:
        """Return a copy with other values, as `dataclasses.replace` does in ten times the time."""
        copy = object.__new__(type(self))
        vars(copy).update(vars(self), **values)
        return copy

    def choose_compression(self, shape: tuple[int, ...], targets: int) -> tuple[bool, str]:
        """Return True to compress an X of this shape, with so many targets, else False, and the reason in words."""
        if self.compress != "auto":
            return bool(self.compress), f"compress={self.compress} was asked for"
        if self.precondition == "whiten":
            return True, "whitened coordinates come from the compressed problem"
        if self.batch_size is not None and self.batch_size < shape[0]:
            return False, "mini-batches need the rows of the data"
        return choose_compression(shape, self.epochs, targets)


def check_epochs(epochs: Any, learning_rate: Any) -> int:
    """Return the number of epochs; None means one for each rate of an array, else 1000."""
    if epochs is not None:
        return check_count("epochs", epochs, most=MOST_EPOCHS)
    if learning_rate is None or isinstance(learning_rate, bool | int | float):
        return DEFAULT_EPOCHS
    rates = check_numbers("learning_rate", learning_rate)
    return len(rates) if rates.ndim == 1 and len(rates) else DEFAULT_EPOCHS


def check_start_values(weights: Any) -> Array | str | None:
    """Return the starting weights after the checks that need no number of features."""
    if weights is None:
        return None
    if isinstance(weights, str):
        if weights != "random":
            raise ValueError(f"weights must be None, 'random' or an array; got {quote(weights)}")
        return weights
    array = check_numbers("weights", weights)
    return check_start(array, array.shape, False) if array.ndim in (1, 2) else array  # make_start refuses other shapes
