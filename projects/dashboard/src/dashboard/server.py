"""The command that starts the service."""

import os
import sys

import uvicorn

from dashboard.settings import Settings, SettingsError
from dashboard.web import create_app


def main() -> int:
    """Serve until somebody stops it.

    Returns:
        The exit status: 0 after a normal end, 2 when the settings cannot be used.
    """
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as problem:
        print(f"dashboard: {problem}", file=sys.stderr)
        return 2
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port)
    return 0
