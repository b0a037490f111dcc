"""The line that called fastgd, which warnings point at."""

import sys
import warnings
from pathlib import Path

PACKAGE = str(Path(__file__).parents[1] / "_")[:-1]  # ends with a path separator


def warn_caller(warning: Warning) -> None:
    """Warn at the line that called fastgd: skip all frames of the package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(warning, stacklevel=level)
