"""Learn: what became of those who were scored, once their labels have matured.

Worked example: learning as of 2017-11-01 finds that the scores of 2017-10-01 are mature (horizon
30, settle 1) and not yet learned; it joins them with who really came back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from math import isnan
from typing import TYPE_CHECKING, Any

from churn_ml import timeline
from churn_ml.attempt import Attempt, attempt
from churn_ml.flow.treatment import treated
from churn_ml.house import House
from churn_ml.merges import survivors

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.config import Contract
    from churn_ml.receipts import Receipt

SHOWN_MONTHS, SHOWN_GROUPS = 6, 4
SHOWN_CUSTOMERS = 20
"""Smaller groups are told by `churn-ml rates`, not by a report that many read."""
SEGMENT_DAYS = 31
"""How long a scored segment counts as the customer's: a month, as the rates are told by month."""


def learn(house: House, as_of: date, *, repin: bool = False) -> Receipt:
    """Write the outcomes of every scored as_of that has matured by `as_of` and is not learned yet.

    Reads scores, segments, actions and canonical tables; writes outcomes, one publication a scored
    as_of, and where they are missing the rates up to the month's first day. Returns the
    receipt of the newest outcomes, or one with status `no_data`. Raises NotReady where data do not
    reach `as_of`.
    """
    house.watermark(as_of)
    month = as_of.replace(day=1)
    if house.publication("rates", month) is None:
        rates(house, month)
    receipts = [_learn(house, scored, as_of, repin=repin) for scored in _due(house, as_of)]
    if receipts:
        return receipts[-1]
    with attempt(house, "learn", as_of, ()) as trial:
        trial.leave("no_data")
    return trial.receipt


def rates(house: House, as_of: date, *, repin: bool = False) -> Receipt:
    """Write churn, retention and repurchase rates, cohorts and transitions of the months so far.

    Reads canonical tables and segments; writes rates, cohorts and transitions. The receipt says,
    under `base_rate_drift`, whether churn rises (None below six closed months). Raises NotReady
    where data do not reach `as_of`.
    """
    from churn_ml import rates as room
    from churn_ml.tables import COHORTS, RATES, TRANSITIONS

    house.watermark(as_of)
    names = (RATES.name, COHORTS.name, TRANSITIONS.name)
    with attempt(house, "rates", as_of, names, repin=repin) as trial:
        world, config = trial.canonical(as_of), house.config
        segments = known_segments(
            trial.versions("segments"), partial(trial.frame, "segments"), survivors(world)
        )
        found = room.rates(
            world, as_of, config.contract, zone=config.shop.time_zone, segments=segments
        )
        for name in names:
            rows = getattr(found, name)
            trial.write(name, rows)
            trial.count(name, len(rows), len(rows))
        trial.details |= {
            "rates": shown(found.rates),
            "base_rate_drift": _drift(trial, found.rates),
        }
    return trial.receipt


def _drift(trial: Attempt, rates: pd.DataFrame) -> dict[str, Any] | None:
    """The drift of everybody's churn rate, ready for JSON, and said aloud where it rises."""
    from churn_ml.drift import base_rate_drift

    found = base_rate_drift(rates)
    if found is None:
        return None
    first, last = found.first_month.isoformat(), found.last_month.isoformat()
    if found.rising:
        trial.house.say(
            f"  churn is rising: {found.points_per_month:+.2f} share points a month from {first} "
            f"to {last}; train again: churn-ml train --as-of {trial.as_of.isoformat()}"
        )
    told = {"points_per_month": found.points_per_month, "rising": bool(found.rising)}
    return {"first_month": first, "last_month": last} | told


def shown(rates: pd.DataFrame) -> list[dict[str, Any]]:
    """The rates that a report shows, ready for JSON: counts and shares, of no small group.

    `rates`: as tables.RATES. Returns: the last `SHOWN_MONTHS` of everybody, oldest first; then, of
    the newest month whose churn is known, the largest groups of each slice.
    """
    everybody = rates[rates["slice"] == "all"].sort_values("month")
    known = everybody.loc[everybody["churn_rate"].notna(), "month"]
    groups = rates[(rates["slice"] != "all") & (rates["customers"] >= SHOWN_CUSTOMERS)]
    newest = groups[groups["month"] == (known.max() if len(known) else None)]
    largest = newest.sort_values(["slice", "customers", "word"], ascending=[True, False, True])
    parts = (everybody.tail(SHOWN_MONTHS), largest.groupby("slice").head(SHOWN_GROUPS))
    rows = [row for part in parts for row in part.to_dict("records")]
    return [
        {"month": row["month"].isoformat(), "slice": row["slice"], "word": row["word"]}
        | {name: int(row[name]) for name in ("customers", "buyers")}
        | {name: _known(row[name]) for name in ("churn_rate", "retention_rate", "repurchase_rate")}
        for row in rows
    ]


def _known(share: float) -> float | None:
    """A share; None where it is missing, since JSON knows no NaN."""
    return None if isnan(share) else share


def known_segments(
    versions: Mapping[str, int], read: Callable[[date], pd.DataFrame], gone: Mapping[str, str]
) -> Callable[[date], pd.DataFrame | None]:
    """A day -> the segment of each customer as scored last by then; None where that is long ago.

    `versions`: the published partitions of segments; `read`: one of them; `gone`: merged customers,
    who are counted as the one who survives. A score is made of what was known at its own as_of, so
    one of the day or before it knows nothing of the days that follow.
    """

    def at(day: date) -> pd.DataFrame | None:
        scored = [
            d for d in map(date.fromisoformat, versions) if d <= day < d + timedelta(SEGMENT_DAYS)
        ]
        if not scored:
            return None
        rows = read(max(scored))[["customer_id", "segment"]]
        rows = rows.sort_values("customer_id", key=lambda ids: ids.isin(gone), kind="stable")
        rows["customer_id"] = rows["customer_id"].map(lambda c: gone.get(c, c))
        return rows.drop_duplicates("customer_id")  # a survivor's own row stands first

    return at


def _due(house: House, as_of: date) -> list[date]:
    """Mature as_ofs, scored under the present contract, that no other day's learning has taken."""
    scored = (date.fromisoformat(d) for d in house.published("scores"))
    contract = house.config.contract
    mature = [
        d for d in scored if timeline.is_mature(d, contract, as_of) and _under(house, d, contract)
    ]
    former = {d: house.publication("learn", d) for d in mature}
    today = as_of.isoformat()
    return sorted(d for d, p in former.items() if p is None or p.pins["watermark"] == today)


def _under(house: House, scored: date, contract: Contract) -> bool:
    """True where the scores of that as_of were made under `contract`: only then labels fit."""
    made = house.publication("score", scored)
    return made is not None and made.pins["contract"] == contract.stamp


def _learn(house: House, scored: date, watermark: date, *, repin: bool) -> Receipt:
    """The outcomes of one scored as_of, with what is known at `watermark`."""
    from churn_ml import labels, outcomes

    with attempt(house, "learn", scored, ("outcomes",), repin=repin) as trial:
        scores = trial.frame("scores", scored)
        truth = labels.labels(
            trial.canonical(watermark),
            scores["customer_id"],
            scored,
            house.config.contract,
            watermark,
            treated(trial, scored),
            zone=house.config.shop.time_zone,
        )
        rows = outcomes.outcomes(
            truth, scores, trial.frame("segments", scored), trial.frame("actions", scored)
        )
        trial.write("outcomes", rows)
        trial.count("outcomes", len(scores), len(rows))
        trial.pins["watermark"] = trial.details["watermark"] = watermark.isoformat()
        arms = outcomes.by_arm(rows)
        trial.details |= {"realised": outcomes.realised(rows), "arms": arms}
        trial.pins["reached"] = sum(arm["treated"] for arm in arms)
    return trial.receipt
