"""The line that called fastgd, which warnings point at."""

import os
import sys
import warnings

PACKAGE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")  # ends with a path separator


def warn_caller(warning: Warning) -> None:
    """Warn at the line that called fastgd: skip all frames of the package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(warning, stacklevel=level)
