"""Training: the best candidate of the past, chosen later, and nothing that knows the future."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from churn_ml.config import Config, Contract, Shop
from churn_ml.errors import BadInput, Leak, NotReady
from churn_ml.models.example import worth
from churn_ml.panel import feature_columns
from churn_ml.training import Training, train

TODAY = date(2017, 11, 1)
TRAIN = (date(2017, 7, 3), date(2017, 8, 2))
CHOOSE = date(2017, 9, 1)
CONFIG = Config(
    shop=Shop(name="shop", currency="USD"),
    contract=Contract(name="gone30", lookback_days=90, horizon_days=30, settle_days=1),
)


MONEY: Any = SimpleNamespace(
    fit_values=lambda rows: [worth(100.0)],
    choose_value=lambda rows, score, values: 0,
    tune_tau=lambda rows, score, value: 1.5,
    # the better the scores separate, the more they earn
    earned=lambda rows, score, value, tau: np.where(rows["label"] == 1, score, -score),
)


def money_with(**changed: Any) -> Any:
    """`MONEY` with some of its answers changed."""
    return SimpleNamespace(**vars(MONEY) | changed)


def layer(name: str, cut_off: date, seed: int, customers: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "customer_id": [f"h{i:04}" for i in range(customers)],
            "cut_off": cut_off,
            "layer": name,
            "treated": False,
            "window_net_amount": 10.0,
            "recency_days": rng.exponential(20, customers).round(),
            "order_count": rng.poisson(6, customers).astype(float),
            "basket_amount": rng.lognormal(3, 1, customers),
        }
    )
    logit = 0.04 * rows["recency_days"] - 0.5 * rows["order_count"] + 0.5
    churned = rng.random(customers) < 1 / (1 + np.exp(-logit))
    return rows.assign(label=pd.array(churned.astype(int), dtype="Int64"))


@pytest.fixture
def panel() -> pd.DataFrame:
    parts = [layer("train", day, seed) for seed, day in enumerate(TRAIN)]
    return pd.concat([*parts, layer("choose", CHOOSE, 9)], ignore_index=True)


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("churn_ml.training.RESAMPLES", 50)


def trained(panel: pd.DataFrame, config: Config = CONFIG, **change: Any) -> Training:
    told = {"trained_as_of": TODAY, "spec_hash": lambda _: "5bec", "money": MONEY} | change
    return train(panel, config, **told)


def limits(**training: Any) -> Config:
    return CONFIG.model_copy(update={"training": CONFIG.training.model_copy(update=training)})


def test_fits_the_rule_beside_the_configured_candidates(panel: pd.DataFrame) -> None:
    found = trained(panel)
    assert [each.name for each in found.candidates] == ["rule", "logistic", "xgboost"]
    assert (found.train.rows, found.choose.rows) == (800, 400)
    assert found.best in ("logistic", "xgboost")


def test_every_bundle_says_where_it_comes_from(panel: pd.DataFrame) -> None:
    for each in trained(panel).candidates:
        origin = each.bundle.origin
        assert origin.contract == CONFIG.contract.stamp
        assert (origin.trained_as_of, origin.choose_cut_off) == (TODAY, CHOOSE)
        assert origin.train_cut_offs == TRAIN
        assert (origin.spec_hash, origin.config_hash) == ("5bec", CONFIG.told("train"))
        assert (origin.seed, each.bundle.tau) == (17, 1.5)
        assert origin.versions


def test_metrics_of_the_choosing_cut_off_come_with_their_interval(panel: pd.DataFrame) -> None:
    logistic = trained(panel).candidates[1].metrics
    assert logistic["auc"].low < logistic["auc"].value < logistic["auc"].high
    assert 0.65 < logistic["auc"].value < 0.95
    assert set(logistic) >= {"auc", "pr_auc", "brier", "lift_at_10", "ece", "calibration_slope"}


def test_m6_trained_twice_and_shuffled_gives_the_same_model_ids(panel: pd.DataFrame) -> None:
    shuffled = panel.sample(frac=1, random_state=3)[panel.columns[::-1]]
    ids = [[each.bundle.id for each in trained(rows).candidates] for rows in (panel, shuffled)]
    assert ids[0] == ids[1]


def test_the_candidate_that_earns_most_on_the_choosing_cut_off_is_best(panel: pd.DataFrame) -> None:
    def earns(amounts: dict[str, float]) -> Training:
        told = iter(amounts.values())
        money = money_with(earned=lambda rows, *_: np.full(len(rows), next(told)))
        named = tuple(name for name in amounts if name != "rule")
        return trained(panel, limits(candidates=named), money=money)

    assert earns({"rule": 0.0, "logistic": 2.0, "xgboost": 1.0}).best == "logistic"
    assert earns({"rule": 0.0, "logistic": 1.0, "xgboost": 2.0}).best == "xgboost"
    assert earns({"rule": 9.0}).best == "rule"


def test_of_those_that_earn_alike_the_one_that_predicts_best_is_best(panel: pd.DataFrame) -> None:
    def best(lead: float) -> tuple[str, str]:
        """Logistic earns `lead` more a row, and two rows are worth 100 one way and the other."""

        def earned(rows: pd.DataFrame, *_: Any) -> Any:
            noise = np.zeros(len(rows))
            noise[0], noise[1] = next(turn) * 100.0, -noise[0]
            return noise + next(ahead)

        turn, ahead = iter([0.0, 1.0, -1.0]), iter([0.0, lead, 0.0])
        done = trained(panel, money=money_with(earned=earned))
        brier = {each.name: each.metrics["brier"].value for each in done.candidates[1:]}
        return done.best, min(brier, key=lambda name: brier[name])

    chosen, predicts = best(0.1)
    assert chosen == predicts
    assert best(50.0)[0] == "logistic"


def test_only_mature_untreated_rows_of_the_train_layer_teach(panel: pd.DataFrame) -> None:
    lost = panel.copy()
    lost.loc[0:9, "treated"] = True
    lost.loc[10:29, "label"] = pd.NA
    without = trained(lost)
    assert (without.train.rows, without.train.treated, without.train.immature) == (770, 10, 20)
    rest = trained(panel.drop(index=range(30)))
    assert [c.bundle.id for c in without.candidates] == [c.bundle.id for c in rest.candidates]


def test_the_value_model_sees_training_rows_and_the_threshold_choosing_rows(
    panel: pd.DataFrame,
) -> None:
    seen: dict[str, set[str]] = {}

    def note(name: str, answer: Any) -> Callable[..., Any]:
        def told(rows: pd.DataFrame, *_: Any) -> Any:
            seen.setdefault(name, set()).update(rows["layer"])
            return answer

        return told

    money = SimpleNamespace(
        fit_values=note("values", [worth(1.0)]),
        choose_value=note("kind", 0),
        tune_tau=note("tau", 0.0),
        earned=note("earned", np.zeros(1)),
    )
    trained(panel, money=money)
    assert seen == {
        "values": {"train"},
        "kind": {"choose"},
        "tau": {"choose"},
        "earned": {"choose"},
    }


def test_all_candidates_share_the_kind_of_value_that_earns_most_with_the_first_ones_score(
    panel: pd.DataFrame,
) -> None:
    asked: list[tuple[list[float], list[float]]] = []

    def second(rows: pd.DataFrame, score: Any, values: Any) -> int:
        asked.append((score.tolist(), [float(value[0]) for value in values]))
        return 1

    money = money_with(fit_values=lambda rows: [worth(1.0), worth(2.0)], choose_value=second)
    found = trained(panel, money=money)
    assert {each.bundle.value.intercept for each in found.candidates} == {2.0}
    first = found.candidates[1].bundle.model
    later = panel[panel["layer"] == "choose"].sort_values("customer_id")
    assert asked == [(first.predict(later).tolist(), [1.0, 2.0])]


def test_everything_that_the_panel_table_does_not_declare_is_a_feature(panel: pd.DataFrame) -> None:
    assert feature_columns(panel) == ("basket_amount", "order_count", "recency_days")


def test_f9_a_shop_below_the_minimum_gets_the_rule_alone_and_is_told(panel: pd.DataFrame) -> None:
    churners = int(panel.loc[panel["layer"] == "train", "label"].sum())
    for short in (limits(min_rows=801), limits(min_churners=churners + 1)):
        found = trained(panel, short)
        assert (found.too_few, found.best) == (True, "rule")
        assert [each.name for each in found.candidates] == ["rule"]
        assert (found.train.rows, found.train.churners) == (800, churners)
    enough = trained(panel, limits(min_rows=800, min_churners=churners))
    assert not enough.too_few
    assert len(enough.candidates) == 3


@pytest.mark.parametrize("layer_name", ["train", "choose"])
@pytest.mark.parametrize("label", [0, 1])
def test_d14_a_layer_of_one_class_is_refused(
    panel: pd.DataFrame, layer_name: str, label: int
) -> None:
    panel.loc[panel["layer"] == layer_name, "label"] = label
    with pytest.raises(NotReady, match=f"degenerate label in the {layer_name} layer"):
        trained(panel)


def test_a_panel_without_a_choosing_layer_is_refused(panel: pd.DataFrame) -> None:
    with pytest.raises(NotReady, match="choose layer: there is no row"):
        trained(panel[panel["layer"] == "train"])


def test_a_customer_twice_at_one_cut_off_is_refused(panel: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="stands twice"):
        trained(pd.concat([panel, panel.iloc[:1]], ignore_index=True))


def test_a_day_too_late_in_the_training_layer_is_a_leak(panel: pd.DataFrame) -> None:
    panel.loc[panel["cut_off"] == TRAIN[1], "cut_off"] = TRAIN[1] + timedelta(days=1)
    with pytest.raises(Leak, match="label window reaches the test cut-off"):
        trained(panel)


def test_a_random_split_of_one_cut_off_is_a_leak(panel: pd.DataFrame) -> None:
    panel["cut_off"] = CHOOSE
    panel["customer_id"] += panel.groupby("customer_id").cumcount().astype(str)
    with pytest.raises(Leak):
        trained(panel)


def test_choosing_on_rows_that_reach_the_evaluation_is_a_leak(panel: pd.DataFrame) -> None:
    gate = layer("evaluate", CHOOSE + timedelta(days=29), 5)
    with pytest.raises(Leak):
        trained(pd.concat([panel, gate], ignore_index=True), trained_as_of=date(2018, 1, 1))


def test_a_label_that_cannot_be_known_yet_is_a_leak(panel: pd.DataFrame) -> None:
    # the window of 2017-09-01 ends on 2017-10-01 and is settled on the 2nd
    trained(panel, limits(candidates=()), trained_as_of=date(2017, 10, 2))
    with pytest.raises(Leak, match="cannot be known yet"):
        trained(panel, limits(candidates=()), trained_as_of=date(2017, 10, 1))


def test_trap_1_a_churn_flag_computed_from_a_feature_is_a_leak(panel: pd.DataFrame) -> None:
    panel["label"] = (panel["recency_days"] > 20).astype("Int64")
    with pytest.raises(Leak, match="feature recency_days"):
        trained(panel)


def test_trap_1_a_churn_flag_that_features_give_away_together_is_a_leak(
    panel: pd.DataFrame,
) -> None:
    silent = panel["recency_days"] / 20 - panel["order_count"] / 2.5
    panel["label"] = (silent > silent.median()).astype("Int64")
    with pytest.raises(Leak, match="on the choosing cut-off"):
        trained(panel)


@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_d17_the_planted_leak_probe_is_caught_in_either_direction(
    panel: pd.DataFrame, flip: float
) -> None:
    panel["leak_probe"] = flip * panel["label"].astype(float)
    with pytest.raises(Leak, match="feature leak_probe"):
        trained(panel)


def test_d17_a_feature_that_is_missing_for_churners_only_is_caught(panel: pd.DataFrame) -> None:
    panel["days_to_next_order"] = np.where(panel["label"] == 1, np.nan, panel["recency_days"])
    with pytest.raises(Leak, match="feature days_to_next_order"):
        trained(panel)


def test_d17_a_feature_that_gives_the_label_away_at_the_choosing_cut_off_alone_is_caught(
    panel: pd.DataFrame,
) -> None:
    label, later = panel["label"].astype(float), panel["layer"] == "choose"
    panel["leak_probe"] = np.where(later, label, panel["recency_days"])
    with pytest.raises(Leak, match="feature leak_probe at the choosing cut-off"):
        trained(panel)


@pytest.mark.parametrize("kind", ["number", "hash", "row"])
def test_d17_an_id_as_a_feature_is_caught(panel: pd.DataFrame, kind: str) -> None:
    number = panel["customer_id"].str[1:].astype(float)
    told = {"number": 7 * number, "hash": np.sin(number), "row": number + 1}
    panel["customer_number"] = told[kind]
    if kind == "row":  # in another order at every cut-off
        panel.loc[panel["layer"] == "choose", "customer_number"] = number.to_numpy()[399::-1]
    with pytest.raises(Leak, match=r"stands for the customer.*feature customer_number"):
        trained(panel)


def test_what_single_features_tell_of_the_choosing_cut_off_is_told(panel: pd.DataFrame) -> None:
    alone = trained(panel).alone
    assert sorted(alone) == list(feature_columns(panel))
    assert 0.6 < alone["order_count"] < 0.9
    assert 0.5 <= alone["basket_amount"] < 0.6  # drawn without regard to the label


def test_a_handful_of_rows_that_separate_by_chance_are_no_leak() -> None:
    few = [layer("train", TRAIN[0], 1, 12), layer("choose", CHOOSE, 2, 12)]
    tiny = pd.concat(few, ignore_index=True)
    tiny["label"] = (tiny["recency_days"] > 15).astype("Int64")
    assert trained(tiny).best == "rule"
