"""Tests of the service through HTTP."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dashboard import Settings, create_app
from dashboard.web import HEADERS


def test_usage(client: TestClient) -> None:
    """One object for each day, exact."""
    assert client.get("/api/usage").json() == [
        {"day": "2024-03-01", "kwh": "12.000"},
        {"day": "2024-03-02", "kwh": "3.500"},
    ]


def test_bill(client: TestClient) -> None:
    """15.5 kWh at 0.40 and two days at 0.50."""
    assert client.get("/api/bill").json() == {
        "tariff": "Flat <b>",
        "currency": "EUR",
        "days": 2,
        "standing": "1.00",
        "total": "7.20",
        "lines": [{"band": "all", "kwh": "15.500", "amount": "6.20"}],
    }


def test_no_tariff_no_bill(empty: TestClient) -> None:
    """That is not found rather than zero."""
    response = empty.get("/api/bill")
    assert (response.status_code, response.json()["reason"]) == (404, "no tariff is set")


def test_health(client: TestClient, empty: TestClient) -> None:
    """The service is well also while it has nothing to show."""
    assert client.get("/health").json() == {"status": "ok", "readings": 3}
    assert empty.get("/health").json() == {"status": "ok", "readings": 0}


def test_health_says_what_is_wrong(settings: Settings, client: TestClient) -> None:
    """A file that disappears is noticed at the next request."""
    assert isinstance(settings.readings, Path)
    settings.readings.unlink()
    response = client.get("/health")
    assert response.status_code == 503
    assert "No such file" in response.json()["reason"]


def test_a_new_reading_shows_at_once(settings: Settings, client: TestClient) -> None:
    """Nothing is kept between two requests."""
    assert isinstance(settings.readings, Path)
    with settings.readings.open("a", encoding="utf-8") as stream:
        stream.write("main,2024-03-02T18:00:00Z,117\n")
    assert client.get("/api/usage").json()[1] == {"day": "2024-03-02", "kwh": "5.000"}


def test_page(client: TestClient) -> None:
    """Sum, bars and bill are there, and names are no markup."""
    page = client.get("/").text
    assert "15.5 kWh on 2 days, from 3 readings." in page
    assert page.count("<rect ") == 2
    assert "<td>7.20 EUR</td>" in page
    assert "Flat &lt;b&gt;" in page
    assert "<b>" not in page


def test_empty_page(empty: TestClient) -> None:
    """Without files the page says so."""
    page = empty.get("/").text
    assert "There are no readings yet." in page
    assert "No tariff is set." in page
    assert "<rect " not in page


def test_style(client: TestClient) -> None:
    """The style sheet that the page names is served."""
    response = client.get("/style.css")
    assert response.headers["content-type"].startswith("text/css")
    assert "rect" in response.text


@pytest.mark.parametrize("address", ["/", "/api/usage", "/api/bill", "/health"])
def test_headers(client: TestClient, address: str) -> None:
    """Every answer carries the headers that keep a browser careful."""
    headers = client.get(address).headers
    assert {name: headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize(("meter", "status"), [("main", 200), ("attic", 503)])
def test_one_meter(settings: Settings, meter: str, status: int) -> None:
    """The meter that is asked for must be in the file."""
    chosen = Settings(readings=settings.readings, meter=meter)
    assert TestClient(create_app(chosen)).get("/api/usage").status_code == status


def test_only_reading_is_allowed(client: TestClient) -> None:
    """The service changes nothing, so there is nothing to post."""
    assert client.post("/api/usage").status_code == 405
