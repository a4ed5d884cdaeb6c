"""Where the page reads: the settings and the ledger, found when first asked for.

The file of the settings is named by CHURN_ML_CONFIG. The ledger's URL is that of the Airflow
connection `churn_ledger` (from the environment, a secrets backend or Airflow's database); where
there is none, churn.toml [paths] speaks.

One ledger is opened a process, with one pool of connections. What failed is tried again by the
next request, so a ledger that comes back needs no restart; changed settings do.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock

from churn_ml.config import Config, load
from churn_ml.errors import BadConfig
from churn_ml.house import Addresses, open_ledger
from churn_ml.ledger import Filed, Ledger

CONNECTION = "churn_ledger"
CONFIG = "CHURN_ML_CONFIG"
HISTORY = 10_000
"""Receipts that the page reads at most, newest first: years of a daily house."""

_OPENING = Lock()


@dataclass(frozen=True)
class Source:
    """The settings and the ledger they lead to."""

    config: Config
    ledger: Ledger

    def history(self) -> list[Filed]:
        """Every receipt with when and by whom it was filed, oldest first."""
        return self.ledger.receipts(limit=HISTORY)[::-1]


def source() -> Source:
    """The house's settings and ledger, opened by the first who asks.

    Raises: BadConfig where no settings are named or they cannot be meant; Unreachable where the
    ledger does not answer.
    """
    with _OPENING:
        return _opened()


@cache
def _opened() -> Source:
    config = settings()
    return Source(config, open_ledger(config, Addresses(ledger=address())))


def settings() -> Config:
    """The churn.toml that CHURN_ML_CONFIG names; raises BadConfig."""
    named = os.environ.get(CONFIG)
    if not named:
        raise BadConfig(
            f"environment variable {CONFIG} is not set",
            where="Airflow's API server",
            expected="the path of churn.toml",
            next_step=f"export {CONFIG}=/path/to/churn.toml and start the API server again",
        )
    return load(Path(named))


def address() -> str | None:
    """The URL of the connection `churn_ledger`; None where Airflow knows none."""
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return str(Connection.get(CONNECTION).get_uri())
    except AirflowNotFoundException:
        return None
