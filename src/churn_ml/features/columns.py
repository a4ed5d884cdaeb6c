"""How columns are made of measures: shares, ratios and changes, and what makes them known.

Enters: the names of measures, or readers of them. Leaves: the columns of an indicator, or readers
to make more of. A ratio or change without a base is null and never 0. Worked example, as of
2017-10-01: `window_before("sent", 90)` reads what lies in [2017-04-04, 2017-07-03), the measure
`sent_180` less `sent_90`; `since(180)` holds for who has been a customer since 2017-04-04.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.features.indicator import Column, Measure, Reader, View

if TYPE_CHECKING:
    import ibis


def plain(name: str) -> Column:
    """The column that is a measure as it is, under the measure's name.

    >>> import ibis
    >>> import pyarrow as pa
    >>> plain("n").of(ibis.memtable(pa.table({"n": [3]}))).to_pyarrow().to_pylist()
    [3]
    """
    return Column(name, lambda t: t[name])


def share(top: Reader, base: Reader) -> Reader:
    """Top / base, null where there is no base: where it is null or not above 0.

    >>> import ibis
    >>> import pyarrow as pa
    >>> t = ibis.memtable(pa.table({"a": [1, 1], "b": [2, 0]}))
    >>> share(lambda t: t.a, lambda t: t.b)(t).to_pyarrow().to_pylist()
    [0.5, None]
    """
    # nullif keeps the engine from dividing by 0 before it looks at the condition
    return lambda t: (base(t) > 0).ifelse(
        top(t).cast("float64") / base(t).cast("float64").nullif(0), None
    )


def ratio(
    name: str, top: Reader, base: Reader, given: Reader | None = None
) -> tuple[Column, Column]:
    """A ratio and its flag `<name>_has_base`: top / base, null with flag 0 where no base is.

    Args:
        name: name of the ratio's column.
        top: numerator, read from the joined measures.
        base: denominator; there is no base where it is null or not above 0.
        given: what must hold besides, such as enough history; null counts as not.

    Returns:
        The ratio's column and the flag's column (1.0 or 0.0).

    >>> import ibis
    >>> import pyarrow as pa
    >>> t = ibis.memtable(pa.table({"a": [1, 1, 1], "b": [2, 0, 2], "tenure_days": [60, 60, 10]}))
    >>> share, flag = ratio("share", lambda t: t.a, lambda t: t.b, given=since(60))
    >>> share.of(t).to_pyarrow().to_pylist(), flag.of(t).to_pyarrow().to_pylist()
    ([0.5, None, None], [1.0, 0.0, 0.0])
    """

    def has_base(t: ibis.Table) -> ibis.Value:
        stands = base(t) > 0 if given is None else (base(t) > 0) & given(t)
        return stands.ifelse(1.0, 0.0)

    def value(t: ibis.Table) -> ibis.Value:
        return (has_base(t) > 0).ifelse(share(top, base)(t), None)

    return Column(name, value), Column(f"{name}_has_base", has_base)


def delta(
    name: str, now: Reader, before: Reader, given: Reader | None = None
) -> tuple[Column, Column]:
    """A change against the window before and its flag: now - before, null with flag 0 without base.

    `now` and `before` are shares, means or counts; where one of them is null, or `given` (enough
    history) does not hold, there is no base.

    >>> import ibis
    >>> import pyarrow as pa
    >>> t = ibis.memtable(pa.table({"now": [0.5, 0.5, None], "before": [0.75, None, 1.0]}))
    >>> change, flag = delta("rate_delta_90d", lambda t: t.now, lambda t: t.before)
    >>> change.of(t).to_pyarrow().to_pylist(), flag.of(t).to_pyarrow().to_pylist()
    ([-0.25, None, None], [1.0, 0.0, 0.0])
    """

    def value(t: ibis.Table) -> ibis.Value:
        change = now(t) - before(t)
        return change if given is None else given(t).ifelse(change, None)

    return Column(name, value), Column(
        f"{name}_has_base", lambda t: value(t).notnull().cast("float64")
    )


def window_before(stem: str, days: int) -> Reader:
    """What the window before held: the measure `<stem>_<2 x days>` less `<stem>_<days>`.

    >>> import ibis
    >>> import pyarrow as pa
    >>> t = ibis.memtable(pa.table({"sent_90": [3], "sent_180": [10]}))
    >>> window_before("sent", 90)(t).to_pyarrow().to_pylist()
    [7]
    """
    return lambda t: t[f"{stem}_{2 * days}"] - t[f"{stem}_{days}"]


def since(days: int) -> Reader:
    """True for customers whose first order lies at least `days` days before as_of.

    >>> import ibis
    >>> import pyarrow as pa
    >>> since(60)(ibis.memtable(pa.table({"tenure_days": [59, 60]}))).to_pyarrow().to_pylist()
    [False, True]
    """
    return lambda t: t.tenure_days >= days


def recorded(view: View) -> Measure:
    """The days since the shop's first row of `view`, the same for every customer; null without.

    >>> recorded(View("tickets")).name
    'tickets_recorded'
    """
    return Measure(
        f"{view.name}_recorded", view, lambda t: t.days_ago.max(), empty=None, of_shop=True
    )


def since_recorded(days: int, first: Measure) -> Reader:
    """`since(days)`, and the shop recorded by then: before `first` nothing is known, not nothing.

    >>> import ibis
    >>> import pyarrow as pa
    >>> first = recorded(View("tickets"))
    >>> told = {"tenure_days": [60, 60, 59], "tickets_recorded": [60, 59, 60]}
    >>> since_recorded(60, first)(ibis.memtable(pa.table(told))).to_pyarrow().to_pylist()
    [True, False, False]
    """
    return lambda t: since(days)(t) & (t[first.name] >= days)


def within(days: int) -> Reader:
    """True for the events of [as_of - days, as_of), of a view with the column days_ago.

    >>> import ibis
    >>> import pyarrow as pa
    >>> within(30)(ibis.memtable(pa.table({"days_ago": [1, 30, 31]}))).to_pyarrow().to_pylist()
    [True, True, False]
    """
    return lambda t: t.days_ago <= days
