"""Reaching MLflow: its address and login, its settings, a knock, and its failures made ours.

MLflow may be a database file, a database server or a tracking server, and any of them may be away.
A step must not hang on that, and must not die of it: `knock` finds out in one try, and everything
done inside `reached` raises `Unreachable` where MLflow fails. Where trying again is of no use it
says so: a refused login is `BadConfig`, a refused request `BrokenPromise`. An error that is neither
MLflow's nor the way's to it passes as it is.

Worked example: `http://churn_ml:secret@127.0.0.1:5000` is split. MLflow is given
`http://127.0.0.1:5000`; the login stands in its two environment variables while a call runs, and
nowhere else. MLflow reads them at every request, so artifacts go by the same login. Told a param
whose name it forbids it answers 400, which is `BrokenPromise`: the same call would fail again.
"""

from __future__ import annotations

import base64
import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from churn_ml.errors import BadConfig
from churn_ml.registry.failures import WHERE, is_theirs, made_ours

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # the whole step is what is tried again: a request sent twice would make a run or version twice
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Set before MLflow is imported, where the environment does not say otherwise."""
LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
KNOCK_SECONDS = 10

_one_at_a_time = threading.RLock()
"""Environment and warning filters belong to the process: two logins must not mix."""


@dataclass(frozen=True)
class Place:
    """Where MLflow is: the URL it is given, and a server's login apart from it.

    `url` never holds a server's login; a database's URL holds its password, so neither is shown.
    """

    url: str = field(repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> Place:
        """The place that `url` names; `postgres://` is taken too.

        A login's user and password are percent-encoded in the URL. Raises BadConfig where the URL
        of a server cannot be read, or names a user without a password.

        >>> found = Place.of("http://churn_ml:s%20ecret@127.0.0.1:5000/")
        >>> found.url, found.login, found
        ('http://127.0.0.1:5000', ('churn_ml', 's ecret'), Place())
        """
        if not is_server(url):
            return cls(re.sub(r"^postgres://", "postgresql://", url))
        parts = _parts(url)
        host = parts.netloc.rpartition("@")[2]
        bare = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        if "@" not in parts.netloc:
            return cls(bare)
        login = unquote(parts.username or ""), unquote(parts.password or "")
        if not all(login):
            raise BadConfig(
                "MLflow's URL holds half a login",
                where=WHERE,
                expected="http://USER:PASSWORD@HOST:PORT, or no login at all",
                next_step="add the user or the password, percent-encoded",
            )
        return cls(bare, login)

    @property
    def shown(self) -> str:
        """The place as it can be told."""
        return without_password(self.url)


@contextmanager
def reached(place: Place) -> Iterator[None]:
    """Around every use of MLflow: settings and login set, warnings kept in, failures made ours.

    One use at a time in a process. Raises BadConfig where the login is refused, BrokenPromise where
    the request is, Unreachable where MLflow, its database or the way to it fails.

    >>> with reached(Place.of("postgresql://churn:secret@db/mlflow")):
    ...     raise OSError("connection refused")
    Traceback (most recent call last):
    ...
    churn_ml.errors.Unreachable: MLflow did not do what it was asked | where: postgresql://***@db...
    """
    with ExitStack() as stack:
        stack.enter_context(_one_at_a_time)
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        if place.login:
            stack.enter_context(_logged_in(place.login))
        # MLflow 3.17 on SQLAlchemy 2.1 warns about its own mappings; nothing here is ours to mend
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        try:
            yield
        except Exception as error:
            if not is_theirs(error):
                raise
            raise made_ours(error, place.shown) from error


def knock(place: Place) -> None:
    """Ask once whether anybody is there: MLflow itself would try a database for 100 seconds.

    A server that answers anything but a failure of its own is there; whether it takes the login is
    told by the first call. Raises what the network or the database raises, BadConfig where no
    database can be meant or its driver is not installed.

    >>> knock(Place.of("sqlite://"))
    """
    if is_server(place.url):
        _knock_at_server(place)
        return
    from sqlalchemy import create_engine, inspect
    from sqlalchemy.exc import ArgumentError

    if place.url.startswith("sqlite:///"):
        Path(place.url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = create_engine(place.url)
    except (ArgumentError, ImportError, ValueError) as error:
        raise BadConfig(
            "MLflow's database cannot be opened by its URL",
            where=WHERE,
            got=type(error).__name__,
            expected="sqlite:///FILE or postgresql+psycopg2://USER:PASSWORD@HOST/NAME",
            next_step="correct the URL, or install the driver that it names",
        ) from None  # a port that is no number is quoted, and may be the end of a password
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
    """A URL that can be shown: no login, no query; whatever stands before the last @ is taken out.

    >>> without_password("postgresql://churn:s/ecr@et@db/mlflow?password=x")
    'postgresql://***@db/mlflow'
    """
    return re.sub(r"//.*@", "//***@", url.partition("?")[0])


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.port != 0 and "@" not in parts.path:
            return parts
    except ValueError:
        pass
    # the URL is not shown, nor the error that quotes it: a password may stand anywhere in it
    raise BadConfig(
        "MLflow's URL cannot be read",
        where=WHERE,
        expected="http://USER:PASSWORD@HOST:PORT, user and password percent-encoded",
        next_step="encode characters such as / and @ in the password: %2F and %40",
    )


@contextmanager
def _logged_in(login: tuple[str, str]) -> Iterator[None]:
    """MLflow's two variables for a login, set while the block runs."""
    before = {name: os.environ.get(name) for name in LOGIN}
    os.environ.update(zip(LOGIN, login, strict=True))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _knock_at_server(place: Place) -> None:
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    asked = Request(f"{place.url}/health")  # noqa: S310 - http or https, see is_server
    if place.login:
        token = base64.b64encode(":".join(place.login).encode()).decode()
        # unredirected: it must not follow a redirect to another host
        asked.add_unredirected_header("Authorization", f"Basic {token}")
    try:
        urlopen(asked, timeout=KNOCK_SECONDS).close()  # noqa: S310 - as above
    except HTTPError as error:
        # a proxy in front may want another login than the one in the URL: it is there all the same
        if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
