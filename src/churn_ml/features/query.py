"""The query of the feature frame: measures by view, joined by customer, then read as columns.

Enters: the tables (without rows or engine if need be: `ibis.table(schema, name="orders")`), the day
of the cut and the indicators. Leaves: text, for DuckDB or another engine. Each view is a subquery
of its own, which is what keeps a hundred indicators cheap to put into words; the lines of orders
are prepared once for all views of them. Worked example: `recency` alone is `eligible`, who is in
the frame, `in_days`, its measure by customer, and `frame`, its column for who is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.cohort import eligible
from churn_ml.errors import BrokenPromise
from churn_ml.features import composites
from churn_ml.features.catalogue import CATALOGUE
from churn_ml.features.views.shopping import BOUGHT
from churn_ml.features.wording import Wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import ibis

    from churn_ml.config import Contract
    from churn_ml.events import Canonical, Day
    from churn_ml.features.indicator import Indicator, Measure, View

FRAME, JOINED = "frame", "joined"
"""The last subquery, and the measures that it is read from."""
FINISHED, TOTALS, SCORED = "finished", "totals", "scored"
"""Where there are composites: the other columns, what is asked of all customers, and z-scores."""


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
    wording = Wording(tables, as_of, dialect)
    told = {"eligible": wording.text(eligible(tables, as_of, contract, zone=zone))}
    told |= parts(wording, indicators)
    subqueries = ",\n".join(f"{name} AS ({text})" for name, text in told.items())
    return f"WITH {subqueries}\nSELECT * FROM {FRAME}"


def parts(wording: Wording, indicators: Sequence[Indicator]) -> dict[str, str]:
    """The subqueries of `query` after `eligible`, each over those before it; the frame is the last.

    >>> from churn_ml.features.basket import BASKET_SIZE
    >>> from churn_ml.features.wording import declared
    >>> list(parts(declared(), [BASKET_SIZE]))
    ['bought', 'in_lines_90', 'in_days', 'frame']
    """
    present = available(wording.tables, indicators)
    measures = distinct(measure for one in present for measure in one.measures)
    told, joined = measured(wording, measures)
    plain = [c for one in present if not one.over for c in one.columns]
    columns = joined.select("customer_id", **{c.name: c.of(joined).cast("float64") for c in plain})
    last = told.pop(JOINED)
    finished = f"WITH {JOINED} AS ({last}) {wording.text(columns)}"
    return told | _second(present, columns, finished, wording)


def _second(
    present: Sequence[Indicator], columns: ibis.Table, finished: str, wording: Wording
) -> dict[str, str]:
    """The frame from the finished columns: they themselves, and the composites of them.

    A composite in the select of the columns would repeat each of them many times over.
    """
    import ibis

    if not any(one.over for one in present):
        return {FRAME: finished}
    rows = ibis.table(columns.schema(), name=FINISHED)
    names = composites.read(present, rows.columns)
    told, beside = {FINISHED: finished}, rows
    if names:
        totals = rows.aggregate(**composites.totals(rows, names))
        both = rows.cross_join(ibis.table(totals.schema(), name=TOTALS))
        scored = both.select(*rows.columns, **composites.scores(both, names))
        told |= {TOTALS: wording.text(totals), SCORED: wording.text(scored)}
        beside = ibis.table(scored.schema(), name=SCORED)
    found = composites.columns(present, beside, names)
    own = {name: beside[name] for name in columns.columns} | dict(found)
    order = (name for one in present for name in one.names)
    last = beside.select("customer_id", **{name: own[name] for name in order})
    return told | {FRAME: wording.text(last)}


def measured(wording: Wording, measures: Sequence[Measure]) -> tuple[dict[str, str], ibis.Table]:
    """The subqueries of `measures` after `eligible`; the last, JOINED, has all of them, as told.

    The last is one row per eligible customer with every measure, or what it is of whom a view knows
    not. Returned too as a table of that name without an engine.

    >>> from churn_ml.features.rhythm import LAST
    >>> from churn_ml.features.wording import declared
    >>> told, joined = measured(declared(), [LAST])
    >>> list(told), joined.columns
    (['in_days', 'joined'], ('customer_id', 'recency_days'))
    """
    import ibis

    views = dict.fromkeys(measure.view for measure in measures)
    # every view of lines cuts them to one of its own days
    longest = [max(view.days) for view in views if wording.view(view).reads_bought]
    told = {BOUGHT: wording.bought(max(longest))} if longest else {}
    found: dict[str, ibis.Table] = {}
    for view in views:
        of_view = _aggregated(view, wording, [m for m in measures if m.view == view])
        rows = f"WITH {_called(view)} AS ({wording.view(view).text})"
        told |= {name: f"{rows} {wording.text(part)}" for name, part in of_view.items()}
        found |= of_view
    types = {name: kind for part in found.values() for name, kind in part.schema().items()}
    joined = ibis.table(types | {"customer_id": "string"}, name=JOINED)
    return told | {JOINED: _joined(found, measures, wording.dialect)}, joined


def available(
    tables: Mapping[str, object], indicators: Sequence[Indicator] = CATALOGUE
) -> tuple[Indicator, ...]:
    """The indicators whose tables are all there, in order.

    >>> [indicator.name for indicator in available({"orders": None})][:2]
    ['recency', 'tenure']
    """
    return tuple(i for i in indicators if all(need in tables for need in i.needs))


def distinct(measures: Iterable[Measure]) -> list[Measure]:
    """Each measure once, by name; BrokenPromise where two views share a name.

    >>> from churn_ml.features.rhythm import LAST, TENURE
    >>> [one.name for one in distinct([LAST, TENURE, LAST])]
    ['recency_days', 'tenure_days']
    """
    found: dict[str, Measure] = {}
    for measure in measures:
        if found.setdefault(measure.name, measure).view != measure.view:
            raise BrokenPromise("two measures share a name", got=measure.name)
    return list(found.values())


def _called(view: View) -> str:
    return "_".join(["view", view.name, *map(str, view.days)])


def _aggregated(view: View, wording: Wording, wanted: Sequence[Measure]) -> dict[str, ibis.Table]:
    """The measures of one view by the name of their subquery: by customer, and of the shop."""
    import ibis

    name = _called(view)
    rows = ibis.table(wording.view(view).columns, name=name)
    own = {m.name: m.of(rows) for m in wanted if not m.of_shop}
    of_shop = {m.name: m.of(rows) for m in wanted if m.of_shop}
    found = {name.replace("view", "in", 1): rows.group_by("customer_id").aggregate(**own)}
    shop = {name.replace("view", "shop", 1): rows.aggregate(**of_shop)} if of_shop else {}
    return found | shop


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
