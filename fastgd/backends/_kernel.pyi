from fastgd.arrays import Array

def descend_rows(
    X: Array,
    y: Array,
    weights: Array,
    rates: Array,
    costs: Array,
    gradient: Array,
    intercepts: int,
) -> int: ...
def descend_columns(
    X: Array,
    y: Array,
    weights: Array,
    rates: Array,
    costs: Array,
    gradient: Array,
    intercepts: int,
) -> int: ...
def build_info() -> dict[str, str]: ...
