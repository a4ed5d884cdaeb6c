"""Who is in which named segment: one rule per entry of the catalogue.

Enters: the segments, scores, features and causes of one as_of, and what `material.py` reads of the
shop. Leaves: one row per customer and named segment. A rule whose columns are not there makes no
segment. Worked example: as of 2017-10-01 h1, of high value, ordered on half as many days as before,
so h1 is in HIGH_VALUE and, .5 being below .7, in HV_DECLINING.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from churn_ml.tables import NAMED_SEGMENTS

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.config import Segments

Names = NDArray[np.object_]
Rule: TypeAlias = "tuple[tuple[str, ...], Callable[[pd.DataFrame, Segments], Names]]"
TENTHS = 10


def named(rows: pd.DataFrame, settings: Segments) -> pd.DataFrame:
    """The named segments of every customer: the rows of tables.NAMED_SEGMENTS.

    `rows`: one per customer_id, as `material.gathered` makes them, with as_of. Returns one row per
    customer and segment, sorted by both.

    >>> import pandas as pd
    >>> from churn_ml.config import Segments
    >>> rows = pd.DataFrame({"customer_id": ["h1", "h2"], "as_of": "2017-10-01",
    ...     "value_band": ["high", "low"], "order_days_ratio": [.5, .5], "tier": ["Gold", None]})
    >>> named(rows, Segments())[["customer_id", "segment"]].values.tolist()
    [['h1', 'HIGH_VALUE'], ['h1', 'HV_DECLINING'], ['h1', 'TIER_GOLD']]
    """
    import pandas as pd

    rows = rows.sort_values("customer_id", ignore_index=True)
    found = [made(rows, settings) for needs, made in RULES.values() if set(needs) <= set(rows)]
    places = [np.flatnonzero(names != "") for names in found]
    who = np.concatenate([np.empty(0, dtype=np.intp), *places])
    parts = (names[place] for names, place in zip(found, places, strict=True))
    segment = np.concatenate([np.empty(0, dtype=object), *parts])
    words, which = np.unique(segment.astype(str), return_inverse=True)
    order = np.lexsort((which, who))
    who, told = who[order], words.astype(object)[which[order]]
    columns = {name: rows[name].to_numpy()[who] for name in ("customer_id", "as_of")}
    return pd.DataFrame(columns | {"segment": told})[list(NAMED_SEGMENTS.names)]


def word(text: Any) -> str:
    """A word of the shop as part of a name: capitals, digits and `_`.

    >>> word(" Fresh fruit & veg "), word("DE"), word("水果")
    ('FRESH_FRUIT_VEG', 'DE', '水果')
    """
    return re.sub(r"[\W_]+", "_", str(text)).strip("_").upper()


def _is(code: str, column: str, *words: Any) -> Rule:
    """A segment of those whose column holds one of the words."""

    def made(rows: pd.DataFrame, _: Segments) -> Names:
        return _where(rows[column].isin(words), code)

    return (column,), made


def _family(prefix: str, column: str) -> Rule:
    """A segment for each word of a column; none where it is missing."""

    def made(rows: pd.DataFrame, _: Segments) -> Names:
        words: dict[Any, str] = {one: word(one) for one in rows[column].dropna().unique()}
        names = {one: f"{prefix}{said}" for one, said in words.items() if said}
        return np.array([names.get(one, "") for one in rows[column]], dtype=object)

    return (column,), made


def _where(flags: pd.Series, code: str) -> Names:
    return np.where(flags.fillna(value=False).to_numpy(dtype=bool), code, "").astype(object)


def _declining(rows: pd.DataFrame, settings: Segments) -> Names:
    falling = rows["order_days_ratio"] < settings.declining_ratio
    return _where(falling & (rows["value_band"] == "high"), "HV_DECLINING")


def _recoverable(rows: pd.DataFrame, _: Segments) -> Names:
    return _where((rows["stage"] == "lost") & (rows["best_gain"] > 0), "RECOVERABLE")


def _tenth(rows: pd.DataFrame, _: Segments) -> Names:
    """The tenth of each spend; equal amounts are in one, the lower."""
    spent = rows["spend"].rank(method="min").to_numpy(float)
    count = np.count_nonzero(~np.isnan(spent))
    place = [0 if np.isnan(one) else int((one - 1) * TENTHS / count) + 1 for one in spent]
    return np.array([f"SPEND_D{one}" if one else "" for one in place], dtype=object)


def _one_and_done(rows: pd.DataFrame, _: Segments) -> Names:
    return _where(rows["one_time"] & rows["stage"].isin(["silent", "lost"]), "ONE_AND_DONE")


def _arrears(rows: pd.DataFrame, _: Segments) -> Names:
    return _where(rows["days_past_due_max"] > 0, "ARREARS")


RULES: Mapping[str, Rule] = {
    "HIGH_VALUE": _is("HIGH_VALUE", "value_band", "high"),
    "HV_DECLINING": (("value_band", "order_days_ratio"), _declining),
    "HIGH_RISK": _is("HIGH_RISK", "risk_band", "high"),
    "STAGE_NEW": _is("STAGE_NEW", "stage", "new"),
    "STAGE_ACTIVE": _is("STAGE_ACTIVE", "stage", "active", "loyal"),
    "STAGE_SILENT": _is("STAGE_SILENT", "stage", "silent"),
    "STAGE_LOST": _is("STAGE_LOST", "stage", "lost"),
    "LOYAL": _is("LOYAL", "stage", "loyal"),
    "RECOVERABLE": (("stage", "best_gain"), _recoverable),
    "RETURNING": _is("RETURNING", "stage", "returning"),
    "TIER_*": _family("TIER_", "tier"),
    "RENEWAL_DUE": _is("RENEWAL_DUE", "renewal_due", True),
    "SPEND_*": (("spend",), _tenth),
    "TOPCAT_*": _family("TOPCAT_", "top_category"),
    "MKT_*": _family("MKT_", "country"),
    "B2B": _is("B2B", "business", True),
    "B2C": _is("B2C", "business", False),
    "SOCIAL_CONTENT": _is("SOCIAL_CONTENT", "social", True),
    "DEV_MOBILE": _is("DEV_MOBILE", "device", "mobile"),
    "DEV_PC": _is("DEV_PC", "device", "desktop"),
    "CH_*": _family("CH_", "channel"),
    "CLUSTER_*": _family("CLUSTER_", "cluster"),
    "UNSATISFIED": _is("UNSATISFIED", "unsatisfied", 1.0),
    "CAUSE_*": _family("CAUSE_", "cause"),
    "TYPE_*": _family("TYPE_", "type"),
    "STABLE": _is("STABLE", "quarters", 4),
    "ONE_AND_DONE": (("one_time", "stage"), _one_and_done),
    "COHORT_*": _family("COHORT_", "first_month"),
    "ARREARS": (("days_past_due_max",), _arrears),
}
"""Code of the catalogue -> the columns its rule needs, and the rule: a name a row, "" for none."""
