"""Tests of loading tariffs."""

import sys
from datetime import time
from decimal import Decimal
from pathlib import Path

import pytest

from tariffs import Tariff, TariffError, load_tariff, tariff_from

TOML = """\
name = "Night saver"
currency = "EUR"
zone = "Europe/Berlin"
standing = 0.35
[[band]]
name = "night"
price = "0.22"
start = 22:00:00
end = "06:00"
days = ["mon", "sun"]
[[band]]
name = "day"
price = 0.34
"""
JSON = """\
{"name": "Night saver", "currency": "EUR", "zone": "Europe/Berlin", "standing": 0.35, "band": [
 {"name": "night", "price": 0.22, "start": "22:00", "end": "06:00", "days": ["sun", "mon"]},
 {"name": "day", "price": 0.34}]}
"""
YAML = """\
name: Night saver
currency: EUR
zone: Europe/Berlin
standing: 0.35
band:
  - {name: night, price: 0.22, start: "22:00", end: "06:00", days: [mon, sun]}
  - {name: day, price: 0.34}
"""


def load_text(folder: Path, suffix: str, text: str) -> Tariff:
    """Write a tariff file and load it."""
    path = folder / f"tariff{suffix}"
    path.write_text(text, encoding="utf-8")
    return load_tariff(path)


@pytest.mark.parametrize(
    ("suffix", "text"), [(".toml", TOML), (".json", JSON), (".yaml", YAML), (".YML", YAML)]
)
def test_all_formats_say_the_same(tmp_path: Path, suffix: str, text: str) -> None:
    """Also the digits are the same, whatever a format makes of numbers."""
    found = load_text(tmp_path, suffix, text)
    night, day = found.bands
    assert (found.name, found.currency, found.zone.key) == ("Night saver", "EUR", "Europe/Berlin")
    assert (found.standing, night.price, day.price) == tuple(map(Decimal, ("0.35", "0.22", "0.34")))
    assert (night.start, night.end, night.days) == (time(22), time(6), frozenset({0, 6}))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Europe/Berlin", "Europe/Atlantis", "no time zone 'Europe/Atlantis'"),
        ('"Night saver"', "7", "'name' must be a text"),
        ("0.35", "true", "'standing' must be a price"),
        ('"0.22"', '"much"', "'price' must be a price: 'much'"),
        ('"06:00"', '"6 am"', "'end' must be a time"),
        ('"06:00"', '"06:00Z"', "'end' must be a local time"),
        ('"sun"', '"son"', "'son' is not a day"),
        ("standing", "standard", "unknown key 'standard'"),
        ("[[band]]", "[band]", "Cannot declare"),
        ('["mon", "sun"]', '"mon"', "'days' must be a list"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Each message says which key is wrong, and in which file."""
    with pytest.raises(TariffError, match=f"tariff.toml: .*{message}"):
        load_text(tmp_path, ".toml", TOML.replace(old, new))


def test_a_tariff_is_a_table() -> None:
    """Lists and nothing at all are refused."""
    with pytest.raises(TariffError, match="must be a table, not NoneType"):
        tariff_from(None)


def test_a_number_is_no_time_of_day(tmp_path: Path) -> None:
    """YAML 1.1 reads an unquoted 22:00 as the number 1320."""
    with pytest.raises(TariffError, match="'22:00', not 1320|in quotes, not 1320"):
        load_text(tmp_path, ".yaml", YAML.replace('"22:00"', "22:00"))


def test_broken_yaml(tmp_path: Path) -> None:
    """The parser's own message is kept."""
    with pytest.raises(TariffError, match="tariff.yaml: while parsing"):
        load_text(tmp_path, ".yaml", "name: [")


def test_yaml_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, YAML files are refused with advice, and TOML files still load."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert load_text(tmp_path, ".toml", TOML).name == "Night saver"
    with pytest.raises(TariffError, match=r"install tariffs\[yaml\]"):
        load_text(tmp_path, ".yaml", YAML)


def test_unknown_format(tmp_path: Path) -> None:
    """The message lists what would do."""
    with pytest.raises(TariffError, match=r"\.toml, \.json, \.yaml"):
        load_text(tmp_path, ".ini", TOML)


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is an error like any other."""
    with pytest.raises(TariffError, match="No such file"):
        load_tariff(tmp_path / "tariff.toml")
