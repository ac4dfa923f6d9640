"""Tests of the settings and of the command that uses them."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import uvicorn

from dashboard import Settings, SettingsError
from dashboard.server import main


def test_defaults() -> None:
    """Nothing set, and variables of others, give a service for this machine alone."""
    assert Settings.from_environment({"HOST": "example.org"}) == Settings()
    assert Settings().host == "127.0.0.1"


def test_everything_set() -> None:
    """Each variable lands in its place."""
    assert Settings.from_environment(
        {
            "DASHBOARD_READINGS": "meter.csv",
            "DASHBOARD_TARIFF": "flat.toml",
            "DASHBOARD_METER": "main",
            "DASHBOARD_ZONE": "Europe/Berlin",
            "DASHBOARD_HOST": "::1",
            "DASHBOARD_PORT": "81",
        }
    ) == Settings(
        Path("meter.csv"), Path("flat.toml"), "main", ZoneInfo("Europe/Berlin"), "::1", 81
    )


def test_empty_is_none() -> None:
    """An empty variable is how a container unsets one."""
    assert Settings.from_environment({"DASHBOARD_METER": "", "DASHBOARD_PORT": ""}) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "0"), ("PORT", "65536"), ("PORT", "http"), ("ZONE", "Mars/Olympus")],
)
def test_bad_values_are_named(name: str, value: str) -> None:
    """The message has the name of the variable and its value."""
    with pytest.raises(SettingsError, match=f"DASHBOARD_{name}: .*{value}"):
        Settings.from_environment({f"DASHBOARD_{name}": value})


def test_main_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Address and port reach the server."""
    calls: list[tuple[str, int]] = []

    def run(_: object, host: str, port: int) -> None:
        calls.append((host, port))

    monkeypatch.setattr(uvicorn, "run", run)
    monkeypatch.setenv("DASHBOARD_PORT", "8123")
    monkeypatch.delenv("DASHBOARD_HOST", raising=False)
    assert main([]) == 0
    assert calls == [("127.0.0.1", 8123)]


def test_main_refuses(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad settings end the program before it listens."""
    monkeypatch.setenv("DASHBOARD_PORT", "no")
    assert main([]) == 2
    assert capsys.readouterr().err == "dashboard: DASHBOARD_PORT: 'no' is not a port\n"


def test_main_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for help, it does not serve."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: dashboard")
