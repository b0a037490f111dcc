"""Pictures of results: functions that take results and return matplotlib Axes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastgd.descent import DescentResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def import_matplotlib() -> Any:
    """Return matplotlib, or say what to install."""
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError("pictures need matplotlib: pip install 'fastgd[plot]'") from error
    return matplotlib


def cost_history(result: DescentResult, *, ax: "Axes | None" = None, label: str | None = None) -> "Axes":
    """Draw cost against epoch.

    Parameters
    ----------
    result : DescentResult
        What `fastgd.gradient_descent` returned.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.
    label : str or None
        The curve's name in a legend; None is the backend and the reason why the run ended.

    Returns
    -------
    matplotlib Axes
        With epochs across and costs, on a logarithmic scale, upwards.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import fastgd
    >>> from fastgd import plots
    >>> result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> plots.cost_history(result).get_xlabel()
    'epoch'
    """
    if ax is None:
        ax = new_figure().add_subplot()
    ax.plot(range(result.epochs), result.cost_history, label=label or f"{result.backend}: {result.reason}")
    ax.set(xlabel="epoch", ylabel="cost J", yscale="log")
    ax.grid(alpha=0.3, which="both")
    return ax


def new_figure(width: float = 6.4, height: float = 4.0) -> "Figure":
    """Return an empty figure, `width` × `height` inches."""
    import_matplotlib()
    from matplotlib import pyplot

    return pyplot.figure(figsize=(width, height), layout="constrained")


def check_picture(path: str | Path) -> Path:
    """Return the path of a picture that matplotlib can save; refuse it before any work is done.

    Raises
    ------
    ValueError
        If the ending is none of a picture, or the folder does not exist.
    """
    import_matplotlib()
    from matplotlib.backend_bases import FigureCanvasBase

    endings = sorted(FigureCanvasBase.get_supported_filetypes())
    path = Path(path)
    if path.suffix[1:].lower() not in endings:
        raise ValueError(f"--plot must end in one of {', '.join(endings)}; got {str(path)!r}")
    if not path.parent.is_dir():
        raise ValueError(f"--plot must be in a folder that exists; got {str(path)!r}")
    return path
