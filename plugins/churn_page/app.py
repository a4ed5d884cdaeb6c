"""The page's routes, their headers, and errors a person can read.

Enters: a request of somebody who may read (access.py). Leaves: HTML, its JSON twin, or a page that
says what is missing and the next step. Every route is one row of ROUTES, `nothing` takes the rest,
and all stand behind `reader`; FastAPI's own documentation routes are off. The functions are plain,
not async, so that a slow ledger blocks a thread and not Airflow.

    GET /churn/                                   the front page;  /churn/report.json
    GET /churn/receipts/STEP/AS_OF/ATTEMPT        one receipt;     the same with .json
    GET /churn/static/NAME                        style, script, icons
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException as AnyHTTPException

from churn_ml.errors import ChurnError, NotReady
from churn_ml.ledger import Filed
from churn_page import front as page
from churn_page import receipt as one
from churn_page.access import reader
from churn_page.exports import notices
from churn_page.places import is_reference, root
from churn_page.source import CONNECTION, Source, source
from churn_page.words import FILTERS

HERE = Path(__file__).parent
STATIC = {
    "page.css": "text/css",
    "frame.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
TITLES = {
    401: "Please log in to Airflow first",
    403: "You may not read this page",
    404: "There is no such page",
}
DEFECT = {
    "title": "The page itself failed",
    "where": None,
    "got": None,
    "expected": None,
    "next_step": "look for “the page failed” in the API server's log, and report what stands there",
    "hint": "Runs, receipts and the champion are not touched by it.",
}
"""What a reader is told of an error that nobody foresaw: nothing of what it says."""
LOG = logging.getLogger(__name__)
Here = Annotated[Source, Depends(source)]


def front(request: Request, here: Here) -> HTMLResponse:
    """The state of the house at a glance."""
    history = here.history()
    of_exports = notices(here.ledger, here.config, history.filed)
    parts = page.front(history.filed, history.report, here.config, of_exports)
    return _html(request, "front.html", parts)


def report(here: Here) -> JSONResponse:
    """The report behind the front page."""
    return JSONResponse(here.history().report)


def receipt(request: Request, here: Here, step: str, as_of: str, attempt: str) -> HTMLResponse:
    """One receipt, in tables."""
    filed = _filed(here, f"{step}/{as_of}/{attempt}")
    text = json.dumps(json.loads(filed.receipt.to_json()), indent=2, ensure_ascii=False)
    parts = one.whole(filed) | {"shop": here.config.shop, "json": text}
    return _html(request, "receipt.html", parts)


def receipt_json(here: Here, step: str, as_of: str, attempt: str) -> Response:
    """One receipt as the ledger keeps it."""
    filed = _filed(here, f"{step}/{as_of}/{attempt}")
    return Response(filed.receipt.to_json(), media_type="application/json")


def _filed(here: Source, reference: str) -> Filed:
    """The receipt of that name; what can be no name is not asked for: 404."""
    if not is_reference(reference):
        raise HTTPException(404, f"no receipt is called {reference[:80]}")
    return here.ledger.receipt(reference)


def static(name: str) -> FileResponse:
    """A file of the page: one of STATIC, nothing else of the disk."""
    if name not in STATIC:
        raise HTTPException(404, f"no file {name[:80]}")
    return FileResponse(HERE / "static" / name, media_type=STATIC[name])


def nothing(request: Request, rest: str) -> Response:
    """Every other path and method: to whom may read, a page that says so."""
    if request.method != "GET":
        raise HTTPException(405, f"{request.method} is not understood", {"Allow": "GET"})
    raise HTTPException(404, f"nothing is kept at {rest[:80]}")


ROUTES: tuple[tuple[str, Callable[..., Response]], ...] = (
    ("/", front),
    ("/report.json", report),
    ("/receipts/{step}/{as_of}/{attempt}.json", receipt_json),
    ("/receipts/{step}/{as_of}/{attempt}", receipt),
    ("/static/{name}", static),
)


def make_app() -> FastAPI:
    """The page as an app that Airflow mounts; nothing is opened before the first request."""
    app = FastAPI(
        title="churn_ml", docs_url=None, redoc_url=None, openapi_url=None,
        dependencies=[Depends(reader)],
    )  # fmt: skip
    for path, function in ROUTES:
        app.add_api_route(path, function, methods=["GET"], response_model=None)
    # of every method, as an empty list means: a router that refuses one asks for no login before
    app.add_api_route(
        "/{rest:path}", nothing, methods=[], operation_id="nothing", response_model=None
    )
    app.middleware("http")(_with_headers)
    app.add_exception_handler(ChurnError, _missing)
    app.add_exception_handler(AnyHTTPException, _refused)
    return app


async def _with_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Every answer, refusals too, says what a browser may do with it; a defect becomes a page."""
    try:
        response = await call_next(request)
    except Exception:
        LOG.exception("the page failed at %s", request.url.path)
        response = _problem(request, 500, DEFECT)
    response.headers.update(HEADERS)
    return response


def _missing(request: Request, error: Exception) -> Response:
    """404 where a receipt is not known, 503 where the house cannot be read, with the next step."""
    assert isinstance(error, ChurnError)
    parts = {
        "title": error.what[:1].upper() + error.what[1:],
        "where": error.where,
        "got": error.got,
        "expected": error.expected,
        "next_step": error.next_step,
        "hint": None,
    }
    if isinstance(error, NotReady):
        return _problem(request, 404, parts)
    parts["hint"] = (
        f"The page reads the ledger that the Airflow connection {CONNECTION} names; "
        "where there is none, the one in churn.toml [paths]."
    )
    return _problem(request, 503, parts)


def _refused(request: Request, error: Exception) -> Response:
    """401, 403, 404 and 405 as a page."""
    assert isinstance(error, AnyHTTPException)
    parts = dict.fromkeys(("where", "got", "expected", "next_step", "hint"))
    title = TITLES.get(error.status_code, "This cannot be done here")
    parts |= {"title": title, "got": error.detail}
    response = _problem(request, error.status_code, parts)
    response.headers.update(error.headers or {})
    return response


def _problem(request: Request, status: int, parts: dict[str, Any]) -> Response:
    """What went wrong, for a person or, where JSON was asked for, for a program."""
    if request.url.path.endswith(".json"):
        said = {name: str(value) for name, value in parts.items() if value is not None}
        return JSONResponse(said, status_code=status)
    return _html(request, "problem.html", parts | {"status": status, "airflow": root()}, status)


@cache
def _templates() -> Environment:
    """The templates, which escape every value."""
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update({function.__name__: function for function in FILTERS})
    return found


def _html(request: Request, name: str, parts: dict[str, Any], status: int = 200) -> HTMLResponse:
    base = request.scope.get("root_path", "").rstrip("/")
    return HTMLResponse(_templates().get_template(name).render(parts, base=base), status)
