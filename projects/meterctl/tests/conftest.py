"""Files that the tests share."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

START = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture
def meter(tmp_path: Path) -> Path:
    """Two days of hourly readings: one kilowatt, and two from noon to midnight."""
    register = 100
    lines = ["meter,at,kwh"]
    for hour in range(49):
        lines.append(f"main,{(START + timedelta(hours=hour)).isoformat()},{register}")
        register += 2 if hour % 24 >= 12 else 1
    path = tmp_path / "meter.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def two_meters(tmp_path: Path) -> Path:
    """Two meters in one file."""
    path = tmp_path / "two.csv"
    path.write_text(
        "meter,at,kwh\n"
        "main,2024-03-01T00:00:00Z,1\n"
        "garage,2024-03-01T00:00:00Z,7\n"
        "garage,2024-03-01T01:00:00Z,9\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def tariffs(tmp_path: Path) -> list[str]:
    """A flat tariff in TOML and a cheaper one in YAML, as options."""
    flat = tmp_path / "flat.toml"
    flat.write_text(
        'name = "Flat"\ncurrency = "EUR"\nzone = "UTC"\nstanding = 1\n'
        '[[band]]\nname = "all"\nprice = 0.50\n',
        encoding="utf-8",
    )
    noon = tmp_path / "noon.yaml"
    noon.write_text(
        "name: Noon\ncurrency: EUR\nzone: UTC\nstanding: 0\nband:\n"
        '  - {name: late, price: 0.10, start: "12:00"}\n'
        "  - {name: early, price: 0.50}\n",
        encoding="utf-8",
    )
    return ["--tariff", str(flat), "--tariff", str(noon)]
