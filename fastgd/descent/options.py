"""The options of a descent: checked once at the door, then one object that travels."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from fastgd import backends
from fastgd.descent.auto import choose_compression
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
from fastgd.rates.schedules import Schedule, find_schedule

DEFAULT_EPOCHS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DescentOptions:
    """How to descend, whatever the data: the arguments of `fastgd.gradient_descent`, checked.

    Attributes
    ----------
    schedule : callable or None
        The schedule that makes the rates; None where the rates were given.
    rates : ndarray of shape (epochs,) or None
        The rates that were given; None where a schedule makes them.
    epochs : int
        The most epochs.
    weights : None, "random" or ndarray
        The start.
    fit_intercept, standardize : bool
        Whether weights begin with an intercept; whether the descent is in standardized coordinates.
    tol, alpha : float
        The tolerance, and the penalty of the ridge.
    check_every : int
        Epochs between two checks.
    backend : str
        The name of the backend that runs.
    backend_named : bool
        Whether the user named it.
    compress : {"auto", True, False}
        Whether to compress.
    batch_size : int or None
        The rows of a mini-batch.
    threads : int or None
        Threads of the compiled backends.
    generator : numpy.random.Generator or None
        The source of random weights and of the order of mini-batches; None where nothing is random.
    callback : callable or None
        The user's callback.
    verbose : int
        Whether to print costs.
    """

    schedule: Schedule | None
    rates: Array | None
    epochs: int
    weights: Array | str | None
    fit_intercept: bool
    tol: float
    check_every: int
    backend: str
    backend_named: bool
    compress: bool | str
    alpha: float
    batch_size: int | None
    standardize: bool
    threads: int | None
    generator: np.random.Generator | None
    callback: Any
    verbose: int

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
        standardize: Any = False,
        threads: Any = None,
        random_state: Any = None,
        callback: Any = None,
        verbose: Any = 0,
    ) -> Self:
        """Return the options that these arguments stand for; refuse what no data could go with.

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
        batch_size = None if batch_size is None else check_count("batch_size", batch_size)
        if batch_size is not None and compress is True:
            raise ValueError(
                f"compress must not be True with batch_size={batch_size}: a compressed problem has no rows of the data "
                "to take batches from; leave out one of them"
            )
        generator = None
        if random_state is not None or batch_size is not None or isinstance(weights, str):
            generator = check_random_state(random_state)  # takes longer than the epochs of a small fit
        return cls(
            schedule=schedule,
            rates=None if schedule else check_rates(learning_rate, epochs),
            epochs=epochs,
            weights=check_start_values(weights),
            fit_intercept=check_flag("fit_intercept", fit_intercept),
            tol=check_not_negative("tol", tol),
            check_every=check_count("check_every", check_every),
            backend=name,
            backend_named=backend != "auto",
            compress=compress,
            alpha=check_alpha(alpha),
            batch_size=batch_size,
            standardize=check_flag("standardize", standardize),
            threads=None if threads is None else check_count("threads", threads),
            generator=generator,
            callback=callback,
            verbose=check_level("verbose", verbose),
        )

    def with_problem(self, fit_intercept: bool, alpha: float) -> Self:
        """Return the options with the intercept and the ridge that a compressor was made with."""
        if (not self.fit_intercept and fit_intercept) or self.alpha not in (0.0, alpha):
            raise ValueError(
                "fit_intercept and alpha must be left out, or be those of the compressor, "
                f"{fit_intercept} and {alpha}; got {self.fit_intercept} and {self.alpha}"
            )
        return replace(self, fit_intercept=fit_intercept, alpha=alpha)

    def check_features(self, n_features: int) -> None:
        """Refuse weights to start from that are not one for each feature, and one for the intercept."""
        if isinstance(self.weights, np.ndarray):
            check_start(self.weights, n_features + self.fit_intercept, self.fit_intercept)

    def make_start(self, n_features: int) -> Array:
        """Return the weights of epoch 0, in the units of the data."""
        n_weights = n_features + self.fit_intercept
        if self.weights is None:
            return np.zeros(n_weights)
        if isinstance(self.weights, str):
            assert self.generator is not None  # made wherever weights are random
            return self.generator.standard_normal(n_weights)
        return check_start(self.weights, n_weights, self.fit_intercept)

    def choose_compression(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Return whether to compress X of this shape, and why."""
        if self.compress != "auto":
            return bool(self.compress), f"compress={self.compress} was asked for"
        batches = self.batch_size is not None and self.batch_size < shape[0]
        return choose_compression(shape, self.epochs, backend_named=self.backend_named, batches=batches)


def check_epochs(epochs: Any, learning_rate: Any) -> int:
    """Return the number of epochs: where None is given, one for each of several rates, else 1000."""
    if epochs is not None:
        return check_count("epochs", epochs, most=MOST_EPOCHS)
    if learning_rate is None or isinstance(learning_rate, bool | int | float):
        return DEFAULT_EPOCHS
    rates = check_numbers("learning_rate", learning_rate)
    return len(rates) if rates.ndim == 1 and len(rates) else DEFAULT_EPOCHS


def check_start_values(weights: Any) -> Array | str | None:
    """Return the weights to start from, as far as they can be checked before the number of features is known."""
    if weights is None:
        return None
    if isinstance(weights, str):
        if weights != "random":
            raise ValueError(f"weights must be None, 'random' or an array; got {weights!r}")
        return weights
    array = check_numbers("weights", weights)
    return check_start(array, array.size, False) if array.ndim else array  # a number is refused once the shape is known
