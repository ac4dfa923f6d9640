"""Files and clients that the tests share."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dashboard import Settings, create_app

READINGS = """\
meter,at,kwh
main,2024-03-01T00:00:00Z,100
main,2024-03-02T00:00:00Z,112
main,2024-03-02T12:00:00Z,115.5
"""
TARIFF = """\
name = "Flat <b>"
currency = "EUR"
zone = "UTC"
standing = "0.50"
[[band]]
name = "all"
price = "0.40"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a file of readings and a tariff."""
    readings, tariff = tmp_path / "meter.csv", tmp_path / "tariff.toml"
    readings.write_text(READINGS, encoding="utf-8")
    tariff.write_text(TARIFF, encoding="utf-8")
    return Settings(readings=readings, tariff=tariff)


@pytest.fixture
def client(settings: Settings) -> TestClient:
    """A client of the service with both files."""
    return TestClient(create_app(settings))


@pytest.fixture
def empty() -> TestClient:
    """A client of the service without any file."""
    return TestClient(create_app(Settings()))
