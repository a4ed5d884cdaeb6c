"""A session with a shop's database: found by its URL, able to read only, silent about its secrets.

Enters: a URL of churn.toml, or of a connection. Leaves: a psycopg2 connection in one read-only
transaction, in UTC; errors in the house's words. No message holds a URL, a password or a value of a
row. Worked example: the password of `postgresql://ada:p@ss@db/shop` has a bare @; libpq would look
for the host `ss@db` and say so. The URL is refused before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from churn_ml.errors import BadConfig, BadInput, Unreachable

if TYPE_CHECKING:
    from psycopg2.extensions import connection


@contextmanager
def opened(url: str, name: str, *, seconds: int | None = None) -> Iterator[connection]:
    """A connection that only reads and speaks UTC; raises Unreachable, BadConfig.

    `seconds`: what a statement may take at most; None is as the server has it. The URL is never
    shown: it may hold a password.
    """
    import psycopg2

    where = f"[sources.{name}]"
    try:
        found = psycopg2.connect(url, connect_timeout=10, application_name="churn_ml")
    except psycopg2.OperationalError as error:
        raise Unreachable(
            "the shop's database does not answer",
            where=where,
            got=_first_line(error),
            next_step="start it, or correct its url or connection, then run the step again",
        ) from None
    except (psycopg2.ProgrammingError, UnicodeError):
        raise BadConfig(
            "the URL of the shop's database is not one",
            where=where,
            expected="postgresql://USER:PASSWORD@HOST:PORT/DATABASE, the password %-encoded",
        ) from None
    try:
        with told(where):
            found.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with found.cursor() as cursor:
                cursor.execute("set TimeZone = 'UTC'; set DateStyle = 'ISO, YMD'")
                if seconds is not None:
                    cursor.execute("set statement_timeout = %s", (seconds * 1000,))
            yield found
    finally:
        found.close()


def for_libpq(url: str, where: str) -> str:
    """The URL as libpq reads it: without a driver, without what Airflow keeps there for itself.

    Raises BadConfig, without showing it, for a URL that libpq would cut at another place than was
    meant: a password with a bare @, / or # would stand in its messages as host, port or database.

    >>> for_libpq("postgres://ada:p%40ss@db/shop?sslmode=require&__extra__=%7B%7D", "here")
    'postgresql://ada:p%40ss@db/shop?sslmode=require'
    """
    try:
        parts = urlsplit(re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url))
        meant = parts.scheme == "postgresql" and (parts.port is None or parts.port > 0)
    except ValueError:
        meant = False
    after = parts.netloc.partition("@")[2] + parts.path + parts.query if meant else ""
    if not meant or parts.fragment or "@" in after:
        raise BadConfig(
            "this is not the URL of a PostgreSQL database",
            where=where,
            expected="postgresql://USER:PASSWORD@HOST:PORT/DATABASE, user and password %-encoded",
            next_step="correct url, or the connection and its type",
        )
    options = [(k, v) for k, v in parse_qsl(parts.query) if not k.startswith("__")]
    return urlunsplit(parts._replace(query=urlencode(options, quote_via=quote)))


def place_of(url: str) -> str:
    """Which database `url` means, without who asks: what is landed of it is kept under this.

    A `${NAME}` stays as it is written, as a connection does that is called by its name.

    >>> place_of("postgresql://me:secret@db/shop") == place_of("postgresql://you@db:5432/shop")
    True
    >>> place_of("postgresql://me@db/shop") == place_of("postgresql://me@db/outlet")
    False
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # its words may quote the password; whoever opens it is told
        return url
    at = parts.netloc.rpartition("@")[2].removesuffix(":5432")
    asked = dict(parse_qsl(parts.query))
    named = {name: asked[name] for name in ("host", "port", "dbname") if name in asked}
    return json.dumps([at, parts.path, named], sort_keys=True)


@contextmanager
def told(where: str) -> Iterator[None]:
    """What the database says, in the house's words: never a value, never the URL."""
    import psycopg2

    try:
        yield
    except psycopg2.errors.QueryCanceled:
        raise Unreachable(
            "the shop's database took too long and was stopped",
            where=where,
            next_step="have it index the cursor's column, or try at a quieter hour",
        ) from None
    except psycopg2.OperationalError as error:
        raise Unreachable(
            "the shop's database broke off",
            where=where,
            got=_first_line(error),
            next_step="run the step again: it goes on after the last file landed",
        ) from None
    except psycopg2.ProgrammingError as error:
        raise BadConfig(
            "the shop's database refused to read",
            where=where,
            got=_first_line(error),
            expected="a table or query, and columns, that this user may read",
            next_step=f"correct {where}, or grant select",
        ) from None
    except psycopg2.Error as error:  # its words may quote a row
        raise BadInput(
            "the shop's database could not compute a row",
            where=where,
            got=f"{type(error).__name__} {error.pgcode or ''}".strip(),
            next_step=f"run the query of {where} by hand",
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
