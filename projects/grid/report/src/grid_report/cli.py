"""The command line of the report."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from grid_core import GridError, flows, load

from grid_report.render import FORMATS, rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a report.

    Args:
        arguments: The command line without the program's name; by default, the real one.

    Returns:
        The exit status: 0 when all is well, 1 when a line is overloaded, 2 for bad input.
    """
    parser = argparse.ArgumentParser(prog="grid-report", description="Report on a network.")
    parser.add_argument("file", type=Path, help="network and loads in JSON")
    parser.add_argument("--format", choices=sorted(FORMATS), default="text")
    options = parser.parse_args(arguments)
    try:
        case = load(options.file)
        found = flows(case.network, case.loads)
    except GridError as problem:
        print(f"grid-report: {problem}", file=sys.stderr)
        return 2
    sys.stdout.write(FORMATS[options.format](rows(found)))
    return 1 if any(flow.overloaded for flow in found) else 0
