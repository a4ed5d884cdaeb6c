"""What became of those who were scored: the label beside the score, band, arm and offer of its day.

Enters: the matured labels of one `as_of` and what score, segments and actions said on it. Leaves:
one row per scored customer, and two short tables: realised churn per risk band (does a score of .6
mean 60 %?) and per arm among those the policy chose (did the contacts help?).

A score is the probability of churn *without contact*, so a treated customer says nothing about it:
the bands count the untreated, and say how many they left out. The arms are compared by intention to
treat: everybody for whom the policy chose an offer, delivered or not; chance put them into an arm.

Worked example: scored as of 2017-10-01, matured on 2017-11-01. Of 200 customers in the high band,
mean score .61, 118 placed no order in the window: churned .59, with the interval [.52, .66].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from churn_ml.actions import NONE
from churn_ml.errors import BadInput, NotReady
from churn_ml.experiments import HOLDOUT, OPEN, wilson
from churn_ml.tables import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd

BANDS = ("high", "medium", "low")


def outcomes(
    labels: pd.DataFrame, scores: pd.DataFrame, segments: pd.DataFrame, actions: pd.DataFrame
) -> pd.DataFrame:
    """The outcome of every customer scored at one as_of.

    Parameters: `labels` (labels.labels: customer_id, label, treated, window_net_amount), `scores`,
    `segments` and `actions` (tables of those names), one row per customer_id, all of one as_of.
    Returns: tables.OUTCOMES, one row per scored customer, sorted by customer_id.
    Raises: NotReady where a label is immature; BadInput where a scored customer lacks a label, a
    segment or an action, or a key repeats.

    >>> import pandas as pd
    >>> from datetime import date
    >>> one = pd.DataFrame({"customer_id": ["h1"], "as_of": date(2017, 10, 1)})
    >>> out = outcomes(
    ...     one.assign(label=1, treated=False, window_net_amount="0.00"), one.assign(score=.62),
    ...     one.assign(risk_band="high", arm="holdout"),
    ...     one.assign(offer="NONE", would_be_offer="COUPON", experiment=None))
    >>> out[["score", "risk_band", "arm", "would_be_offer", "churned"]].values.tolist()
    [[0.62, 'high', 'holdout', 'COUPON', 1]]
    """
    rows = scores[["customer_id", "score", "as_of"]]
    for name, frame, columns in (
        ("segments", segments, ["risk_band", "arm"]),
        ("actions", actions, ["offer", "would_be_offer", "experiment"]),
        ("labels", labels, ["label", "treated", "window_net_amount"]),
    ):
        rows = _join(rows, frame[["customer_id", *columns]], name)
    _check_mature(rows)
    rows = rows.rename(columns={"label": "churned"}).astype({"churned": "int64"})
    return rows.sort_values("customer_id", ignore_index=True)[list(OUTCOMES.names)]


def realised(outcomes: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean score and realised churn per risk band among the untreated, high band first.

    Parameters: `outcomes` (tables.OUTCOMES) of one as_of. Returns: per band that has a customer
    as_of (ISO), risk_band, customers (untreated), treated (left out), mean_score and churned
    ([share, low, high], Wilson 95 %), ready for JSON.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"as_of": "2017-10-01", "risk_band": ["high"] * 4, "treated": False,
    ...                      "score": [.5, .6, .7, .8], "churned": [1, 1, 0, 1]})
    >>> realised(rows)
    [{'as_of': '2017-10-01', 'risk_band': 'high', 'customers': 4, 'treated': 0, 'mean_score': 0.65,
      'churned': [0.75, 0.300642, 0.954413]}]
    """
    found = []
    for band in BANDS:
        rows = outcomes[outcomes["risk_band"] == band]
        untreated = rows[~rows["treated"]]
        if rows.empty:
            continue
        found.append(
            {
                "as_of": str(rows["as_of"].iloc[0]),
                "risk_band": band,
                "customers": len(untreated),
                "treated": len(rows) - len(untreated),
                "mean_score": round(float(untreated["score"].mean()), 6)
                if len(untreated)
                else None,
                "churned": _share(untreated["churned"]),
            }
        )
    return found


def by_arm(outcomes: pd.DataFrame) -> list[dict[str, Any]]:
    """Churn and spend of those the policy chose, per arm, by intention to treat.

    Parameters: `outcomes` (tables.OUTCOMES) of one as_of. Returns: per arm as_of (ISO), arm,
    customers (chosen), treated (contact acknowledged), churned ([share, low, high], Wilson 95 %)
    and window_net_amount (sum in the shop currency, as text), ready for JSON. The difference of two
    arms is causal, because chance drew them; that of two bands is not.

    >>> import pandas as pd
    >>> from decimal import Decimal
    >>> rows = pd.DataFrame({"as_of": "2017-10-01", "arm": ["open", "holdout"], "treated": False,
    ...     "would_be_offer": ["COUPON", "NONE"], "churned": [1, 0],
    ...     "window_net_amount": [Decimal("2.50"), Decimal("9.00")]})
    >>> [(row["arm"], row["customers"], row["window_net_amount"]) for row in by_arm(rows)]
    [('open', 1, '2.50'), ('holdout', 0, '0.00')]
    """
    chosen = outcomes[outcomes["would_be_offer"] != NONE]
    found = []
    for arm in (OPEN, HOLDOUT):
        rows = chosen[chosen["arm"] == arm]
        found.append(
            {
                "as_of": str(outcomes["as_of"].iloc[0]) if len(outcomes) else None,
                "arm": arm,
                "customers": len(rows),
                "treated": int(rows["treated"].sum()),
                "churned": _share(rows["churned"]),
                "window_net_amount": f"{sum(rows['window_net_amount'], start=0):.2f}",
            }
        )
    return found


def _share(churned: pd.Series) -> list[float | None]:
    """[share, low, high] of a 0/1 column; the share is None where nobody is in it."""
    count, total = int(churned.sum()), len(churned)
    low, high = wilson(count, total)
    return [round(count / total, 6) if total else None, round(low, 6), round(high, 6)]


def _join(rows: pd.DataFrame, frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """`rows` with the columns of `frame`; every customer must be in it exactly once."""
    if not frame["customer_id"].is_unique:
        raise BadInput(f"{name} holds a customer twice", where="outcomes", expected="one row")
    joined = rows.merge(frame, on="customer_id")
    if len(joined) < len(rows):
        raise BadInput(
            f"{len(rows) - len(joined)} scored customers are missing in {name}",
            where="outcomes",
            next_step=f"pass the {name} of the same as_of",
        )
    return joined


def _check_mature(rows: pd.DataFrame) -> None:
    immature = int(rows["label"].isna().sum())
    if immature:
        raise NotReady(
            f"{immature} labels have not matured",
            where="outcomes",
            got=f"scored as of {rows['as_of'].iloc[0]}",
            next_step="run learn at a later --as-of: timeline.matures_on names the day",
        )
