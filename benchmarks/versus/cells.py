"""The cells of the comparison: each is one set of data, its contestants, and the accuracy asked for."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from versus.contestants import DENSE, TARGETS, WIDE, Contestant
from versus.data import Data, make_dense, make_groups, make_one_hot, make_sparse
from versus.sparse_and_groups import GROUPS, SPARSE

from fastgd.bench.text import format_shape

ACCURACY = {"float64": 1e-8, "float32": 1e-6}  # the errors that count as solved, for dense rows
LOOSE = 1e-6  # for sparse rows
SHAPES = [
    (100, 5),
    (1_000, 10),
    (10_000, 20),
    (100_000, 10),
    (100_000, 50),
    (500_000, 100),
    (100_000, 200),
    (20_000, 1_000),
]
IN_FORTRAN = [(1_000, 10), (100_000, 10), (100_000, 50), (20_000, 1_000)]
MANY_TARGETS = [(1_000, 20, 10), (1_000, 20, 1_000), (10_000, 50, 200), (20_000, 3, 2_000)]
SPARSE_SHAPES = [(20_000, 500, 0.01), (50_000, 5_000, 0.002)]
KINDS = {
    "dense": "Dense rows, one target",
    "targets": "Dense rows, many targets",
    "sparse": "Sparse rows",
    "groups": "One fit for each group",
}


class Cell(NamedTuple):
    """What is measured together: `label` is its row and `column` its column, in tables and in the picture."""

    kind: str
    label: str
    column: str
    accuracy: float
    contestants: list[Contestant]
    make: Callable[[], Data]


def make_dense_cell(shape: tuple[int, int], dtype: str, kappa: float, order: str = "C") -> Cell:
    """Return a cell of dense rows with one target."""
    column = f"{dtype}, κ = {kappa:,.0f}" + (", Fortran order" if order == "F" else "")
    wanted = [one for one in DENSE if dtype == "float32" or not one.name.endswith(WIDE)]
    make = partial(make_dense, *shape, kappa=kappa, dtype=dtype, order=order)
    return Cell("dense", format_shape(*shape), column, ACCURACY[dtype], wanted, make)


def list_dense(shapes: list[tuple[int, int]], fortran: list[tuple[int, int]]) -> list[Cell]:
    """Return the dense cells of these shapes."""
    cells = []
    for shape in shapes:
        cells += [make_dense_cell(shape, dtype, kappa) for dtype in ACCURACY for kappa in (10, 1e4)]
        cells += [make_dense_cell(shape, "float64", 10, "F")] if shape in fortran else []
    return cells


def list_targets(shapes: list[tuple[int, int, int]]) -> list[Cell]:
    """Return the cells of many targets."""
    cells = []
    for n, p, k in shapes:
        for dtype, accuracy in ACCURACY.items():
            wanted = [one for one in TARGETS if dtype == "float32" or not one.name.endswith(WIDE)]
            make = partial(make_dense, n, p, kappa=10, dtype=dtype, targets=k)
            cells.append(Cell("targets", f"{format_shape(n, p)}, {k:,} targets", dtype, accuracy, wanted, make))
    return cells


def list_sparse(shapes: list[tuple[int, int, float]], one_hot: tuple[int, int]) -> list[Cell]:
    """Return the cells of sparse rows."""
    makes = {
        f"{format_shape(n, p)}, {100 * share:g}% filled": partial(make_sparse, n, p, share) for n, p, share in shapes
    }
    makes[f"{format_shape(*one_hot)}, one-hot, all levels"] = partial(make_one_hot, *one_hot)
    return [Cell("sparse", label, "float64", LOOSE, SPARSE, make) for label, make in makes.items()]


def list_groups(count: int, rows: int, p: int) -> list[Cell]:
    """Return the cells of one fit for each group."""
    label = f"{count:,} groups of {format_shape(rows, p)}"
    return [
        Cell(
            "groups",
            label + end,
            "float64",
            ACCURACY["float64"],
            GROUPS,
            partial(make_groups, count, rows, p, shuffled),
        )
        for end, shuffled in ((", sorted", False), (", shuffled", True))
    ]


def list_cells(kinds: list[str], shapes: list[tuple[int, int]] | None, quick: bool) -> list[Cell]:
    """Return the cells of these kinds; `shapes` replaces those of dense rows; quick cells are small."""
    if quick:
        found = {
            "dense": list_dense(shapes or [(60, 3)], [(60, 3)]),
            "targets": list_targets([(80, 3, 4)]),
            "sparse": list_sparse([(300, 20, 0.1)], (300, 18)),
            "groups": list_groups(5, 20, 2),
        }
    else:
        found = {
            "dense": list_dense(shapes or SHAPES, shapes or IN_FORTRAN),
            "targets": list_targets(MANY_TARGETS),
            "sparse": list_sparse(SPARSE_SHAPES, (100_000, 600)),
            "groups": list_groups(10_000, 50, 5),
        }
    return [cell for kind in kinds for cell in found[kind]]
