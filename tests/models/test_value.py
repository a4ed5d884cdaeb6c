"""Value models: known extensions, calibration, deaf to churners and the treated, their file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from churn_ml.config import Contract, Economics
from churn_ml.economics import Truth
from churn_ml.errors import BadInput, Leak, NotReady
from churn_ml.models.spend import extension
from churn_ml.models.value import KINDS, Kind, ValueModel
from churn_ml.models.value_quality import by_profit, cross_fitted, fold_of, judge
from churn_ml.simulate import GONE30, TERMS, spending_panel, spending_recipe

RECIPE = spending_recipe()


def _steady(amounts: list[list[float]], labels: list[list[int]]) -> pd.DataFrame:
    """A panel by hand: one list per customer, one element per cut-off every 30 days."""
    return pd.DataFrame(
        [
            {
                "customer_id": f"h{c}",
                "cut_off": date(2017, 4, 4) + timedelta(days=30 * w),
                "label": label,
                "treated": False,
                "window_net_amount": amount,
            }
            for c, row in enumerate(amounts)
            for w, (amount, label) in enumerate(zip(row, labels[c], strict=True))
        ]
    )


def _year(windows: int) -> Economics:
    return Economics(value_horizon_days=30 * windows)


def test_steady_spend_extends_in_proportion_to_the_days() -> None:
    panel = _steady([[10.0] * 4] * 3, [[0] * 4] * 3)
    assert extension(panel, GONE30, _year(10)) == (pytest.approx(10.0), 120)
    assert extension(panel, GONE30, Economics())[0] == pytest.approx(365 / 30)


def test_half_the_spend_coming_again_each_window_sums_to_two() -> None:
    """1 + 1/2 + 1/4 + ... = 2 (from below), two carries seen and the rest at their decay."""
    panel = _steady([[8.0, 4.0, 2.0]] * 3, [[0] * 3] * 3)
    assert extension(panel, GONE30, _year(40)) == (pytest.approx(2.0), 90)


def test_whoever_left_the_panel_carries_nothing() -> None:
    panel = _steady([[10.0, 10.0], [10.0, 10.0]], [[0, 0], [0, 0]])
    gone = panel.drop(index=3)
    assert extension(gone, GONE30, _year(2))[0] == pytest.approx(1.5)


def test_with_one_cut_off_the_retained_share_is_the_decay() -> None:
    panel = _steady([[10.0], [10.0], [10.0], [0.0]], [[0], [0], [0], [1]])
    factor, days = extension(panel, GONE30, _year(3))
    assert (factor, days) == (pytest.approx(1 + 0.75 + 0.75**2), 30)


def test_a_value_horizon_within_the_window_takes_its_part() -> None:
    panel = _steady([[10.0] * 2] * 3, [[0] * 2] * 3)
    contract = Contract(name="gone90", horizon_days=90)
    assert extension(panel, contract, _year(1))[0] == pytest.approx(1 / 3)


@pytest.mark.parametrize("kind", KINDS)
def test_value_is_window_times_extension_times_margin(kind: Kind) -> None:
    panel = spending_panel(500, seed=1)
    model = ValueModel.fit(panel, RECIPE, kind)
    expected = model.predict_window(panel) * model.extension * 0.3
    assert model.predict(panel) == pytest.approx(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_on_new_customers_totals_and_tenths_agree_with_what_was_spent(kind: Kind) -> None:
    model = ValueModel.fit(spending_panel(2000, seed=1), RECIPE, kind)
    quality = judge(model, spending_panel(2000, seed=2), "spend_90d")
    assert 0.95 <= quality.total_ratio <= 1.05
    assert quality.rank_correlation > 0.6
    print(kind, quality)


def test_the_regression_is_right_in_every_tenth() -> None:
    model = ValueModel.fit(spending_panel(2000, seed=1), RECIPE)
    assert judge(model, spending_panel(2000, seed=2), "spend_90d").passes


def test_past_spend_is_shrunk_towards_the_mean() -> None:
    """As on CDNOW: who spent least before spends more than that, who spent most spends less."""
    panel = spending_panel(2000, seed=1)
    model = ValueModel.fit(panel, RECIPE, "past_rate")
    past, predicted = panel["spend_90d"].to_numpy() / 3, model.predict_window(panel)
    low, high = past < np.quantile(past, 0.2), past > np.quantile(past, 0.8)
    assert predicted[low].mean() > past[low].mean()
    assert predicted[high].mean() < past[high].mean()


def test_churners_and_treated_customers_teach_nothing_about_value() -> None:
    panel = spending_panel(500, seed=1, cut_offs=1)
    odd = panel.copy()
    odd.loc[odd.index[:50], "treated"] = True
    without = odd[~odd["treated"]]
    odd.loc[odd["treated"] | (odd["label"] == 1), "window_net_amount"] = 1e6
    model, expected = (ValueModel.fit(rows, RECIPE) for rows in (odd, without))
    assert replace(model, extension=1.0) == replace(expected, extension=1.0)


def test_predictions_stop_at_the_99th_percentile_and_the_uncapped_are_shown() -> None:
    panel = spending_panel(500, seed=1)
    model = ValueModel.fit(panel, RECIPE)
    rich = panel.assign(spend_90d=1e6)
    stayed = panel[panel["label"] == 0]["window_net_amount"].to_numpy()
    assert model.window_cap == pytest.approx(np.quantile(stayed, 0.99))
    assert model.predict_window(rich).max() == model.window_cap
    assert model.predict_window(rich, capped=False).max() > model.window_cap


def test_decimals_of_the_warehouse_are_read_as_money() -> None:
    panel = spending_panel(100, seed=1)
    decimals = [Decimal(str(amount)) for amount in panel["window_net_amount"]]
    exact = panel.assign(window_net_amount=pd.Series(decimals, dtype=object))
    assert ValueModel.fit(exact, RECIPE) == ValueModel.fit(panel, RECIPE)


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_rows_teaches_nothing(kind: Kind) -> None:
    panel = spending_panel(300, seed=1)
    turned = panel.sample(frac=1.0, random_state=3)
    one, other = ValueModel.fit(panel, RECIPE, kind), ValueModel.fit(turned, RECIPE, kind)
    assert one.predict(panel) == pytest.approx(other.predict(panel), rel=1e-6)


def test_the_decay_of_a_first_window_is_the_share_of_mature_untreated_rows_retained() -> None:
    """One cut-off shows no carry: 2 of 4 came back, so every window carries half of the last."""
    panel = _steady([[10.0]] * 6, [[0], [0], [1], [1], [0], [0]])
    panel["label"] = panel["label"].astype("Int64")
    panel.loc[4, "label"] = pd.NA
    panel.loc[5, "treated"] = True
    assert extension(panel, GONE30, _year(3))[0] == pytest.approx(1 + 1 / 2 + 1 / 4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_gives_back_the_very_model(kind: Kind) -> None:
    panel = spending_panel(300, seed=1)
    model = ValueModel.fit(panel, RECIPE, kind)
    again = ValueModel.from_files(model.files())
    assert (again.predict(panel) == model.predict(panel)).all()
    assert again.files() == model.files()


def test_too_few_retained_rows_are_not_enough() -> None:
    with pytest.raises(NotReady, match="too few retained"):
        ValueModel.fit(spending_panel(15, seed=1, cut_offs=1), RECIPE)


def test_a_missing_feature_is_named() -> None:
    model = ValueModel.fit(spending_panel(100, seed=1), RECIPE)
    with pytest.raises(BadInput, match="order_count_90d"):
        model.predict(pd.DataFrame({"spend_90d": [1.0]}))


def test_nobody_is_valued_by_a_model_that_saw_him() -> None:
    """A customer's own spend, however absurd, does not move his own V^E, but others'."""
    history = spending_panel(300, seed=1)
    later = spending_panel(300, seed=1, first=date(2017, 10, 1), cut_offs=1)
    absurd = history.copy()
    absurd.loc[absurd["customer_id"] == "c000007", "window_net_amount"] = 1e6
    plain, moved = (cross_fitted(rows, later, RECIPE) for rows in (history, absurd))
    own_fold = fold_of(list(later["customer_id"])) == fold_of(["c000007"])[0]
    assert (plain[own_fold] == moved[own_fold]).all()
    assert (plain[~own_fold] != moved[~own_fold]).all()


def test_a_value_history_that_reaches_the_evaluation_is_refused() -> None:
    history = spending_panel(300, seed=1)
    too_early = spending_panel(300, seed=1, first=date(2017, 8, 31), cut_offs=1)
    with pytest.raises(Leak):
        cross_fitted(history, too_early, RECIPE)


def test_the_value_that_finds_the_money_is_chosen() -> None:
    """Two values rank the same customers; only one knows who is worth a contact."""
    rng = np.random.default_rng(1)
    value = rng.lognormal(5, 0.8, 4000)
    p = np.full(4000, 0.25)
    truth = Truth((rng.random(4000) < p).astype(float), value)
    blind = np.full(4000, value.mean())
    assert by_profit([blind, value], p, truth, TERMS, np.arange(4000)) == 1
