from typing import Any

from fastgd.inputs.arrays import Array

# X, y, weights, rates, costs, gradient, intercepts, block_rows, partials, sync, member, members, level
def run_member(*arguments: Any) -> int: ...
def run_target_member(*arguments: Any) -> int: ...

# The arrays of a CSR record, y, weights, rates, costs, gradient, intercepts, order, starts, partials, sync,
# member, members
def run_sparse_member(*arguments: Any) -> int: ...
def sum_sparse_products(
    data: Array,
    indices: Array,
    indptr: Array,
    weights: Array,
    y: Array,
    matrix: Array,
    p: int,
    low: int,
    high: int,
) -> None: ...

# X, y, weights, shift, part_rows, parts, member, members, level
def sum_products(*arguments: Any) -> None: ...
def sum_triangles(*arguments: Any) -> None: ...

# X, y, target, weights, centre, means, vector, part_rows, parts, member, members, level
def measure_parts(*arguments: Any) -> None: ...
def whiten_triangle(
    rows: Array,
    total: float,
    means: Array,
    epsilon: float,
    most: float,
    to_whitened: Array,
    to_coef: Array,
    scales: Array,
) -> float: ...
def factorize_products(
    products: Array, total: float, means: Array, epsilon: float, least: float, R: Array
) -> float: ...
def merge_triangles(parts: Array, pivots: int, level: int) -> None: ...
def sum_groups(
    X: Array,
    Y: Array,
    weights: Array | None,
    order: Array | None,
    starts: Array,
    counts: Array,
    totals: Array,
    smallest: float,
    block: Array,
    means: Array,
    products: Array,
    squares: Array,
) -> None: ...
def sum_powers(data: Array, indices: Array, indptr: Array, weights: Array, centres: Array, sums: Array) -> None: ...
def scale_entries(data: Array, indices: Array, offsets: Array, factors: Array, scaled: Array) -> None: ...
def scale_products(matrix: Array, norms: Array, total: float, scaled: Array) -> None: ...
def describe_columns(data: Array, indices: Array, numbers: Array) -> float: ...
def read(X: Array, level: int, ahead: int) -> float: ...
def levels() -> list[str]: ...
def build_info() -> dict[str, str]: ...
def constants() -> dict[str, int]: ...
