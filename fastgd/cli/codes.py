"""The exit codes of the command line."""

CONVERGED = 0
DIVERGED = 1
REFUSED = 2  # bad input, or output that could not be written
UNCONVERGED = 3
INTERRUPTED = 130  # by Ctrl-C: shells give 128 + SIGINT
READER_GONE = 141  # shells give 128 + SIGPIPE to a command whose reader went away
