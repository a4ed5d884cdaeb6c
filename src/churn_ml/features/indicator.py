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
    """The id in signs.py of the sign that it measures (A or B where it is a fact of no sign)."""
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
    over: tuple[tuple[str, float], ...] = ()
    """Of a composite: the finished columns it is made of, each with its weight (composites.py)."""
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
