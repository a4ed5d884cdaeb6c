"""Money in the shop's currency: which codes there are, and the rate at the time of the event.

Enters: typed rows whose amounts are in the currency they name, and the rates known so far. Leaves:
the same rows in the shop's currency, with `source_currency` and `exchange_rate` beside, and the
rows for which there is no rate young enough. Amounts are rounded half to even, to two decimals.

A row is converted with what was known of rates when the row was known: one restated or delivered
later changes nothing, so that a range of days ingested at once gives what daily ingests gave. Where
none was known by then (a row dated by `lag_days`), the newest day's first word counts.

Worked example: the shop counts in USD, and one euro was 1.1814 USD from 2017-09-29 on. An order of
2017-09-30 over 10.00 EUR leaves as 11.81 USD; one of 2017-10-09 has no rate of the seven days
before it and breaks `orders.currency.no_rate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from churn_ml.clock import literal
from churn_ml.tables import Table, table

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _no_rates() -> pa.Table:
    schema = table("fx_rates").schema()
    return schema.empty_table().select(["currency", "occurred_at", "known_at", "rate"])


@dataclass(frozen=True)
class Rates:
    """What one unit of another currency was worth, and for how many days a rate may be used.

    `rows` holds one row per currency, occurred_at and known_at (naive UTC), `rate` as
    decimal(18,8).
    """

    rows: pa.Table
    days: int = 7

    @staticmethod
    def none() -> Rates:
        """No rate at all: what a shop of one currency has.

        >>> Rates.none().rows.num_rows
        0
        """
        return Rates(_no_rates())

    @staticmethod
    def newest(rows: pa.Table, days: int) -> Rates:
        """One rate per currency, occurred_at and known_at: of several, the last in `rows`."""
        key = ["currency", "occurred_at", "known_at"]
        numbered = rows.append_column("at", pa.array(np.arange(rows.num_rows)))
        last = numbered.group_by(key).aggregate([("at", "max")])["at_max"]
        return Rates(rows.take(last.combine_chunks()), days)


@cache
def currencies() -> tuple[str, ...]:
    """ISO 4217 codes that are, or once were, the money of a country: the CLDR's list in Babel.

    >>> "EUR" in currencies(), "XXX" in currencies(), "eur" in currencies()
    (True, False, False)
    """
    from babel.core import get_global

    spans = get_global("territory_currencies").values()
    return tuple(sorted({code for span in spans for code, *_, tender in span if tender}))


def in_shop_currency(
    typed: pa.Table, spec: Table, *, currency: str, rates: Rates
) -> tuple[pa.Table, NDArray[np.int64]]:
    """`typed` with every amount in `currency`, and the rows (by number) that have no rate.

    Rows of a code that is none stay as they are, for the suite to judge. An amount too large to be
    stored after the conversion counts as one without a rate.

    >>> from datetime import datetime
    >>> from decimal import Decimal
    >>> rate = {"currency": "EUR", "occurred_at": datetime(2017, 9, 29),
    ...         "known_at": datetime(2017, 9, 30), "rate": Decimal("1.1814")}
    >>> rates = Rates(pa.Table.from_pylist([rate], schema=Rates.none().rows.schema))
    >>> order = {"order_id": "31", "net_amount": Decimal(10), "currency": "EUR",
    ...          "occurred_at": datetime(2017, 9, 30, 17, 5), "known_at": datetime(2017, 10, 1)}
    >>> orders = pa.Table.from_pylist([order], schema=table("orders").schema())
    >>> typed = orders.append_column("row", [[0]])
    >>> done, bad = in_shop_currency(typed, table("orders"), currency="USD", rates=rates)
    >>> done.select(["net_amount", "currency", "source_currency"]).to_pylist(), bad.tolist()
    ([{'net_amount': Decimal('11.81'), 'currency': 'USD', 'source_currency': 'EUR'}], [])
    """
    none = np.empty(0, np.int64)
    if "exchange_rate" not in spec.names:
        return typed, none
    codes = pc.unique(typed["currency"]).to_pylist()
    foreign = sorted(set(codes) & set(currencies()) - {currency})
    if not foreign:
        return typed, none
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.register("typed", typed)
        con.register("rates", rates.rows)
        rows = con.sql(_statement(typed, spec, currency, foreign, rates.days)).to_arrow_table()
    bad = rows.filter(rows["no_rate"])["row"].to_numpy()
    done = rows.filter(pc.invert(rows["no_rate"])).select(typed.column_names).cast(typed.schema)
    return done, bad


def _statement(typed: pa.Table, spec: Table, currency: str, foreign: list[str], days: int) -> str:
    """SQL: every column, the amounts and what stands beside them converted where need be."""
    codes = ", ".join(literal(code) for code in foreign)
    amounts = [
        c.name for c in spec.mapped if c.type == "decimal(18,2)" and c.name in typed.column_names
    ]
    there = {name: f"t.{name}" for name in typed.column_names}
    there |= {name: f"case when turned then to_{name} else t.{name} end" for name in amounts}
    there |= {
        "currency": f"case when turned then {literal(currency)} else t.currency end",
        "source_currency": "case when turned then t.currency else t.source_currency end",
        "exchange_rate": "case when turned then t.found else t.exchange_rate end",
    }
    # 20 digits times 18 are the 38 that DuckDB has: no product of the two overflows
    exact = [
        f"try_cast(round_even(t.{n}::decimal(20,2) * f.rate, 2) as decimal(18,2)) as to_{n}"
        for n in amounts
    ]
    misfit = " or ".join([f"(turned and t.{n} is not null and to_{n} is null)" for n in amounts])
    return f"""
        select {", ".join(f"{sql} as {name}" for name, sql in there.items())},
            (abroad and not turned and t.occurred_at is not null) or ({misfit or "false"})
            as no_rate
        from (
            select t.*, f.rate as found, {", ".join([*exact, "true as joined"])},
                coalesce(t.currency in ({codes}), false) as abroad,
                coalesce(abroad and f.rate is not null, false) as turned
            from typed t left join ({_found(days)}) f using (row)) t
        order by t.row
    """


def _found(days: int) -> str:
    """SQL: the rate of each row that has one of at most `days` days before it.

    Rates are spread over the days they may be used on: an equal day joins few of them, where a
    range would compare every row with every rate.
    """
    return f"""
        select t.row, arg_max(r.rate, row(
            coalesce(r.known_at <= t.known_at, false), r.occurred_at,
            case when r.known_at <= t.known_at then epoch_us(r.known_at)
                 else -epoch_us(r.known_at) end)) as rate
        from typed t join (
            select *, occurred_at::date + unnest(range({days} + 1))::integer as on_day from rates) r
            on t.currency = r.currency and t.occurred_at::date = r.on_day
        where r.occurred_at <= t.occurred_at
            and t.occurred_at - r.occurred_at <= interval {days} day
        group by t.row
    """
