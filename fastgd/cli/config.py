"""`fastgd config`: the versions, the backends and the build of this installation."""

import argparse

from fastgd.config import describe_installation, show_config
from fastgd.files.model import encode_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fastgd config`."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print the description of the installation."""
    if options.json:
        print(encode_json(describe_installation()))
    else:
        show_config()
    return 0
