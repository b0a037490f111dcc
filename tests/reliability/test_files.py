"""A model file may hold anything: it is loaded as a model or refused, and no code in it ever runs."""

import json
import math
import pickle
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgd
from fastgd.files.model import Model, ModelError, load, make_document

MODEL = Model("y", ["a", "b"], 0.5, [1.0, -2.0], {"epochs": 7, "converged": True})
GOOD = make_document(MODEL)
TEXT = json.dumps(GOOD)
KEYS = list(GOOD)
NUMBERS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-1e400",
    "1" * 400,
    "9" * 5000,
    "1e-400",
    "0" * 9,
    "-0",
    "1.",
    "+1",
    "0x1",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(KEYS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=8,
)
limited = settings(max_examples=100, derandomize=True, deadline=timedelta(seconds=5))  # no example compiles: none fits


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("models") / "model.json"


@pytest.fixture(scope="module")
def saved_result(path):
    """Return the document of a saved result."""
    fastgd.gradient_descent([[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0], epochs=3).save(path)
    return json.loads(path.read_text())


def refused_or(read_file, path):
    """Return read_file(path), or None after a ModelError with a short message that names the file."""
    refused = ""
    try:
        return read_file(path)
    except ModelError as error:
        refused = str(error)
    assert refused.startswith(f"{path}: ")
    assert len(refused) < len(str(path)) + 1000
    return None


def read(path, content):
    """Write the bytes to a file and return the model that `load` makes of it, or None after a ModelError."""
    path.write_bytes(content)
    model = refused_or(load, path)
    if model is None:
        return None
    assert isinstance(model.target, str)
    assert all(isinstance(name, str) for name in model.features)
    assert len(model.features) == len(model.coef) == len(set(model.features) - {model.target})
    assert all(isinstance(number, int | float) and math.isfinite(number) for number in [model.intercept, *model.coef])
    return model


def test_the_original_document_loads(path):
    assert read(path, TEXT.encode()) == MODEL


@limited
@given(
    changes=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=2),
    deleted=st.sets(st.sampled_from(KEYS), max_size=2),
)
def test_a_document_without_a_part_is_refused(path, changes, deleted):
    document = {key: value for key, value in (GOOD | changes).items() if key not in deleted}
    model = read(path, json.dumps(document).encode())
    assert model is None or deleted <= {"fit"}


@limited
@given(changes=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=1), data=st.data())
def test_results_are_whole_or_refused(path, saved_result, changes, data):
    document = saved_result | changes
    if isinstance(document["fit"], dict):
        keys = st.sampled_from(sorted(document["fit"] or ["x"]))
        document["fit"] = document["fit"] | data.draw(st.dictionaries(keys, VALUES, max_size=2))
    path.write_text(json.dumps(document))
    loaded = refused_or(fastgd.DescentResult.load, path)
    if loaded is None:
        return
    for numbers in (loaded.weights, loaded.coef, loaded.cost_history, loaded.rates, loaded.predict([[0.0]])):
        assert numbers.dtype == float
        assert all(map(math.isfinite, numbers))
    assert len(loaded.cost_history) == len(loaded.rates) == loaded.epochs
    assert repr(loaded)


def test_whole_numbers_of_any_size_predict_as_floats(path):
    for number in ("3", "9" * 30, "-" + "9" * 300):
        model = read(path, TEXT.replace("1.0, -2.0", f"{number}, 0").encode())
        predicted = model.predict(np.array([[0.5, 1.0]]))
        assert predicted.dtype == float
        assert predicted == [0.5 * float(number) + 0.5]


@limited
@given(value=VALUES, depth=st.integers(0, 3))
def test_any_other_json_is_refused_even_with_a_model_inside(path, value, depth):
    for _ in range(depth):
        value = [value, GOOD]
    assert read(path, json.dumps(value).encode()) is None


@limited
@given(
    start=st.integers(0, len(TEXT)),
    length=st.integers(0, 40),
    put=st.binary(max_size=8) | st.sampled_from(NUMBERS).map(str.encode),
)
def test_a_document_with_replaced_bytes_is_loaded_or_refused(path, start, length, put):
    read(path, TEXT[:start].encode() + put + TEXT[start + length :].encode())


@limited
@given(content=st.binary(max_size=60) | st.text().map(lambda text: text.encode("utf-16")) | VALUES.map(pickle.dumps))
def test_bytes_that_are_not_json_are_refused(path, content):
    assert read(path, content) is None


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_that_are_not_finite_or_not_json_are_refused(path, number):
    for good in ("0.5", "-2.0", "1.0"):
        model = read(path, TEXT.replace(good, number, 1).encode())
        assert (model is None) == (number not in ("1e-400", "-0"))


@pytest.mark.parametrize("nest", ["[%s]", '{"fit": %s}', "[[], %s]"])
@pytest.mark.parametrize("depth", [10, 900, 1100, 100_000])
def test_deep_nesting_is_loaded_in_notes_and_refused_elsewhere(path, nest, depth):
    before, after = nest.split("%s")
    deep = before * depth + "1" + after * depth
    assert read(path, TEXT.replace("0.5", deep).encode()) is None
    model = read(path, TEXT.replace('{"epochs": 7, "converged": true}', deep).encode())
    assert (model is not None) == (nest.startswith("{") and depth < sys.getrecursionlimit() // 2) or 500 < depth < 2000


def test_the_last_of_equal_keys_counts_and_is_checked(path):
    assert read(path, (TEXT[:-1] + ', "intercept": 3.0}').encode()).intercept == 3.0
    assert read(path, (TEXT[:-1] + ', "intercept": "3.0"}').encode()) is None


class Planted:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_planted_pickle_is_not_opened(path, tmp_path, protocol):
    planted = pickle.dumps(Planted(tmp_path / "created"), protocol)
    for content in (
        planted,
        TEXT.encode() + planted,
        planted + TEXT.encode(),
        json.dumps(planted.decode("latin1")).encode(),
    ):
        assert read(path, content) is None
    assert not (tmp_path / "created").exists()
    pickle.loads(planted)  # shows that the test would notice
    assert (tmp_path / "created").exists()


def test_a_path_that_cannot_be_read_is_an_os_error(tmp_path):
    for unreadable in (tmp_path, tmp_path / "missing", tmp_path / "missing" / "model.json", tmp_path / ("x" * 5000)):
        with pytest.raises(OSError, match=r"."):
            load(unreadable)
