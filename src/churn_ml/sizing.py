"""Sizing: how many customers a holdout needs to show what contacts save, and what it costs.

Enters: the scores and actions of one as_of, and the offers' save rates. Leaves, for the universal
holdout and for each experiment: how likely one round shows the difference that is assumed, how many
rounds it takes, the control's share that would do within a number of rounds, and what was not
earned on those left alone.

Worked example: as of 2017-10-01 the policy chose 300 customers with a mean score of .40, and the
coupon is assumed to save 15 % of the churners: .40 against .34. With a control of a tenth 5,777
customers are needed, 20 rounds of 300; with half of them control 2,026, 7 rounds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_ml.actions import NONE
from churn_ml.experiments import CONTROL, power, total_size

if TYPE_CHECKING:
    import pandas as pd

SHARES = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
"""The control's shares that are proposed; below a twentieth little is ever seen."""
DIGITS = 6


def sized(
    chosen: pd.DataFrame, share: float, save_rates: Mapping[str, float], rounds: int
) -> dict[str, Any]:
    """What one draw can show, and what it costs.

    Parameters: `chosen`, one row per customer whom the policy chose: customer_id, score,
    would_be_offer, expected_gain and `kept` (True where chance left them alone); `share`, the
    control's; `save_rates` by code of the offer; `rounds`, that the answer may take.
    Returns (JSON-able): chosen, kept, not_earned (expected gain of the kept, shop currency), churn
    and churn_contacted (mean expected shares), power (of one round), needed (customers),
    needed_rounds, and enough_share, the smallest of SHARES that does within `rounds`; null where
    nobody was chosen or nothing is assumed to be saved.

    >>> import pandas as pd
    >>> told = pd.DataFrame({"customer_id": range(300), "score": 0.4, "would_be_offer": "COUPON",
    ...     "expected_gain": 2.0, "kept": [True] * 30 + [False] * 270})
    >>> found = sized(told, 0.1, {"COUPON": 0.15}, 13)
    >>> found["not_earned"], found["needed"], found["needed_rounds"], found["enough_share"]
    (60.0, 5777, 20, 0.2)
    """
    counts = {"chosen": len(chosen), "kept": int(chosen["kept"].sum()), "share": share}
    lost = float(chosen.loc[chosen["kept"], "expected_gain"].sum())
    told = {**counts, "not_earned": round(lost, 2)}
    saved = chosen["would_be_offer"].map(save_rates).fillna(0.0).to_numpy(dtype=float)
    score = chosen["score"].to_numpy(dtype=float)
    alone = float(score.mean()) if len(score) else 0.0
    contacted = float((score * (1.0 - saved)).mean()) if len(score) else 0.0
    told |= {"churn": round(alone, DIGITS), "churn_contacted": round(contacted, DIGITS)}
    if not 0 < contacted < alone < 1 or not 0 < share < 1:
        nothing = ("power", "needed", "needed_rounds", "enough_share")
        return told | dict.fromkeys(nothing)
    needed = total_size(alone, contacted, share)
    enough = (s for s in SHARES if total_size(alone, contacted, s) <= rounds * len(chosen))
    return told | {
        "power": round(power(alone, contacted, len(chosen), share), DIGITS),
        "needed": needed,
        "needed_rounds": math.ceil(needed / len(chosen)),
        "enough_share": next(enough, None),
    }


def draws(
    actions: pd.DataFrame,
    scores: pd.DataFrame,
    share: float,
    experiments: Mapping[str, float],
    save_rates: Mapping[str, float],
    rounds: int,
) -> dict[str, dict[str, Any]]:
    """`sized` of the universal holdout, called "holdout", and of each experiment that ran.

    Parameters: `actions` and `scores` of one as_of (tables of those names); `share`, the
    holdout's; `experiments`, name -> share of the control.

    >>> import pandas as pd
    >>> ids = pd.DataFrame({"customer_id": ["h1", "h2", "h3"]})
    >>> actions = ids.assign(would_be_offer=["A", "A", "NONE"], expected_gain=[2.0, 3.0, 0.0],
    ...     why=["chosen", "control", "does_not_pay"], experiment=["spring", "spring", None],
    ...     experiment_arm=["treated", "control", None])
    >>> found = draws(actions, ids.assign(score=.5), 0.1, {"spring": 0.5}, {"A": 0.3}, 13)
    >>> [(name, one["chosen"], one["not_earned"]) for name, one in found.items()]
    [('holdout', 2, 0.0), ('spring', 2, 3.0)]
    """
    rows = actions.merge(scores[["customer_id", "score"]], on="customer_id")
    rows = rows[rows["would_be_offer"] != NONE]
    held = rows.assign(kept=(rows["why"] == "holdout").to_numpy())
    found = {"holdout": sized(held, share, save_rates, rounds)}
    for name, control in experiments.items():
        mine = rows[np.asarray(rows["experiment"] == name, dtype=bool)]
        part = mine.assign(kept=(mine["experiment_arm"] == CONTROL).to_numpy())
        found[name] = sized(part, control, save_rates, rounds)
    return found
