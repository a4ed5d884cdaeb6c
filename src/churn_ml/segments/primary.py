"""Who a customer is to the shop today, as one code: risk band x value band x stage.

Enters: the cohort and the scores of one `as_of`, the holdout arm of every customer, the band edges
of [segments]. Leaves: one row per customer of the cohort. Only eligible customers were scored; the
others keep their stage alone as segment (LOST, NEW, ...) and unscored bands.

Risk is cut at fixed scores, because a score is a probability and means the same in every month.
Value is cut by rank among the customers scored at this `as_of`, because money has no natural edge:
"high" are the `high_value_share` most valuable, at least "medium" the `medium_value_share` most
valuable. Equal values share a band, and no band takes more than its share.

Worked example: as of 2017-10-01 household `h1`, silent, has the score .62 (at least .5: high) and
the second largest value of ten (2 of 10 is within the top fifth: high), so its segment is
HIGH_RISK_HIGH_VALUE_SILENT. `h9` bought last in March: it is lost, unscored, and its segment LOST.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from churn_ml.economics import gains
from churn_ml.errors import BadInput
from churn_ml.tables import SEGMENTS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from churn_ml.config import Segments
    from churn_ml.economics import Terms

UNSCORED = "unscored"
OPTED_OUT = "PROFILING_OPT_OUT"
"""The segment of who objects to profiling: neither scored nor chosen for anything."""


def edges(settings: Segments, value: ArrayLike, terms: Terms, tau: float) -> Segments:
    """The settings with `high_risk_score = "profit"` made a number: where contacting begins to pay.

    G(p, V) grows in a straight line with p; the edge is the lowest p at which the best offer's G
    exceeds `tau` for a customer of the median value, 1 where none ever does. The medium edge never
    lies above it. `value`: of the customers scored; `terms`: offers and economics; `tau` in the
    shop currency.

    >>> from churn_ml.config import Offer, Segments
    >>> from churn_ml.economics import Terms
    >>> coupon = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
    >>> edges(Segments(high_risk_score="profit"), [200.0], Terms((coupon,)), 0.0).high_risk_score
    0.225352
    """
    if settings.high_risk_score != "profit":
        return settings
    middle = np.median(np.asarray(value, dtype=np.float64)) if np.size(value) else 0.0
    worth = np.array([middle])
    stays, leaves = gains(np.zeros(1), worth, terms)[0], gains(np.ones(1), worth, terms)[0]
    grows = leaves > stays
    pays = np.where(grows, (tau - stays) / np.where(grows, leaves - stays, 1.0), 1.0)
    high = round(float(np.clip(pays, 0.0, 1.0).min(initial=1.0)), 6)
    medium = min(settings.medium_risk_score, high)
    return settings.model_copy(update={"high_risk_score": high, "medium_risk_score": medium})


def risk_bands(score: ArrayLike, settings: Segments) -> NDArray[np.object_]:
    """The risk band of each score: high, medium or low, a score on the edge in the band above.

    Parameters: `score`, n probabilities; `settings`, with edges as numbers. Returns: n strings.

    >>> from churn_ml.config import Segments
    >>> risk_bands([0.5, 0.4999, 0.2, 0.1], Segments()).tolist()
    ['high', 'medium', 'medium', 'low']
    """
    scores = np.asarray(score, dtype=np.float64)
    high, medium = scores >= float(settings.high_risk_score), scores >= settings.medium_risk_score
    return np.select([high, medium], ["high", "medium"], default="low").astype(object)


def value_bands(value: ArrayLike, settings: Segments) -> NDArray[np.object_]:
    """The value band of each value by its rank among them: high, medium or low.

    A value's rank is the number of values at least as large; it is high where rank <= n x
    `high_value_share`. Parameters: `value`, n amounts in the shop currency over
    `value_horizon_days`; `settings`, the shares. Returns: n strings.

    >>> from churn_ml.config import Segments
    >>> settings = Segments(high_value_share=0.2, medium_value_share=0.6)
    >>> value_bands([5, 40, 10, 30, 20], settings).tolist()
    ['low', 'high', 'low', 'medium', 'medium']
    """
    values = np.asarray(value, dtype=np.float64)
    rank = len(values) - np.searchsorted(np.sort(values), values, side="left")
    # .29 * 100 is 28.999...: a rank that is an exact share must not fall out by rounding.
    edges = [len(values) * share + 1e-9 for share in _shares(settings)]
    bands = np.select([rank <= edge for edge in edges], ["high", "medium"], default="low")
    return bands.astype(object)


def segments(
    cohort: pd.DataFrame, scores: pd.DataFrame, holdout_arm: pd.Series, settings: Segments
) -> pd.DataFrame:
    """The segment, bands and arm of every customer of the cohort at one as_of.

    Parameters: `cohort` (tables.COHORT) and `scores` (tables.SCORES), one row per customer_id,
    both of the same as_of; `holdout_arm`, "holdout" or "open" with customer_id as index, for the
    whole cohort; `settings`, [segments]. Returns: tables.SEGMENTS, sorted by customer_id.
    Raises: BadInput where a key repeats, a scored customer is not in the cohort, an arm is
    missing or the frames are of two as_of.

    >>> import pandas as pd
    >>> from datetime import date
    >>> from churn_ml.config import Segments
    >>> as_of = date(2017, 10, 1)
    >>> cohort = pd.DataFrame({"customer_id": ["h9", "h1"], "stage": ["lost", "silent"],
    ...                        "as_of": as_of})
    >>> scores = pd.DataFrame({"customer_id": ["h1"], "score": [.62], "value": [90.0],
    ...                        "as_of": as_of})
    >>> arms = pd.Series({"h1": "open", "h9": "holdout"})
    >>> settings = Segments(high_value_share=1.0, medium_value_share=1.0)
    >>> segments(cohort, scores, arms, settings).segment.tolist()
    ['HIGH_RISK_HIGH_VALUE_SILENT', 'LOST']
    """
    _check(cohort, scores, holdout_arm)
    banded = scores[["customer_id"]].assign(
        risk_band=risk_bands(scores["score"], settings),
        value_band=value_bands(scores["value"], settings),
    )
    rows = cohort[["customer_id", "stage", "as_of"]].merge(banded, on="customer_id", how="left")
    rows = rows.fillna({"risk_band": UNSCORED, "value_band": UNSCORED})
    columns = zip(rows["risk_band"], rows["value_band"], rows["stage"], strict=True)
    rows["segment"] = [code(risk, value, stage) for risk, value, stage in columns]
    rows["arm"] = holdout_arm.reindex(rows["customer_id"]).to_numpy()
    rows = rows.sort_values("customer_id", ignore_index=True)
    return rows[list(SEGMENTS.names)]


def code(risk_band: str, value_band: str, stage: str) -> str:
    """One segment code; the stage alone where the customer was not scored.

    >>> code("high", "low", "active"), code("unscored", "unscored", "new")
    ('HIGH_RISK_LOW_VALUE_ACTIVE', 'NEW')
    """
    if risk_band == UNSCORED:
        return stage.upper()
    return f"{risk_band}_RISK_{value_band}_VALUE_{stage}".upper()


def is_scored(segment: str) -> bool:
    """Whether the customers of a segment code were scored; a stage alone is the code of the others.

    >>> is_scored("HIGH_RISK_LOW_VALUE_ACTIVE"), is_scored("NEW")
    (True, False)
    """
    return "_RISK_" in segment


def _shares(settings: Segments) -> tuple[float, float]:
    return settings.high_value_share, settings.medium_value_share


def _check(cohort: pd.DataFrame, scores: pd.DataFrame, holdout_arm: pd.Series) -> None:
    for name, keys in (
        ("cohort", cohort["customer_id"]),
        ("scores", scores["customer_id"]),
        ("holdout_arm", holdout_arm.index),
    ):
        if not keys.is_unique:
            raise BadInput(f"{name} holds a customer twice", where="segments", expected="one row")
    strangers = ~scores["customer_id"].isin(cohort["customer_id"])
    armless = ~cohort["customer_id"].isin(holdout_arm.index)
    dates = set(cohort["as_of"]) | set(scores["as_of"])
    for bad, what in (
        (int(strangers.sum()), "scored customers are not in the cohort"),
        (int(armless.sum()), "customers of the cohort have no arm"),
        (len(dates) if len(dates) > 1 else 0, "different as_of in cohort and scores"),
    ):
        if bad:
            raise BadInput(
                f"{bad} {what}",
                where="segments",
                next_step="build cohort, scores and arms from one as_of",
            )
