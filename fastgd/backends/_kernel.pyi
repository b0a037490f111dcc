from numpy.typing import NDArray

def descend_rows(
    X: NDArray,
    y: NDArray,
    weights: NDArray,
    rates: NDArray,
    costs: NDArray,
    gradient: NDArray,
    intercepts: int,
) -> int: ...
def descend_columns(
    X: NDArray,
    y: NDArray,
    weights: NDArray,
    rates: NDArray,
    costs: NDArray,
    gradient: NDArray,
    intercepts: int,
) -> int: ...
def build_info() -> dict[str, str]: ...
