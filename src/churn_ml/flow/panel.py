"""The panel of a training: every cut-off as it was known then, with what became of it.

Enters: the attempt, whose world is pinned. Leaves: one row per eligible customer and cut-off.

Worked example: as of 2017-11-01 the orders and lines of the shop are read once, with the times at
which each happened and was known. At the cut-off 2017-09-01 those count that had happened before
and were known by then; the label of that row is what is known on 2017-11-01.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from churn_ml import timeline
from churn_ml.attempt import Attempt
from churn_ml.errors import NotReady, TooEarly
from churn_ml.flow.definitions import indicators
from churn_ml.flow.preflight import history_starts
from churn_ml.flow.treatment import treated, weights
from churn_ml.preflight import LAYERS

if TYPE_CHECKING:
    import ibis
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from churn_ml.config import Consent
    from churn_ml.features.purchases import Purchases


def build_panel(trial: Attempt) -> pd.DataFrame:
    """One row per eligible customer and cut-off, each cut-off as it was known then."""
    import pandas as pd

    config = trial.house.config
    contract, every = config.contract, config.training.every_days
    now = trial.canonical(trial.as_of)
    first = history_starts(now)
    split = timeline.layers(trial.as_of, first, contract, every, config.gate.evaluation_cut_offs)
    days = [*((d, "train") for d in split.train), (split.choose, "choose")]
    bought = purchases(trial)
    parts = [
        rows_at(trial, now, cut_off, bought).assign(layer=layer)
        for cut_off, layer in [*days, *((d, "evaluate") for d in split.evaluate)]
    ]
    # one block a kind: a frame of a hundred single columns is slow to add to
    panel = pd.concat(parts, ignore_index=True).copy()
    empty = [layer for layer in LAYERS if not (panel["layer"] == layer).any()]
    if empty:
        raise _nobody(empty, trial, now, split.evaluate[-1])
    return panel


def _nobody(
    empty: list[str], trial: Attempt, now: dict[str, ibis.Table], evaluate: date
) -> NotReady:
    """The error of layers without an eligible customer: a small shop, or orders that ended."""
    last = now["orders"].day.max().to_pyarrow().as_py()
    lookback_days = trial.house.config.contract.lookback_days
    ended = last < evaluate - timedelta(days=lookback_days)
    return (NotReady if ended else TooEarly)(
        f"no customer is eligible in the layers {', '.join(empty)}",
        where=f"train as of {trial.as_of.isoformat()}",
        got=f"orders until {last.isoformat()}",
        expected=f"customers under [contract] in the {lookback_days} days before every cut-off",
        next_step="train as of a date that the orders reach" if ended else "wait for more history",
    )


def purchases(trial: Attempt) -> Purchases | None:
    """All orders and lines, read once for every cut-off; None where each has to read its own.

    A cut-off sees what had happened before it and was known by then, as when it reads its own.
    """
    from churn_ml.features.purchases import read

    tables = trial.uncut("orders", "order_lines", "products")
    return read(tables, stamped=True) if tables else None


def rows_at(
    trial: Attempt, now: dict[str, ibis.Table], cut_off: date, bought: Purchases | None = None
) -> pd.DataFrame:
    """Features, label and spend of everybody eligible at one cut-off; `now` decides the labels.

    `bought`: what `purchases` gives.
    """
    from churn_ml import cohort, features, labels, slices

    config = trial.house.config
    contract, zone = config.contract, config.shop.time_zone
    trial.house.say(f"  features as of {cut_off.isoformat()}")
    then = trial.canonical(cut_off)
    signs = features.trainable(indicators(config))
    rows = features.build(then, cut_off, contract, indicators=signs, zone=zone, purchases=bought)
    stages = cohort.cohort(then, cut_off, contract, zone=zone)[["customer_id", "stage"]]
    reached = treated(trial, cut_off)
    truth = labels.labels(
        now, rows["customer_id"], cut_off, contract, trial.as_of, reached, zone=zone
    )
    told = truth.merge(stages, on="customer_id")
    told = told.merge(slices.told(then), on="customer_id", how="left")
    told["weight"] = weights(trial, cut_off, told["customer_id"], reached)
    told["contactable"] = contactable(then, told["customer_id"], config.consent)
    # one block a kind: pandas warns of a frame of more than a hundred single columns
    return rows.rename(columns={"as_of": "cut_off"}).merge(told, on="customer_id").copy()


def contactable(then: dict[str, ibis.Table], ids: pd.Series, consent: Consent) -> NDArray[np.bool_]:
    """Whether a policy could have contacted each customer at the cut-off of `then`.

    By the consent that held then, or [consent] default. Where the shop keeps no consents, it tells
    nobody from anybody, and all count: the default then says whether anything is sent, not which
    model is better. The suppression list is not asked: it says who objects today, and a past
    cut-off seen through it would change with every objection, and know what came later.
    """
    from churn_ml.actions import consenting
    from churn_ml.flow.said import consents

    given = consents(then)
    default = given.empty or consent.default == "assumed"
    return consenting(ids, given, default=default)
