"""A fitted model as a JSON file."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from reprlib import repr as quote
from typing import Any

import numpy as np

from fastgd.inputs.arrays import Array

SCHEMA = "fastgd.linear_model"
SCHEMA_VERSION = 1


class ModelError(ValueError):
    """A file that is not a model of this package; the message says why.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastgd.files.model import ModelError, load
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.json"
    ...     _ = path.write_text("{}")
    ...     try:
    ...         load(path)
    ...     except ModelError as error:
    ...         print(str(error).removeprefix(f"{path}: "))
    expected a JSON object with "schema": "fastgd.linear_model"
    """


@dataclass(frozen=True, slots=True)
class Model:
    """What a prediction needs.

    Attributes
    ----------
    target : str
        The column that is predicted.
    features : list of str
        The columns it is predicted from.
    intercept : float
        The constant term.
    coef : list of float
        One coefficient for each feature.
    fit : dict
        How the fit went: plain values, whatever the writer had to say.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.files.model import Model
    >>> Model("price", ["size"], 1.0, [2.0]).predict(np.array([[3.0]]))
    array([7.])
    """

    target: str
    features: list[str]
    intercept: float
    coef: list[float]
    fit: dict[str, Any] = field(default_factory=dict, repr=False)

    def predict(self, X: Array) -> Array:
        """Return ``X @ coef + intercept`` for the features in their order.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            The features; they are taken as they are.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            The predictions.

        Examples
        --------
        >>> import numpy as np
        >>> from fastgd.files.model import Model
        >>> Model("price", ["size"], 1.0, [2.0]).predict(np.array([[3.0], [4.0]]))
        array([7., 9.])
        """
        return X @ np.array(self.coef, dtype=np.float64) + self.intercept


def to_json(model: Model) -> dict[str, Any]:
    """Return the document of a model."""
    return {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **asdict(model)}


def save(model: Model, path: str | Path) -> None:
    """Write a model, after the checks that it will be read with.

    Parameters
    ----------
    model : Model
        What to write.
    path : str or pathlib.Path
        Where to.

    Raises
    ------
    ModelError
        If it could not be read again: names that are the same, numbers that are not finite.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from fastgd.files.model import Model, load, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Model("price", ["size"], 1.0, [2.0]), f"{folder}/model.json")
    ...     load(f"{folder}/model.json")
    Model(target='price', features=['size'], intercept=1.0, coef=[2.0])
    """
    document = to_json(model)
    check_model("the model", document)
    Path(path).write_text(format_json(document) + "\n", encoding="utf-8")


def name_features(features: list[str] | None, n_features: int) -> list[str]:
    """Return the names that columns go by in a file: their own, or x0, x1 and so on."""
    return [f"x{j}" for j in range(n_features)] if features is None else list(features)


def format_json(document: dict[str, Any], indent: int | None = 2) -> str:
    """Return a document as JSON, which has no NaN and no infinities."""
    return json.dumps(document, indent=indent, allow_nan=False)


def load(path: str | Path) -> Model:
    """Read a model, whatever has written it: a result, the estimator or ``fastgd fit``.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    Model
        What a prediction needs, and in `fit` what the writer had to say.

    Raises
    ------
    ModelError
        If the file is not such a document, of this version, whole and consistent.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile, fastgd
    >>> from fastgd.files.model import load
    >>> result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result.save(f"{folder}/model.json", target="price")
    ...     model = load(f"{folder}/model.json")
    >>> model.target, model.features, model.fit["reason"]
    ('price', ['x0'], 'gradient')
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # not JSON, not text, or nested too deeply
        raise ModelError(f"{path}: expected a model in JSON; {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ModelError(f'{path}: expected a JSON object with "schema": "{SCHEMA}"')
    version = document.get("schema_version")
    if type(version) is not int or version != SCHEMA_VERSION:
        raise ModelError(
            f"{path}: expected schema_version {SCHEMA_VERSION}; got {quote(version)}, which this version of fastgd "
            "cannot read"
        )
    return check_model(path, document)


def check_model(path: str | Path, document: dict[str, Any]) -> Model:
    """Return the model in a document, after a look at every part of it."""
    expected: dict[str, tuple[str, Callable[[Any], bool]]] = {
        "target": ("a text", is_text),
        "features": ("a list of texts", lambda value: is_list_of(value, is_text)),
        "intercept": ("a finite number", is_finite),
        "coef": ("a list of finite numbers", lambda value: is_list_of(value, is_finite)),
        "fit": ("an object", lambda value: isinstance(value, dict)),
    }
    document = {"fit": {}} | document
    for name, (kind, test) in expected.items():
        if not test(document.get(name)):
            raise ModelError(f"{path}: {name} must be {kind}; got {quote(document.get(name))}")
    model = Model(**{name: document[name] for name in expected})
    if not model.features or len({*model.features, model.target}) <= len(model.features):
        raise ModelError(
            f"{path}: features must be one or more different names without the target {quote(model.target)}; got "
            f"{quote(model.features)}"
        )
    if len(model.coef) != len(model.features):
        raise ModelError(
            f"{path}: coef must have one number for each of {len(model.features)} features; got {len(model.coef)}"
        )
    return model


def check_notes(path: str | Path, fit: dict[str, Any], kinds: dict[str, type], arrays: Sequence[str]) -> dict[str, Any]:
    """Return the notes that a result needs, after a look at each: values of these types, and arrays of numbers."""
    for name, kind in kinds.items():
        if type(fit.get(name)) is not kind:
            raise ModelError(
                f"{path}: fit.{name} must be of type {kind.__name__}; got {quote(fit.get(name))} "
                "(fastgd.files.model.load reads models without a result, as the estimator's and the command line's)"
            )
    for name in arrays:
        if not is_list_of(fit.get(name), is_finite) or len(fit[name]) != fit["epochs"]:
            raise ModelError(
                f"{path}: fit.{name} must be a list of finite numbers, one for each of {fit['epochs']} epochs; got "
                f"{quote(fit.get(name))}"
            )
    return {name: fit[name] for name in kinds} | {name: np.array(fit[name], dtype=np.float64) for name in arrays}


def is_list_of(value: Any, test: Callable[[Any], bool]) -> bool:
    """Tell whether a value is a list all of whose entries pass a test."""
    return isinstance(value, list) and all(map(test, value))


def is_text(value: Any) -> bool:
    """Tell whether a value is a text."""
    return isinstance(value, str)


def is_finite(value: Any) -> bool:
    """Tell whether a value is a finite number."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    except OverflowError:  # an int out of the range of float64
        return False
