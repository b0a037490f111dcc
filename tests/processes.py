"""Run code in a process of its own, because it may hang, crash, be interrupted or need another environment."""

import os
import subprocess
import sys
from pathlib import Path

TIMEOUT = 120  # seconds after which a process that hangs prints its traceback and ends
# The code may import the helpers in this folder, as the tests do. A shell starts a job in the background with Ctrl-C
# ignored, and Python then raises no KeyboardInterrupt: the tests interrupt it all the same.
PREAMBLE = f"""
import faulthandler, signal, sys
faulthandler.dump_traceback_later({TIMEOUT}, exit=True)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {str(Path(__file__).parent)!r})
"""


def start_python(code, **environment):
    """Start code in a fresh interpreter, with its output and errors as text in pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + code],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_python(code, **environment):
    """Run code in a fresh interpreter, require exit code 0, and return its output without surrounding white space."""
    with start_python(code, **environment) as process:
        output, errors = process.communicate(timeout=2 * TIMEOUT)
    assert process.returncode == 0, errors
    return output.strip()
