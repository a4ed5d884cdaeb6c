"""Failures: what MLflow, its database or the way to it raises, as errors of ours.

Enters: an error and where it was raised. Leaves: the error of ours that tells the caller what to do
about it: try again (`Unreachable`), mend the login (`BadConfig`), or look at what was asked
(`BrokenPromise`). Worked example: a server that restarts answers 503, which is tried again; one
that is told a param whose name it forbids answers 400, which would be refused again.
"""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPException

from churn_ml.errors import BadConfig, BrokenPromise, ChurnError, Unreachable

WHERE = "[paths] mlflow in churn.toml, or the address that stands for it"
REFUSED = {401: "MLflow refuses the login", 403: "MLflow does not allow this login to do that"}
PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
"""What of 400 to 499 may go well another time."""
RACED = ("UniqueViolation", "UNIQUE constraint failed")
"""What MLflow's database says where two tasks wrote the same tag at once: MLflow makes it a 400."""


def is_theirs(error: Exception) -> bool:
    """Whether MLflow, its database or the way to it failed; the rest is a defect, or ours already.

    >>> [is_theirs(error()) for error in (ConnectionResetError, NotADirectoryError, KeyError)]
    [True, True, False]
    """
    from sqlalchemy.exc import SQLAlchemyError

    # what requests raises is an OSError; MLflow's own is known by its status: importing it for
    # the name alone takes seconds, where MLflow may never have been reached
    way = isinstance(error, OSError | HTTPException | SQLAlchemyError)
    return way or hasattr(error, "get_http_status_code")


def made_ours(error: Exception, where: str) -> ChurnError:
    """The error of ours that tells the caller what to do about one of MLflow's.

    `where`: MLflow's address as it can be told, without a login.

    >>> made_ours(OSError("connection refused"), "http://127.0.0.1:5000").what
    'MLflow did not do what it was asked'
    """
    status = _status(error)
    if status in REFUSED:
        return BadConfig(
            REFUSED[status],
            where=where,
            got=f"HTTP {status}",
            expected="a user of that server who may write its experiments and models",
            next_step=f"correct the login in {WHERE}, then: churn-ml log --as-of DATE",
        )
    told = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
    if status and _is_refusal(status) and not _is_raced(error):
        return BrokenPromise(
            "MLflow takes what it was asked for wrong",
            where=where,
            got=told,
            expected=f"a request that MLflow takes, not HTTP {status}",
            next_step=f"the ledger is complete; see whether {WHERE}, is MLflow's, else report this",
        )
    return Unreachable(
        "MLflow did not do what it was asked",
        where=where,
        got=told,
        next_step="models and decisions are safe in the ledger; run again when it is back",
    )


def _is_refusal(status: int) -> bool:
    """Whether the same request would be refused again.

    >>> [_is_refusal(status) for status in (400, 404, 409, 429, 500)]
    [True, True, False, False, False]
    """
    return (
        HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        and status not in PASSING
    )


def _is_raced(error: Exception) -> bool:
    """Whether another writer was faster: asked again, the row is there and is overwritten.

    >>> _is_raced(OSError("(psycopg2.errors.UniqueViolation) duplicate key")), _is_raced(OSError())
    (True, False)
    """
    return any(word in str(error) for word in RACED)


def _status(error: Exception) -> int | None:
    """The HTTP status that MLflow's client, or its upload of artifacts, was answered with."""
    if hasattr(error, "get_http_status_code"):
        return int(error.get_http_status_code())
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None
