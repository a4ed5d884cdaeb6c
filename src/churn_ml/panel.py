"""The panel: one row per customer and cut-off, and which of its columns a model may read.

Enters: a panel as the training step builds it. Leaves: the same rows in order, the names of its
features, and those among them that teach. Worked example: on the cut-offs 2017-07-03 and 2017-08-02
nobody wrote a ticket, so complaints_90d is 0 in every row: it is a feature, and teaches nothing.
"""

from __future__ import annotations

import pandas as pd

from churn_ml.errors import BadInput
from churn_ml.tables import PANEL

FLAG = "_has_base"
"""The end of a flag's name: it says whether the ratio before it has a denominator."""


def in_order(panel: pd.DataFrame) -> pd.DataFrame:
    """The panel sorted by its key, cut-offs as dates, labels as nullable integers."""
    rows = panel.assign(
        cut_off=pd.to_datetime(panel["cut_off"]).dt.date, label=panel["label"].astype("Int64")
    )
    repeated = rows.duplicated(["customer_id", "cut_off"])
    if repeated.any():
        raise BadInput(
            "a customer stands twice at one cut-off of the panel",
            got=f"{int(repeated.sum())} repeated rows of {len(rows)}",
            expected="one row per customer_id and cut_off",
        )
    return rows.sort_values(["cut_off", "customer_id"]).reset_index(drop=True)


def feature_columns(panel: pd.DataFrame) -> tuple[str, ...]:
    """The columns of a panel that are features, sorted by name.

    >>> feature_columns(pd.DataFrame(columns=["customer_id", "label", "recency_days", "cut_off"]))
    ('recency_days',)
    """
    return tuple(sorted(str(name) for name in panel.columns if name not in PANEL.names))


def teaching(past: pd.DataFrame) -> tuple[str, ...]:
    """The features that differ between the rows, and the flags of those that do; all if none does.

    A column that says the same of everybody teaches nothing, and takes the place of others where a
    family looks at a sample of the columns.

    >>> rows = pd.DataFrame({"recency_days": [3.0, 9.0], "late_share_180d": [None, None]})
    >>> teaching(rows.assign(late_share_180d_has_base=0.0))
    ('recency_days',)
    """
    names = feature_columns(past)
    values = past[list(names)].nunique()
    still = {name for name in names if values[name] <= 1 and not name.endswith(FLAG)}
    kept = tuple(name for name in names if name.removesuffix(FLAG) not in still)
    return kept or names
