"""Reading models: what is refused, and what the errors say."""

import json

import numpy as np
import pytest

from fastgd.model import SCHEMA, Model, ModelError, load, to_json


@pytest.fixture
def document():
    return to_json(Model("y", ["a", "b"], 0.5, [1.0, -2.0]), {})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.json"


def test_what_was_written_is_read(path, document):
    path.write_text(json.dumps(document))
    model = load(path)
    assert model == Model("y", ["a", "b"], 0.5, [1.0, -2.0])
    np.testing.assert_array_equal(model.predict(np.array([[1.0, 2.0]])), [-2.5])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"intercept": 10**400}, "intercept must be a finite number; got 1000"),
        ({"coef": [1.0, -(10**400)]}, "coef must be a list of finite numbers; got [1.0, -1000"),
        ({"coef": [1.0, float("nan")]}, "coef must be a list of finite numbers; got [1.0, nan]"),
        ({"intercept": True}, "intercept must be a finite number; got True"),
        ({"target": "x" * 100_000, "features": []}, "one or more different names without the target 'xxx"),
        ({"features": ["a", "a"]}, "one or more different names without the target 'y'; got ['a', 'a']"),
        ({"features": ["a", "y"]}, "one or more different names without the target 'y'; got ['a', 'y']"),
        ({"features": [], "coef": []}, "one or more different names without the target 'y'; got []"),
        ({"coef": [1.0]}, "coef must have one number for each of 2 features; got 1"),
        ({"schema_version": True}, "expected schema_version 1; got True"),
        ({"schema_version": 1.0}, "expected schema_version 1; got 1.0"),
        ({"schema_version": "9" * 100_000}, "expected schema_version 1; got '999"),
        ({"target": ["t" * 1000] * 1000}, "target must be a text; got ['ttt"),
    ],
)
def test_models_that_are_not_whole(path, document, change, message):
    path.write_text(json.dumps(document | change))
    with pytest.raises(ModelError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 400


def test_files_that_are_no_json(path):
    for content in ("[" * 200_000, '{"a":' * 200_000, "1" * 5000, "", "{", "\ufeff{}"):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ModelError, match="expected a model in JSON"):
            load(path)


def test_json_of_something_else(path):
    for content in ("[]", "null", "{}", '{"schema": ["x"]}'):
        path.write_text(content)
        with pytest.raises(ModelError, match=f'expected a JSON object with "schema": "{SCHEMA}"'):
            load(path)
