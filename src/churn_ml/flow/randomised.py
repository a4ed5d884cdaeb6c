"""Randomised: what champion and challenger would have earned among customers left to chance.

Enters: the rows that the gate judges on, before those that somebody contacted are taken out, the
actions published for their days, and both models. Leaves: figures beside a verdict, or None where
no round of these days was delivered. Nothing in them decides: a round holds few customers.

Worked example: on 2017-10-01 the champion chose 300 customers for an e-mail and chance held 30 of
them out. On 2017-11-01 the verdict says what either model would have earned on these 300, by what
became of both arms, and that 12 % of the challenger's contacts were not among them: of these
nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_ml.attempt import Attempt
from churn_ml.flow import weighing

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from churn_ml.economics import Terms
    from churn_ml.flow.evaluated import Evaluated
    from churn_ml.models.bundle import Bundle

OFFERED = "would_be_offer"
RESAMPLES = 2000


def measured(
    trial: Attempt,
    on: Evaluated,
    panel: pd.DataFrame,
    sides: Mapping[str, tuple[Bundle, float]],
) -> dict[str, Any] | None:
    """What `champion` and `challenger` earn per 1,000 chosen customers, each [value, low, high].

    `panel`: of the training, whole; `sides`: both names, each a model with its threshold. Returns
    too the customers `chosen`, how many of them were `held` out, the `difference`, and `elsewhere`:
    the share of each one's contacts that no round tells of. Amounts in the shop currency, over
    contacting nobody (gate/policy_value.py).
    """
    from churn_ml.economics import NO_CONTACT, Terms
    from churn_ml.gate.bootstrap import Resampling
    from churn_ml.gate.policy_value import Randomised
    from churn_ml.models.value_quality import cross_fitted

    rows = _rounds(trial, on, panel)
    if rows is None:
        return None
    terms = Terms.of(on.config)
    before = weighing.earlier(on.panel, "evaluate")
    worth = cross_fitted(before, rows, weighing.recipe(on.config))
    codes = np.array([offer.code for offer in terms.offers], dtype=object)
    offered = rows[OFFERED].to_numpy(object)
    told = np.isin(offered, codes) & ~rows["customer_id"].duplicated().to_numpy()
    picked = {name: _decided(*side, rows, terms, on) for name, side in sides.items()}
    contacts = {name: (index != NO_CONTACT) for name, index in picked.items()}
    same = {
        name: (told & contacts[name] & (codes[index] == offered)).astype(float)[told]
        for name, index in picked.items()
    }
    mine = rows[told]
    held = trial.house.held_out(mine["customer_id"])
    if not held.any() or held.all():
        return None
    score = sides["champion"][0].model.predict(mine)
    data = Randomised(
        mine["customer_id"].to_numpy(object),
        ~held,
        trial.house.config.holdout.share,
        _earned(mine, worth[told], terms),
        np.column_stack([score * worth[told], worth[told]]),
    )
    same["difference"] = same["challenger"] - same["champion"]
    how = Resampling(0.025, RESAMPLES, on.frozen.seed)
    values = {name: data.value(z, how).scaled(1000.0) for name, z in same.items()}
    return {
        "chosen": len(mine),
        "held": int(held.sum()),
        "elsewhere": {
            name: round(1.0 - float(same[name].sum() / taken.sum()), 6) if taken.any() else 0.0
            for name, taken in contacts.items()
        },
    } | {name: [found.value, found.low, found.high] for name, found in values.items()}


def _without_experiments(actions: pd.DataFrame) -> pd.DataFrame:
    """The actions without the offers of which an experiment left others alone that day."""
    drawn = set(actions.loc[actions["experiment"].notna(), OFFERED])
    return actions[~actions[OFFERED].isin(drawn)]


def _rounds(trial: Attempt, on: Evaluated, panel: pd.DataFrame) -> pd.DataFrame | None:
    """Everybody at risk on the days of the evidence whose round was delivered, with its offers."""
    import pandas as pd

    evaluate = panel[(panel["layer"] == "evaluate") & panel["label"].notna()]
    parts = []
    for day in map(date.fromisoformat, on.frozen.days):
        if not _published(trial, day):
            continue
        actions = _without_experiments(trial.frame("actions", day))[["customer_id", OFFERED]]
        at = evaluate[evaluate["cut_off"] == day].merge(actions, on="customer_id", how="left")
        if at.loc[at[OFFERED].notna() & (at[OFFERED] != "NONE"), "treated"].any():
            parts.append(at)
    found = pd.concat(parts, ignore_index=True) if parts else None
    return None if found is None else found.sort_values(["cut_off", "customer_id"])


def _published(trial: Attempt, day: date) -> bool:
    """Whether that day was scored under the present contract."""
    scored = trial.house.publication("score", day)
    mine = scored is not None and scored.pins["contract"] == trial.house.config.contract.stamp
    return mine and day.isoformat() in trial.versions("actions")


def _decided(
    bundle: Bundle, tau: float, rows: pd.DataFrame, terms: Terms, on: Evaluated
) -> NDArray[np.int64]:
    """The offer that a model would have chosen for each row, a day a round."""
    from churn_ml.targeting import choose, keyed_hash, permitted

    score = bundle.model.predict(rows)
    value = np.asarray(bundle.value.predict(rows), dtype=float)
    ties = keyed_hash(rows["customer_id"], bytes.fromhex(on.frozen.hash))
    may = permitted(rows["contactable"].to_numpy(bool), terms.offers)
    index = np.empty(len(rows), dtype=np.int64)
    for day in rows["cut_off"].unique():
        at = (rows["cut_off"] == day).to_numpy()
        index[at] = choose(score[at], value[at], terms, tau, ties[at], may[at])
    return index


def _earned(rows: pd.DataFrame, worth: NDArray[np.float64], terms: Terms) -> NDArray[np.float64]:
    """What each customer brought less what was spent on him, shop currency.

    A customer who stays is worth rho V^E; who was reached costs the contact, and the offer where he
    stays and may redeem it.
    """
    from churn_ml.economics import redeemed_cost

    stays = 1.0 - rows["label"].to_numpy(float)
    reached, code = rows["treated"].to_numpy(float), rows[OFFERED].to_numpy(object)
    spent = np.zeros(len(rows))
    for offer in terms.offers:
        redeemed = stays * offer.redeem_share * redeemed_cost(worth, offer, terms.economics)
        spent += (code == offer.code) * (offer.contact_amount + redeemed)
    return np.asarray(stays * terms.economics.saved_value_share * worth - reached * spent)
