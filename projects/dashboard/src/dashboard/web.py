"""The web application: its addresses and what they answer."""

import logging
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from dashboard.data import Snapshot, take
from dashboard.page import render, resource
from dashboard.settings import Settings

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
"""The headers of every answer: nothing is stored, and only our own style sheet is loaded."""

_log = logging.getLogger(__name__)

View = Callable[[Snapshot], Response]


def create_app(settings: Settings) -> Starlette:
    """Make the application.

    Args:
        settings: Which files to show.

    Returns:
        An ASGI application.
    """

    def serve(view: View) -> Callable[[Request], Response]:
        def endpoint(_: Request) -> Response:
            response = _answer(settings, view)
            response.headers.update(HEADERS)
            return response

        return endpoint

    return Starlette(
        routes=[
            Route("/", serve(_page)),
            Route("/style.css", _style),
            Route("/api/usage", serve(_usage)),
            Route("/api/bill", serve(_bill)),
            Route("/health", serve(_health)),
        ]
    )


def _answer(settings: Settings, view: View) -> Response:
    """Read the files and show them, or say that they cannot be used."""
    try:
        snapshot = take(settings)
    except ValueError as problem:
        _log.error("cannot read the data: %s", problem)
        return JSONResponse({"status": "error", "reason": str(problem)}, status_code=503)
    return view(snapshot)


def _page(snapshot: Snapshot) -> Response:
    """Answer with the page."""
    return HTMLResponse(render(snapshot))


def _usage(snapshot: Snapshot) -> Response:
    """Answer with the usage of each day."""
    return JSONResponse(snapshot.usage_json())


def _bill(snapshot: Snapshot) -> Response:
    """Answer with the bill."""
    bill = snapshot.bill_json()
    if bill is None:
        return JSONResponse({"status": "error", "reason": "no tariff is set"}, status_code=404)
    return JSONResponse(bill)


def _health(snapshot: Snapshot) -> Response:
    """Answer that all is well."""
    return JSONResponse({"status": "ok", "readings": snapshot.readings})


def _style(_: Request) -> Response:
    """Answer with the style sheet."""
    return Response(resource("style.css"), media_type="text/css")
