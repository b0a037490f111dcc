"""Save a fitted model as a JSON file, and load it."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from fastgd.files.json_text import read_json
from fastgd.files.writing import write_text
from fastgd.inputs.arrays import Array
from fastgd.inputs.words import printable, quote

SCHEMA = "fastgd.linear_model"
SCHEMA_VERSION = 1
TARGETS_VERSION = 2  # of a model with several targets
MOST_DEPTH = 20  # of lists and objects in each other
MOST_BYTES = 1 << 30  # of a file: enough for ten million features of 100 bytes each


class ModelError(ValueError):
    """A file does not hold a model of fastgd; the message says why.

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
    """A fitted linear model: the numbers and names that a prediction needs.

    Attributes
    ----------
    target : str, or list of str for several targets
        The name of the predicted column.
    features : list of str
        The names of the feature columns.
    intercept : float, or list of float for several targets
        The constant term.
    coef : list of float, or list of lists for several targets
        One coefficient for each feature; for several targets, a list for each feature with one coefficient for each.
    fit : dict
        Notes on the fit, as plain values; each kind of fit writes its own.
    levels : dict of list of str
        The levels of the columns of text, each of which is a feature of ones and zeros, such as ``town=Oslo``.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.files.model import Model
    >>> Model("price", ["size"], 1.0, [2.0]).predict(np.array([[3.0]]))
    array([7.])
    """

    target: Any
    features: list[str]
    intercept: Any
    coef: list[Any]
    fit: dict[str, Any] = field(default_factory=dict, repr=False)
    levels: dict[str, list[str]] = field(default_factory=dict, repr=False)

    @property
    def columns(self) -> list[str]:
        """The columns of a file that a prediction needs: the features, with each column of text once.

        Examples
        --------
        >>> from fastgd.files.model import Model
        >>> Model("y", ["a", "town=Oslo"], 1.0, [2.0, 3.0], levels={"town": ["Oslo"]}).columns
        ['a', 'town']
        """
        encoded = {feature: name for name, levels in self.levels.items() for feature in name_levels(name, levels)}
        return list(dict.fromkeys(encoded.get(name, name) for name in self.features))

    def predict(self, X: Array) -> Array:
        """Return ``X @ coef + intercept``.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            The features, in the order of `features`; they are not checked.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets), float64
            The predictions.

        Examples
        --------
        >>> import numpy as np
        >>> from fastgd.files.model import Model
        >>> Model("price", ["size"], 1.0, [2.0]).predict(np.array([[3.0], [4.0]]))
        array([7., 9.])
        """
        coef = np.array(self.coef, dtype=np.float64)
        # Threads of BLAS, which it uses for long products, would wait for more work on the processors that read files.
        products: Array = np.einsum("ij,j->i", X, coef) if coef.ndim == 1 else X @ coef
        return products + np.array(self.intercept, dtype=np.float64)


def make_document(model: Model) -> dict[str, Any]:
    """Return the JSON document of a model, as a dict."""
    version = TARGETS_VERSION if isinstance(model.target, list) else SCHEMA_VERSION
    document = {"schema": SCHEMA, "schema_version": version, **asdict(model)}
    if not model.levels:
        del document["levels"]
    return document


def save(model: Model, path: str | Path) -> None:
    """Write a model to a file, after the checks that `load` makes.

    Parameters
    ----------
    model : Model
        The model.
    path : str or pathlib.Path
        The file; an existing file is replaced once the new one is complete.

    Raises
    ------
    ModelError
        If `load` would refuse the model, because two names are equal or a number is not finite.
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
    document = make_document(model)
    check_model("the model", document)
    write_text(path, encode_json(document) + "\n")


def name_features(features: list[str] | None, n_features: int) -> list[str]:
    """Return the feature names that a file gets: the given names, or x0, x1, … for columns without names."""
    return [f"x{j}" for j in range(n_features)] if features is None else list(features)


def name_levels(name: str, levels: list[str]) -> list[str]:
    """Return the names of the features that a column of text is encoded as: one for each level, such as town=Oslo."""
    return [f"{name}={level}" for level in levels]


def name_targets(names: Any, n_targets: int) -> Any:
    """Return the name of one target, or a list of names; None makes "y", or "y0", "y1", … of several.

    Raises
    ------
    ValueError
        If there are several targets, and not one name for each.
    """
    if n_targets == 1:
        return "y" if names is None else names
    if names is None:
        return [f"y{k}" for k in range(n_targets)]
    if isinstance(names, str) or len(names) != n_targets:
        raise ValueError(f"target must be a list of {n_targets} names, one for each target; got {quote(names)}")
    return list(names)


def encode_json(document: dict[str, Any], indent: int | None = 2) -> str:
    """Return a document as JSON text; NaN and infinity, which JSON lacks, are errors."""
    return json.dumps(document, indent=indent, allow_nan=False)


def load(path: str | Path) -> Model:
    """Read a model that a result, the estimator or ``fastgd fit`` has saved.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    Model
        The model, with the notes of its fit.

    Raises
    ------
    ModelError
        If the file is not a model, has another schema version, lacks a part or contradicts itself.
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
    where = printable(path)
    try:
        document = read_json(path, MOST_BYTES)
    except ValueError as error:
        raise ModelError(f"{where}: expected a model in JSON; {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ModelError(f'{where}: expected a JSON object with "schema": "{SCHEMA}"')
    version = document.get("schema_version")
    if type(version) is not int or version not in (SCHEMA_VERSION, TARGETS_VERSION):
        raise ModelError(
            f"{where}: expected schema_version {SCHEMA_VERSION} or {TARGETS_VERSION}; got {quote(version)}, which this "
            "version of fastgd cannot read"
        )
    return check_model(where, document)


def check_model(where: str, document: dict[str, Any]) -> Model:
    """Return the model in a document, after a check of every part."""
    document = {"fit": {}, "levels": {}} | document
    names = document.get("target")
    several = len(names) if document.get("schema_version") == TARGETS_VERSION and isinstance(names, list) else 0
    expected: dict[str, tuple[str, Callable[[Any], bool]]] = {
        "target": ("a string", is_string),
        "features": ("a list of strings", lambda value: is_list_of(value, is_string)),
        "intercept": ("a finite number", is_finite),
        "coef": ("a list of finite numbers", lambda value: is_list_of(value, is_finite)),
        "fit": ("an object", lambda value: isinstance(value, dict)),
        "levels": ("an object of lists of strings", are_levels),
    }
    if document.get("schema_version") == TARGETS_VERSION:

        def are_names(value: Any) -> bool:
            return is_list_of(value, is_string) and several > 1

        def has_one_for_each(value: Any) -> bool:
            return is_list_of(value, is_finite) and len(value) == several

        expected["target"] = ("a list of two or more strings", are_names)
        numbers = "one finite number for each target"
        expected["intercept"] = (f"a list of {numbers}", has_one_for_each)
        expected["coef"] = (f"a list of lists of {numbers}", lambda value: is_list_of(value, has_one_for_each))
    for name, (kind, test) in expected.items():
        if not test(document.get(name)):
            raise ModelError(f"{where}: {name} must be {kind}; got {quote(document.get(name))}")
    check_values(where, "fit", document["fit"])
    model = Model(**{name: document[name] for name in expected})
    targets = model.target if isinstance(model.target, list) else [model.target]
    if not model.features or len({*model.features, *targets}) < len(model.features) + len(targets):
        without = f"the targets {quote(targets)}, which differ too" if several else f"the target {quote(model.target)}"
        raise ModelError(
            f"{where}: features must be one or more different names without {without}; got {quote(model.features)}"
        )
    if len(model.coef) != len(model.features):
        raise ModelError(
            f"{where}: coef must have one number for each of {len(model.features)} features; got {len(model.coef)}"
        )
    check_encoding(where, model)
    return model


def check_encoding(where: str, model: Model) -> None:
    """Refuse levels that are not those of the features, in their order: predictions would mix up the coefficients."""
    levels = model.levels
    encoded = [name_levels(name, levels[name]) if name in levels else [name] for name in model.columns]
    if [feature for features in encoded for feature in features] != model.features:
        raise ModelError(
            f"{where}: levels must give the features that end in =LEVEL, in their order; got {quote(levels)} for "
            f"{quote(model.features)}"
        )


def check_values(where: str, place: str, value: Any, depth: int = 0) -> None:
    """Refuse a NaN or an infinity, which JSON lacks and Python reads, among notes, and notes nested too deeply."""
    if depth > MOST_DEPTH:
        raise ModelError(f"{where}: {place} must not be nested more than {MOST_DEPTH} times")
    if isinstance(value, float) and not isfinite(value):
        raise ModelError(f"{where}: {place} must be a finite number; got {value}")
    if isinstance(value, dict):
        for name, part in value.items():
            check_values(where, f"{place}.{printable(name)}" if depth < 1 else place, part, depth + 1)
    elif isinstance(value, list):
        for part in value:
            check_values(where, place, part, depth + 1)


def is_list_of(value: Any, test: Callable[[Any], bool]) -> bool:
    """Return True if the value is a list and each of its entries passes the test."""
    return isinstance(value, list) and all(map(test, value))


def are_levels(value: Any) -> bool:
    """Return True for an object whose values are lists of strings."""
    return isinstance(value, dict) and all(is_list_of(levels, is_string) for levels in value.values())


def is_string(value: Any) -> bool:
    """Return True if the value is a string."""
    return isinstance(value, str)


def is_finite(value: Any) -> bool:
    """Return True if the value is a finite number."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    except OverflowError:  # an int beyond the range of float64
        return False
