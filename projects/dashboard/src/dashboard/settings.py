"""The settings of the service, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_PORTS = range(1, 65536)


class SettingsError(ValueError):
    """An environment variable with a value that cannot be used."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the service needs to know.

    Attributes:
        readings: The file with the readings, if any.
        tariff: The file with the tariff, if any.
        meter: The meter to show; needed where the file has several.
        zone: The time zone whose days count.
        host: The address to listen on.
        port: The port to listen on.
    """

    readings: Path | None = None
    tariff: Path | None = None
    meter: str | None = None
    zone: ZoneInfo = ZoneInfo("UTC")
    host: str = "127.0.0.1"
    port: int = 8000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings.

        Args:
            environment: The variables; those whose name begins with ``DASHBOARD_`` count. An empty
                value is the same as none.

        Returns:
            The settings.

        Raises:
            SettingsError: A value cannot be used.
        """
        prefix = "DASHBOARD_"
        given = {
            name.removeprefix(prefix): value
            for name, value in environment.items()
            if name.startswith(prefix) and value
        }
        return cls(
            readings=_path(given.get("READINGS")),
            tariff=_path(given.get("TARIFF")),
            meter=given.get("METER"),
            zone=_zone(given.get("ZONE", "UTC")),
            host=given.get("HOST", "127.0.0.1"),
            port=_port(given.get("PORT", "8000")),
        )


def _path(text: str | None) -> Path | None:
    """Give the path of a file, if one is named."""
    return Path(text) if text else None


def _zone(name: str) -> ZoneInfo:
    """Give a time zone by its name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(f"DASHBOARD_ZONE: there is no time zone {name!r}") from None


def _port(text: str) -> int:
    """Give a port number."""
    if not text.isdecimal() or int(text) not in _PORTS:
        raise SettingsError(f"DASHBOARD_PORT: {text!r} is not a port")
    return int(text)
