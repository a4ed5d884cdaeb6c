"""Material: the panel of a training, checked and cut to what may teach and what may judge.

Enters: a panel (one row per customer_id and cut_off) whose rows lie in layers. Leaves: a `Material`
that every candidate is fitted from, in this process or another. Worked example, as of 2017-11-01
with a horizon of 30: the past holds the cut-offs from 2017-04-04 to 2017-08-02, the later rows are
those of 2017-09-01.

Only mature, untreated rows teach. Below [training] min_rows or min_churners the inactivity rule is
fitted alone. Refused: cut-offs whose label window reaches the next layer, labels that cannot be
known yet, and features that stand for the customer or give the label away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from churn_ml.leakage import check_giveaways, check_identities
from churn_ml.models.bundle import Origin
from churn_ml.models.families import check_needs
from churn_ml.panel import feature_columns, in_order
from churn_ml.preflight import Counts, check_counts, check_time, count, too_few

if TYPE_CHECKING:
    from churn_ml.config import Config

REFERENCE = "rule"
"""The family that is always fitted beside the candidates: the bar, and the first champion."""


@dataclass(frozen=True)
class Material:
    """What every candidate of one training shares: the rows, checked and cut, and where they end.

    `names`: the families that are fitted, the rule first. `alone`: see `Training` of training.py.
    """

    past: pd.DataFrame
    later: pd.DataFrame
    origin: Origin
    names: tuple[str, ...]
    counts: Mapping[str, Counts]
    alone: Mapping[str, float]
    too_few: bool
    spec_hash: Callable[[Sequence[str]], str]
    horizon_days: int


def prepare(
    panel: pd.DataFrame,
    config: Config,
    *,
    trained_as_of: date,
    spec_hash: Callable[[Sequence[str]], str],
    alone: Mapping[str, float] | None = None,
) -> Material:
    """Check the panel and cut it to what may teach and what may judge.

    Fitted are the [training] candidates, and the rule always; the rule alone where rows or churners
    are below [training] min_rows or min_churners.

    `panel`: customer_id, cut_off, layer (train, choose), label (1, 0, missing), treated,
    window_net_amount, and one float column per feature; every other column counts as a feature.
    `spec_hash`: identity of the definitions of the features named. `trained_as_of`: the end of the
    world that may be known. `alone`: what was found when this very panel was prepared before; its
    features are not looked at again then.

    Raises TooEarly where all labels of a layer are equal; Leak where a layer, a label or a feature
    knows what it cannot know; BadInput where the panel's key repeats; BadConfig where a candidate
    needs a feature that is not there.

    >>> from churn_ml.config import Config, Shop
    >>> from churn_ml.simulate import GONE30, spending_panel
    >>> panel = spending_panel(200, seed=1, cut_offs=2)
    >>> panel = panel.rename(columns={"spend_90d": "recency_days"})
    >>> last = panel["cut_off"] == date(2017, 5, 4)
    >>> found = prepare(
    ...     panel.assign(layer=last.map({True: "choose", False: "train"})),
    ...     Config(shop=Shop(name="s", currency="EUR"), contract=GONE30),
    ...     trained_as_of=date(2017, 11, 1), spec_hash=lambda names: "5bec")
    >>> found.names, len(found.past), found.origin.choose_cut_off.isoformat()
    (('rule',), 200, '2017-05-04')
    """
    rows = in_order(panel)
    check_time(rows, config.contract, trained_as_of)
    counts = {layer: count(rows[rows["layer"] == layer]) for layer in ("train", "choose")}
    check_counts(counts)
    short = too_few(counts["train"], config.training)
    names = (
        (REFERENCE,) if short else tuple(dict.fromkeys((REFERENCE, *config.training.candidates)))
    )
    usable = rows[rows["label"].notna() & ~rows["treated"].astype(bool)]
    past, later = (usable[usable["layer"] == layer] for layer in ("train", "choose"))
    check_needs(names, past.columns)
    origin = Origin(
        spec_hash="",
        contract=config.contract.stamp,
        trained_as_of=trained_as_of,
        train_cut_offs=tuple(sorted(set(past["cut_off"]))),
        choose_cut_off=min(later["cut_off"]),
        config_hash=config.told("train"),
        seed=config.training.seed,
        versions={},
    )
    return Material(
        past,
        later,
        origin,
        names,
        counts,
        _alone(past, later) if alone is None else alone,
        short,
        spec_hash,
        config.contract.horizon_days,
    )


def _alone(past: pd.DataFrame, later: pd.DataFrame) -> dict[str, float]:
    """How much each feature tells alone, later; raises Leak where one gives away label or row."""
    names = feature_columns(past)
    check_identities(pd.concat([past, later]), names)
    before = check_giveaways(past, names, "training cut-offs")
    return check_giveaways(later, names, "choosing cut-off") or before
