"""The benchmark on a cut of CDNOW: the same rows for everybody, and no test row in the choice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from churn_ml import quality
from churn_ml.errors import BadInput
from churn_ml.house import silent
from churn_ml.models import FAMILIES
from churn_ml.models.protocol import matrix
from churn_ml.quality import contest, figures, peers, shops
from churn_ml.quality.rows import Rows, dropped
from churn_ml.quality.tasks import Drop, task

CUSTOMERS = 250


@pytest.fixture(scope="session")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = Path(os.environ.get("CHURN_ML_TEST_DATA", "")) / "CDNOW_sample.txt"
    if not file.is_file():
        pytest.skip("CHURN_ML_TEST_DATA names no folder with CDNOW_sample.txt")
    lines = [line for line in file.read_text().splitlines() if int(line.split()[1]) <= CUSTOMERS]
    cut = tmp_path_factory.mktemp("cdnow") / "cut.txt"
    cut.write_text("\n".join(lines) + "\n")
    return cut


@pytest.fixture(scope="session")
def called() -> list[str]:
    return []


@pytest.fixture(scope="session")
def result(cut: Path, called: list[str]) -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((contest, "chosen"), (Rows, "tested")):
            _noted(patch, called, owner, name)
        yield quality.measure("c1-39", cut, say=silent)


def _noted(patch: pytest.MonkeyPatch, called: list[str], owner: Any, name: str) -> None:
    real = getattr(owner, name)

    def noted(*args: Any) -> Any:
        found = real(*args)
        called.append(name)
        return found

    patch.setattr(owner, name, noted)


def test_every_family_and_every_peer_stands_on_the_same_rows(result: dict[str, Any]) -> None:
    names = [model["name"] for model in result["models"]]
    own = [family.name for family in FAMILIES]
    ours = {"peer_bgnbd", "peer_pareto", "peer_xgboost_default", "peer_logistic_rfm"}
    assert names[: len(own)] == own
    assert set(names[len(own) :]) == ours
    assert set(result["against"]) == ours | {"rule"}
    assert result["rows"] == CUSTOMERS
    assert result["pr_auc_and_lift_of"] == "buying"


def test_the_champion_is_chosen_before_a_test_row_is_built(
    result: dict[str, Any], called: list[str]
) -> None:
    assert called == ["chosen", "tested"]
    assert result["champion"] in result["candidates"]
    assert result["chosen_on"]["cut_off"] == "1997-07-02"


def test_the_result_says_which_file_was_read(
    result: dict[str, Any], cut: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert result["data"] == str(cut)
    assert f"data: {cut}" in quality.table(result)
    monkeypatch.setenv("CHURN_ML_TEST_DATA", str(tmp_path))
    for name in ("CDNOW_sample.txt", "CDNOW_master.txt"):  # the whole file where it is there
        (tmp_path / name).touch()
        assert shops.data_of(task("c1-13"), None) == tmp_path / name


def test_a_difference_is_that_of_the_figures_and_above_0_where_the_champion_is_better(
    result: dict[str, Any],
) -> None:
    of = {model["name"]: model for model in result["models"]}
    champion = of[result["champion"]]
    for peer, gains in result["against"].items():
        auc, brier, profit = (gains[f"{k}_diff"] for k in ("auc", "brier", "profit"))
        other = of[peer]
        gain = champion["auc_mean_per_cutoff"] - other["auc_mean_per_cutoff"]
        assert auc[0] == pytest.approx(gain, abs=2e-6)
        assert brier[0] == pytest.approx(other["brier"][0] - champion["brier"][0], abs=2e-6)
        earned = champion["profit_per_1000"][0] - other["profit_per_1000"][0]
        assert profit[0] == pytest.approx(earned, abs=1e-3)
        assert all(low <= value <= high for value, low, high in (auc, brier, profit))


def test_the_champion_is_held_against_the_best_candidate(result: dict[str, Any]) -> None:
    own = [model for model in result["models"] if model["name"] in result["candidates"]]
    champion = next(model for model in own if model["name"] == result["champion"])
    behind = result["behind_best"]
    best = max(model["auc_mean_per_cutoff"] for model in own)
    assert behind["auc"]["behind"] == pytest.approx(
        best - champion["auc_mean_per_cutoff"], abs=2e-6
    )
    least = min(model["brier"][0] for model in own)
    assert behind["brier"]["behind"] == pytest.approx(champion["brier"][0] - least, abs=2e-6)
    assert f"behind the best candidate in auc, {behind['auc']['best']}" in quality.table(result)


def test_a_family_that_is_none_cannot_be_a_candidate() -> None:
    with pytest.raises(BadInput, match="no model family 'oracle'"):
        quality.measure("c1-13", None, (), ("oracle",), say=silent)


def test_profit_is_held_against_the_best_policy_without_a_model(result: dict[str, Any]) -> None:
    bars = {name: found[0] for name, found in result["references"].items()}
    assert bars["nobody"] == 0
    assert {"everybody", "base_rate", "rule", "threshold", "cadence", "rfm"} < set(bars)
    over = result["over_best_reference"]
    assert bars[over["name"]] == max(bars.values())


def test_what_learned_from_13_weeks_is_shifted_to_the_level_of_a_buying_process(
    result: dict[str, Any],
) -> None:
    # 39 weeks of silence are rarer than 13: models taught on 13 weeks would all say too much
    briers = {model["name"]: model["brier"][0] for model in result["models"]}
    assert briers["ensemble"] < 0.21
    assert quality.table(result).count("AUC mean of cut-offs") == len(result["models"])


def test_a_task_learns_only_from_label_windows_that_are_over() -> None:
    for each in quality.TASKS:
        for day in each.test_days:
            test = each.as_of(day)
            past, choose = each.choosing(test) or ((), test)
            window = each.taught.horizon_days
            assert max((d - each.day_one).days for d in each.training(test)) + window <= day
            assert all((choose - d).days >= window for d in past)
    c1 = task("c1-13")
    days = [(d - c1.day_one).days for d in c1.training(c1.as_of(273))]
    assert days == [98, 119, 140, 161, 182]


def test_a_day_with_nothing_to_learn_from_and_a_file_that_is_not_there_are_refused() -> None:
    with pytest.raises(BadInput, match="nothing to learn from"):
        task("c1-13", [150]).training(task("c1-13").as_of(150))
    with pytest.raises(BadInput, match="no file"):
        quality.measure("c3", Path("no/such/file.parquet"), say=silent)


def test_a_drop_counts_days_and_not_windows() -> None:
    rows = pd.DataFrame({"spend_90d": [90.0] * 3, "window_net_amount": [22.4, 22.5, 0.0]})
    assert dropped(rows, Drop(0.5, "spend_90d", 90), 45)["label"].tolist() == [1, 0, 1]


def test_resamples_draw_whole_customers() -> None:
    rows = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c"],
            "cut_off": pd.to_datetime(["2017-01-01", "2017-02-01"] + ["2017-01-01"] * 2),
            "label": [1, 0, 0, 1],
            "treated": False,
            "value_e": 1.0,
        }
    )
    field = figures.Field(rows, None, buying=False)  # type: ignore[arg-type]
    for weight in field.draws[1:]:
        assert (weight[:, 0] == weight[:, 1]).all()
        np.testing.assert_array_equal(weight[:, [0, 2, 3]].sum(axis=1), 3)


def test_the_peers_processes_know_no_label() -> None:
    rng = np.random.default_rng(5)
    tenure = rng.uniform(50, 200, 300)
    rows = pd.DataFrame({"tenure_days": tenure, "recency_days": tenure * rng.random(300)})
    rows["order_days_ever"] = 1.0 + rng.integers(1, 6, 300)
    short, long = (peers.processes(rows, days) for days in (30, 300))
    assert "label" not in rows
    assert matrix(rows, ["tenure_days"]).shape == (300, 1)
    for name in ("bgnbd", "pareto"):
        assert (short[name][1] > long[name][1]).all()
