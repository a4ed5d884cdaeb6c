"""The field's figures beside a verdict: by hand, and what happens where one is undefined."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from churn_ml.bench import gate
from churn_ml.config import Economics, Gate, Offer, Policy
from churn_ml.economics import Terms, Truth
from churn_ml.gate.diagnosis import Told, capacity_share, diagnosis
from churn_ml.gate.evidence import Evidence
from churn_ml.gate.trial import Trial
from churn_ml.metrics import auc
from churn_ml.simulate import contest

COUPON = Offer(code="COUPON", label="10 off", cost_amount=10, contact_amount=1)
AS_PUBLISHED = Economics(saved_value_share=1.0)
"""What Verbraken, Verbeke & Baesens (2013) assume: a saved customer is worth all of his value."""


@pytest.fixture(scope="module")
def trial() -> Trial:
    """A champion that sees two features against a challenger that sees five."""
    return contest(1, 3000, 2000, (2, 5), Gate())


def _by_hand(y: list[float], p: list[float], value: list[float], terms: Terms) -> Told:
    """The challenger's figures where everything can be counted on the fingers."""
    size = len(y)
    days = np.array(["2017-10-01"] * size, "datetime64[D]")
    ids = np.array([f"h{i}" for i in range(size)], dtype=object)
    evidence = Evidence(ids, days, Truth(np.array(y), np.array(value)))
    asked = contest(1, 200, size, (1, 1), Gate())
    sides = {
        name: replace(getattr(asked, name), p=np.array(p), rows_hash=evidence.rows_hash)
        for name in ("champion", "challenger", "reference", "rule")
    }
    told = diagnosis(replace(asked, evidence=evidence, terms=terms, **sides))
    return dict(told["challenger"])


def test_mpc_and_its_share_by_hand() -> None:
    """CLV 200, offer 10, contact 1, save rate .3: a churner brings 56, a stayer costs 11.

    By falling score: churner, churner, stayer, churner, stayer. Four contacted earn 3 x 56 - 11 =
    157, five 146: MPC is 157 / 5 per customer, and four fifths are to be contacted.
    """
    terms = Terms((COUPON,), AS_PUBLISHED)
    found = _by_hand([1, 1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5], [200.0] * 5, terms)
    assert found["mpc"] == pytest.approx(157 / 5)
    assert found["mpc_share"] == 0.8


def test_empc_of_a_save_rate_that_is_known_to_a_hair_is_mpc() -> None:
    sure = AS_PUBLISHED.model_copy(update={"save_rate_a": 3e5, "save_rate_b": 7e5})
    found = _by_hand(
        [1, 1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5], [200.0] * 5, Terms((COUPON,), sure)
    )
    assert found["empc"] == pytest.approx(found["mpc"], rel=0.01)
    assert found["empc_share"] == pytest.approx(found["mpc_share"], rel=0.01)


def test_who_may_choose_the_threshold_after_the_save_rate_is_known_earns_no_less(
    trial: Trial,
) -> None:
    told = diagnosis(trial)["challenger"]
    assert told["empc"] >= told["mpc"] > 0
    assert 0 < told["empc_share"] < 1


def test_lift_coverage_and_value_weighted_lift_at_a_capacity_of_two_of_five() -> None:
    """The first two hold one of two churners, with 300 of the 400 that are at stake."""
    terms = Terms((COUPON,), policy=Policy(capacity_customers=2))
    found = _by_hand(
        [1, 0, 0, 1, 0], [0.9, 0.8, 0.7, 0.6, 0.5], [300.0, 50.0, 50.0, 100.0, 50.0], terms
    )
    assert found["coverage"] == 0.5
    assert found["lift"] == 0.5 / 0.4
    assert found["value_weighted_lift"] == 0.75 / 0.4


def test_a_holdout_of_a_tenth_has_a_tenth_of_the_capacity(trial: Trial) -> None:
    limited = Terms(trial.terms.offers, policy=Policy(capacity_customers=1000))
    assert capacity_share(trial.evidence, limited) == 0.5
    assert capacity_share(replace(trial.evidence, part=0.1), limited) == 0.05
    assert capacity_share(trial.evidence, trial.terms) == 0.1


def test_the_aucs_are_the_metrics_room_s_and_the_gain_is_their_difference(trial: Trial) -> None:
    told = diagnosis(replace(trial, terms=Terms(())))
    y = trial.evidence.truth.y
    areas = [told[side]["auc"][0] for side in ("champion", "challenger")]
    assert areas == pytest.approx([auc(y, trial.champion.p), auc(y, trial.challenger.p)])
    assert told["auc_gain"][0] == pytest.approx(areas[1] - areas[0])
    assert told["auc_gain"][1] > 0
    assert told["auc_p"] < 0.025


@pytest.mark.parametrize(
    "terms",
    [
        Terms(()),
        Terms((COUPON.model_copy(update={"save_rate": 0.0}),)),
        Terms((COUPON,), Economics(saved_value_share=0.0)),
    ],
)
def test_what_is_undefined_is_none_and_all_is_json(trial: Trial, terms: Terms) -> None:
    told = diagnosis(replace(trial, terms=terms))
    assert told["challenger"]["mpc"] is told["challenger"]["empc_share"] is None
    json.dumps(told, allow_nan=False)


def test_evidence_of_one_class_has_no_figures(trial: Trial) -> None:
    truth = replace(trial.evidence.truth, y=np.zeros(2000))
    told = diagnosis(replace(trial, evidence=replace(trial.evidence, truth=truth)))
    assert told["challenger"]["lift"] is told["challenger"]["empc"] is None
    json.dumps(told, allow_nan=False)


def test_a_verdict_with_6000_resamples_is_measured_beside_its_diagnosis() -> None:
    """Here, where the package is loaded already; 100,000 customers: churn-ml bench gate."""
    told = gate.measure(1000, say=lambda line: None)
    assert told["resamples"] == 6000
    assert told["opposites"]["disagreeing"] == 1000 > told["rivals"]["disagreeing"] > 0
    assert told["opposites"]["cpu_s"] < 10
    assert "peak of memory" in gate.table(told)


@pytest.mark.slow
def test_a_verdict_on_100_000_customers_takes_less_than_a_minute() -> None:
    told = gate.measure(100_000, say=print)
    print(gate.table(told))
    assert told["opposites"]["disagreeing"] == 100_000
    assert told["opposites"]["wall_s"] < 60
