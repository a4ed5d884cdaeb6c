"""The trial: what training, gate and benchmark weigh models with, put together from the rooms.

Enters: the panel and the bundles. Leaves: the money that training needs, the frozen evidence of a
layer with a value that belongs to no model, policies scored on exactly its rows, and the table of
models side by side.

Worked example, gated on 2017-11-01: V^E of the evidence 2017-10-01 is cross-fitted by customer on
the cut-offs to 2017-09-01, whose label windows ended by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_ml import evaluation, metrics
from churn_ml.economics import Terms, Truth, choose, keyed_hash, per_1000, realised, tune_tau
from churn_ml.evidence import Evidence
from churn_ml.grade import best_reference, grade
from churn_ml.guards import calibration, standard_slices
from churn_ml.models.value import Recipe, ValueModel
from churn_ml.models.value_quality import cross_fitted
from churn_ml.training import Money

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from churn_ml.config import Config
    from churn_ml.models.store import Bundle

PAST = "spend_90d"
VALUE_FEATURES = (
    "recency_days",
    "tenure_days",
    "order_days_30d",
    "order_days_90d",
    "spend_30d",
    "spend_60d",
    "spend_90d",
    "basket_median_90d",
)
TIE_KEY = b"churn_ml"
"""Ties on the choosing cut-off are decided by this key: no customer is contacted there."""
METRICS = {"auc": "auc", "pr_auc": "pr_auc", "brier": "brier", "lift10": "lift_at_10"}
"""Names in the report -> names in metrics.py."""


def recipe(config: Config) -> Recipe:
    """What value models of this shop are made from."""
    return Recipe(VALUE_FEATURES, PAST, config.contract, config.economics)


def money(config: Config, panel: pd.DataFrame) -> Money:
    """The economics of training: value from the train layer, tau and profit on the choose layer.

    V^E of the choose layer is cross-fitted by customer on the train layer of `panel`.
    """
    past, later = (panel[panel["layer"] == layer] for layer in ("train", "choose"))
    value_e = dict(
        zip(later["customer_id"], cross_fitted(past, later, recipe(config)), strict=True)
    )
    terms = Terms.of(config)

    def truth(rows: pd.DataFrame) -> tuple[Truth, NDArray[np.uint64]]:
        ids = rows["customer_id"]
        value = np.array([value_e[c] for c in ids])
        return Truth(rows["label"].to_numpy(float), value), keyed_hash(ids, TIE_KEY)

    def tau(rows: pd.DataFrame, score: Any, value: Any) -> float:
        known, ties = truth(rows)
        return tune_tau(score, value, known, terms, ties)

    def profit(rows: pd.DataFrame, score: Any, value: Any, tau: float) -> float:
        known, ties = truth(rows)
        return per_1000(realised(choose(score, value, terms, tau, ties), known, terms))

    def value_model(rows: pd.DataFrame) -> ValueModel:
        return ValueModel.fit(rows, recipe(config))

    return Money(value_model, tau, profit)


def judged(panel: pd.DataFrame, held_out: Callable[[pd.Series], NDArray[np.bool_]]) -> pd.DataFrame:
    """The panel without those rows to judge on that somebody contacted.

    Before the first campaign every row of the choose and evaluate layers counts; after it only the
    universal holdout shows who churns without contact. Raises NotReady where there is none.
    """
    kept = np.ones(len(panel), dtype=bool)
    for layer in ("choose", "evaluate"):
        at = (panel["layer"] == layer).to_numpy()
        rows = panel[at]
        kept[at] = Evidence.kept(rows, held_out(rows["customer_id"]))
    return panel[kept]


def evidence(config: Config, panel: pd.DataFrame, layer: str, seen: set[str]) -> Evidence:
    """The frozen evidence of one layer; `seen` are customers that a model trained on.

    V^E is cross-fitted on the layers before. Raises NotReady where customers were contacted and
    there is no holdout, Leak where a label window before reaches this layer.
    """
    rows, before = rows_of(panel, layer), earlier(panel, layer)
    value = cross_fitted(before, rows, recipe(config))
    known = rows["customer_id"].isin(seen).to_numpy()
    return Evidence.of(
        rows,
        value,
        standard_slices(value, rows["stage"].to_numpy(object), known),
        value_learned_on=sorted(set(before["cut_off"])),
    )


def rows_of(panel: pd.DataFrame, layer: str) -> pd.DataFrame:
    """The rows of one layer, by customer and cut-off."""
    rows = panel[panel["layer"] == layer]
    return rows.sort_values(["cut_off", "customer_id"], ignore_index=True)


def earlier(panel: pd.DataFrame, layer: str) -> pd.DataFrame:
    """The rows of the layers before `layer`."""
    order = ("train", "choose", "evaluate")
    return panel[panel["layer"].isin(order[: order.index(layer)])]


def policy(
    name: str, bundle: Bundle, rows: pd.DataFrame, frozen: Evidence
) -> evaluation.PolicyOnRows:
    """A bundle's whole policy, scored on the rows of the evidence."""
    return evaluation.PolicyOnRows(
        name,
        bundle.model.predict(rows),
        np.asarray(bundle.value.predict(rows), dtype=float),
        bundle.tau,
        frozen.in_order,
        (*bundle.origin.train_cut_offs, bundle.origin.choose_cut_off),
    )


def references(
    bundle: Bundle, panel: pd.DataFrame, layer: str, frozen: Evidence
) -> dict[str, evaluation.PolicyOnRows]:
    """Rule, nobody, everybody and base rate on one layer, each by its name."""
    rows, past = rows_of(panel, layer), panel[panel["layer"] == "train"]
    rule = policy("rule", bundle, rows, frozen)
    rate = float((past["label"] == 1).sum() / max(int(past["label"].notna().sum()), 1))
    others = evaluation.references(frozen, rate, rule.value, rule.learned_on)
    return {each.name: each for each in (rule, *others)}


def best_simple(config: Config, panel: pd.DataFrame, rule: Bundle) -> str:
    """The reference that earned most on the choosing cut-off: what a model is graded against."""
    frozen = evidence(config, panel, "choose", set())
    simple = references(rule, panel, "choose", frozen).values()
    earned = evaluation.evaluate(tuple(simple), frozen, Terms.of(config), resamples=200)
    return best_reference([row for row in earned if row.name != "oracle"])


def side_by_side(
    config: Config,
    policies: Sequence[evaluation.PolicyOnRows],
    simple: Mapping[str, evaluation.PolicyOnRows],
    reference: str,
    frozen: Evidence,
) -> list[dict[str, Any]]:
    """Every policy with its metrics, profit and grade on the same rows, ready for JSON.

    Each metric is [value, low, high], 95 %, customers resampled; profit is in the shop's currency
    per 1,000 customers at risk. References stand below, the oracle last, without metrics.
    """
    terms = Terms.of(config)
    everyone = (*policies, *(s for name, s in simple.items() if name != "rule"))
    earned = {row.name: row for row in evaluation.evaluate(everyone, frozen, terms)}
    against = simple[reference], simple["rule"]
    margin = max(
        config.gate.switching_cost_per_1000,
        config.gate.margin_share_of_oracle * earned["oracle"].profit_per_1000.value,
    )
    told = [
        figures(each, frozen)
        | earned_by(earned[each.name])
        | {"grade": _grade(each, against, frozen, terms, margin)}
        for each in policies
    ]
    below = [row for name, row in earned.items() if name not in {p.name for p in policies}]
    return told + [{"name": row.name} | earned_by(row) for row in below]


def figures(shown: evaluation.PolicyOnRows, frozen: Evidence) -> dict[str, Any]:
    """Every metric of a policy as [value, low, high] (95 %, customers resampled), and its ECE."""
    found = metrics.report(
        frozen.truth.y, shown.p, frozen.customer_id, resamples=1000, seed=frozen.seed % 2**32
    )
    return (
        {"name": shown.name}
        | {
            name: [round(each, 6) for each in (found[key].value, found[key].low, found[key].high)]
            for name, key in METRICS.items()
        }
        | {"ece": round(float(metrics.ece(frozen.truth.y, shown.p)), 6)}
    )


def earned_by(row: evaluation.Earning) -> dict[str, Any]:
    """Profit per 1,000 customers at risk in the shop's currency, and the share contacted."""
    profit = row.profit_per_1000
    return {
        "profit_per_1000": [profit.value, profit.low, profit.high],
        "contacted_share": row.contacted_share,
    }


def _grade(
    each: evaluation.PolicyOnRows,
    against: tuple[evaluation.PolicyOnRows, evaluation.PolicyOnRows],
    frozen: Evidence,
    terms: Terms,
    margin: float,
) -> str:
    choice = evaluation.decide(each, frozen, terms)
    calibrated = all(guard.passed for guard in calibration(each, choice, frozen))
    return grade(each, against, frozen, terms, margin_per_1000=margin, calibrated=calibrated).letter
