"""Strategies for bad and odd argument values, and the checks that every call must pass."""

import datetime
import faulthandler
import re
import sys
import warnings
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import scipy.sparse
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import fastgd

NOT_FINITE = (np.nan, np.inf, -np.inf)
EXTREMES = (5e-324, 1e-310, 1e-200, 1e-154, 1e-140, 1e100, 1e140, 1e154, 1e200, 1e290, 1e308)
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=7)
POWERS = st.one_of(st.integers(-323, 308), st.integers(-3, 3))
SCALES = st.builds(lambda digits, power: float(f"{digits}e{power}"), st.sampled_from([1, -1, 7]), POWERS)
FLOATS = st.one_of(st.floats(), SCALES, st.sampled_from([0.0, -0.0, *NOT_FINITE, *EXTREMES]))
# No number between 600 and 10⁹: as a number of epochs it would be valid and slow.
WHOLE = st.one_of(st.integers(-3, 600), st.sampled_from([10**15, -(10**9), 2**63, -(2**64), 10**30, 10**400]))
TYPES = (
    arrays.integer_dtypes() | arrays.unsigned_integer_dtypes() | arrays.floating_dtypes() | arrays.boolean_dtypes()
    | arrays.complex_number_dtypes() | arrays.unicode_string_dtypes(max_len=3) | arrays.byte_string_dtypes(max_len=3)
    | arrays.datetime64_dtypes() | arrays.timedelta64_dtypes()
)  # fmt: skip
OTHERS = [
    None, True, False, np.True_, "", "random", "auto", "qr", "7", b"7", 1j, np.complex64(2), object(), {}, {"a": 1},
    set(), (), [], [[]], [None], [[1.0, 2.0], [3.0]], [[[1.0]], 2.0], ["a", 1], [1, 10**400, 0.5], range(4), slice(3),
    Ellipsis, NotImplemented, datetime.date(2020, 1, 1), Decimal("NaN"), [Decimal("sNaN")] * 5, Decimal("1e400"),
    Fraction(1, 3), Fraction(10**400), np.datetime64("NaT", "s"), np.float16(0.5), np.longdouble("1e4000"),
    np.array(0.5), np.array(3), np.array([3]), np.array("auto"), np.str_("auto"), np.array(None), np.zeros(4, "f8,i4"),
    np.zeros((4, 2), object), np.void(b"ab"), np.ma.array([1.0, 2.0, 3.0, 4.0], mask=[0, 1, 0, 0]), np.ma.masked,
    np.random.default_rng(0), np.random.RandomState(0), scipy.sparse.csr_array(np.eye(4, 2)),
    scipy.sparse.coo_matrix(np.eye(4, 2)), np.array([0.1, None], object), np.array([1j, 2], object),
    np.array(["a", "b"], np.dtypes.StringDType()), sys, fastgd.Compressor(),
]  # fmt: skip
VALUES = st.one_of(
    FLOATS, WHOLE, st.sampled_from(OTHERS), st.text(max_size=5), st.lists(FLOATS, max_size=7),
    st.builds(lambda n: (float(k) for k in range(n)), st.integers(0, 4)),
    st.builds(np.int64, st.integers(-3, 600)),
    SHAPES.flatmap(lambda shape: arrays.arrays(TYPES, shape)),
    SHAPES.flatmap(lambda shape: arrays.arrays(float, shape)),
    SHAPES.flatmap(lambda shape: SCALES.map(lambda scale: np.full(shape, scale))),
)  # fmt: skip


def snapshot(value):
    """Return everything about a value that a call must not change: bits, shape, type, layout and flags, or its repr."""
    if isinstance(value, np.ndarray) and value is not np.ma.masked:
        return value.tobytes(), value.shape, value.dtype, value.strides, str(value.flags)
    return repr(value) if isinstance(value, list | dict | tuple | set) else None


@contextmanager
def within(seconds):
    """End the process with a traceback after this many seconds: a hang in C cannot be interrupted in another way."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def numbers_of(result):
    """Yield all arrays and floats of the result of a call."""
    if is_dataclass(result):
        result = tuple(getattr(result, field.name) for field in fields(result))
    for part in result if isinstance(result, tuple) else (result,):
        if isinstance(part, np.ndarray | float):
            yield np.asarray(part)


def call(function, arguments, blamed):
    """Return the result, checked to be finite, or None after an error that names one of the blamed arguments."""
    before = {name: snapshot(value) for name, value in arguments.items()}
    result = refused = None
    with warnings.catch_warnings(), within(60):
        warnings.simplefilter("error")
        for allowed in (fastgd.DivergenceWarning, fastgd.ConvergenceWarning):
            warnings.simplefilter("ignore", allowed)
        try:
            result = function(**arguments)
        except (ValueError, TypeError) as error:
            refused = error
    if refused is not None:
        named = [
            name for name in blamed if re.search(rf"\b{name}\b", str(refused).replace("a Compressor", "compressor"))
        ]
        assert named, f"{refused!r} names none of {blamed}"
    assert {name: snapshot(value) for name, value in arguments.items()} == before
    for numbers in numbers_of(result):
        assert numbers.dtype == np.float64
        assert np.isfinite(numbers).all(), result
    return result
