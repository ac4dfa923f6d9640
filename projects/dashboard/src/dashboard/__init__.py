"""A small web service that shows electricity usage and what it costs."""

from dashboard.settings import Settings, SettingsError
from dashboard.web import create_app

__all__ = ["Settings", "SettingsError", "create_app"]
