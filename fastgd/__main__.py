"""The command ``fastgd``, and ``python -m fastgd``.

Most of the time of a short command goes into imports. A KeyboardInterrupt in the middle of one may be lost, or end in a
traceback: libraries catch errors of their own imports, and Python ignores an error in a callback of a weak reference.
No file has been opened by then, so Ctrl-C ends the process at once. The imports before that take a few milliseconds.
"""

import os
import sys

from fastgd.cli.codes import INTERRUPTED

STANDARD_ERROR = 2  # the descriptor: sys.stderr may be in use


def main() -> int:
    """Run the command that the arguments of the process name, and return its exit code."""
    try:
        import signal

        caught = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a job in the background ignores Ctrl-C
        if caught:
            signal.signal(signal.SIGINT, leave)
        from fastgd.cli.main import load_command, main

        load_command(sys.argv[1:])
        if caught:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = main()
        if caught:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: keep the exit code
        return code
    except KeyboardInterrupt:
        return leave()


def leave(*_: object) -> int:
    """End the process with the message and the exit code of Ctrl-C."""
    try:
        os.write(STANDARD_ERROR, b"fastgd: interrupted\n")
    finally:
        os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
