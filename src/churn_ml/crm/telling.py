"""From the tables of a score to what a destination shall hold.

Enters: scores, segments, causes and actions of one `as_of`. Leaves: one upsert per scored customer,
and one per customer who objects to profiling, which says no more than that, as columns: a row is
made when it is sent (desired.py). Customers without a score (new, lost) are not exported; one who
leaves the scored set is removed.

Worked example: as of 2017-10-01 `h1` has the score .6181 and 129.70 at risk: told as .6 and 100.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from churn_ml.actions import NONE
from churn_ml.crm.cells import causes_told, names_told, preferred, reason_names
from churn_ml.crm.columns import Column
from churn_ml.crm.desired import Desired
from churn_ml.crm.payload import NAMES, contacts, hashes
from churn_ml.crm.protocol import Row
from churn_ml.errors import BadInput
from churn_ml.segments import OPTED_OUT

if TYPE_CHECKING:
    import pandas as pd

DRAWN = ("experiment", "experiment_arm")
_AT_ONCE = 50_000
"""Rows of which all cells lie beside their columns while they are made."""
_PLACED = ["customer_id", "stage", "risk_band", "value_band", "segment", "arm"]


def rows(
    scores: pd.DataFrame,
    segments: pd.DataFrame,
    actions: pd.DataFrame,
    causes: pd.DataFrame | None = None,
    named_segments: pd.DataFrame | None = None,
    *,
    as_of: date,
    tau: float,
    score_step: float,
    delivers: bool = False,
) -> Desired:
    """What a destination shall hold as of `as_of`: one upsert per scored customer, by customer_id.

    Behind them stands one per customer who objects to profiling, with that as segment and no more.
    Parameters: the tables of those names, all of `as_of`; without causes or named segments those
    cells are empty; `tau`, the champion's threshold in the shop currency; `score_step` and
    `delivers` of the destination.
    Raises: BadInput where a scored customer has no segment or action, or a key repeats.

    >>> import pandas as pd
    >>> one = pd.DataFrame({"customer_id": ["h1"]})
    >>> found = rows(
    ...     one.assign(score=.6181, value_at_risk=129.7, model="rule-1", contract="gone30-1",
    ...                reasons='[{"indicator": "gap_ratio", "direction": "up"}]'),
    ...     one.assign(stage="new", risk_band="high", value_band="high", segment="S", arm="open"),
    ...     one.assign(offer="COUPON"), one.assign(cause="FX", stated=True, score=1.0),
    ...     one.assign(segment="HIGH_VALUE"),
    ...     as_of=date(2017, 10, 1), tau=0.0, score_step=.05)
    >>> found[0].payload["score"], found[0].payload["value_at_risk"], found[0].payload["reasons"]
    (0.6, 100.0, 'raises the risk: gap_ratio')
    """
    joined = _joined(scores, segments, actions, causes, named_segments)
    told = joined.assign(
        experiment=_drawn(joined),
        threshold=round(float(tau), 2),
        score=(joined["score"] / score_step).round().mul(score_step).round(9),
        value_at_risk=preferred(joined["value_at_risk"]),
        reasons=list(map(reason_names, joined["reasons"].tolist())),
    )
    told = _with_opted_out(told, segments).assign(as_of=as_of.isoformat())
    columns = {name: Column.of(told[name]) for name in NAMES if name != "customer_id"}
    return _desired(told["customer_id"].tolist(), columns, as_of, delivers=delivers)


def _joined(
    scores: pd.DataFrame,
    segments: pd.DataFrame,
    actions: pd.DataFrame,
    causes: pd.DataFrame | None,
    named_segments: pd.DataFrame | None,
) -> pd.DataFrame:
    """One row per scored customer, by customer_id, with what all the tables say."""
    joined = scores.merge(segments[_PLACED], on="customer_id")
    decided = actions.reindex(columns=["customer_id", "offer", *DRAWN])
    joined = joined.merge(decided, on="customer_id")
    _check(joined["customer_id"], expected=len(scores))
    for further in (causes_told(causes), names_told(named_segments)):
        joined = joined.merge(further, on="customer_id", how="left")
    ordered = joined["customer_id"].is_monotonic_increasing  # a look; a sort takes a second
    joined = joined if ordered else joined.sort_values("customer_id")
    texts = ["cause", "evidence", "named_segments"]
    # as objects: where nobody has a cause or a name, the column comes as one of numbers
    joined[texts] = joined[texts].astype(object).fillna("")
    return joined


def _drawn(joined: pd.DataFrame) -> pd.Series:
    """Experiment and arm as one text, empty where a customer is in none."""
    experiment, arm = (joined[name].astype("str") for name in DRAWN)
    return (experiment + ":" + arm).fillna("")


def _with_opted_out(told: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """The same, and behind it all that is told of who objects to profiling: that they do."""
    import pandas as pd

    out = sorted(segments.loc[segments["segment"] == OPTED_OUT, "customer_id"])
    if not out:
        return told
    objecting = pd.DataFrame({"customer_id": out, "segment": OPTED_OUT, "offer": NONE})
    return pd.concat([told, objecting])


def _desired(
    customer_ids: list[str], columns: Mapping[str, Column], as_of: date, *, delivers: bool
) -> Desired:
    every = range(len(customer_ids))
    made_of, contact = hashes(columns, delivers=delivers), contacts(columns, delivers=delivers)
    offers, segments = columns["offer"].at(every), columns["segment"].at(every)
    made = _making(customer_ids, columns, as_of, made_of, contact)
    days = frozenset([as_of] if customer_ids else [])
    return Desired(days, customer_ids, made_of, contact, offers, segments, made)


def _making(
    customer_ids: list[str],
    columns: Mapping[str, Column],
    as_of: date,
    made_of: list[str],
    contact: list[bool],
) -> Callable[[Sequence[int]], list[Row]]:
    def some(numbers: Sequence[int]) -> Iterator[Row]:
        ids = [customer_ids[number] for number in numbers]
        cells = zip(ids, *(columns[name].at(numbers) for name in NAMES[1:]), strict=True)
        for number, told in zip(numbers, cells, strict=True):
            payload = dict(zip(NAMES, told, strict=True))
            yield Row(told[0], "upsert", as_of, payload, made_of[number], contact[number])

    def made(numbers: Sequence[int]) -> list[Row]:
        starts = range(0, len(numbers), _AT_ONCE)
        return [row for start in starts for row in some(numbers[start : start + _AT_ONCE])]

    return made


def _check(customer_ids: pd.Series, expected: int) -> None:
    if len(customer_ids) != expected or not customer_ids.is_unique:
        raise BadInput(
            "scores, segments and actions do not hold the same customers once each",
            where="crm.telling",
            got=f"{customer_ids.nunique()} customers in {len(customer_ids)} joined rows",
            expected=f"{expected} of each",
            next_step="pass the three tables of one score publication",
        )
