"""Connections to the world outside, by name: their URL, and what is in it.

Enters: the name of an Airflow connection that churn.toml gives, or its URL. Leaves: the URL that
the environment holds for who runs without Airflow, and its parts. A URL may hold a password or a
token, so none is ever shown: not in a repr, an error or a log (fault S8).

Worked example: `[destinations.crm] connection = "hubspot_crm"` is the Airflow connection of that
name, or the variable AIRFLOW_CONN_HUBSPOT_CRM, as in `hubspot://:TOKEN@api.hubapi.com`.

>>> found = Endpoint.of("hubspot://:pat%2F1@api.hubapi.com?region=eu", "[destinations.crm]")
>>> found, found.password, found.extra
(Endpoint(kind='hubspot', host='api.hubapi.com', port=None, path=''), 'pat/1', {'region': 'eu'})
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from churn_ml.errors import BadConfig

Hook: TypeAlias = Callable[[Any], Any]
"""Airflow's own hook of a connection: given an HTTP session, the vendor's client, signed in."""
EXTRA = "__extra__"
"""Where Airflow keeps, in a connection's URI, an extra that is not flat."""


@dataclass(frozen=True)
class Endpoint:
    """The parts of a connection's URL, percent-decoded; secrets are not part of its repr.

    `extra`: the options behind `?`, and what Airflow keeps in the connection's Extra.
    """

    kind: str
    host: str
    port: int | None
    path: str
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, url: str, where: str) -> Endpoint:
        """The parts of `url`; raises BadConfig, without showing it, where it is none.

        `where`: the section of churn.toml that names the connection.
        """
        try:
            parts = urlsplit(url)
            options = dict(parse_qsl(parts.query))
            further = json.loads(options.pop(EXTRA, "") or "{}")
            told = {n: "" if value is None else str(value) for n, value in further.items()}
            extra = {**options, **told}
            kind, host, port = parts.scheme, unquote(parts.hostname or ""), parts.port
        except (ValueError, AttributeError):
            kind = ""
        if not kind:
            raise BadConfig(
                "the URL of a connection does not read",
                where=where,
                expected="TYPE://LOGIN:PASSWORD@HOST:PORT/PATH?OPTION=VALUE, each %-encoded",
                next_step="correct the connection",
            )
        login, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(kind, host, port, parts.path.strip("/"), login, password, extra)


def with_driver(url: str) -> str:
    """The URL of a database with the one driver for PostgreSQL that the package is installed with.

    >>> with_driver("postgres://churn@db/ledger"), with_driver("sqlite:///bi.db")
    ('postgresql+psycopg2://churn@db/ledger', 'sqlite:///bi.db')
    """
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", url)


def from_environment(
    connection: str, where: str, example: str = "TYPE://LOGIN:PASSWORD@HOST"
) -> str:
    """The URL of an Airflow connection that the environment holds, for who runs without Airflow.

    `AIRFLOW_CONN_NAME` is a URI or the JSON that Airflow writes. `where`: the section of churn.toml
    that names it; `example`: what such a URL looks like. Raises BadConfig where it is not set.
    """
    name = f"AIRFLOW_CONN_{connection.upper()}"
    told = os.environ.get(name, "")
    if not told:
        raise BadConfig(
            f"there is no connection {connection!r}",
            where=where,
            expected=f"an Airflow connection {connection}, or the variable {name}",
            next_step=f"airflow connections add {connection} --conn-uri {example}",
        )
    if not told.lstrip().startswith("{"):
        return told
    try:
        return _as_url(json.loads(told))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadConfig(
            f"the variable {name} does not read as a connection",
            where=where,
            expected="a URI, or JSON with conn_type, host, login, password, schema, port",
            next_step=f"correct {name}",
        ) from None


def _as_url(parts: Mapping[str, object]) -> str:
    """The URL of a connection that Airflow wrote as JSON."""
    told = {name: quote(str(parts.get(name) or ""), "") for name in ("login", "password", "schema")}
    port = f":{int(str(parts['port']))}" if parts.get("port") else ""
    secret = f"{told['login']}:{told['password']}@" if told["login"] or told["password"] else ""
    extra = parts.get("extra") or "{}"
    options = extra if isinstance(extra, str) else json.dumps(extra)
    after = f"?{urlencode({EXTRA: options})}" if json.loads(options) else ""
    return f"{parts['conn_type']}://{secret}{parts.get('host') or ''}{port}/{told['schema']}{after}"
