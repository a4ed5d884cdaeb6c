"""Where the ledger, MLflow and the shop's databases are, as Airflow's connections say.

Enters: the connections `churn_ledger` and `churn_mlflow` (where one is absent, churn.toml speaks),
and those that [sources] and [destinations] name. Leaves: URLs, which may hold passwords and are
shown nowhere, and Airflow's own hook of each connection to Salesforce. Worked example:
`churn_mlflow` of type http with the host mlflow.example.com, the schema https and the port 8443
stands for https://mlflow.example.com:8443.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from churn_ml.errors import BadConfig

if TYPE_CHECKING:
    from churn_ml.config import Config
    from churn_ml.connections import Hook
    from churn_ml.house import Addresses


def known(config: Config) -> Addresses:
    """Every address that Airflow knows; what it does not know, churn.toml says."""
    from churn_ml.house import Addresses

    ledger, mlflow = url("churn_ledger"), url("churn_mlflow")
    return Addresses(ledger, mlflow, named(config), hooks(config))


def named(config: Config) -> dict[str, str]:
    """The URL behind each Airflow connection that churn.toml names and Airflow knows."""
    read = {told.connection for each in config.sources.values() for told in each}
    fed = {told.connection for told in config.destinations.values()}
    found = {name: url(name) for name in sorted(filter(None, read | fed))}
    return {name: url for name, url in found.items() if url is not None}


def hooks(config: Config) -> dict[str, Hook]:
    """Airflow's own hook of each connection to Salesforce; other CRMs have none of its own."""
    fed = {told.connection for told in config.destinations.values() if told.kind == "salesforce"}
    return {name: partial(salesforce, name) for name in fed}


def salesforce(conn_id: str, session: Any) -> Any:
    """What SalesforceHook gives over an HTTP session: simple-salesforce's client, signed in.

    The hook reads no `session_id` of the connection: it is handed one. simple-salesforce quotes its
    `proxies`, which it does not use over this session, in a warning: they are masked there.
    """
    from airflow.providers.salesforce.hooks.salesforce import SalesforceHook

    extra = Connection.get(conn_id).extra_dejson
    proxies = extra.get("proxies", extra.get("extra__salesforce__proxies")) or {}
    mask_secret(list(proxies.values()) if isinstance(proxies, dict) else proxies)
    given = extra.get("session_id") or None
    return SalesforceHook(conn_id, session_id=given, session=session).get_conn()


def url(conn_id: str) -> str | None:
    """The URL behind an Airflow connection; None where there is no such connection.

    A connection of type http keeps its scheme in `schema` or before the host, as Airflow's own
    HTTP hook reads it. Raises BadConfig where it has no host.
    """
    try:
        known = Connection.get(conn_id)
    except AirflowNotFoundException:
        return None
    if known.conn_type != "http":
        return str(known.get_uri())
    scheme, _, host = (known.host or "").rpartition("://")
    if not host:
        raise BadConfig(
            f"the Airflow connection {conn_id} has no host",
            where="Admin > Connections, a secrets backend or the environment",
            got=f"type {known.conn_type}, host {known.host!r}",
            expected="the host of MLflow, as in mlflow.example.com",
            next_step=f"fill in the host of {conn_id}, or delete it and let churn.toml speak",
        )
    login = f"{quote(known.login, '')}:{quote(known.password or '', '')}@" if known.login else ""
    port = f":{known.port}" if known.port else ""
    return f"{scheme or known.schema or 'http'}://{login}{host}{port}"
