"""Spend: the rows and amounts that a value model learns from, and how far they reach.

In: the labelled panel (one row per customer_id and cut_off). Out: its retained, untreated rows,
their spend inside the label window, and the factor from there to the value horizon.

Worked example: cut-offs 2017-04-04 to 2017-08-02 every 30 days, a horizon of 30. Customers
retained in the window from 2017-04-04 spent 1,000 in it and 900 in the window from 2017-05-04: the
first carry is .9. Four carries are seen (120 days after the first window); the rest of the 365 days
is extrapolated at their mean decay.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from churn_ml.config import Contract, Economics
from churn_ml.errors import TooEarly

if TYPE_CHECKING:
    import pandas as pd

Floats: TypeAlias = NDArray[np.float64]

MIN_ROWS = 20
"""Fewer retained, untreated rows than this say nothing about value."""


def retained(panel: pd.DataFrame) -> pd.DataFrame:
    """The rows whose window spend is known and nobody's doing: label 0, untreated.

    Raises TooEarly where fewer than 20 are left.

    >>> from churn_ml.simulate import spending_panel
    >>> panel = spending_panel(200, seed=1)
    >>> len(retained(panel)) == int((panel["label"] == 0).sum())
    True
    """
    kept = panel[(panel["label"] == 0).fillna(False).astype(bool) & ~panel["treated"].astype(bool)]
    if len(kept) < MIN_ROWS:
        raise TooEarly(
            "too few retained, untreated rows to estimate value",
            where="models.spend",
            got=str(len(kept)),
            expected=f"at least {MIN_ROWS}",
            next_step="train on more cut-offs or a longer history",
        )
    return kept


def amounts(rows: pd.DataFrame) -> Floats:
    """window_net_amount as floats; a window of more returns than purchases counts as 0.

    >>> import pandas as pd
    >>> amounts(pd.DataFrame({"window_net_amount": [1.5, -2.0, None]})).tolist()
    [1.5, 0.0, 0.0]
    """
    spend = np.nan_to_num(rows["window_net_amount"].astype(float).to_numpy(), nan=0.0)
    return np.maximum(spend, 0.0)


def extension(panel: pd.DataFrame, contract: Contract, economics: Economics) -> tuple[float, int]:
    """Spend over the value horizon per unit of window spend, and the days of it that were seen.

    With A(e) the window spend of the retained at cut-off e, carry w is A(e + w horizon) / A(e)
    over the pairs of cut-offs the panel holds; whoever is no longer in the panel counts as 0. The
    extension is 1 + carry 1 + carry 2 ...; beyond the last seen, carry goes on at its mean decay.

    >>> from churn_ml.simulate import GONE30, spending_panel
    >>> factor, days = extension(spending_panel(200, seed=1), GONE30, Economics())
    >>> 1 < factor < 365 / 30, days
    (True, 150)
    """
    windows = economics.value_horizon_days / contract.horizon_days
    seen = _carries(panel, contract.horizon_days)
    mature = panel[panel["label"].notna() & ~panel["treated"].astype(bool)]
    decay = _decay(seen, float((mature["label"] == 0).mean()))
    later = list(seen)
    while len(later) < windows:
        later.append((later[-1] if later else 1.0) * decay)
    whole = int(windows)
    terms = [1.0, *later][: whole + 1]
    terms[whole] *= windows - whole
    observed = min((1 + len(seen)) * contract.horizon_days, economics.value_horizon_days)
    return float(sum(terms)), observed


def _carries(panel: pd.DataFrame, horizon_days: int) -> list[float]:
    """Carry 1, 2, ... as far as the panel's cut-offs reach, among the never treated."""
    treated = set(panel.loc[panel["treated"].astype(bool), "customer_id"])
    rows = panel[~panel["customer_id"].isin(treated) & panel["label"].notna()]
    rows = rows[["customer_id", "cut_off", "label"]].assign(amount=amounts(rows))
    spend = rows.pivot_table(index="customer_id", columns="cut_off", values="amount", aggfunc="sum")
    stayed = rows[rows["label"] == 0].pivot_table(
        index="customer_id", columns="cut_off", values="amount", aggfunc="sum"
    )
    carries: list[float] = []
    while ratio := _carry(spend, stayed, timedelta(days=horizon_days * (len(carries) + 1))):
        carries.append(ratio)
    return carries


def _carry(spend: Any, stayed: Any, lag: timedelta) -> float:
    """The share of the retained's spend that comes again `lag` later; 0 where nothing shows it."""
    pairs = [(e, e + lag) for e in stayed.columns if e + lag in spend.columns]
    first = sum(float(stayed[e].sum()) for e, _ in pairs)
    again = sum(float(spend[late].reindex(stayed[e].dropna().index).sum()) for e, late in pairs)
    return again / first if first > 0 else 0.0


def _decay(seen: list[float], retained_share: float) -> float:
    """How a window's carry follows from the last: measured, else the share retained; at most 1."""
    if not seen:
        return retained_share
    if len(seen) == 1:
        return min(seen[0], 1.0)
    return float(min((seen[-1] / seen[0]) ** (1.0 / (len(seen) - 1)), 1.0))
