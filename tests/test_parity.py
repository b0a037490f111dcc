"""Every backend gives the answer of the Python loop on every problem."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from parity import assert_parity
from problems import PROBLEMS

from fastgd import backends


@pytest.mark.parametrize("intercepts", [1, 0], ids=["intercept", "no intercept"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_parity_on_named_problems(backend, name, intercepts):
    assert_parity(backend, *PROBLEMS[name](), intercepts)


@st.composite
def small_problems(draw):
    """Draw (X, y), with values that repeat, cancel and differ by orders of magnitude."""
    shape = draw(st.integers(1, 20)), draw(st.integers(1, 9))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    values = st.floats(-1000, 1000, width=32, allow_subnormal=False)
    X = draw(arrays(dtype, shape, elements=values))
    y = draw(arrays(np.float64, shape[0], elements=values))
    return np.array(X, order=draw(st.sampled_from("CF"))), y


@pytest.mark.parametrize("name", [name for name in backends.available() if name != "python"])
@settings(deadline=None, max_examples=150)
@given(problem=small_problems(), intercepts=st.integers(0, 1))
def test_parity_on_drawn_problems(name, problem, intercepts):
    assert_parity(name, *problem, intercepts)
