"""Reaching MLflow: its settings, a knock on the door, and its failures made ours.

MLflow may be a database file, a database server or a tracking server, and any of them may be away.
A step must not hang on that, and must not die of it: `knock` finds out in one try, and everything
done inside `reached` raises `Unreachable` where MLflow fails. Worked example: the training of
2017-10-01 ends while the server restarts; its models stand in their folders and in the ledger, the
receipt says "not logged", and the next attempt logs them.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn_ml.errors import ChurnError, Unreachable

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # a server that is down is told in seconds; the default tries for minutes
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Set before MLflow is imported, where the environment does not say otherwise."""


@contextmanager
def reached(url: str) -> Iterator[None]:
    """Around every use of MLflow: its settings set, its warnings kept in, its failures made ours.

    >>> with reached("postgresql://churn:secret@db/mlflow"):
    ...     raise OSError("connection refused")
    Traceback (most recent call last):
    ...
    churn_ml.errors.Unreachable: MLflow did not do what it was asked | where: postgresql://***@db...
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        # MLflow 3.17 on SQLAlchemy 2.1 warns about its own mappings; nothing here is ours to mend
        warnings.simplefilter("ignore")
        try:
            yield
        except ChurnError:
            raise
        except Exception as error:
            told = (str(error).splitlines() or [""])[0][:200]
            raise Unreachable(
                "MLflow did not do what it was asked",
                where=without_password(url),
                got=f"{type(error).__name__}: {told}",
                next_step="models and decisions are safe in the ledger; run again when it is back",
            ) from error


def knock(url: str) -> None:
    """Ask once whether anybody is there: MLflow itself would try a database for 100 seconds.

    >>> knock("sqlite://")
    """
    if is_server(url):
        from urllib.request import urlopen

        urlopen(f"{url}/health", timeout=10).close()  # noqa: S310 - http or https, see is_server
        return
    from sqlalchemy import create_engine, inspect

    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)
    try:
        inspect(engine).get_table_names()
    finally:
        engine.dispose()


def is_server(url: str) -> bool:
    """True for a tracking server, False for a database.

    >>> is_server("http://127.0.0.1:5000"), is_server("sqlite:///mlflow.db")
    (True, False)
    """
    return url.startswith(("http://", "https://"))


def without_password(url: str) -> str:
    """A URL that can be shown.

    >>> without_password("postgresql://churn:secret@db/mlflow")
    'postgresql://***@db/mlflow'
    """
    return re.sub(r"//[^/@]*@", "//***@", url)
