"""Weighing: what training, gate and benchmark weigh models with, put together from the rooms.

Enters: the panel and the bundles. Leaves: the rows that may be judged on, the money that training
needs, the frozen evidence of a layer with a value that belongs to no model, policies scored on
exactly its rows, and the references beside them (telling.py puts their figures side by side).

Worked example, gated on 2017-11-01: V^E of the evidence 2017-10-01 is cross-fitted by customer on
the cut-offs to 2017-09-01, whose label windows ended by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from churn_ml import slices
from churn_ml.economics import Terms, for_part
from churn_ml.flow.definitions import HISTORY, VALUE_FEATURES
from churn_ml.flow.money import LayerMoney
from churn_ml.gate import evaluation
from churn_ml.gate.evidence import Evidence
from churn_ml.gate.grade import best_reference
from churn_ml.gate.guards import standard_slices
from churn_ml.gate.policies import PolicyOnRows
from churn_ml.gate.policies import references as without_model
from churn_ml.models.value import Recipe
from churn_ml.models.value_quality import cross_fitted, cross_fitted_both
from churn_ml.preflight import LAYERS, check_counts, count

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from churn_ml.config import Config
    from churn_ml.models.bundle import Bundle

PAST = "spend_90d"


def recipe(config: Config) -> Recipe:
    """What value models of this shop are made from.

    >>> from churn_ml.config import Config, Shop
    >>> recipe(Config(shop=Shop(name="s", currency="EUR"))).past
    'spend_90d'
    """
    return Recipe(VALUE_FEATURES, PAST, config.contract, config.economics, HISTORY)


def money(config: Config, panel: Judged) -> LayerMoney:
    """The economics of training: value from the train layer, tau and profit on the choose layer.

    V^E of the choose layer is cross-fitted by customer on the train layer. Raises TooEarly where
    either is empty, or too few were retained to estimate value, Leak where the layers overlap.
    """
    past, later = (rows_of(panel, layer) for layer in ("train", "choose"))
    for name, rows in (("train", past), ("choose", later)):
        check_counts({name: count(rows)})
    value_e = dict(
        zip(later["customer_id"], cross_fitted(past, later, recipe(config)), strict=True)
    )
    terms = for_part(Terms.of(config), panel.part["choose"])
    return LayerMoney(recipe(config), terms, value_e)


@dataclass(frozen=True, eq=False)
class Judged:
    """A panel cut to the rows that may be judged on, and how large a part of each layer they are.

    `rows`: one per customer_id and cut_off, as in the panel; `part`: layer -> rows kept over rows
    at risk (1 where the layer is empty).
    """

    rows: pd.DataFrame
    part: Mapping[str, float]


def judged(panel: pd.DataFrame, held_out: Callable[[pd.Series], NDArray[np.bool_]]) -> Judged:
    """The panel without those rows to judge on that somebody contacted.

    Before the first campaign every row of the choose and evaluate layers counts; after it only the
    universal holdout shows who churns without contact. `held_out`: customer ids -> True where held
    out; asked only where a row was treated. Raises NotReady where nobody is.

    >>> import pandas as pd
    >>> panel = pd.DataFrame({"customer_id": ["h1", "h2", "h3"], "layer": "choose",
    ...                       "treated": [True, False, False]})
    >>> found = judged(panel, lambda ids: (ids == "h2").to_numpy())
    >>> found.rows["customer_id"].tolist(), round(found.part["choose"], 3)
    (['h2'], 0.333)
    """
    kept = np.ones(len(panel), dtype=bool)
    part = dict.fromkeys(LAYERS, 1.0)
    for layer in ("choose", "evaluate"):
        at = (panel["layer"] == layer).to_numpy()
        rows = panel[at]
        if rows["treated"].astype(bool).any():
            kept[at] = Evidence.kept(rows, held_out(rows["customer_id"]))
            part[layer] = float(kept[at].mean())
    return Judged(panel[kept], part)


def evidence(config: Config, panel: Judged, layer: str, seen: set[str]) -> Evidence:
    """The frozen evidence of one layer; `seen` are customers that a model trained on.

    V^E is cross-fitted on the layers before. Raises TooEarly where the layer holds no churner or
    no stayer, Leak where a label window before reaches this layer.
    """
    rows, before = rows_of(panel, layer), earlier(panel, layer)
    check_counts({layer: count(rows)})
    value, uncapped = cross_fitted_both(before, rows, recipe(config))
    known = rows["customer_id"].isin(seen).to_numpy()
    return Evidence.of(
        rows,
        value,
        standard_slices(value, rows["stage"].to_numpy(object), known) | slices.of_rows(rows),
        value_learned_on=sorted(set(before["cut_off"])),
        part=panel.part[layer],
        uncapped=uncapped,
    )


def rows_of(panel: Judged, layer: str) -> pd.DataFrame:
    """The rows of one layer, by cut-off and customer.

    >>> import pandas as pd
    >>> panel = pd.DataFrame({"customer_id": ["h2", "h1"], "cut_off": 0, "layer": "train"})
    >>> rows_of(Judged(panel, {}), "train")["customer_id"].tolist()
    ['h1', 'h2']
    """
    return in_order(panel.rows[panel.rows["layer"] == layer])


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a panel sorted by its key."""
    return rows.sort_values(["cut_off", "customer_id"], ignore_index=True)


def earlier(panel: Judged, layer: str) -> pd.DataFrame:
    """The rows of the layers before `layer`.

    >>> import pandas as pd
    >>> panel = pd.DataFrame({"layer": ["train", "choose", "evaluate"]})
    >>> earlier(Judged(panel, {}), "evaluate")["layer"].tolist()
    ['train', 'choose']
    """
    return panel.rows[panel.rows["layer"].isin(LAYERS[: LAYERS.index(layer)])]


def usable(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows whose label is known and nobody's doing: mature and untreated.

    >>> import pandas as pd
    >>> label = pd.Series([1, None, 0], dtype="Int64")
    >>> usable(pd.DataFrame({"label": label, "treated": [False, False, True]})).index.tolist()
    [0]
    """
    return rows[rows["label"].notna() & ~rows["treated"].astype(bool)]


def retuned(bundle: Bundle, config: Config, panel: Judged) -> float:
    """The bundle's threshold, tuned on this panel's choose layer as training tunes a candidate's.

    Champion and challenger are so weighed with thresholds of the same day: what a stale threshold
    costs is no merit of the challenger. A model of this very panel gets the tau it has. Shop
    currency of expected gain. Raises as `money` does.
    """
    rows = usable(rows_of(panel, "choose"))
    value = np.asarray(bundle.value.predict(rows), dtype=float)
    return float(money(config, panel).tune_tau(rows, bundle.model.predict(rows), value))


def policy(
    name: str, bundle: Bundle, rows: pd.DataFrame, frozen: Evidence, tau: float | None = None
) -> PolicyOnRows:
    """A bundle's whole policy, scored on the rows of the evidence; `tau`: the bundle's unless told.

    `rows`: features, in the order of the evidence. Raises BadInput where a feature is missing.
    """
    return PolicyOnRows(
        name,
        bundle.model.predict(rows),
        np.asarray(bundle.value.predict(rows), dtype=float),
        bundle.tau if tau is None else tau,
        frozen.rows_hash,
        (*bundle.origin.train_cut_offs, bundle.origin.choose_cut_off),
    )


def references(
    bundle: Bundle, panel: Judged, layer: str, frozen: Evidence
) -> dict[str, PolicyOnRows]:
    """Rule, nobody, everybody and base rate on one layer, each by its name.

    The base rate is that of the mature, untreated training rows. Raises as `policy` does.
    """
    rule = policy("rule", bundle, rows_of(panel, layer), frozen)
    past = count(rows_of(panel, "train"))
    rate = past.churners / max(past.rows, 1)
    others = without_model(frozen, rate, rule.value, rule.learned_on)
    return {each.name: each for each in (rule, *others)}


def best_simple(config: Config, panel: Judged, rule: Bundle) -> str:
    """The reference that earned most on the choosing cut-off: what a model is graded against.

    Raises as `evidence` does.
    """
    frozen = evidence(config, panel, "choose", set())
    simple = references(rule, panel, "choose", frozen).values()
    earned = evaluation.evaluate(tuple(simple), frozen, Terms.of(config), resamples=200)
    return best_reference([row for row in earned if row.name != "oracle"])
