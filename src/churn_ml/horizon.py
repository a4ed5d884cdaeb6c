"""Horizon: which lookback and horizon fit a shop, told from how its customers come back.

Enters: the canonical tables cut at `as_of`, and the present contract. Leaves: a proposal, and for
each horizon that could be chosen the label rate, the class balance and the counts it would give, in
all and by segment (an attribute of the customers, or the segment scored last before the cut-off).

The rule: the horizon is the shortest of `CHOICES` days within which 80 % of the repeat orders come
(the 80th percentile of the gaps between order days), so that most who are still silent at its end
have truly stopped; the lookback is twice the horizon, or the shortest choice that holds 95 % of the
gaps where that is longer, so that whoever is still coming back counts as a customer. That silence
beyond the usual gap means defection is Buckinx and Van den Poel's reading (2005, EJOR 164); the two
shares are the house's own. Gaps still open at `as_of` count as censored (Kaplan and Meier 1958,
JASA 53), or else a young shop would take its short gaps for all there are. Only customers who came
back once are asked, and of them nobody whose silence is longer than any gap that ever closed: who
never returns would push every percentile beyond the data.

Worked example: the gaps of a weekly shop are 5, 7, 7, 8 and 30 days. 80 % of them are closed within
8 days, all within 30: it is proposed to look 14 days ahead and 30 days back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from churn_ml.cohort import eligible
from churn_ml.errors import NotReady
from churn_ml.events import attributes, order_days
from churn_ml.labels import labels
from churn_ml.timeline import newest_mature

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.config import Contract
    from churn_ml.events import Canonical

CHOICES = (14, 21, 30, 45, 60, 90, 120, 180, 365)
"""Horizons and lookbacks that a person can name, in days."""
CLOSED, ALMOST_ALL = 0.80, 0.95
SEGMENTS = ("tier", "channel", "market")
FEW_GAPS = 30
"""Fewer closed gaps than this say nothing about the shop's rhythm."""


def horizon(
    tables: Canonical,
    as_of: date,
    contract: Contract,
    *,
    zone: str = "UTC",
    segments: Callable[[date], pd.DataFrame | None] = lambda _: None,
) -> dict[str, Any]:
    """The proposal and what every choice would mean, ready for JSON.

    `segments`: a cut-off -> customer_id and segment, as scored by then; None where nothing was.
    Returns `as_of`, `contract`, `gaps` (closed, open and the days within which half, 80 and 95 %
    close), `proposed` (lookback_days, horizon_days) and `choices`: per horizon and segment ("all",
    `tier=gold` or `segment=...`) lookback_days, the cut-off, customers, churners, stayers and
    label_rate; the cut-off is the newest whose label is mature, and counts are null where there is
    none. Raises NotReady where fewer than 30 gaps between order days are known; BadInput where a
    table that the contract needs is missing.

    >>> from churn_ml.config import Contract
    >>> from churn_ml.in_memory import canonical
    >>> day = date(2017, 1, 1)
    >>> weekly = [{"customer_id": "anna", "occurred_at": day + timedelta(days=7 * week)}
    ...           for week in range(40)]
    >>> told = horizon(canonical(orders=weekly), date(2017, 10, 2), Contract())
    >>> told["proposed"], told["choices"][0]["customers"]
    ({'lookback_days': 30, 'horizon_days': 14}, 1)
    """
    closed, still_open = _gaps(tables, as_of)
    if len(closed) < FEW_GAPS:
        raise NotReady(
            "too few repeat orders to propose a horizon",
            where=f"orders known as of {as_of.isoformat()}",
            got=f"{len(closed)} gaps between order days",
            expected=f"at least {FEW_GAPS}",
            next_step="ingest a longer history, or choose lookback_days and horizon_days by hand",
        )
    days = {share: closes_within(closed, still_open, share) for share in (0.5, CLOSED, ALMOST_ALL)}
    ahead = _choice(days[CLOSED])
    back = max(_choice(days[ALMOST_ALL]), _choice(2 * ahead))
    first = as_of - timedelta(days=int(_oldest(tables, as_of)))
    choices = [
        row
        for each in CHOICES
        for row in _meaning(tables, as_of, _with(contract, each, back), first, zone, segments)
    ]
    return {
        "as_of": as_of.isoformat(),
        "contract": {n: getattr(contract, n) for n in ("name", "lookback_days", "horizon_days")},
        "gaps": {"closed": len(closed), "open": len(still_open)}
        | {f"days_{round(share * 100)}": day for share, day in days.items()},
        "proposed": {"lookback_days": back, "horizon_days": ahead},
        "choices": choices,
    }


def closes_within(
    closed: NDArray[np.int64], still_open: NDArray[np.int64], share: float
) -> int | None:
    """The days within which `share` of all gaps close; None where the data never show it.

    `closed`: the gaps that an order ended, `still_open`: those that as_of cut off, both in days.
    Kaplan and Meier's estimate: S(t) is the product of 1 - d/n over the days up to t on which d of
    the n gaps still running closed.

    >>> closes_within(np.array([5, 7, 7, 8, 30]), np.array([], dtype=int), 0.8)
    8
    >>> closes_within(np.array([5, 7, 7, 8]), np.array([6, 40]), 0.8) is None
    True
    """
    running = 1.0
    for day in np.unique(closed):
        at_risk = int((closed >= day).sum() + (still_open >= day).sum())
        running *= 1 - int((closed == day).sum()) / at_risk
        if running <= 1 - share + 1e-9:
            return int(day)
    return None


def _gaps(tables: Canonical, as_of: date) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Closed gaps between order days, and the open one of each customer with a closed one.

    A customer whose open gap is longer than every closed gap of the shop is gone, not waiting.
    """
    days = order_days(tables, as_of)
    rows = days.select("customer_id", "days_ago", "gap_days").to_pyarrow().to_pandas()
    closed = rows["gap_days"].dropna().to_numpy(dtype=np.int64)
    repeating = rows[rows["customer_id"].isin(rows.loc[rows["gap_days"].notna(), "customer_id"])]
    last = repeating.groupby("customer_id")["days_ago"].min().to_numpy(dtype=np.int64)
    longest = closed.max() if len(closed) else 0
    return closed, last[last <= longest]


def _oldest(tables: Canonical, as_of: date) -> int:
    """How many days ago the first order was."""
    found: int = order_days(tables, as_of).days_ago.max().to_pyarrow().as_py()
    return found


def _choice(days: int | None) -> int:
    """The shortest choice of at least `days`; the longest where that is unknown."""
    return next((c for c in CHOICES if days is not None and c >= days), CHOICES[-1])


def _with(contract: Contract, horizon_days: int, lookback_days: int) -> Contract:
    """The contract with another horizon, and a lookback that is no shorter than the horizon."""
    days = {"horizon_days": horizon_days, "lookback_days": max(lookback_days, horizon_days)}
    return contract.model_copy(update=days)


def _meaning(
    tables: Canonical,
    as_of: date,
    contract: Contract,
    first: date,
    zone: str,
    segments: Callable[[date], pd.DataFrame | None],
) -> Iterable[dict[str, Any]]:
    """What one choice would have meant at its newest mature cut-off: all, then each segment."""
    cut_off = newest_mature(as_of, contract)
    told = {n: getattr(contract, n) for n in ("horizon_days", "lookback_days")}
    if cut_off <= first:
        return [told | {"segment": "all", "cut_off": None} | _counts(None)]
    then = {name: rows.filter(rows.day < cut_off) for name, rows in tables.items()}
    who = eligible(then, cut_off, contract, zone=zone).to_pyarrow().to_pandas()
    rows = labels(tables, who, cut_off, contract, as_of, zone=zone)
    told["cut_off"] = cut_off.isoformat()
    found = [told | {"segment": "all"} | _counts(rows["label"])]
    known = [segments(cut_off)]
    if "customers" in tables:
        columns = attributes(then).select("customer_id", *SEGMENTS)
        known.insert(0, columns.to_pyarrow().to_pandas())
    for groups in (each for each in known if each is not None):
        grouped = rows.merge(groups, on="customer_id", how="left")
        for name in (column for column in groups.columns if column != "customer_id"):
            for word, part in grouped.dropna(subset=[name]).groupby(name):
                found.append(told | {"segment": f"{name}={word}"} | _counts(part["label"]))
    return found


def _counts(label: pd.Series | None) -> dict[str, Any]:
    """Customers, churners, stayers and label rate; nulls where no cut-off is mature."""
    if label is None:
        return dict.fromkeys(("customers", "churners", "stayers", "label_rate"))
    total, churners = len(label), int(label.sum())
    return {
        "customers": total,
        "churners": churners,
        "stayers": total - churners,
        "label_rate": round(churners / total, 6) if total else None,
    }
