"""Pictures: the data that is drawn, not the pixels."""

import numpy as np
import pytest

import fastgd

pytest.importorskip("matplotlib", reason="matplotlib is an extra")
from matplotlib import pyplot

from fastgd import plots


@pytest.fixture
def result():
    return fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


def test_cost_history_draws_every_cost(result):
    ax = plots.cost_history(result)
    epochs, costs = ax.lines[0].get_data()
    np.testing.assert_array_equal(epochs, np.arange(result.epochs))
    np.testing.assert_array_equal(costs, result.cost_history)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "cost J", "log")


def test_cost_history_draws_where_it_is_told(result):
    _, ax = pyplot.subplots()
    assert plots.cost_history(result, ax=ax, label="mine") is ax
    assert plots.cost_history(result, ax=ax) is ax
    assert [line.get_label() for line in ax.lines] == ["mine", f"{result.backend}: {result.reason}"]
    assert len(pyplot.get_fignums()) == 1


@pytest.mark.parametrize("name", ["curve.xyz", "curve", "missing/curve.png"])
def test_a_picture_that_cannot_be_saved_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="--plot must"):
        plots.check_picture(tmp_path / name)


def test_a_picture_that_can_be_saved(tmp_path):
    assert plots.check_picture(tmp_path / "curve.PNG") == tmp_path / "curve.PNG"
