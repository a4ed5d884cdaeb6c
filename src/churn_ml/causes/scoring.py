"""Scored causes: how strongly what is known of a customer speaks for each cause.

Enters: the features of one as_of, one row per customer, and the reason each stated, if any. Leaves:
one row per customer and cause with a score of at least `LEAST`, its evidence beside it. This is no
probability and no proof: the signs go together with the cause in the shops that the catalogue was
made from, and nothing here was learned from labels.

A feature speaks with a strength of 0 at the start of its stretch to 1 at its end, in a straight
line; an unknown one is silent. Signs add up as if each alone were right in `WEIGHT` of its cases:
1 - (1 - WEIGHT x strength 1) x (1 - WEIGHT x strength 2) ..., so no sign alone makes certain, and a
further one never takes away. What speaks against it takes its share off. A parent has the highest
of its own score and its members'. What a customer stated has the score 1 and stands first.

Where the shop gives an indicator other windows, its column of other days speaks over the same
stretch: complaints_60d for complaints_90d.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from churn_ml.causes.catalogue import CAUSES, Cause, Stretch, by_code
from churn_ml.features.composites import stand_ins
from churn_ml.tables import CAUSES as TABLE

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

WEIGHT = 0.7
"""The score that one sign alone can make."""
LEAST = 0.2
"""Weaker causes are not told."""
DIGITS = 6


def causes(
    features: pd.DataFrame, stated: pd.Series | None = None, catalogue: Sequence[Cause] = CAUSES
) -> pd.DataFrame:
    """The causes of every customer, the likeliest first: the rows of tables.CAUSES.

    `features`: one row per customer_id, with as_of and feature columns; a column that the shop
    lacks under any window is unknown for all. `stated`: customer_id -> the reason_code stated last;
    codes that are none of the catalogue say nothing. Equal scores come in the catalogue's order,
    members before parents.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"customer_id": ["h1", "h2"], "as_of": "2017-10-01",
    ...     "late_share_180d": [0.5, 0.0], "transit_days_3": [10.0, None]})
    >>> found = causes(rows, pd.Series({"h2": "PRICE_HIGH"}))
    >>> found[["customer_id", "cause", "rank", "score", "stated"]].values.tolist()
    [['h1', 'LOGISTICS_SLOW', 1, 0.805, False], ['h2', 'PRICE_HIGH', 1, 1.0, True], ...]
    >>> found["evidence"][0]
    '[{"indicator": "late_share_180d", "strength": 1.0, "value": 0.5}, ...]'
    """
    import pandas as pd

    rows = features.sort_values("customer_id", ignore_index=True)
    ids = rows["customer_id"].to_numpy(object)
    said = np.array([_said(stated, customer) for customer in ids], dtype=object)
    catalogue = [follow(cause, rows.columns) for cause in catalogue]
    score = _scores(rows, said, catalogue)
    who, which = np.nonzero(score >= LEAST)
    strength = score[who, which]
    order = np.lexsort((which, -strength, who))
    who, which, strength = who[order], which[order], strength[order]
    codes = np.array([cause.code for cause in catalogue], dtype=object)
    found = pd.DataFrame({"customer_id": ids[who], "as_of": rows["as_of"].to_numpy()[who]})
    found["cause"], found["rank"] = codes[which], _ranks(who)
    found["score"], found["stated"] = strength, said[who] == codes[which]
    found["type"] = np.array([cause.type for cause in catalogue], dtype=object)[which]
    found["group"] = np.array([cause.group for cause in catalogue], dtype=object)[which]
    found["evidence"] = _evidence(rows, who, which, catalogue)
    return found[list(TABLE.names)]


def follow(cause: Cause, names: Collection[str]) -> Cause:
    """The cause as read from the columns `names`, which may be of other windows.

    >>> late = Cause("LATE", "D01", "service", "service", evidence={"late_share_180d": (0.1, 0.5)})
    >>> follow(late, ["recency_days", "late_share_90d"]).evidence
    {'late_share_90d': (0.1, 0.5)}
    """
    own = stand_ins(cause.features, names)
    return replace(
        cause,
        evidence={own[name]: stretch for name, stretch in cause.evidence.items()},
        unless={own[name]: stretch for name, stretch in cause.unless.items()},
    )


def main_causes(found: pd.DataFrame) -> pd.DataFrame:
    """The likeliest cause of each customer that is no parent of others, by customer_id.

    `found`: as `causes` gives it. Returns its rows, one per customer who has a cause.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"customer_id": ["h1"], "as_of": "2017-10-01", "pay_method_gap": [1.0]})
    >>> main_causes(causes(rows)).loc["h1", "cause"]
    'PAYMENT_OPTIONS'
    """
    parents = [cause.code for cause in CAUSES if cause.of]
    leaves = found[~found["cause"].isin(parents) | found["stated"].astype(bool)]
    return leaves.drop_duplicates("customer_id").set_index("customer_id")


def speaks(value: Floats, stretch: Stretch) -> Floats:
    """How far each value has come along the stretch, 0 to 1; unknown ones 0.

    >>> speaks(np.array([0.0, 0.3, 0.9, np.nan]), (0.1, 0.5)).round(2).tolist()
    [0.0, 0.5, 1.0, 0.0]
    >>> speaks(np.array([3.0, 2.0]), (3, 1)).tolist()
    [0.0, 0.5]
    """
    start, end = stretch
    inside = np.clip(value, min(stretch), max(stretch))
    return np.nan_to_num((inside - start) / (end - start)) + 0.0


def _said(stated: pd.Series | None, customer: str) -> str | None:
    code = None if stated is None else stated.get(customer)
    return code if isinstance(code, str) and by_code(code) else None


def _scores(rows: pd.DataFrame, said: NDArray[np.object_], catalogue: Sequence[Cause]) -> Floats:
    """Customers x causes."""
    place = {cause.code: at for at, cause in enumerate(catalogue)}
    score = np.zeros((len(rows), len(catalogue)))
    for at, cause in enumerate(catalogue):
        against = 1.0 - _together(rows, cause.unless)
        score[:, at] = _together(rows, cause.evidence) * against
        score[said == cause.code, at] = 1.0
        members = [place[code] for code in cause.of]
        if members:
            score[:, at] = np.maximum(score[:, at], score[:, members].max(axis=1))
    return score.round(DIGITS)


def _together(rows: pd.DataFrame, signs: Mapping[str, Stretch]) -> Floats:
    """What several signs say together, 0 to 1."""
    silent = np.ones(len(rows))
    for feature, stretch in signs.items():
        silent *= 1.0 - WEIGHT * speaks(_values(rows, feature), stretch)
    return np.asarray(1.0 - silent)


def _values(rows: pd.DataFrame, feature: str) -> Floats:
    if feature not in rows.columns:
        return np.full(len(rows), np.nan)
    return rows[feature].to_numpy(dtype=np.float64, na_value=np.nan)


def _ranks(who: Places) -> NDArray[np.int64]:
    """1, 2, ... within each run of equal numbers."""
    if not len(who):
        return np.zeros(0, dtype=np.int64)
    first = np.flatnonzero(np.diff(who, prepend=-1))
    begins = np.repeat(first, np.diff(first, append=len(who)))
    return np.asarray(np.arange(len(who)) - begins + 1, dtype=np.int64)


def _evidence(
    rows: pd.DataFrame, who: Places, which: Places, catalogue: Sequence[Cause]
) -> NDArray[np.object_]:
    """Of each customer and cause the signs that spoke, the strongest first, as JSON."""
    told = np.full(len(who), "[]", dtype=object)
    for at in np.unique(which):
        here = np.flatnonzero(which == at)
        signs = catalogue[at].evidence
        values = {name: _values(rows, name)[who[here]] for name in signs}
        strengths = {name: speaks(values[name], signs[name]) for name in signs}
        for place, row in enumerate(here):
            spoke = [
                {
                    "indicator": name,
                    "value": round(float(values[name][place]), DIGITS),
                    "strength": round(float(strengths[name][place]), DIGITS),
                }
                for name in sorted(signs, key=lambda n: -strengths[n][place])
                if strengths[name][place] > 0
            ]
            told[row] = json.dumps(spoke, sort_keys=True)
    return told
