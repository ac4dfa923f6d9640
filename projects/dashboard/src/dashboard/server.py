"""The command that starts the service."""

import argparse
import os
import sys
from collections.abc import Sequence

import uvicorn

from dashboard.settings import Settings, SettingsError
from dashboard.web import create_app


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until somebody stops it.

    Args:
        arguments: The words after the command's name; those of the process when none are given.

    Returns:
        The exit status: 0 after a normal end, 2 when the settings cannot be used.
    """
    parser = argparse.ArgumentParser(
        prog="dashboard",
        description="A web page and a JSON service about electricity usage.",
        epilog="The settings are environment variables that begin with DASHBOARD_; the README lists them.",
    )
    parser.parse_args(arguments)
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as problem:
        print(f"dashboard: {problem}", file=sys.stderr)
        return 2
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port)
    return 0
