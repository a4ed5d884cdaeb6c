"""The laws of time and order, each as a function that fails where a lake's features break it.

A lake holds raw rows in DuckDB; views cut them at an as_of and keep one row per key with the SQL of
the warehouse's own read; the queries of the catalogue run on the views, compiled once. Most laws
tell of twins: customers who lead the same life in one lake, but for what the law says does not
matter. Planning a query costs a hundred times what its rows cost, and more than twice as much for
twice the indicators: so the twins of all laws live in one lake, and there is a query for the
indicators of each set of tables, and one for the composites. Values are compared to the last bit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import ibis

from churn_ml.config import Contract
from churn_ml.features import CATALOGUE, Indicator, available, defining, names, query
from churn_ml.in_memory import arrow
from churn_ml.tables import table
from churn_ml.timeline import instant
from churn_ml.warehouse import sql

from .shops import AS_OF, OWN, SHARED, Row, Rows, founder, life, merged, surroundings

CONTRACT = Contract(lookback_days=90, min_orders=1)
PEOPLE = tuple("abcdef")
MOMENT = timedelta(microseconds=1)

Frame = dict[str, tuple[Any, ...]]


class Lake:
    """Raw rows, and the compiled queries of some indicators over their views cut at each as_of."""

    # Not a dataclass: Hypothesis would print every query of 200,000 characters.
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        *as_ofs: date,
        indicators: Sequence[Indicator] = CATALOGUE,
    ) -> None:
        self.connection = connection
        needed = {need for one in indicators for need in one.needs}
        self.tables = tuple(name for name in (*OWN, *SHARED) if name in needed)
        present = available(dict.fromkeys(self.tables), indicators)
        self.told = names(present)
        for name in self.tables:
            connection.register("shape", arrow(name, []))
            connection.execute(f"create or replace table raw_{name} as select * from shape")
        self.queries = {as_of: self._queries(as_of, present) for as_of in as_ofs or (AS_OF,)}

    def frame(self, *parts: Mapping[str, list[Row]], as_of: date = AS_OF) -> Frame:
        """The features at `as_of` of a lake that holds all rows of `parts`, by customer."""
        for name in self.tables:
            rows = [row for part in parts for row in part.get(name, [])]
            self.connection.execute(f"delete from raw_{name}")
            self.connection.register("given", arrow(name, rows))
            self.connection.execute(f"insert into raw_{name} select * from given")
        found: dict[str, dict[str, Any]] = {}
        for text in self.queries[as_of]:
            answer = self.connection.execute(text)
            columns = [column[0] for column in answer.description[1:]]
            for customer, *values in answer.fetchall():
                found.setdefault(customer, {}).update(zip(columns, values, strict=True))
        return {one: tuple(told[name] for name in self.told) for one, told in found.items()}

    def _queries(self, as_of: date, indicators: Sequence[Indicator]) -> list[str]:
        tables = {}
        for name in self.tables:
            shape, view = table(name), f"{name}_{as_of:%Y%m%d}"
            cut = sql.scan(shape, f"raw_{name}", shape.names)
            cut = cut.having(f"where {sql.cut_at(shape, instant(as_of))}")
            cut = sql.as_known(cut.having(sql.newest_per_key(shape)), instant(as_of))
            self.connection.execute(f"create or replace view {view} as {cut.query}")
            tables[name] = ibis.table(cut.types(), name=view)
        return [query(tables, as_of, CONTRACT, part) for part in _parts(indicators)]


def _parts(indicators: Sequence[Indicator]) -> list[tuple[Indicator, ...]]:
    """The indicators by the tables they need; the composites, with what they are made of, last."""
    plain = [one for one in indicators if not one.over]
    found = [
        tuple(one for one in plain if one.needs == needs) for needs in {o.needs: 0 for o in plain}
    ]
    composites = [one for one in indicators if one.over]
    read = [name for one in composites for name, _ in one.over]
    return [*found, (*defining(read, plain), *composites)] if composites else found


def lives(seed: int, end: str = "", *, ends: date = AS_OF) -> Rows:
    """The lives of PEOPLE; with `end` of their twins, who are called a2 where `end` is "2"."""
    return merged(*(life((seed, c), c + end, ends=ends) for c in PEOPLE))


def more(seed: int, end: str, ids: str = "x") -> Rows:
    """Further rows of the twins, with ids of their own; ids "" gives them keys that stand."""
    return merged(*(life((seed, c, "more"), c + end, ids=ids, founded=False) for c in PEOPLE))


def world(seed: int, *, ends: date = AS_OF) -> Rows:
    """What surrounds the customers, and a founder from whose day on the shop records."""
    return merged(surroundings(seed, ends=ends), founder(ends=ends))


def with_each(rows: Rows, change: Callable[[Row], Row]) -> Rows:
    """The rows, each with what `change` says of it."""
    return {name: [row | change(row) for row in each] for name, each in rows.items()}


def mirrored(row: Row) -> Row:
    """As long after as_of as it was before; the last minute before becomes as_of itself."""
    ahead = max(instant(AS_OF) - row["occurred_at"] - timedelta(minutes=1), timedelta(0))
    return {"occurred_at": instant(AS_OF) + ahead, "known_at": instant(AS_OF) - timedelta(days=1)}


def known_late(_: Row) -> Row:
    """Known the first moment after as_of."""
    return {"known_at": instant(AS_OF) + MOMENT, "ingest_key": AS_OF, "lot": "late"}


def future(seed: int, end: str) -> list[Rows]:
    """A row that happens at or after as_of changes nothing, even if known beforehand."""
    return [lives(seed, end), with_each(more(seed, end), mirrored)]


def exactly_as_of(seed: int, end: str) -> list[Rows]:
    """A window is half-open: what happens exactly at as_of is not there."""
    now = {"occurred_at": instant(AS_OF), "known_at": instant(AS_OF)}
    return [lives(seed, end), with_each(more(seed, end), lambda _: now)]


def late(seed: int, end: str) -> list[Rows]:
    """A row known after as_of changes nothing, be it new or the correction of one."""
    rows = [with_each(more(seed, end, ids), known_late) for ids in ("x", "")]
    return [lives(seed, end), *rows]


def known_in_time(seed: int, end: str) -> list[Rows]:
    """A row known exactly at as_of is as good as one known at once."""
    return [with_each(lives(seed, end), lambda _: {"known_at": instant(AS_OF)})]


def correction(seed: int, end: str) -> list[Rows]:
    """Of two rows with one key the one known later counts, whichever lies first in the lake."""

    def wrong(row: Row) -> Row:
        numbers = {n: v for n, v in row.items() if isinstance(v, int | float | Decimal)}
        return {n: type(v)(not v) for n, v in numbers.items()} | {"known_at": datetime(2013, 1, 1)}

    told = lives(seed, end)
    return [told, with_each(told, wrong)] if seed % 2 else [with_each(told, wrong), told]


def later_word(seed: int, end: str) -> list[Rows]:
    """What a row tells of a moment at or after as_of, it does not tell yet."""

    def unfinished(name: str, row: Row) -> Row:
        waits = [c for c in table(name).columns if c.after and row[c.after]]
        return {c.name: c.until_then for c in waits if row[str(c.after)] >= instant(AS_OF)}

    told = lives(seed, end).items()
    return [{name: [row | unfinished(name, row) for row in rows] for name, rows in told}]


def cancelled(seed: int, end: str) -> list[Rows]:
    """A cancelled order is as if it had never been."""
    told, now = lives(seed, end), instant(AS_OF)
    stand = [
        row
        for row in told["orders"]
        if row["status"] != "cancelled" or (row["cancelled_at"] or datetime(2013, 1, 1)) >= now
    ]
    return [told | {"orders": stand}]


TWINS = (future, exactly_as_of, late, known_in_time, correction, later_word, cancelled)
"""The laws that tell of twins: each takes a seed and the twins' ending, and gives their rows."""


def twins(
    lake: Lake,
    seed: int,
    laws: Sequence[Callable[[int, str], list[Rows]]] = TWINS,
    but: Mapping[str, Collection[str]] | None = None,
) -> Frame:
    """Every customer has the features of their twin under each law, and the frame that says so.

    `but`: a law's name -> the columns it does not hold for.
    """
    parts = [rows for number, law in enumerate(laws) for rows in law(seed, str(number))]
    frame = lake.frame(world(seed), lives(seed), *parts)
    for number, law in enumerate(laws):
        free = (but or {}).get(law.__name__, ())
        for one in PEOPLE:
            assert f"{one}{number}" in frame, f"{law.__doc__} ({one} is not at risk)"
            same(lake, frame[one], frame[f"{one}{number}"], f"{law.__doc__} ({one})", free)
    return frame


def order_and_repetition(lake: Lake, seed: int, rows: Rows, frame: Frame) -> None:
    """The order of the rows changes nothing, nor does bringing every row a second time."""
    mixed = {name: each + [row | {"lot": "again"} for row in each] for name, each in rows.items()}
    for each in mixed.values():
        random.Random(seed).shuffle(each)
    _all_same(lake, lake.frame(mixed), frame, order_and_repetition)


def surroundings_ahead(lake: Lake, seed: int, rows: Rows, frame: Frame) -> None:
    """Rows of no customer that happen, or become known, later change nothing either."""
    beside = surroundings((seed, "more"))
    ahead, behind = with_each(beside, mirrored), with_each(beside, known_late)
    _all_same(lake, lake.frame(rows, ahead, behind), frame, surroundings_ahead)


def alone(lake: Lake, seed: int, rows: Rows, frame: Frame, but: Collection[str] = ()) -> None:
    """A customer's features do not depend on other customers."""
    del rows
    half = merged(world(seed), *(life((seed, c), c) for c in PEOPLE[::2]))
    _all_same(lake, lake.frame(half), frame, alone, but)


LAKES = (order_and_repetition, surroundings_ahead, alone)
"""The laws that compare a lake with another: each takes a seed, its rows and their frame."""


def finite_with_flags(lake: Lake, frame: Frame) -> None:
    """Every feature is finite or missing; a ratio is missing where its flag says: no base."""
    for row in frame.values():
        told = dict(zip(lake.told, row, strict=True))
        assert all(value is None or abs(value) < 1e15 for value in told.values())
        for name in (n for n in lake.told if n.endswith("_has_base")):
            assert told[name] in {0.0, 1.0}, name
            assert (told[name.removesuffix("_has_base")] is None) == (told[name] == 0.0), name


def _all_same(
    lake: Lake, mine: Frame, theirs: Frame, law: Callable[..., None], but: Collection[str] = ()
) -> None:
    assert set(PEOPLE[::2]) <= mine.keys() <= theirs.keys()
    for one, row in mine.items():
        same(lake, row, theirs[one], f"{law.__doc__} ({one})", but)


def same(
    lake: Lake, mine: Sequence[Any], theirs: Sequence[Any], law: str, but: Collection[str]
) -> None:
    """Both rows of a frame are equal, apart from the columns `but`."""
    pairs = zip(lake.told, mine, theirs, strict=True)
    differ = [(name, x, y) for name, x, y in pairs if x != y and name not in but]
    assert not differ, f"{law}: {differ[:5]}"
