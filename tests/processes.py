"""Code that is run in a process of its own: it may hang, crash, be interrupted or find another environment."""

import os
import subprocess
import sys
from pathlib import Path

TIMEOUT = 60  # seconds after which a process that hangs says where, and ends
# Tests import each other's helpers from this folder; the code does too.
PREAMBLE = f"""
import faulthandler, sys
faulthandler.dump_traceback_later({TIMEOUT}, exit=True)
sys.path.insert(0, {str(Path(__file__).parent)!r})
"""


def start_python(code, **environment):
    """Start code in a fresh interpreter; its output and errors can be read as text."""
    return subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + code],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_python(code, **environment):
    """Run code in a fresh interpreter, demand that it ends well, and return what it printed, stripped."""
    with start_python(code, **environment) as process:
        output, errors = process.communicate(timeout=2 * TIMEOUT)
    assert process.returncode == 0, errors
    return output.strip()
