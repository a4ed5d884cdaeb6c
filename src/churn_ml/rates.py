"""Rates: how many stay, come back and go from stage to stage, month by month.

Enters: the canonical tables cut at `as_of`, the contract, and the segments scored. Leaves: three
short tables for the months that have ended: churn, retention and repurchase rate, in all, by each
attribute of the customers as valid at the month's start, and by the segment scored last before it;
cohorts by the month of the first order; transitions between the lifecycle stages. Counts only.

The definitions, for one month and one group of customers:

* churn rate: of those eligible under the contract at the month's start, the share without a
  retaining event in the label window that begins there; missing while the window is immature.
* retention rate: 1 - churn rate, of the same customers over the same horizon.
* repurchase rate: of those with an order in the month, the share with two or more orders in the
  `lookback_days` before the month's end.

Worked example, with a lookback of 90 and a horizon of 30: of 1,000 customers eligible on 2017-09-01
120 placed no order before 2017-10-01, so September's churn rate is .12 and its retention rate .88.
All of it is told with what is known at `as_of`: a late row corrects the months it belongs to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from churn_ml.cohort import cohort
from churn_ml.events import attributes, order_days, placed
from churn_ml.labels import labels
from churn_ml.tables import COHORTS, RATES, TRANSITIONS

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from churn_ml.config import Contract
    from churn_ml.events import Canonical

PERSONAL = ("age_band", "gender", "income_band")
"""Slices of a report and never features: no indicator reads them."""
ATTRIBUTES = ("country", "language", "market", "channel", "tier", *PERSONAL)
"""The attributes of customers by which the rates are told, where any customer has one."""
SLICES = (*ATTRIBUTES, "segment")
ALL, UNKNOWN, NONE = "all", "unknown", "none"
DECIMALS = 9


class Month(NamedTuple):
    """A month from its first day to the one `after` it, exclusive, as known at `as_of`."""

    start: date
    after: date
    as_of: date


@dataclass(frozen=True, eq=False)
class MonthlyRates:
    """The three tables, as tables.RATES, COHORTS and TRANSITIONS declare them, without as_of."""

    rates: pd.DataFrame
    cohorts: pd.DataFrame
    transitions: pd.DataFrame


def rates(
    tables: Canonical,
    as_of: date,
    contract: Contract,
    *,
    zone: str = "UTC",
    segments: Callable[[date], pd.DataFrame | None] = lambda _: None,
) -> MonthlyRates:
    """The rates of every month that ended by `as_of`, from the month of the first order on.

    `tables`: cut at `as_of`; `orders` is required, and what the contract reads besides; `customers`
    is used where it is there. `zone`: the shop's. `segments`: a month's first day -> customer_id
    and segment as scored by then, None where nothing was; one scored later would know the outcome.
    Raises BadInput where a needed table is missing.

    >>> from churn_ml.config import Contract
    >>> from churn_ml.in_memory import canonical
    >>> days = {"anna": ("2017-07-20", "2017-08-05"), "ben": ("2017-07-25",)}
    >>> shop = canonical(
    ...     orders=[{"customer_id": c, "occurred_at": d} for c in days for d in days[c]])
    >>> told = rates(shop, date(2017, 9, 1), Contract(lookback_days=60, horizon_days=30))
    >>> told.rates[["customers", "churned", "buyers", "repeat_buyers"]].values.tolist()
    [[0, 0, 2, 0], [2, 1, 1, 1]]
    """
    days = _month_starts(tables, as_of)
    people = {day: cohort(_before(tables, day), day, contract, zone=zone) for day in days}
    rows: list[dict[str, Any]] = []
    for month, after in pairwise(days):
        told = _month(tables, people[month], Month(month, after, as_of), contract, zone)
        scored = segments(month)
        told = told if scored is None else told.merge(scored, on="customer_id", how="left")
        rows += [{"month": month} | row for row in _sliced(told)]
    return MonthlyRates(
        _frame(rows, RATES.names),
        _frame(_cohorts(tables, days), COHORTS.names),
        _frame(_transitions(people), TRANSITIONS.names),
    )


def _month_starts(tables: Canonical, as_of: date) -> list[date]:
    """The first day of each month from the first order's to the last that has begun by as_of."""
    first = placed(tables).day.min().to_pyarrow().as_py()
    found: list[date] = []
    day = first.replace(day=1) if first else as_of
    while first and day <= as_of:
        found.append(day)
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return found


def _before(tables: Canonical, day: date) -> dict[str, ibis.Table]:
    """The rows of days before `day`, as they are known now."""
    return {name: rows.filter(rows.day < day) for name, rows in tables.items()}


def _month(
    tables: Canonical, people: pd.DataFrame, month: Month, contract: Contract, zone: str
) -> pd.DataFrame:
    """One row per customer who was eligible at the month's start or bought in it.

    Columns: customer_id, active, label (missing where immature or not active), buyer, repeat and
    one column per slice.
    """
    active = people.loc[people["eligible"], ["customer_id"]].assign(active=True)
    truth = labels(tables, active, month.start, contract, month.as_of, zone=zone)
    rows = active.merge(truth[["customer_id", "label"]], on="customer_id").merge(
        _buyers(tables, month, contract), on="customer_id", how="outer"
    )
    for name in ("active", "buyer", "repeat"):
        rows[name] = rows[name].eq(True)
    return rows.merge(_attributes(tables, month.start), on="customer_id", how="left")


def _buyers(tables: Canonical, month: Month, contract: Contract) -> pd.DataFrame:
    """Who ordered in the month, and whether twice or more in the lookback before its end."""
    days = order_days(_before(tables, month.after), month.after)
    counted = days.group_by("customer_id").aggregate(
        buyer=days.days_ago.min() <= (month.after - month.start).days,
        repeat=days.orders.sum(where=days.days_ago <= contract.lookback_days) >= 2,  # noqa: PLR2004
    )
    found: pd.DataFrame = counted.filter(counted.buyer).to_pyarrow().to_pandas()
    return found


def _attributes(tables: Canonical, month: date) -> pd.DataFrame:
    """The attributes of every customer as valid at the month's start; those nobody has left out."""
    import pandas as pd

    if "customers" not in tables:
        return pd.DataFrame({"customer_id": pd.Series(dtype="str")})
    rows = attributes(_before({"customers": tables["customers"]}, month))
    found: pd.DataFrame = rows.select("customer_id", *ATTRIBUTES).to_pyarrow().to_pandas()
    return found[["customer_id", *(name for name in ATTRIBUTES if found[name].notna().any())]]


def _sliced(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The counts and rates of everybody, then of each word of each slice, in order."""
    yield {"slice": ALL, "word": ALL} | _counted(rows)
    for name in (s for s in SLICES if s in rows.columns):
        words = rows[name].fillna(UNKNOWN)
        for word in sorted(set(words)):
            yield {"slice": name, "word": word} | _counted(rows[words == word])


def _counted(rows: pd.DataFrame) -> dict[str, Any]:
    """The counts and rates of one group in one month."""
    active = rows[rows["active"]]
    mature = not active["label"].isna().any()
    churned = int(active["label"].sum()) if mature else None
    buyers, repeat = int(rows["buyer"].sum()), int((rows["buyer"] & rows["repeat"]).sum())
    churn = None if churned is None else _share(churned, len(active))
    return {
        "customers": len(active),
        "churned": churned,
        "churn_rate": churn,
        "retention_rate": None if churn is None else round(1 - churn, DECIMALS),
        "buyers": buyers,
        "repeat_buyers": repeat,
        "repurchase_rate": _share(repeat, buyers),
    }


def _share(part: int, whole: int) -> float | None:
    """`part` / `whole`; None where there is nobody."""
    return round(part / whole, DECIMALS) if whole else None


def _cohorts(tables: Canonical, days: list[date]) -> list[dict[str, Any]]:
    """Of everybody who began in one month, who ordered and what they paid in each since."""
    if not days:
        return []
    orders = placed(_before(tables, days[-1]))
    monthly = orders.group_by(orders.customer_id, month=orders.day.truncate("M")).aggregate(
        cents=(orders.net_amount * 100).cast("int64").sum()
    )
    rows: pd.DataFrame = monthly.to_pyarrow().to_pandas()
    number = {day: count for count, day in enumerate(days)}
    rows["month"] = [number[date(m.year, m.month, 1)] for m in rows["month"]]
    rows["first"] = rows.groupby("customer_id")["month"].transform("min")
    grouped = rows.groupby(["first", "month"])
    counted = grouped.agg(active=("cents", "size"), cents=("cents", "sum")).reset_index()
    began: dict[int, int] = {}
    told = []
    for row in counted.astype("int64").to_dict("records"):  # a cohort's own month comes first
        began.setdefault(row["first"], row["active"])
        told.append(
            {
                "first_month": days[row["first"]],
                "months_since": row["month"] - row["first"],
                "customers": began[row["first"]],
                "active": row["active"],
                "net_amount": (Decimal(row["cents"]) / 100).quantize(Decimal("0.01")),
            }
        )
    return told


def _transitions(people: Mapping[date, pd.DataFrame]) -> list[dict[str, Any]]:
    """How many went from which stage to which, per month; `people`: the cohort at each start."""
    told = []
    for month, after in pairwise(sorted(people)):
        stage, was = (people[day][["customer_id", "stage"]] for day in (after, month))
        both = stage.merge(was, on="customer_id", how="left", suffixes=("", "_0"))
        pairs = Counter(zip(both["stage_0"].fillna(NONE), both["stage"], strict=True))
        told += [
            {"month": month, "stage_from": then, "stage_to": now, "customers": count}
            for (then, now), count in sorted(pairs.items())
        ]
    return told


def _frame(rows: list[dict[str, Any]], names: tuple[str, ...]) -> pd.DataFrame:
    """The rows as a frame with the declared columns but as_of; counts that may miss as Int64."""
    import pandas as pd

    frame = pd.DataFrame(rows, columns=[name for name in names if name != "as_of"])
    if "churned" in frame:
        floats = dict.fromkeys(("churn_rate", "retention_rate", "repurchase_rate"), "float64")
        frame = frame.astype({"churned": "Int64"} | floats)
    return frame
