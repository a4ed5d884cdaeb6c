"""The cells of an export that are made for it: coarse amounts, causes in words, names.

Enters: amounts, reasons, the tables of causes and named segments. Leaves: what a campaign is told.
Worked example: 129.70 at risk is told as 100, and h1's likeliest cause as a sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from churn_ml import wording
from churn_ml.causes import main_causes
from churn_ml.segments import NAMED

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray


def preferred(amounts: ArrayLike) -> NDArray[np.float64]:
    """The nearest of 1, 2, 5, 10, 20, 50, ... (the 1-2-5 series) of each amount, 0 for nothing.

    Coarse on purpose: a value at risk of 131 after 128 is no news to a campaign. Nearest by ratio.

    >>> preferred([129.7, 0.0567, 0.0, 38.0]).tolist()
    [100.0, 0.05, 0.0, 50.0]
    """
    amount = np.asarray(amounts, dtype=np.float64)
    positive = amount > 0
    exponent = np.floor(np.log10(amount[positive]))
    step = np.searchsorted(_BETWEEN, amount[positive] / 10.0**exponent)
    found, place = np.unique(exponent.astype(np.int64) * len(_STEPS) + step, return_inverse=True)
    # read as text, so that .05 is the number that everybody writes so
    steps = [float(f"{_STEPS[code % len(_STEPS)]}e{code // len(_STEPS)}") for code in found]
    told = np.zeros(len(amount))
    told[positive] = np.array(steps)[place]
    return told


_STEPS = (1, 2, 5, 10)
_BETWEEN = np.sqrt([1 * 2, 2 * 5, 5 * 10])
"""Where the next step becomes the nearer one."""


def causes_told(causes: pd.DataFrame | None) -> pd.DataFrame:
    """The likeliest cause of each customer, and its sentence in English.

    `causes`: one row a customer_id and cause. Returns: one row a customer_id.

    >>> import pandas as pd
    >>> causes = pd.DataFrame({"customer_id": ["h1"], "cause": ["FX"], "stated": [True],
    ...                        "score": [1.0]})
    >>> causes_told(causes)["cause"].tolist()
    ['FX']
    """
    import pandas as pd

    if causes is None:
        return pd.DataFrame({"customer_id": [], "cause": [], "evidence": []}, dtype=object)
    main = main_causes(causes).reset_index()
    told: list[dict[str, Any]] = main.to_dict("records")  # type: ignore[assignment] # columns are strings
    said = [wording.cause(row) for row in told]
    return main[["customer_id", "cause"]].assign(evidence=said)


def names_told(rows: pd.DataFrame | None) -> pd.DataFrame:
    """The named segments of each customer that are no family and no stage, as text.

    `rows`: one a customer_id and segment. Returns: one a customer_id.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"customer_id": ["h1", "h1"], "segment": ["HIGH_VALUE", "STAGE_LOST"]})
    >>> names_told(rows).to_dict("records")
    [{'customer_id': 'h1', 'named_segments': 'HIGH_VALUE'}]
    """
    import pandas as pd

    if rows is None:
        return pd.DataFrame({"customer_id": [], "named_segments": []}, dtype=object)
    own = [one.code for one in NAMED if not one.family and not one.code.startswith("STAGE_")]
    kept = rows[rows["segment"].isin(own)].sort_values(["customer_id", "segment"])
    listed = kept.groupby("customer_id")["segment"].agg(", ".join)
    return listed.rename("named_segments").reset_index()


def reason_names(reasons: str | None) -> str:
    """The indicators of a score's reasons by what they do to the risk, each in their order.

    >>> reason_names('[{"indicator": "gap_ratio", "direction": "up"},'
    ...              ' {"indicator": "spend_90d", "direction": "down"}]')
    'raises the risk: gap_ratio; lowers the risk: spend_90d'
    """
    up: list[str] = []
    down: list[str] = []
    for reason in _REASONS.decode(reasons or "[]"):
        (up if reason.direction == "up" else down).append(reason.indicator)
    told = [f"raises the risk: {', '.join(up)}"] if up else []
    return "; ".join([*told, f"lowers the risk: {', '.join(down)}"] if down else told)


class _Reason(msgspec.Struct, gc=False):
    indicator: str
    direction: Literal["up", "down"]


_REASONS = msgspec.json.Decoder(list[_Reason])
