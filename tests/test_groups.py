"""One fit for each group: that of `gradient_descent` on the rows of the group, however it was found."""

import warnings

import numpy as np
import pytest
from problems import PROBLEMS

import fastgd
from fastgd.descent import groups as front
from fastgd.inputs.labels import count_integers, find_groups, order_by_group
from fastgd.problem import group_fits, group_rows

EPSILON = np.finfo(np.float64).eps
either_intercept = pytest.mark.parametrize("fit_intercept", [True, False], ids=["intercept", "none"])
either_alpha = pytest.mark.parametrize("alpha", [0.0, 0.3], ids=["plain", "ridge"])


def make_groups(n_groups, most_rows, n_features, seed=0):
    """Return X, y and shuffled labels of groups of 1 to `most_rows` rows."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(n_groups) * 3 - 5, generator.integers(1, most_rows + 1, n_groups))
    generator.shuffle(labels)
    X = generator.standard_normal((len(labels), n_features))
    slopes = generator.standard_normal((n_groups, n_features))
    y = np.einsum("ij,ij->i", X, slopes[(labels + 5) // 3]) + labels + generator.standard_normal(len(labels))
    return X, y, labels


def fit_quietly(fit, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastgd.ConvergenceWarning)
        return fit(*arguments, **options)


def assert_each_is_a_descent(X, y, groups, sample_weight=None, rtol=1e-9, **options):
    """Assert that each group has the fit that `gradient_descent` finds on its rows; return the result."""
    result = fit_quietly(fastgd.fit_groups, X, y, groups, sample_weight=sample_weight, **options)
    np.testing.assert_array_equal(result.groups, np.unique(groups))
    for i, label in enumerate(result.groups):
        rows = groups == label
        weights = None if sample_weight is None else sample_weight[rows]
        alone = fit_quietly(fastgd.gradient_descent, X[rows], y[rows], sample_weight=weights, **options)
        assert result.n_samples[i] == rows.sum()
        assert result.converged[i] == alone.converged, label
        counted = X[rows] if weights is None else X[rows][weights > 0]
        size, terms = np.abs(y[rows]).max(), np.abs(counted) @ np.abs(alone.coef) + np.abs(alone.intercept)
        scales = np.where(counted.std(axis=0) > 0, counted.std(axis=0), 1.0)
        atol = (rtol * np.abs(alone.coef * scales).max(initial=0.0) + EPSILON * size) / scales
        assert (np.abs(result.coef[i] - alone.coef) <= atol).all(), label
        error = np.abs(counted @ result.coef[i] + result.intercept[i] - alone.predict(counted))
        assert (error <= rtol * size + 4 * EPSILON * terms).all(), label
        penalty = options.get("alpha", 0.0) * (alone.coef @ alone.coef)  # J without it is not flat at the minimum
        assert abs(result.cost[i] - alone.cost) <= rtol * (alone.cost + penalty) + 4 * EPSILON * size**2
        if alone.r_squared is None:
            assert np.isnan(result.r_squared[i])
        else:
            assert abs(result.r_squared[i] - alone.r_squared) <= rtol * max(1, abs(alone.r_squared))
    return result


@either_alpha
@either_intercept
def test_groups_of_all_sizes(fit_intercept, alpha):
    X, y, labels = make_groups(60, 40, 4)
    assert_each_is_a_descent(X, y, labels, fit_intercept=fit_intercept, alpha=alpha)


@either_alpha
@either_intercept
def test_weights_of_rows(fit_intercept, alpha):
    X, y, labels = make_groups(40, 30, 3, seed=1)
    weights = np.random.default_rng(2).integers(0, 3, len(y)) + (np.arange(len(y)) % 7 == 0) * 1.5
    weights[np.unique(labels, return_index=True)[1]] = 2.0  # no group without weight
    X[weights == 0] *= 1e6  # has no influence
    assert_each_is_a_descent(X, y, labels, weights, fit_intercept=fit_intercept, alpha=alpha)


def test_a_weight_counts_a_row_so_often():
    X, y, labels = make_groups(10, 20, 2, seed=3)
    counts = np.arange(len(y)) % 3 + 1
    weighted = fastgd.fit_groups(X, y, labels, sample_weight=counts)
    repeated = fastgd.fit_groups(np.repeat(X, counts, axis=0), np.repeat(y, counts), np.repeat(labels, counts))
    np.testing.assert_allclose(weighted.weights, repeated.weights, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(weighted.cost, repeated.cost, rtol=1e-9, atol=1e-20)


@either_alpha
@either_intercept
@pytest.mark.parametrize("name", PROBLEMS)
def test_awkward_problems_as_groups(name, fit_intercept, alpha):
    X, y = PROBLEMS[name]()
    twice = np.concatenate([X, X[::-1]]), np.concatenate([y, y[::-1] + 1.0])
    labels = np.repeat(["one", "two"], len(y))
    assert_each_is_a_descent(*twice, labels, fit_intercept=fit_intercept, alpha=alpha, rtol=1e-8)


@either_alpha
@either_intercept
def test_awkward_columns(fit_intercept, alpha):
    """Each group has another kind of columns."""
    X, y, labels = make_groups(140, 25, 4, seed=4)
    kind = (labels + 5) // 3 % 14
    X[kind == 1, 1] = 0.1  # constant, and not exactly in binary
    X[kind == 2] = 7.0
    X[kind == 3, 2] = X[kind == 3, 0] - 2 * X[kind == 3, 1]
    X[kind == 4, 0] += 1e5
    X[kind == 5, 0] += 1e9  # so far from zero that the descent does not converge
    X[kind == 6, 3] = X[kind == 6, 0] + 1e-4 * X[kind == 6, 1]
    X[kind == 7, 3] = X[kind == 7, 0] + 1e-9 * X[kind == 7, 1]
    X[kind == 8] *= [1e-6, 1.0, 1e6, 1e3]
    y[kind == 9] = 0.3  # constant, and not exactly in binary
    y[kind == 10] = X[kind == 10] @ [1.0, 2.0, 3.0, 4.0] + 5.0  # no residuals
    X[kind == 11] = (labels[kind == 11] % 2)[:, np.newaxis]
    X[kind == 12] = np.round(X[kind == 12])
    y[kind == 13] = 0.0
    result = assert_each_is_a_descent(X, y, labels, fit_intercept=fit_intercept, alpha=alpha, rtol=1e-8)
    assert result.converged[kind[np.searchsorted(labels, result.groups, sorter=np.argsort(labels))] == 0].all()


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 3), (2, 1), (3, 5), (5, 5), (6, 5), (4, 70), (80, 70), (5000, 2), (140_000, 1)]
)
@either_intercept
def test_shapes(shape, fit_intercept):
    generator = np.random.default_rng(5)
    X, y = generator.standard_normal((3 * shape[0], shape[1])), generator.standard_normal(3 * shape[0])
    assert_each_is_a_descent(X, y, np.tile(np.arange(3), shape[0]), fit_intercept=fit_intercept)


def test_storage_of_the_rows_does_not_matter():
    X, y, labels = make_groups(30, 30, 3, seed=6)
    X = X.astype(np.float32)
    expected = fastgd.fit_groups(X.astype(np.float64), y, labels)
    for array in (X, np.asfortranarray(X), X[::-1][::-1], X.astype(">f4")):
        np.testing.assert_array_equal(fastgd.fit_groups(array, y, labels).weights, expected.weights)


def test_the_order_of_the_rows_hardly_matters():
    X, y, labels = make_groups(50, 30, 3, seed=7)
    order = np.argsort(labels, kind="stable")
    one, two = fastgd.fit_groups(X, y, labels), fastgd.fit_groups(X[order], y[order], labels[order])
    np.testing.assert_array_equal(one.weights, two.weights)
    np.testing.assert_array_equal(one.cost, two.cost)


def test_inputs_stay_as_they_are():
    X, y, labels = make_groups(20, 10, 2, seed=8)
    copies = X.copy(), y.copy(), labels.copy()
    for array in (X, y, labels):
        array.flags.writeable = False
    fit_quietly(fastgd.fit_groups, X, y, labels, alpha=0.1, sample_weight=np.ones(len(y)))
    for array, copy in zip((X, y, labels), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@either_intercept
def test_several_targets(fit_intercept):
    X, y, labels = make_groups(30, 20, 3, seed=9)
    Y = np.column_stack([y, y**2, np.where(labels % 2, 1.0, y)])
    result = fastgd.fit_groups(X, Y, labels, fit_intercept=fit_intercept)
    assert result.weights.shape == (30, 3 + fit_intercept, 3)
    assert result.coef.shape == (30, 3, 3)
    assert result.predict(X, labels).shape == Y.shape
    for target in range(3):
        alone = fastgd.fit_groups(X, Y[:, target], labels, fit_intercept=fit_intercept)
        for name in ("weights", "coef", "intercept", "cost", "r_squared"):
            many, one = getattr(result, name)[..., target], getattr(alone, name)
            np.testing.assert_allclose(many, one, rtol=1e-8, atol=1e-9, err_msg=name)
        np.testing.assert_allclose(result.predict(X, labels)[:, target], alone.predict(X, labels), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("form", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2], lambda a: a[::-1][::-1]])
def test_targets_and_weights_may_lie_anywhere_in_memory(form):
    X, y, labels = make_groups(30, 20, 3, seed=9)
    Y, weights = np.column_stack([y, y**2]), np.random.default_rng(0).uniform(1, 2, len(y))
    expected = fastgd.fit_groups(X, Y, labels, sample_weight=weights)
    result = fastgd.fit_groups(form(X), form(Y), labels, sample_weight=form(weights))
    np.testing.assert_array_equal(result.weights, expected.weights)


def test_frames_name_the_targets():
    pandas = pytest.importorskip("pandas")
    X, y, labels = make_groups(8, 20, 2, seed=17)
    Y = np.column_stack([y, y**2])
    result = fastgd.fit_groups(X, pandas.DataFrame(Y, columns=["price", "square"]), labels)
    assert result.target == ["price", "square"]
    np.testing.assert_array_equal(result.weights, fastgd.fit_groups(X, Y, labels).weights)


def test_one_column_of_targets_is_one_target():
    X, y, labels = make_groups(5, 20, 2)
    column, flat = fastgd.fit_groups(X, y[:, np.newaxis], labels), fastgd.fit_groups(X, y, labels)
    np.testing.assert_array_equal(column.weights, flat.weights)
    assert column.cost.shape == (5,)


def test_few_groups_need_a_descent_of_their_own(monkeypatch):
    """Ordinary, wide, rank-deficient and one-hot groups are fitted at once; only then is the function fast."""

    def refuse(rows, group, labels, *rest):
        raise AssertionError(f"group {labels[group]} was fitted alone")

    monkeypatch.setattr(front, "fit_alone", refuse)
    generator = np.random.default_rng(10)
    for rows, columns in ((50, 5), (3, 5), (5, 5), (6, 5), (1, 2), (200, 20)):
        X, y = generator.standard_normal((100 * rows, columns)), generator.standard_normal(100 * rows)
        labels = np.tile(np.arange(100), rows)
        fastgd.fit_groups(X, y, labels)
        X[:, 0] = labels  # constant in each group
        fastgd.fit_groups(X, y, labels)
        X = np.eye(columns)[generator.integers(columns, size=len(y))]
        fastgd.fit_groups(X, y, labels)


def test_doubtful_groups_do_not_count(monkeypatch):
    """What the moments lose must be found in another way: with the bounds taken away, the answers are wrong."""
    generator = np.random.default_rng(12)
    X, labels = generator.standard_normal((400, 3)), np.repeat(np.arange(4), 100)
    X[:, 2] = X[:, 0] + X[:, 1] + 1e-6 * X[:, 2]
    y = X @ [1.0, 2.0, 3.0] + generator.standard_normal(400)
    assert_each_is_a_descent(X, y, labels)
    monkeypatch.setattr(group_fits, "LARGEST_CONDITION", 1e12)
    with pytest.raises(AssertionError):
        assert_each_is_a_descent(X, y, labels)


def test_one_warning_names_the_groups():
    X, y, labels = make_groups(30, 20, 2, seed=13)
    rows = labels > 60
    X[rows] = 1e15 + np.round(X[rows] * 3)
    y[rows] = np.random.default_rng(0).standard_normal(rows.sum())
    with pytest.warns(fastgd.ConvergenceWarning, match=r"not converged: \d+ groups? \(") as caught:
        result = fastgd.fit_groups(X, y, labels)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "out of 30 groups" in str(caught[0].message)
    assert not result.converged.all()
    assert result.converged[result.groups <= 60].all()
    assert repr(int(result.groups[~result.converged][0])) in str(caught[0].message)


# ---------------------------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    "labels",
    [
        ["b", "a", "b", "c"],
        np.array(["b", "a", "b", "c"], dtype=object),
        [3, -1, 3, 2],
        np.array([200, 3, 200, 255], dtype=np.uint8),
        np.array([-128, 127, -128, 0], dtype=np.int8),
        np.array([2**64 - 1, 0, 2**64 - 1, 5], dtype=np.uint64),
        np.array([-(2**63), 2**63 - 1, -(2**63), 0]),
        [0.5, 0.25, 0.5, 0.75],
        [True, False, True, True],
        np.array(["2024-03-01", "2024-01-01", "2024-03-01", "2024-02-01"], dtype="datetime64[D]"),
        [b"b", b"a", b"b", b"c"],
    ],
    ids=lambda labels: f"{type(labels).__module__}-{getattr(labels, 'dtype', type(labels[0]).__name__)}",
)
def test_labels_of_any_kind(labels):
    expected, codes = np.unique(np.asarray(labels), return_inverse=True)
    X, y = [[0.0], [1.0], [1.0], [2.0]], [1.0, 3.0, 3.0, 5.0]
    result = fastgd.fit_groups(X, y, labels)
    np.testing.assert_array_equal(result.groups, expected)
    np.testing.assert_array_equal(result.n_samples, np.bincount(codes))
    np.testing.assert_allclose(result.predict(X, labels), y, rtol=1e-12)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_labels_in_a_series(library):
    library, texts = pytest.importorskip(library), ["b", "a", "b", "c"]
    if library.__name__ == "pandas":
        days = library.Series(library.to_datetime(["2024-03-01", "2024-01-01", "2024-03-01", "2024-02-01"]))
        kinds = [library.Series(texts, dtype=dtype) for dtype in ("category", "string", object)] + [days]
        kinds.append(library.Categorical(texts, categories=["c", "b", "a", "unused"]))
        missing = library.Series(["a", None, "b", "b"], dtype="string")
    else:
        kinds = [library.Series(texts), library.Series(texts, dtype=library.Categorical), library.Series([3, 1, 3, 2])]
        missing = library.Series(["a", None, "b", "b"])
    for labels in kinds:
        result = fastgd.fit_groups([[0.0], [1.0], [1.0], [2.0]], [1.0, 3.0, 3.0, 5.0], labels)
        np.testing.assert_array_equal(result.groups, np.unique(np.asarray(labels)))
        np.testing.assert_allclose(result.predict([[0.0], [1.0], [1.0], [2.0]], labels), [1.0, 3.0, 3.0, 5.0])
    with pytest.raises(ValueError, match=r"groups must have a label in every row; got .* at row 1"):
        fastgd.fit_groups([[0.0], [1.0], [1.0], [2.0]], [1.0, 3.0, 3.0, 5.0], missing)


@pytest.mark.parametrize("repeats", [1, 5], ids=["scattered", "runs"])
def test_labels_as_numpy_finds_them(repeats):
    generator = np.random.default_rng(14)
    for high in (3, 1000, 10**12):
        numbers = np.repeat(generator.integers(-high, high, 500), repeats)
        for array in (numbers, numbers.astype(np.float64), numbers.astype(str), numbers.astype(str).astype(object)):
            for got, expected in zip(
                find_groups(array, len(array)), np.unique(array, return_inverse=True), strict=True
            ):
                np.testing.assert_array_equal(got, expected)


def test_integers_are_counted_over_the_whole_range_of_their_type():
    for dtype in (np.int8, np.uint8, np.int64, np.uint64):
        least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
        for array in (np.array([most, most - 1, most], dtype=dtype), np.array([least + 2, least], dtype=dtype)):
            got = count_integers(array, int(array.min()), int(array.max()))
            for one, two in zip(got, np.unique(array, return_inverse=True), strict=True):
                np.testing.assert_array_equal(one, two)


def test_the_order_of_many_groups():
    codes = np.random.default_rng(15).integers(0, 200_000, 100_000)
    np.testing.assert_array_equal(order_by_group(codes, 200_000), np.argsort(codes, kind="stable"))
    assert order_by_group(np.sort(codes), 200_000) is None


def test_batches_have_each_group_once():
    counts = np.random.default_rng(16).integers(1, 500, 1000)
    batches = list(group_rows.make_batches(counts, 4, 2000))
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(1000))
    for batch in batches:
        assert counts[batch].max() <= 1.25 * counts[batch].min()
        assert len(batch) == 1 or 4 * len(batch) * counts[batch].max() <= 1.25 * 2000


# --------------------------------------------------------------------------------------------------------- moments


def make_rows(n_features, n_targets=1, weighted=False, order="C", dtype=np.float64, sort=False):
    """Return rows of groups of 1 to 30 rows, far from zero in the first column."""
    X, y, labels = make_groups(40, 30, n_features, seed=18)
    X[:, 0] += 1e4
    Y = np.column_stack([y * (target + 1) + target for target in range(n_targets)])
    weights = np.random.default_rng(19).random(len(y)) if weighted else None
    X = np.asarray(X, dtype=dtype, order=order)
    _, codes = find_groups(labels, len(y))
    return group_rows.sort_rows(X, Y, weights, np.sort(codes) if sort else codes, 40)


def assert_moments(got, rows, rtol=1e-12):
    """Assert that these are the moments of all groups, by sums in long doubles."""
    for group in range(len(rows.counts)):
        X, Y, weights = rows.pick(group)
        Z = np.concatenate([X, Y], axis=1).astype(np.longdouble)
        shares = np.ones(len(Z)) if weights is None else weights.astype(np.longdouble)
        shares = shares / shares.sum()
        centred = Z - shares @ Z
        products = (centred * shares[:, np.newaxis]).T @ centred
        p, scales = X.shape[1], np.sqrt(products.diagonal()) + 1e-7  # digits of a column at 1e4 that is constant
        np.testing.assert_allclose(got.means[group], shares @ Z, rtol=rtol, atol=rtol)
        error = (got.products[group] - products[:p]) / scales[:p, np.newaxis] / scales
        assert np.abs(error).max() <= rtol
        np.testing.assert_allclose(got.squares[group], products.diagonal()[p:], rtol=rtol, atol=1e-30)


MOMENTS = ("means", "products", "squares")
FORMS = [
    {},
    {"sort": True},
    {"weighted": True},
    {"order": "F"},
    {"dtype": np.float32, "n_targets": 3},
    {"dtype": np.float32, "order": "F", "weighted": True, "sort": True},
]


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("n_features", [1, 2, 5, 30])
def test_moments_by_blocks_and_by_the_kernel(n_features, form):
    rows = make_rows(n_features, **form)
    for sum_up in (group_rows.sum_groups_by_blocks, group_rows.sum_groups):
        assert_moments(sum_up(rows, np.arange(40)), rows)
        backwards = sum_up(rows, np.arange(40)[::-1])
        np.testing.assert_array_equal(backwards.means[::-1], sum_up(rows, np.arange(40)).means)


def test_the_kernel_takes_part(monkeypatch):
    """The two ways have other sums, so that a test of both is one of both."""
    cython = pytest.importorskip("fastgd.backends.cython")
    rows, calls = make_rows(4), []
    monkeypatch.setattr(cython, "sum_groups", lambda *rest, real=cython.sum_groups: calls.append(1) or real(*rest))
    monkeypatch.setattr("fastgd.backends.load", lambda name: cython)
    group_rows.sum_groups(rows, np.arange(40))
    assert calls == [1]
    group_rows.sum_groups(make_rows(group_rows.MOST_COMPILED), np.arange(40))
    assert calls == [1]


@either_intercept
def test_without_the_kernel(monkeypatch, fit_intercept):
    X, y, labels = make_groups(30, 30, 4, seed=20)
    compiled = fastgd.fit_groups(X, y, labels, fit_intercept=fit_intercept)
    monkeypatch.setattr(group_rows, "MOST_COMPILED", 0)
    plain = fastgd.fit_groups(X, y, labels, fit_intercept=fit_intercept)
    np.testing.assert_allclose(plain.weights, compiled.weights, rtol=1e-10, atol=1e-10)
    np.testing.assert_array_equal(plain.converged, compiled.converged)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_moments_of_large_groups_come_from_pieces(monkeypatch, form):
    rows = make_rows(3, **form)
    whole = group_rows.sum_groups(rows, np.arange(40))
    monkeypatch.setattr(group_rows, "PIECE_ROWS", 7)
    for compiled in (group_rows.MOST_COMPILED, 0):
        monkeypatch.setattr(group_rows, "MOST_COMPILED", compiled)
        pieces = group_rows.sum_groups(rows, np.arange(40)[::-1])
        assert_moments(group_rows.GroupMoments(*(getattr(pieces, name)[::-1] for name in MOMENTS)), rows)
        for name in MOMENTS:
            got, expected = getattr(pieces, name)[::-1], getattr(whole, name)
            np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-9)


def test_pieces_without_weight_do_not_count():
    X, y, labels = make_groups(3, 4000, 2, seed=21)
    weights = (np.arange(len(y)) % 2000 < 700) * 1.0
    assert_each_is_a_descent(X, y, labels, np.where(labels == labels[0], weights, 1.0))
    order = np.argsort(labels, kind="stable")
    assert_each_is_a_descent(X[order], y[order], labels[order], weights)


@pytest.mark.parametrize("by_blocks", [False, True], ids=["kernel", "blocks"])
def test_columns_whose_squares_vanish_are_marked(by_blocks):
    X, Y = np.ones((8, 2)), np.arange(8.0)[:, np.newaxis]
    X[4:, 1] = [1e-170, 2e-170, 0.0, 0.0]
    rows = group_rows.sort_rows(X, Y, None, np.arange(8) // 4, 2)
    sum_up = group_rows.sum_groups_by_blocks if by_blocks else group_rows.sum_groups
    np.testing.assert_array_equal(np.isnan(sum_up(rows, np.arange(2)).squares[:, 0]), [False, True])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Y": np.ones((7, 1))}, "same number of rows"),
        ({"weights": np.ones(9)}, "same number of rows"),
        ({"X": np.ones((8, 0))}, "one column at least"),
        ({"order": np.arange(7)}, "order must have one entry"),
        ({"order": np.append(np.arange(7), 8)}, "order must have rows of X"),
        ({"order": np.append(np.arange(7), -1)}, "order must have rows of X"),
        ({"starts": np.array([0, 5])}, "must lie within"),
        ({"starts": np.array([-1, 4])}, "must lie within"),
        ({"counts": np.array([0, 4])}, "must lie within"),
        ({"counts": np.array([4, 2**62])}, "must lie within"),
        ({"counts": np.array([4])}, "one entry for each group"),
        ({"totals": np.ones(3)}, "one entry for each group"),
        ({"block": np.empty((4, 4))}, "block must have room"),
        ({"block": np.empty((5, 3))}, "block must have room"),
        ({"means": np.empty((2, 2))}, "must have the shapes"),
        ({"products": np.empty((2, 2, 2))}, "must have the shapes"),
        ({"squares": np.empty((1, 1))}, "must have the shapes"),
    ],
    ids=str,
)
def test_the_kernel_refuses_what_it_could_not_trust(change, message):
    kernel = pytest.importorskip("fastgd.backends._kernel")
    arguments = {
        "X": np.ones((8, 2)),
        "Y": np.ones((8, 1)),
        "weights": None,
        "order": np.arange(8),
        "starts": np.array([0, 4]),
        "counts": np.array([4, 4]),
        "totals": np.array([4.0, 4.0]),
        "smallest": 1e-280,
        "block": np.empty((5, 4)),
        "means": np.empty((2, 3)),
        "products": np.empty((2, 2, 3)),
        "squares": np.empty((2, 1)),
    }
    kernel.sum_groups(*arguments.values())
    with pytest.raises(ValueError, match=message):
        kernel.sum_groups(*(arguments | change).values())


# --------------------------------------------------------------------------------------------------------- predict


def test_predictions_and_names():
    pandas = pytest.importorskip("pandas")
    X, y, labels = make_groups(8, 20, 2, seed=17)
    frame = pandas.DataFrame(X, columns=["size", "age"])
    result = fastgd.fit_groups(frame, pandas.Series(y, name="price"), pandas.Series(labels))
    assert (result.features, result.target) == (["size", "age"], "price")
    expected = np.einsum("ij,ij->i", X, result.coef[np.searchsorted(result.groups, labels)])
    expected += result.intercept[np.searchsorted(result.groups, labels)]
    np.testing.assert_allclose(result.predict(frame, labels), expected, rtol=1e-12)
    with pytest.raises(ValueError, match="X must have the columns of the fit"):
        result.predict(frame[["age", "size"]], labels)
    with pytest.raises(ValueError, match=r"groups must have labels of the fit; got 99"):
        result.predict(X[:2], [int(labels[0]), 99])
    with pytest.raises(ValueError, match=r"groups must have shape \(2,\)"):
        result.predict(X[:2], labels[:3])
    with pytest.raises(ValueError, match="X must have 2 columns"):
        result.predict(X[:2, :1], labels[:2])
    assert repr(result) == f"<GroupResult: 8 groups, {result.converged.sum()} converged, 3 weights each>"


def test_predictions_out_of_range_are_refused():
    result = fastgd.fit_groups([[0.0], [1.0]], [0.0, 10.0], [1, 1])
    with pytest.raises(ValueError, match="X must have predictions in the range of float64; row 1"):
        result.predict([[1.0], [1e308]], [1, 1])


def test_dates_of_another_unit_are_the_same_dates():
    days = np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]")
    result = fastgd.fit_groups([[1.0], [1.0]], [1.0, 2.0], days)
    np.testing.assert_allclose(result.predict([[1.0], [1.0]], days[::-1].astype("datetime64[ns]")), [2.0, 1.0])
    with pytest.raises(ValueError, match="groups must have labels of the fit"):
        result.predict([[1.0]], np.array(["2024-01-01T12"], dtype="datetime64[h]"))


# ------------------------------------------------------------------------------------------------------- the door


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"groups": ["a", "a", "b"]}, ValueError, r"groups must have shape \(4,\), one label for each row; got .*3"),
        ({"groups": [["a"], ["a"], ["b"], ["b"]]}, ValueError, r"groups must have shape \(4,\)"),
        ({"groups": ["a", None, "b", "b"]}, ValueError, r"groups must have a label in every row; got None at row 1"),
        ({"groups": ["a", np.nan, "b", "b"]}, ValueError, r"a label in every row; got nan at row 1"),
        ({"groups": ["1", 1, "a", "a"]}, TypeError, "compared with each other"),
        ({"groups": [1.0, 2.0, 1.0, np.nan]}, ValueError, r"a label in every row; got .*nan.* at row 3"),
        ({"groups": np.array(["2024", "NaT"] * 2, "M8[D]")}, ValueError, "a label in every row; got .*NaT.* at row 1"),
        ({"groups": np.ma.array([1, 2, 1, 2], mask=[0, 0, 0, 1])}, ValueError, "groups must not have masked values"),
        ({"groups": np.array([1, "a", 1, 1], dtype=object)}, TypeError, "compared with each other"),
        ({"groups": np.array([[], {}, [], 0], dtype=object)}, TypeError, "can be hashed"),
        ({"X": [[1.0], [np.nan], [1.0], [2.0]]}, ValueError, "X must be finite; got nan at row 1"),
        ({"y": [1.0, 2.0, np.inf, 3.0]}, ValueError, "y must be finite; got inf at row 2"),
        ({"X": [1.0, 2.0, 3.0, 4.0]}, ValueError, "X must be two-dimensional"),
        ({"y": [1.0, 2.0]}, ValueError, "the same number of rows"),
        ({"X": np.zeros((0, 1)), "y": [], "groups": []}, ValueError, "at least one row and one column"),
        ({"X": [["a"], ["b"], ["c"], ["d"]]}, TypeError, "X must hold real numbers"),
        ({"sample_weight": [1, 1, 0, 0]}, ValueError, r"positive|above 0 in at least one row of each group.*'b'"),
        ({"sample_weight": [1, 1, -1, 0]}, ValueError, "sample_weight must not be negative"),
        ({"sample_weight": [1, 1]}, ValueError, r"sample_weight must have shape \(4,\)"),
        ({"alpha": -1}, ValueError, "alpha must be finite and not negative"),
        ({"fit_intercept": "yes"}, TypeError, "fit_intercept must be True or False"),
        ({"X": [[1e-170], [2e-170], [1.0], [2.0]]}, ValueError, r"too small .* in 1 group \('a'\)"),
        ({"X": [[1e200], [2e200], [1.0], [2.0]]}, ValueError, r"too large .* in 1 group \('a'\)"),
        ({"y": [1e-170, -1e-170, 1.0, 2.0]}, ValueError, r"y must have a mean square .* in 1 group \('a'\)"),
        ({"X": [[1e-170], [1e-170], [1.0], [2.0]], "fit_intercept": False}, ValueError, r"in 1 group \('a'\)"),
    ],
)
def test_refused(change, error, message):
    arguments = {"X": [[0.0], [1.0], [0.0], [2.0]], "y": [1.0, 3.0, 5.0, 5.0], "groups": ["a", "a", "b", "b"]}
    with pytest.raises(error, match=message):
        fastgd.fit_groups(**(arguments | change))
