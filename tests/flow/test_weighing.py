"""Weighing: who may be judged on, thresholds of the same day, and figures that JSON can hold."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from churn_ml.config import Config, Contract, Offer, Policy, Shop
from churn_ml.economics import NO_CONTACT, Terms
from churn_ml.errors import NotReady
from churn_ml.flow import telling, weighing
from churn_ml.flow.definitions import HISTORY, VALUE_FEATURES
from churn_ml.gate.policies import decide
from churn_ml.models import Bundle
from churn_ml.training import Training, train

LAYERS = {
    "train": (date(2017, 7, 3), date(2017, 8, 2)),
    "choose": (date(2017, 9, 1),),
    "evaluate": (date(2017, 10, 1),),
}
CONFIG = Config(
    shop=Shop(name="shop", currency="USD"),
    contract=Contract(name="gone30", lookback_days=90, horizon_days=30, settle_days=1),
    offers=(Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1),),
)


def rows_at(layer: str, cut_off: date, seed: int, customers: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    silent = rng.exponential(20, customers).round()
    spend = rng.lognormal(5, 0.5, customers).round(2)
    churned = rng.random(customers) < 1 / (1 + np.exp(2.0 - 0.05 * silent))
    columns: dict[str, Any] = dict.fromkeys((*VALUE_FEATURES, *HISTORY), 1.0)
    return pd.DataFrame(
        columns
        | {
            "customer_id": [f"h{i:04}" for i in range(customers)],
            "cut_off": cut_off,
            "layer": layer,
            "treated": False,
            "stage": "active",
            "recency_days": silent,
            "spend_90d": spend,
            "window_net_amount": np.where(churned, 0.0, spend / 3),
            "label": pd.array(churned.astype(int), dtype="Int64"),
        }
    )


@pytest.fixture
def panel() -> pd.DataFrame:
    days = [(layer, day) for layer, days in LAYERS.items() for day in days]
    parts = [rows_at(layer, day, seed) for seed, (layer, day) in enumerate(days)]
    return pd.concat(parts, ignore_index=True)


def nobody_asked(ids: pd.Series) -> Any:
    raise AssertionError("the holdout was asked for before any campaign")


def every_tenth(ids: pd.Series) -> Any:
    return (ids.str[-1] == "3").to_numpy()


def trained(judged: weighing.Judged, config: Config = CONFIG) -> Training:
    return train(
        judged.rows,
        config,
        trained_as_of=date(2017, 11, 1),
        spec_hash=lambda _: "5bec",
        money=weighing.money(config, judged),
    )


def only_rule(judged: weighing.Judged) -> Bundle:
    few = CONFIG.training.model_copy(update={"min_rows": 10_000})
    done = trained(judged, CONFIG.model_copy(update={"training": few}))
    return done.candidates[0].bundle


def test_before_any_campaign_everybody_is_judged_on_and_no_key_is_needed(
    panel: pd.DataFrame,
) -> None:
    judged = weighing.judged(panel, nobody_asked)
    assert len(judged.rows) == len(panel)
    assert set(judged.part.values()) == {1.0}


def test_after_a_campaign_choosing_and_evaluation_see_the_holdout_with_its_part_of_the_room(
    panel: pd.DataFrame,
) -> None:
    open_arm = ~every_tenth(panel["customer_id"])
    panel.loc[(panel["layer"] != "train") & open_arm, "treated"] = True
    judged = weighing.judged(panel, every_tenth)
    assert len(weighing.rows_of(judged, "train")) == 800
    assert len(weighing.rows_of(judged, "choose")) == 40
    frozen = weighing.evidence(CONFIG, judged, "evaluate", set())
    assert (len(frozen.truth.y), frozen.part) == (40, 0.1)
    rule = only_rule(judged)
    rows = weighing.rows_of(judged, "evaluate")
    everybody = weighing.policy("rule", rule, rows, frozen, tau=-np.inf)
    limited = Terms(CONFIG.offers, policy=Policy(capacity_customers=50))
    assert (decide(everybody, frozen, limited) != NO_CONTACT).sum() == 5


def test_contacted_customers_without_a_holdout_are_not_judged_on(panel: pd.DataFrame) -> None:
    panel.loc[panel["layer"] == "choose", "treated"] = True
    with pytest.raises(NotReady, match="no universal holdout"):
        weighing.judged(panel, lambda ids: np.zeros(len(ids), dtype=bool))


def test_thresholds_are_tuned_and_profit_counted_on_who_may_be_contacted(
    panel: pd.DataFrame,
) -> None:
    """Everybody at risk counts, the consenting half alone can be contacted."""
    halved = panel.assign(contactable=panel["customer_id"] < "h0200")
    rows = weighing.rows_of(weighing.judged(halved, nobody_asked), "choose")
    weighed = weighing.money(CONFIG, weighing.judged(halved, nobody_asked))
    score, value = np.full(len(rows), 0.9), np.full(len(rows), 100.0)
    alone = weighing.money(CONFIG, weighing.judged(panel, nobody_asked))
    half = (rows["customer_id"] < "h0200").to_numpy()
    found = alone.earned(rows[half], score[half], value[half], 0.0).mean()
    assert weighed.earned(rows, score, value, 0.0).mean() == pytest.approx(found / 2)
    barred = weighing.money(CONFIG, weighing.judged(panel.assign(contactable=False), nobody_asked))
    assert not barred.earned(rows.assign(contactable=False), score, value, -np.inf).any()
    assert barred.tune_tau(rows.assign(contactable=False), score, value) == 0.0


def test_the_evidence_is_sliced_by_what_the_shop_says_and_by_tenure(panel: pd.DataFrame) -> None:
    told = panel.assign(country="DE", tier=None, contactable=True)
    frozen = weighing.evidence(CONFIG, weighing.judged(told, nobody_asked), "evaluate", set())
    assert {"country", "tenure", "stage", "value decile", "customers"} == set(frozen.slices)
    assert set(frozen.slices["country"]) == {"DE"}


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("layer", ["choose", "evaluate"])
def test_a_layer_without_a_churner_or_a_stayer_is_no_evidence(
    panel: pd.DataFrame, layer: str, label: int
) -> None:
    panel.loc[panel["layer"] == layer, "label"] = label
    judged = weighing.judged(panel, nobody_asked)
    with pytest.raises(NotReady, match=f"degenerate label in the {layer} layer"):
        weighing.evidence(CONFIG, judged, layer, set())


def test_retuning_a_model_of_the_same_panel_changes_nothing(panel: pd.DataFrame) -> None:
    judged = weighing.judged(panel, nobody_asked)
    for each in trained(judged).candidates:
        assert weighing.retuned(each.bundle, CONFIG, judged) == each.bundle.tau


def test_a_stale_threshold_is_no_disadvantage_in_the_gate(panel: pd.DataFrame) -> None:
    judged = weighing.judged(panel, nobody_asked)
    bundle = only_rule(judged)
    stale = replace(bundle, tau=1e6)
    tau = weighing.retuned(stale, CONFIG, judged)
    assert tau == bundle.tau
    frozen = weighing.evidence(CONFIG, judged, "evaluate", set())
    rows = weighing.rows_of(judged, "evaluate")
    assert weighing.policy("stale", stale, rows, frozen).tau == 1e6
    assert weighing.policy("champion", stale, rows, frozen, tau).tau == bundle.tau


def test_the_base_rate_counts_mature_untreated_training_rows(panel: pd.DataFrame) -> None:
    panel["label"] = (panel["customer_id"] < "h0100").astype("Int64")
    train_rows = panel["layer"] == "train"
    panel.loc[train_rows & (panel["customer_id"] >= "h0300"), "label"] = pd.NA
    panel.loc[train_rows & (panel["customer_id"] < "h0050"), "treated"] = True
    judged = weighing.judged(panel, nobody_asked)
    frozen = weighing.evidence(CONFIG, judged, "evaluate", set())
    bundle = only_rule(weighing.judged(panel_with_noise(panel), nobody_asked))
    found = weighing.references(bundle, judged, "evaluate", frozen)["base_rate"]
    assert found.p[0] == 50 / 250


def panel_with_noise(panel: pd.DataFrame) -> pd.DataFrame:
    """The same rows with labels that a rule can be fitted to."""
    label = np.random.default_rng(1).integers(0, 2, len(panel))
    return panel.assign(label=pd.array(label, dtype="Int64"))


def test_models_side_by_side_are_ready_for_json_and_show_what_a_saved_customer_is_worth(
    panel: pd.DataFrame,
) -> None:
    judged = weighing.judged(panel, nobody_asked)
    rule = only_rule(judged)
    frozen = weighing.evidence(CONFIG, judged, "evaluate", set())
    shown = weighing.policy("rule", rule, weighing.rows_of(judged, "evaluate"), frozen)
    simple = weighing.references(rule, judged, "evaluate", frozen)
    reference = weighing.best_simple(CONFIG, judged, rule)
    told = telling.side_by_side(CONFIG, [shown], simple, reference, frozen)
    json.dumps(told, allow_nan=False)
    by_name = {row["name"]: row for row in told}
    assert list(by_name) == ["rule", "nobody", "everybody", "base_rate", "oracle"]
    for name in ("rule", "everybody"):
        shares = by_name[name]["profit_at_saved_share"]
        assert list(shares) == ["0.25", "0.5", "1.0"]
        assert shares["0.5"] == pytest.approx(by_name[name]["profit_per_1000"][0], abs=1e-5)
        assert shares["0.25"] < shares["1.0"]
    assert "profit_at_saved_share" not in by_name["oracle"]


def test_figures_that_are_undefined_are_none(panel: pd.DataFrame) -> None:
    judged = weighing.judged(panel, nobody_asked)
    frozen = weighing.evidence(CONFIG, judged, "evaluate", set())
    stayers = replace(frozen, truth=replace(frozen.truth, y=np.zeros_like(frozen.truth.y)))
    rows = weighing.rows_of(judged, "evaluate")
    told = telling.figures(weighing.policy("rule", only_rule(judged), rows, stayers), stayers)
    assert told["auc"] == [None, None, None]
    assert told["brier"][0] is not None
    json.dumps(told, allow_nan=False)


def test_a_value_model_with_too_few_retained_rows_is_not_judged(panel: pd.DataFrame) -> None:
    judged = weighing.judged(panel, nobody_asked)
    value = only_rule(judged).value
    rows = weighing.usable(weighing.rows_of(judged, "choose"))
    stayers = rows[rows["label"] == 0]
    assert telling.value_told(value, stayers.iloc[:19])["rows"] == 19
    assert "wape" in telling.value_told(value, stayers)
