"""Runs the program as ``python -m meterctl``."""

import sys

from meterctl.cli import main

if __name__ == "__main__":
    sys.exit(main())
