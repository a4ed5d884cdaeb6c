"""A whole synthetic shop: every canonical table, for as many customers and days as one asks for.

Enters: a `Plan`. Leaves: the tables, in memory or as files, and the truth about who was planted
with what. Nothing of it is real, and no figure of quality may be taken from it: it shows that a
shop's data find their way, what they cost to compute, and that a planted effect is found.

Worked example: `Plan(customers=200)` ends on 2018-01-01 and began 540 days before, on 2016-07-10.
As of 2017-09-01 nothing is planted yet; from 2017-09-03 on some customers are served worse, see
`scenarios`.

>>> shop = Shop(Plan(customers=20))
>>> orders = shop.canonical(["orders"], date(2018, 1, 1))["orders"]
>>> orders.customer_id.nunique().to_pyarrow().as_py()
20
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Self

from churn_ml.errors import BadInput
from churn_ml.simulate import contact, context, people, trade, voice, world
from churn_ml.simulate.scenarios import SCENARIOS, Scenario
from churn_ml.tables import SOURCE_TABLES, table
from churn_ml.warehouse.sql import Scan, as_known, cut_at, no_rows

if TYPE_CHECKING:
    import duckdb
    import ibis
    import pyarrow as pa

QUERIES: Mapping[str, str] = {
    **people.QUERIES,
    **trade.QUERIES,
    **contact.QUERIES,
    **voice.QUERIES,
} | {**context.QUERIES}
"""By table: what tells its rows, in their final form."""
ONSET_DAYS = 120
"""What is planted begins so many days before the shop ends."""
FEWEST_DAYS, MOST_DAYS = 400, 3650


@dataclass(frozen=True)
class Plan:
    """What to make: how many customers, over how many days before `ends`, from which seed.

    Raises BadInput below one customer, and outside 400 to 3,650 days: the indicators look back a
    year and a month.

    >>> Plan(customers=10).begins, Plan(customers=10).onset
    (datetime.date(2016, 7, 10), datetime.date(2017, 9, 3))
    """

    customers: int
    days: int = 540
    seed: int = 1
    ends: date = date(2018, 1, 1)
    scenarios: tuple[Scenario, ...] = SCENARIOS

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        if self.customers < 1 or not FEWEST_DAYS <= self.days <= MOST_DAYS or self.seed < 0:
            raise BadInput(
                "no shop can be made of that",
                got=f"{self.customers} customers, {self.days} days, seed {self.seed}",
                expected=f"a customer or more, {FEWEST_DAYS} to {MOST_DAYS} days, a seed from 0",
                next_step="churn-ml simulate shop FOLDER --customers 1000 --days 540 --seed 1",
            )

    @property
    def begins(self) -> date:
        """The first day of the shop."""
        return self.ends - timedelta(days=self.days)

    @property
    def onset(self) -> date:
        """The day from which on scenarios begin; each customer's within ten days after it."""
        return self.ends - timedelta(days=ONSET_DAYS)


class Shop:
    """A synthetic shop, made on first use, in a DuckDB of its own; close it, or leave its block."""

    def __init__(self, plan: Plan, *, memory_limit: str = "1GB", spill: str | None = None) -> None:
        """Nothing is made yet. `spill`: a folder for what does not fit into `memory_limit`."""
        self.plan = plan
        self._settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": 1,
            "memory_limit": memory_limit,
            "temp_directory": spill or "",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB that holds the shop. One thread, so that rows come in one order."""
        import duckdb

        plan = self.plan
        connection = duckdb.connect(config=self._settings)
        connection.execute("set timezone = 'UTC'")
        for name in ("seed", "customers", "days"):
            connection.execute(f"set variable {name} = {getattr(plan, name)}")
        for name in ("begins", "ends", "onset"):
            connection.execute(f"set variable {name} = timestamp '{getattr(plan, name)}'")
        connection.execute("create temp table scenarios (scenario text, low double, high double)")
        low = 0.0
        for one in plan.scenarios:
            connection.execute(
                "insert into scenarios values (?, ?, ?)", [one.name, low, low + one.share]
            )
            low += one.share
        connection.execute(world.MACROS)
        for query in world.TABLES:
            connection.execute(query)
        return connection

    def told(self, name: str) -> list[str]:
        """The columns of the table `name` that the shop tells, without the stamps, known_at last.

        >>> Shop(Plan(customers=1)).told("fx_rates")
        ['currency', 'rate', 'occurred_at', 'known_at']
        """
        held = [c[0] for c in self.connection.execute(f"describe {QUERIES[name]}").fetchall()]
        return [*(c.name for c in table(name).mapped if c.name in held), "known_at"]

    def as_of(self, name: str, end: date) -> Scan:
        """The rows of the table `name` as they are known at 00:00 UTC of `end`, all columns."""
        shape, instant = table(name), datetime.combine(end, time())
        told = f"select * from {self._stamped(name)} where {cut_at(shape, instant)}"
        whole = f"{no_rows(shape).query} union all by name ({told})"
        return as_known(Scan(shape, f"select * from ({whole})", shape.names), instant)

    def arrow(self, name: str, end: date) -> pa.Table:
        """The table `name` as it is known at 00:00 UTC of `end`, in memory."""
        found = self.connection.sql(self.as_of(name, end).query).to_arrow_table()
        return found.cast(table(name).schema())

    def canonical(
        self, names: Sequence[str] = SOURCE_TABLES, end: date | None = None
    ) -> dict[str, ibis.Table]:
        """The tables `names` as they are known at 00:00 UTC of `end` (default: when it ends)."""
        import ibis

        return {name: ibis.memtable(self.arrow(name, end or self.plan.ends)) for name in names}

    def planted(self) -> pa.Table:
        """The truth: one row per planted customer, with customer_id, scenario and since (UTC)."""
        query = "select customer_id, scenario, since from people where since is not null order by n"
        return self.connection.sql(query).to_arrow_table()

    def _stamped(self, name: str) -> str:
        """The rows with the stamps of the ingest, known at the midnight after unless they say."""
        held = self.connection.execute(f"describe {QUERIES[name]}").fetchall()
        says = "known_at" in [column[0] for column in held]
        known = "" if says else "date_trunc('day', occurred_at) + interval 1 day as known_at, "
        return (
            f"(select *, {known}occurred_at::date as day, 'column' as known_from, 'synthetic' as"
            " lot, row_number() over () as lot_row, ends()::date as ingest_key"
            f" from ({QUERIES[name]}))"
        )
