"""What an indicator is: a named warning sign, and how its columns are read from the tables.

An indicator is computed in two moves. First its *measures*: sums, counts, extremes and medians over
one view (views/), one row per customer; the measures of all indicators on a view are gathered in
one aggregation, so each class of events is read once. Then its *columns*: expressions over the
joined measures, one float64 column each in the feature frame.

Worked example, as of 2017-10-01: the measure `days_30` counts the order days in
[2017-09-01, 2017-10-01), `days_60` those in [2017-08-02, 2017-10-01). The column
`order_days_ratio_30d` is days_30 / (days_60 - days_30). It is null, and
`order_days_ratio_30d_has_base` is 0, where the customer had no order in the earlier window or was
not a customer yet when it began.

Measures add only counts and whole hundredths of the currency, and take medians only of whole
numbers: no order of adding, on any engine or number of threads, can change a result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import ibis

Reader: TypeAlias = "Callable[[ibis.Table], ibis.Value]"
"""An expression over the rows of a table that is not known yet."""
Direction: TypeAlias = Literal["up", "down", "either"]


@dataclass(frozen=True)
class View:
    """The rows that a measure adds up: a name of `views.VIEWS` and the days that it is cut to."""

    name: str
    days: tuple[int, ...] = ()


DAYS = View("days")
"""Order days, all history: the view of most indicators."""


@dataclass(frozen=True)
class Measure:
    """One number per customer, aggregated from a view.

    `of` takes the view and gives an aggregate; `empty` is the number of a customer of whom the
    view holds nothing: 0 for counts and sums, None where there is no such number. With `of_shop`
    the aggregate is over the rows of all customers, the same number for each: what the shop
    recorded at all.
    """

    name: str
    view: View
    of: Reader
    empty: int | None = 0
    of_shop: bool = False


@dataclass(frozen=True)
class Column:
    """One feature: its name and the expression that reads it from the joined measures."""

    name: str
    of: Reader


@dataclass(frozen=True)
class Parts:
    """What an indicator is computed from: measures first, then columns over all of them."""

    measures: tuple[Measure, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Indicator:
    """A warning sign: what it means, and everything needed to compute it."""

    name: str
    meaning: str
    """What it says, in words that a shop owner understands."""
    unit: str
    direction: Direction
    """The change that raises the risk of churn."""
    windows: tuple[int, ...]
    """Days it looks back, each window ending at as_of, exclusive; empty means all history."""
    needs: tuple[str, ...]
    """Canonical tables; where one is absent, the indicator is absent as a whole."""
    source: str
    """Its id in the domain catalogue (C01 to C66; A or B where the catalogue lists no sign)."""
    of: Callable[..., Parts]
    """Its parts for `windows`, given one by one."""
    filled: tuple[str, ...] = ()
    """Columns (table.column) that say nothing of it where no row fills them."""
    against: str = ""
    """What the windows are compared with, in words; empty where with nothing."""
    any_number: bool = False
    """True where a shop may give more or fewer windows than these."""
    in_weeks: bool = False
    """True where a window is counted in weeks: two whole ones at least."""
    owner: str = "retention"
    """Who in the shop can act on it: retention, marketing, service, logistics, product, site."""
    personal: bool = False
    """True where it tells of the person, and not of what was bought, said or clicked."""
    training: bool = True
    """False where no model may learn from it; it is shown beside a score then."""

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What is aggregated for it."""
        return self.of(*self.windows).measures

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its features."""
        return self.of(*self.windows).columns

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns, in order.

        >>> from churn_ml.features.rhythm import RECENCY
        >>> RECENCY.names
        ('recency_days',)
        """
        return tuple(column.name for column in self.columns)

    @property
    def window(self) -> str:
        """Its windows in words.

        >>> from churn_ml.features.activity import FREQUENCY_TREND
        >>> FREQUENCY_TREND.window
        '14 and 30 days, each against as many days before'
        """
        if not self.windows:
            return ", ".join(filter(None, ("all history", self.against)))
        *first, last = map(str, self.windows)
        told = f"{', '.join(first)} and {last}" if first else last
        return ", ".join(filter(None, (f"{told} days", self.against)))


def parts(measures: tuple[Measure, ...], columns: tuple[Column, ...]) -> Callable[[], Parts]:
    """The parts of an indicator without windows.

    >>> parts((), ())()
    Parts(measures=(), columns=())
    """
    return lambda: Parts(measures, columns)


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
