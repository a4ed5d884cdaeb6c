"""The laws of time on the real lake and ledger, whatever is ingested in whatever order.

Each ingest lays rows under a key: new orders, late ones, some that have not happened yet, restated
ones and repetitions. What is known as of a day is told by a fold over all rows that ever came; the
features that the house builds for that day must be those of exactly these rows, to the last byte.
So a future row changes nothing, a late row only a later day, order and repetition nothing, and an
ingest changes no day before the first that may know what it brought. A day that was scored is
scored again to the same bytes from what it read then.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from churn_ml import features
from churn_ml.attempt import Attempt, attempt
from churn_ml.config import Contract, from_text
from churn_ml.features import CATALOGUE
from churn_ml.house import House
from churn_ml.in_memory import arrow, canonical
from churn_ml.ledger import Ledger
from churn_ml.timeline import instant
from churn_ml.warehouse import Warehouse, sql

SHOP = '[shop]\nname = "small"\ncurrency = "USD"\n'
CONTRACT = Contract(lookback_days=90, min_orders=1)
SIGNS = tuple(one for one in CATALOGUE if one.name in {"recency", "frequency", "spend", "cadence"})
DAYS = tuple(date(2017, 9, 1) + timedelta(weeks=week) for week in range(3))
"""The keys of the ingests, and the days that are looked back at."""
CONFIG = from_text(SHOP)
MOMENT = timedelta(microseconds=1)

Order = tuple[str, str, datetime, int, datetime]
"""order_id, customer_id, occurred_at, amount, known_at."""

days = st.sampled_from(DAYS)
edges = st.builds(lambda day, by: instant(day) + by * MOMENT, days, st.integers(-1, 1))
happened = edges | edges.map(lambda at: at - timedelta(days=30))
orders = st.tuples(st.sampled_from("123"), happened, st.integers(1, 9), st.none() | edges)


def row(order: Order) -> dict[str, Any]:
    names = ("order_id", "customer_id", "occurred_at", "net_amount", "known_at")
    return dict(zip(names, order, strict=True))


@cache
def expected(known: frozenset[Order], as_of: date) -> pd.DataFrame:
    """The features at `as_of` of a shop that has these orders and no others."""
    return built(canonical(orders=[row(one) for one in sorted(known)]), as_of)


def built(tables: Any, as_of: date) -> pd.DataFrame:
    return features.build(tables, as_of, CONTRACT, indicators=SIGNS)


class Shop(RuleBasedStateMachine):
    """A house into which orders are ingested, and all that ever came of them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="churn-ml-late-"))
        self.house = House(CONFIG, Warehouse(str(self.folder)), Ledger.open("sqlite://"))
        self.came: dict[date, list[Order]] = {}
        self.since: datetime | None = None
        self.seen: dict[date, pd.DataFrame] = {}
        self.scored: set[str] = set()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule(key=days, told=st.lists(orders, min_size=1, max_size=4))
    def ingest(self, key: date, told: list[tuple[str, datetime, int, datetime | None]]) -> None:
        """Lay orders under `key`, in place of those that lay there: known then, unless they say."""
        rows = [(no, f"h{no}", at, paid, when or instant(key)) for no, at, paid, when in told]
        self._lay(key, list({(one[0], one[4]): one for one in rows}.values()))

    @precondition(lambda self: self.came)
    @rule(to=days)
    def again(self, to: date) -> None:
        """Ingest under one more key, or the same, what the first has brought, turned round."""
        first = min(self.came)
        if to == first or to not in self.came:
            self._lay(to, self.came[first][::-1])

    @precondition(lambda self: self.came)
    @rule()
    def score(self) -> None:
        """Publish the features of the last day; done again, they are the same bytes for ever."""
        with attempt(self.house, "score", DAYS[-1], ("features",)) as trial:
            trial.write("features", built(trial.canonical(DAYS[-1]), DAYS[-1]))
        self.scored.add(self.house.ledger.contents()["features"][DAYS[-1].isoformat()])
        assert len(self.scored) == 1

    def _lay(self, key: date, rows: list[Order]) -> None:
        changed = {*rows} ^ {*self.came.get(key, [])}
        with attempt(self.house, "ingest", key, ("orders",), repin=True) as trial:
            trial.write("orders", arrow("orders", [row(one) for one in rows]).drop(["ingest_key"]))
        self.came[key] = rows
        self.since = min((one[4] for one in changed), default=datetime.max)  # noqa: DTZ901

    @invariant()
    def a_day_knows_what_it_could(self) -> None:
        """Nothing that came changes a day before it was known; each knows what it can."""
        if self.since is None:
            return
        versions = self.house.published("orders")
        for as_of in DAYS:
            rows = self.house.warehouse.read("orders", versions, as_of=as_of)
            found = built({"orders": rows}, as_of)
            if as_of in self.seen and instant(as_of) < self.since:
                assert found.equals(self.seen[as_of])
            assert found.equals(expected(self._known(as_of), as_of))
            self.seen[as_of] = found
        self.since = None

    def _known(self, as_of: date) -> frozenset[Order]:
        """The orders that had happened before `as_of`, each as it was told last by then."""
        found: dict[str, Order] = {}
        told = [(one[4], key, one) for key, rows in self.came.items() for one in rows]
        for known_at, _, one in sorted(told):
            if known_at <= instant(as_of) and one[2] < instant(as_of):
                found[one[0]] = one
        return frozenset(found.values())


def tried(examples: int) -> None:
    """Let the machine ingest and look back, on shops that are the same on every run."""
    found = settings(
        max_examples=examples,
        stateful_step_count=8,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=[*HealthCheck],
    )
    run_state_machine_as_test(Shop, settings=found)


def test_what_comes_late_changes_no_day_that_could_not_know_it() -> None:
    tried(8)


def newest(trial: Attempt) -> Any:
    """What a re-run would read that is not pinned."""
    return dict(trial.house.ledger.versions(["orders"]))


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [
        (sql, "cut_at", lambda f: lambda t, e: f(t, e).split(" and ")[0]),
        (sql, "cut_at", lambda f: lambda t, e: f(t, e).replace("occurred_at <", "occurred_at <=")),
        (sql, "newest_per_key", lambda f: lambda t: f(t).replace(" desc", "")),
        (Attempt, "world", lambda _: property(newest)),
    ],
    ids=["known_at ignored", "<= for <", "oldest row stands", "re-run not pinned"],
)
def test_the_laws_fail_where_the_house_is_broken(
    owner: Any, name: str, broken: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, broken(vars(owner)[name]))
    with pytest.raises(AssertionError):
        tried(60)
