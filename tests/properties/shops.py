"""Shops in every canonical table, drawn from a seed: what the laws of the features are tried on.

The rows are drawn by the shape of each table: words among its words, numbers within its bounds,
times around the edges of the catalogue's windows. One seed is one shop, so that a law that fails
can be tried again.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from churn_ml.features import CATALOGUE
from churn_ml.tables import SOURCE_TABLES, Column, table
from churn_ml.tables.shape import STAMPS
from churn_ml.timeline import instant

AS_OF = date(2017, 10, 1)
TABLES = tuple(name for name in SOURCE_TABLES if name != "customer_merges")
"""Merged customers are made one after the cut, not by it."""
OWN = tuple(name for name in TABLES if "customer_id" in table(name).names)
SHARED = tuple(name for name in TABLES if name not in OWN)
WINDOWS = sorted({days for one in CATALOGUE for days in one.windows})
MANY: Mapping[str, int] = {
    "orders": 12,
    "order_lines": 24,
    "web_events": 80,
    "tickets": 20,
    "message_events": 60,
    "ad_events": 12,
    "promo_events": 12,
    "surveys": 6,
    "fx_rates": 60,
    "competitor_prices": 30,
    "competitor_events": 60,
    "macro_indicators": 80,
    "social_mentions": 150,
}
FEW = 4
"""The most rows of a customer, or of the surroundings, in a table; in the others it is FEW."""
WORDS: Mapping[str, tuple[str, ...]] = {
    "product_id": ("milk", "bread", "soap"),
    "market": ("DE", "CH"),
    "currency": ("EUR",),
    "source_currency": ("EUR", "USD"),
    "local_currency": ("EUR", "USD"),
    "language": ("de", "it"),
    "languages": ("de", "de,fr"),
    "channel": ("email", "search"),
    "tier": ("basic", "gold"),
    "method": ("card", "invoice"),
    "methods_offered": ("card", "card,invoice"),
    "topic": ("delivery", "quality", "price", "service", "payment", "colour"),
    "status": ("completed", "completed", "completed", "returned", "cancelled"),
    "competitor": ("rival",),
    "campaign_id": ("c0", "c1"),
}
KINDS: Mapping[str, tuple[str, ...]] = {
    "site_incidents": ("breach", "outage"),
    "competitor_events": ("promotion", "launch", "acquisition", "share", "entrant"),
    "macro_indicators": ("unemployment", "gdp_growth"),
    "tech_events": ("launch", "security"),
}

Row = dict[str, Any]
Rows = dict[str, list[Row]]


def life(
    seed: object, customer: str, *, ends: date = AS_OF, ids: str = "", founded: bool = True
) -> Rows:
    """The rows that a customer's life before `ends` leaves in the tables; no id is another's.

    The same seed gives the same life, whoever leads it. `ids`: what tells its rows from those of
    another life of the same customer. With `founded` the life has an order and a place to live.
    """
    luck = random.Random(repr(seed))
    rows: Rows = {}
    orders: list[str] = []
    for name in OWN:
        most = MANY.get(name, FEW)
        own = [
            _row(luck, name, ends, {"customer_id": customer, "#": f"{customer}{ids}-{n}"}, orders)
            for n in range(luck.randint(1 if name == "orders" and founded else 0, most))
        ]
        if name == "orders":
            orders = [row["order_id"] for row in own]
        rows[name] = own
    if founded:
        for row, days in zip(rows["orders"], (80, 400), strict=False):
            row |= {"status": "completed", "occurred_at": instant(ends) - timedelta(days=days)}
            row |= {"cancelled_at": None}
    return rows


def surroundings(seed: object, *, ends: date = AS_OF) -> Rows:
    """The rows of the tables that belong to no customer: products, markets, rates, rivals."""
    luck = random.Random(repr(seed))
    return {
        name: [
            _row(luck, name, ends, {"#": f"{name}-{n}"}, []) for n in range(MANY.get(name, 2 * FEW))
        ]
        for name in SHARED
    }


def founder(*, ends: date = AS_OF) -> Rows:
    """A customer with a finished row of every kind, long before all windows.

    What the shop records at all, it records since then.
    """
    luck = random.Random("founder")
    begun = instant(ends) - timedelta(days=1400)
    rows: Rows = {}
    for name in OWN:
        columns = {column.name: column for column in table(name).columns}
        done = {n: begun for n, c in columns.items() if c.type == "timestamp" and n not in STAMPS}
        for kind in columns["kind"].words if "kind" in columns else ():
            me = {"customer_id": "ada", "#": f"ada-{kind}"}
            row = _row(luck, name, ends, me, ["ada"]) | done | {"kind": kind}
            rows.setdefault(name, []).append(row)
        me = {"customer_id": "ada", "#": "ada"}
        rows.setdefault(name, []).append(_row(luck, name, ends, me, ["ada"]) | done)
    return rows


def merged(*parts: Mapping[str, list[Row]]) -> Rows:
    """All rows of the parts, one row per key: the later part's."""
    found: Rows = {}
    for name in TABLES:
        key = table(name).key
        rows = [row for part in parts for row in part.get(name, [])]
        found[name] = list({tuple(row.get(k) for k in key): row for row in rows}.values())
    return found


def _row(luck: random.Random, name: str, ends: date, known: Row, orders: list[str]) -> Row:
    """A row of the table `name`, drawn; `known`: its customer, and "#" for an id of its own."""
    shape = table(name)
    row: Row = {"occurred_at": instant(ends) - _ago(luck)}
    for column in shape.columns:
        if column.name in STAMPS or column.name in row:
            continue
        row[column.name] = _value(luck, name, column, row, known, orders)
    return row


def _ago(luck: random.Random) -> timedelta:
    """Before the end, half of the time within a minute of the edge of a window."""
    if luck.random() < 0.5:
        return timedelta(minutes=luck.randint(1, luck.choice((15, 90, 400)) * 1440))
    days = luck.choice(WINDOWS) * luck.choice((1, 1, 2))
    return timedelta(days=days, minutes=luck.choice((-1, 0, 1)))


def _value(
    luck: random.Random, name: str, column: Column, row: Row, known: Row, orders: list[str]
) -> Any:
    if column.name == "customer_id":
        return known["customer_id"]
    if column.name == "order_id" and name != "orders":
        return luck.choice(orders) if orders else None
    if (
        column.name == table(name).key[0]
        and column.name.endswith("_id")
        and column.name not in WORDS
    ):
        return known["#"]
    if not column.required and luck.random() < 0.2:
        return None
    return _drawn(luck, name, column, row)


def _drawn(luck: random.Random, name: str, column: Column, row: Row) -> Any:
    """A value that the column may hold."""
    if column.type == "timestamp":
        return row["occurred_at"] + timedelta(minutes=luck.randint(0, 60 * 1440))
    if column.type == "bool":
        return luck.random() < 0.5
    if column.type == "string":
        usual = KINDS.get(name) if column.name in {"kind", "name"} else None
        return luck.choice(
            (WORDS.get(column.name) if name == "orders" else None)
            or column.words
            or usual
            or WORDS.get(column.name, (column.name, f"{column.name}-2"))
        )
    low = 0 if column.minimum is None else int(column.minimum)
    high = low + 50 if column.maximum is None else int(column.maximum)
    if column.type == "int64":
        return luck.randint(low, min(high, low + 6))
    if column.type == "float64":
        return luck.randint(low * 8, high * 8) / 8
    return Decimal(luck.randint(low * 100, high * 100)) / 100
