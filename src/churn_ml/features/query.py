"""The query of the feature frame: measures by view, joined by customer, then read as columns.

Enters: the tables (without rows or engine if need be: `ibis.table(schema, name="orders")`), the day
of the cut and the indicators. Leaves: text, for DuckDB or another engine. Each view is a subquery
of its own, which is what keeps a hundred indicators cheap to put into words. Worked example:
`recency` alone is `eligible`, who is in the frame, `view_days`, the order days, `in_days`, its
measure by customer, and `joined`, both side by side.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from churn_ml.cohort import eligible
from churn_ml.errors import BrokenPromise
from churn_ml.features.catalogue import CATALOGUE
from churn_ml.features.views import VIEWS
from churn_ml.tables import SOURCE_TABLES, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import ibis

    from churn_ml.config import Contract
    from churn_ml.events import Canonical, Day
    from churn_ml.features.indicator import Indicator, Measure, View

SHOPS = 8
"""Choices of tables that a process keeps the words of."""


class Wording:
    """The views over `tables` at `as_of`, each put into SQL once, for any choice of indicators."""

    def __init__(self, tables: Canonical, as_of: Day, dialect: str = "duckdb") -> None:
        """`dialect` is that of the engine, as ibis calls it."""
        self.tables = tables
        self.dialect = dialect
        self._as_of = as_of
        self._known: dict[View, tuple[str, ibis.Schema]] = {}

    def rows(self, view: View) -> tuple[str, ibis.Schema]:
        """The text of a view and the columns of its rows."""
        if view not in self._known:
            rows = VIEWS[view.name](self.tables, self._as_of, *view.days)
            self._known[view] = (in_words(rows, self.dialect), rows.schema())
        return self._known[view]


def query(
    tables: Canonical,
    as_of: Day,
    contract: Contract,
    indicators: Sequence[Indicator] = CATALOGUE,
    *,
    zone: str = "UTC",
    dialect: str = "duckdb",
) -> str:
    """The text of the frame: one row per eligible customer_id, in no order, not rounded.

    Args: as of `frame.build`; `dialect` is that of the engine, as ibis calls it.

    >>> from datetime import date
    >>> from churn_ml.config import Contract
    >>> from churn_ml.in_memory import canonical
    >>> query(canonical(orders=[]), date(2017, 10, 1), Contract())[:16]
    'WITH eligible AS'
    """
    who = in_words(eligible(tables, as_of, contract, zone=zone), dialect)
    return f"WITH eligible AS ({who}),\n{of_eligible(Wording(tables, as_of, dialect), indicators)}"


@functools.lru_cache(maxsize=SHOPS)
def declared(names: tuple[str, ...] = SOURCE_TABLES) -> Wording:
    """The tables `names` with every column, at the day that the engine's `as_of_date()` says.

    What is put into words here serves every shop that has these tables, at every cut.
    """
    import ibis

    as_of_date = ibis.udf.scalar.builtin(lambda: None, name="as_of_date", signature=((), "date"))
    shapes = {name: ibis.schema(table(name).schema()) for name in names}
    tables = {name: ibis.table(shape, name=name) for name, shape in shapes.items()}
    return Wording(tables, as_of_date())


def of_eligible(wording: Wording, indicators: Sequence[Indicator]) -> str:
    """What follows WITH in `query` after the subquery `eligible`, with one row per customer_id.

    >>> from churn_ml.features.rhythm import RECENCY
    >>> told = of_eligible(declared(), [RECENCY])
    >>> [line.partition(" AS ")[0] for line in told.splitlines()[:3]]
    ['view_days', 'in_days', 'joined']
    """
    import ibis

    present = available(wording.tables, indicators)
    measures = _distinct(measure for one in present for measure in one.measures)
    told: dict[str, str] = {}
    found: dict[str, ibis.Table] = {}
    for view in dict.fromkeys(measure.view for measure in measures):
        name = "_".join([view.name, *map(str, view.days)])
        told[f"view_{name}"], columns = wording.rows(view)
        rows = ibis.table(columns, name=f"view_{name}")
        found |= _aggregated(name, rows, [m for m in measures if m.view == view])
    told |= {name: in_words(part, wording.dialect) for name, part in found.items()}
    told["joined"] = _joined(found, measures, wording.dialect)
    types = {name: kind for part in found.values() for name, kind in part.schema().items()}
    joined = ibis.table(types | {"customer_id": "string"}, name="joined")
    columns = {c.name: c.of(joined).cast("float64") for one in present for c in one.columns}
    subqueries = ",\n".join(f"{name} AS ({words})" for name, words in told.items())
    return f"{subqueries}\n{in_words(joined.select('customer_id', **columns), wording.dialect)}"


def available(
    tables: Mapping[str, object], indicators: Sequence[Indicator] = CATALOGUE
) -> tuple[Indicator, ...]:
    """The indicators whose tables are all there, in order.

    >>> [indicator.name for indicator in available({"orders": None})][:2]
    ['recency', 'tenure']
    """
    return tuple(i for i in indicators if all(need in tables for need in i.needs))


def in_words(rows: ibis.Table, dialect: str = "duckdb") -> str:
    """The SQL of `rows`, on one line.

    >>> import ibis
    >>> in_words(ibis.table({"n": "int64"}, name="t"))
    'SELECT * FROM "t"'
    """
    import ibis

    return str(ibis.to_sql(rows, dialect=dialect, pretty=False))


def _distinct(measures: Iterable[Measure]) -> list[Measure]:
    """Each measure once, by name; BrokenPromise where two views share a name."""
    found: dict[str, Measure] = {}
    for measure in measures:
        if found.setdefault(measure.name, measure).view != measure.view:
            raise BrokenPromise("two measures share a name", got=measure.name)
    return list(found.values())


def _aggregated(name: str, rows: ibis.Table, wanted: Sequence[Measure]) -> dict[str, ibis.Table]:
    """The measures of one view by the name of their subquery: by customer, and of the shop."""
    own = {m.name: m.of(rows) for m in wanted if not m.of_shop}
    of_shop = {m.name: m.of(rows) for m in wanted if m.of_shop}
    found = {f"in_{name}": rows.group_by("customer_id").aggregate(**own)}
    return found | ({f"shop_{name}": rows.aggregate(**of_shop)} if of_shop else {})


def _joined(found: Mapping[str, ibis.Table], measures: Sequence[Measure], dialect: str) -> str:
    """One row per eligible customer with every measure, or what it is of whom a view knows not."""
    import sqlglot as sg
    from sqlglot.expressions import alias_

    text = sg.select(sg.column("customer_id", table="eligible")).from_("eligible")
    for name, part in found.items():
        if "customer_id" in part.columns:
            text = text.join(name, using="customer_id", join_type="left", copy=False)
        else:
            text = text.join(name, join_type="cross", copy=False)
    for measure in measures:
        read: sg.Expr = sg.column(measure.name, quoted=True)
        if measure.empty is not None:
            read = sg.func("coalesce", read, sg.exp.convert(measure.empty))
        text = text.select(alias_(read, measure.name, quoted=True, copy=False), copy=False)
    return str(text.sql(dialect=dialect))
