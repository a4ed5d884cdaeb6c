"""What the laws are worth: each must fail once the code is broken in the way that it is there for.

A mutant is one place of the code, broken; its law holds as the code stands and fails under it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from importlib import import_module
from typing import Any

import duckdb
import ibis
import pandas as pd
import pytest

from churn_ml.config import Contract
from churn_ml.events import placed
from churn_ml.features import CATALOGUE, Column
from churn_ml.features.views import VIEWS, groups
from churn_ml.in_memory import canonical
from churn_ml.labels import labels

from .laws import (
    Lake,
    alone,
    cancelled,
    correction,
    exactly_as_of,
    finite_with_flags,
    future,
    known_in_time,
    late,
    later_word,
    lives,
    order_and_repetition,
    surroundings_ahead,
    twins,
    world,
)
from .shops import AS_OF, OWN, merged

SEEDS = (1, 2)


def lake_of(*indicators: str) -> Lake:
    """An empty lake whose query computes the indicators of these names."""
    chosen = [one for one in CATALOGUE if one.name in indicators]
    return Lake(duckdb.connect(config={"threads": 1}), indicators=chosen)


def holds_for_twins(law: Callable[..., Any], *indicators: str) -> None:
    """The law of twins on the two shops."""
    lake = lake_of(*indicators)
    for seed in SEEDS:
        twins(lake, seed, [law])


def holds_for_lakes(law: Callable[..., Any], *indicators: str) -> None:
    """The law that compares lakes on the two shops."""
    lake = lake_of(*indicators)
    for seed in SEEDS:
        rows = merged(world(seed), lives(seed))
        law(lake, seed, rows, lake.frame(rows))


def every_flag_holds(*indicators: str) -> None:
    """Finite or missing, and missing where the flag says so, on the two shops."""
    lake = lake_of(*indicators)
    for seed in SEEDS:
        finite_with_flags(lake, lake.frame(world(seed), lives(seed)))


def told(indicator: str, **rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The columns of an indicator, over a few rows of the customer x."""
    lake = lake_of(indicator)
    who = {name: {"customer_id": "x"} if name in OWN else {} for name in rows}
    frame = lake.frame({name: [who[name] | row for row in each] for name, each in rows.items()})
    return dict(zip(lake.told, frame["x"], strict=True))


def days_ago(*days: int) -> list[dict[str, Any]]:
    """One row on each day, told as days before as_of."""
    return [{"occurred_at": AS_OF - timedelta(days=each)} for each in days]


def a_window_has_its_days() -> None:
    """The order of 30 days ago is within 30 days, that of 31 days ago is not."""
    assert told("frequency", orders=days_ago(30))["order_days_30d"] == 1
    assert told("frequency", orders=days_ago(31))["order_days_30d"] == 0


def a_ticket_at_the_edge_counts() -> None:
    """The complaint of 90 days ago is within 90 days."""
    complaint = [row | {"kind": "complaint"} for row in days_ago(90, 91)]
    assert told("complaints", orders=days_ago(5), tickets=complaint)["complaints_90d"] == 1


def a_product_is_what_it_is_now() -> None:
    """Milk was food, and has been a drink since June, like tea: who bought both bought one kind."""
    kinds = [("milk", "food", 400), ("milk", "drinks", 120), ("tea", "drinks", 400)]
    products = [days_ago(days)[0] | {"product_id": p, "category": k} for p, k, days in kinds]
    lines = [
        row | {"order_id": "o", "product_id": p} for p in ("milk", "tea") for row in days_ago(5)
    ]
    orders = [days_ago(5)[0] | {"order_id": "o"}]
    found = told("breadth", orders=orders, order_lines=lines, products=products)
    assert found["categories_90d"] == 1


def a_rate_is_of_a_closed_period() -> None:
    """Of 25 who ordered 100 days ago, 10 did not order since: .4, as for x, who ordered now."""
    people = [{"customer_id": f"c{n}"} for n in range(25)]
    orders = [who | row for who in people for row in days_ago(100)]
    orders += [who | row for who in people[10:] for row in days_ago(10)]
    known = [row | {"channel": "search"} | days_ago(900)[0] for row in [*people, {}]]
    found = told("group_churn", orders=[*orders, *days_ago(5)], customers=known)
    assert found["group_churn_rate_90d"] == 0.4


GONE30 = Contract(lookback_days=90, gap_days=5, horizon_days=30, settle_days=1)
ORDERS = (
    ("in the gap", "2017-10-05 23:59", "completed", 1),
    ("first moment", "2017-10-06 00:00", "completed", 0),
    ("last moment", "2017-11-04 23:59", "completed", 0),
    ("a moment late", "2017-11-05 00:00", "completed", 1),
    ("cancelled", "2017-10-20", "cancelled", 1),
    ("returned", "2017-10-20", "returned", 1),
)
"""Who ordered when, what became of it, and the label as of 2017-10-01 with a gap of 5 days."""


def labels_of(watermark: date) -> dict[str, Any]:
    """The label of each customer of ORDERS."""
    rows = [{"customer_id": c, "occurred_at": at, "status": s} for c, at, s, _ in ORDERS]
    who = pd.Series([row[0] for row in ORDERS])
    found = labels(canonical(orders=rows), who, AS_OF, GONE30, watermark)
    known = found["label"].astype(object).where(found["label"].notna(), None)
    return dict(zip(found["customer_id"], known, strict=True))


def a_label_is_of_its_window() -> None:
    """The window is [2017-10-06, 2017-11-05), and only what stands retains."""
    assert labels_of(date(2017, 11, 6)) == {row[0]: row[3] for row in ORDERS}


def a_label_waits_until_it_is_settled() -> None:
    """The label exists from 2017-11-06 on, a day after its window; before it is missing."""
    assert set(labels_of(date(2017, 11, 5)).values()) == {None}


def moved(window: Any, start: int, end: int) -> Any:
    """The window with its days moved."""
    return replace(window, start=window.start + timedelta(start), end=window.end + timedelta(end))


def without_flag(original: Callable[..., Any]) -> Callable[..., Any]:
    """A ratio that says 0 where it has no base."""

    def ratio(*given: Any, **more: Any) -> tuple[Column, Column]:
        value, flag = original(*given, **more)
        return Column(value.name, lambda t: value.of(t).fill_null(0.0)), flag

    return ratio


def of_all(original: Callable[..., ibis.Table]) -> Callable[..., ibis.Table]:
    """Order days counted with those of everybody."""

    def view(*given: Any) -> ibis.Table:
        rows = original(*given)
        return rows.mutate(days_ago=rows.days_ago + rows.count().over(ibis.window()))

    return view


@dataclass(frozen=True)
class Mutant:
    """A place of the code, how it is broken, and the law that must fail then."""

    name: str
    place: str
    broken: Callable[[Any], Any]
    law: Callable[[], None]


CUT, NEWEST = "churn_ml.warehouse.sql:cut_at", "churn_ml.warehouse.sql:newest_per_key"
WINDOW = "churn_ml.timeline:label_window"
MUTANTS = (
    Mutant(
        "what happens at as_of counts",
        CUT,
        lambda f: lambda t, e: f(t, e).replace("occurred_at <", "occurred_at <="),
        partial(holds_for_twins, exactly_as_of, "frequency", "spend"),
    ),
    Mutant(
        "what happens is not cut",
        CUT,
        lambda f: lambda t, e: f(t, e).split(" and ")[1],
        partial(holds_for_twins, future, "complaints"),
    ),
    Mutant(
        "known_at is ignored",
        CUT,
        lambda f: lambda t, e: f(t, e).split(" and ")[0],
        partial(holds_for_twins, late, "frequency"),
    ),
    Mutant(
        "known at as_of is too late",
        CUT,
        lambda f: lambda t, e: f(t, e).replace("known_at <=", "known_at <"),
        partial(holds_for_twins, known_in_time, "frequency"),
    ),
    Mutant(
        "tables of no customer are not cut",
        CUT,
        lambda f: lambda t, e: f(t, e) if "customer_id" in t.names else "true",
        partial(holds_for_lakes, surroundings_ahead, "gdp_growth", "technology"),
    ),
    Mutant(
        "the oldest row of a key stands",
        NEWEST,
        lambda f: lambda t: f(t).replace(" desc", ""),
        partial(holds_for_twins, correction, "spend"),
    ),
    Mutant(
        "every row of a key stands",
        NEWEST,
        lambda _: lambda _: "",
        partial(holds_for_lakes, order_and_repetition, "spend"),
    ),
    Mutant(
        "a row tells what comes later",
        "churn_ml.warehouse.sql:as_known",
        lambda _: lambda rows, _: rows,
        partial(holds_for_twins, later_word, "payment_failures", "answers", "frequency"),
    ),
    Mutant(
        "a window is a day short",
        "churn_ml.events:days_ago",
        lambda f: lambda rows, as_of: f(rows, as_of) + 1,
        a_window_has_its_days,
    ),
    Mutant(
        "a window is a day long",
        "churn_ml.events:days_ago",
        lambda f: lambda rows, as_of: f(rows, as_of) - 1,
        a_window_has_its_days,
    ),
    Mutant(
        "within is < for <=",
        "churn_ml.features.support:within",
        lambda _: lambda days: lambda t: t.days_ago < days,
        a_ticket_at_the_edge_counts,
    ),
    Mutant(
        "cancelled orders count",
        "churn_ml.events:placed",
        lambda _: lambda tables: tables["orders"],
        partial(holds_for_twins, cancelled, "frequency"),
    ),
    Mutant(
        "a ratio without base is 0",
        "churn_ml.features.activity:ratio",
        without_flag,
        partial(every_flag_holds, "frequency_trend"),
    ),
    Mutant(
        "customers are counted together",
        "churn_ml.features.views:VIEWS.days",
        of_all,
        partial(holds_for_lakes, alone, "recency"),
    ),
    Mutant(
        "a group's rate is of an open period",
        "churn_ml.features.views:VIEWS.group_rates",
        lambda _: (
            lambda tables, as_of, days: groups.group_rates(tables, as_of + timedelta(days), days)
        ),
        a_rate_is_of_a_closed_period,
    ),
    Mutant(
        "a product is what it was first",
        "ibis:desc",
        lambda _: ibis.asc,
        a_product_is_what_it_is_now,
    ),
    Mutant(
        "a label is a day early",
        WINDOW,
        lambda f: lambda *a: moved(f(*a), -1, -1),
        a_label_is_of_its_window,
    ),
    Mutant(
        "a label's end is included",
        WINDOW,
        lambda f: lambda *a: moved(f(*a), 0, 1),
        a_label_is_of_its_window,
    ),
    Mutant(
        "the gap is left out",
        WINDOW,
        lambda f: lambda *a: moved(f(*a), -5, 0),
        a_label_is_of_its_window,
    ),
    Mutant(
        "a returned order retains",
        "churn_ml.labels:retaining",
        lambda _: placed,
        a_label_is_of_its_window,
    ),
    Mutant(
        "an immature label is told",
        "churn_ml.timeline:is_mature",
        lambda _: lambda *_: True,
        a_label_waits_until_it_is_settled,
    ),
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_law_holds_and_fails_under_the_mutant(
    mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant.law()
    module, _, name = mutant.place.partition(":")
    owner, (name, *key) = import_module(module), name.split(".")
    if key:
        held: Mapping[str, Any] = getattr(owner, name)
        assert held is VIEWS
        monkeypatch.setitem(VIEWS, key[0], mutant.broken(held[key[0]]))  # type: ignore[arg-type]
    else:
        monkeypatch.setattr(owner, name, mutant.broken(getattr(owner, name)))
    with pytest.raises(AssertionError):
        mutant.law()
