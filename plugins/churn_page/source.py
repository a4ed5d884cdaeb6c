"""Where the page reads: the settings and the ledger, found when first asked for.

The file of the settings is named by CHURN_ML_CONFIG. The ledger's URL is that of the Airflow
connection `churn_ledger` (from the environment, a secrets backend or Airflow's database); where
there is none, churn.toml [paths] speaks.

One ledger is opened a process, with one pool of connections. What failed is tried again by the
next request, so a ledger that comes back needs no restart; changed settings do. The history is read
anew only when a receipt was filed since: receipts are added and never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from threading import Lock

from sqlalchemy import func, select

from churn_ml import views
from churn_ml.config import Config, named
from churn_ml.house import Addresses, open_ledger
from churn_ml.ledger import Filed, Ledger
from churn_ml.ledger.schema import RECEIPTS
from churn_ml.views import Report

CONNECTION = "churn_ledger"
HISTORY = 10_000
"""Receipts that the page reads at most, newest first: years of a daily house."""

_OPENING = Lock()


@dataclass(frozen=True)
class History:
    """Every receipt with when and by whom it was filed, oldest first, and the report on them."""

    filed: Sequence[Filed]
    report: Report


@dataclass
class Source:
    """The settings and the ledger they lead to."""

    config: Config
    ledger: Ledger
    _last: tuple[object, History] | None = None
    _reading: Lock = field(default_factory=Lock)

    def history(self) -> History:
        """The receipts and their report, kept until another receipt is filed."""
        with self._reading:
            mark = self._mark()
            if self._last is None or self._last[0] != mark:
                filed = self.ledger.receipts(limit=HISTORY)[::-1]
                report = views.report([each.receipt for each in filed])
                self._last = mark, History(filed, report)
            return self._last[1]

    def _mark(self) -> object:
        """What another receipt changes; taken before reading, so that none is ever missed.

        The count too: where two writers file at once, the one numbered first may be seen last.
        """
        query = select(func.max(RECEIPTS.c.id), func.count())
        with self.ledger.reading() as connection:
            return tuple(connection.execute(query).one())


def source() -> Source:
    """The house's settings and ledger, opened by the first who asks.

    Raises: BadConfig where no settings are named or they cannot be meant; Unreachable where the
    ledger does not answer.
    """
    with _OPENING:
        return _opened()


@cache
def _opened() -> Source:
    config = named("Airflow's API server")
    return Source(config, open_ledger(config, Addresses(ledger=address())))


def address() -> str | None:
    """The URL of the connection `churn_ledger`; None where Airflow knows none."""
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return str(Connection.get(CONNECTION).get_uri())
    except AirflowNotFoundException:
        return None
