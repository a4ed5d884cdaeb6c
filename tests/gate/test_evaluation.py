"""Profits of whole policies by hand, and the paired difference of two."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from churn_ml.config import Economics, Gate, Offer, Policy
from churn_ml.economics import NO_CONTACT, Terms, Truth
from churn_ml.errors import BadInput
from churn_ml.gate.bootstrap import Resampling
from churn_ml.gate.evaluation import by_saved_share, compare, evaluate
from churn_ml.gate.evidence import Evidence
from churn_ml.gate.policies import PolicyOnRows, decide, references
from churn_ml.simulate import contest

COUPON = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
TERMS = Terms((COUPON,))
HOW = Resampling(0.025, 800, 1)


def _evidence(
    y: list[float], ids: list[str] | None = None, days: list[str] | None = None
) -> Evidence:
    size = len(y)
    customers = np.array(ids or [f"h{i}" for i in range(size)], dtype=object)
    cut_offs = np.array(days or ["2017-10-01"] * size, "datetime64[D]")
    return Evidence(customers, cut_offs, Truth(np.array(y), np.full(size, 200.0)))


def _policy(evidence: Evidence, p: list[float], name: str = "m", tau: float = 0.0) -> PolicyOnRows:
    value = np.full(len(p), 200.0)
    return PolicyOnRows(name, np.array(p), value, tau, evidence.rows_hash, (date(2017, 9, 1),))


def test_profit_per_1000_by_hand() -> None:
    """Two contacted of four: a churner earns 27.5, a stayer costs 8; 19.5 / 4 * 1,000."""
    evidence = _evidence([1, 0, 1, 0])
    rows = evaluate([_policy(evidence, [0.9, 0.9, 0.1, 0.1])], evidence, TERMS)
    assert rows[0].profit_per_1000.value == 4875.0
    assert rows[0].contacted_share == 0.5
    assert (rows[1].name, rows[1].profit_per_1000.value) == ("oracle", 13750.0)


def test_the_oracle_is_never_beaten() -> None:
    trial = contest(3, 1000, 1500, (2, 5), Gate())
    policies = [trial.champion, trial.challenger, *references(trial.evidence, 0.25, trial.rule.p)]
    *rows, oracle = evaluate(policies, trial.evidence, trial.terms)
    assert all(row.profit_per_1000.value <= oracle.profit_per_1000.value for row in rows)


def test_overconfidence_does_not_pay() -> None:
    """A model that calls everybody worth a million is valued by V^E, and loses."""
    evidence = _evidence([0.0] * 9 + [1.0])
    humble = _policy(evidence, [0.1] * 10)
    proud = replace(humble, name="proud", value=np.full(10, 1e6))
    rows = evaluate([humble, proud], evidence, TERMS)
    assert rows[0].profit_per_1000.value == 0.0
    assert rows[1].profit_per_1000.value < 0


def test_one_decision_per_customer_per_contact_window() -> None:
    days = ["2017-09-01", "2017-09-15", "2017-10-01"]
    evidence = _evidence([1, 1, 1], ids=["h1"] * 3, days=days)
    assert decide(_policy(evidence, [0.9] * 3), evidence, TERMS).tolist() == [0, NO_CONTACT, 0]


def test_each_cut_off_is_a_round_with_its_own_capacity() -> None:
    evidence = _evidence([1] * 4, list("abab"), ["2017-09-01"] * 2 + ["2017-10-01"] * 2)
    terms = Terms((COUPON,), Economics(), Policy(capacity_customers=1))
    chosen = decide(_policy(evidence, [0.9, 0.8, 0.8, 0.9]), evidence, terms)
    assert chosen.tolist() == [0, NO_CONTACT, NO_CONTACT, 0]


def test_the_holdout_alone_has_its_part_of_capacity_and_budget() -> None:
    """Four of forty at risk are judged on: a capacity of 20 is 2 of them, a budget of 60 is 6."""
    evidence = replace(_evidence([1.0] * 4), part=0.1)
    policy = _policy(evidence, [0.9, 0.8, 0.7, 0.6])

    def contacted(limits: Policy) -> int:
        chosen = decide(policy, evidence, Terms((COUPON,), Economics(), limits))
        return int((chosen != NO_CONTACT).sum())

    assert contacted(Policy(capacity_customers=20)) == 2
    # a contact costs at most 6: one fits into a tenth of 60, ten would into all of it
    assert contacted(Policy(budget_amount=60)) == 1
    assert contacted(Policy()) == 4


def _barred(evidence: Evidence, *who: int) -> Evidence:
    return replace(evidence, contactable=~np.isin(np.arange(len(evidence.truth.y)), who))


def test_who_has_not_consented_is_contacted_by_no_policy_nor_by_the_oracle() -> None:
    """Of two churners worth 27.5 each one may not be contacted; everybody else costs 8."""
    evidence = _barred(_evidence([1, 1, 0, 0]), 1, 3)
    everybody = references(evidence, 0.25, evidence.truth.value)[1]
    assert decide(everybody, evidence, TERMS).tolist() == [0, NO_CONTACT, 0, NO_CONTACT]
    found = {row.name: row for row in evaluate([everybody], evidence, TERMS)}
    assert found["everybody"].profit_per_1000.value == (27.5 - 8) / 4 * 1000
    assert found["oracle"].profit_per_1000.value == 27.5 / 4 * 1000
    told = compare(everybody, everybody, evidence, TERMS, HOW)
    assert told.oracle_per_1000 == 27.5 / 4 * 1000


def test_who_has_not_consented_takes_no_place_of_a_round() -> None:
    evidence = _barred(_evidence([1, 1, 1]), 0)
    terms = Terms((COUPON,), Economics(), Policy(capacity_customers=1))
    chosen = decide(_policy(evidence, [0.9, 0.8, 0.7]), evidence, terms)
    assert chosen.tolist() == [NO_CONTACT, 0, NO_CONTACT]


def test_an_offer_that_needs_no_consent_is_open_to_all() -> None:
    evidence = _barred(_evidence([1, 1]), 0)
    banner = COUPON.model_copy(update={"code": "BANNER", "needs_consent": False})
    chosen = decide(_policy(evidence, [0.9, 0.9]), evidence, Terms((COUPON, banner)))
    assert chosen.tolist() == [1, 0]


def test_a_policy_scored_on_another_evaluation_set_is_refused() -> None:
    evidence, other = _evidence([1, 0]), _evidence([1, 0], ids=["x", "y"])
    with pytest.raises(BadInput, match="another evaluation set"):
        decide(_policy(other, [0.5, 0.5]), evidence, TERMS)


def test_scores_in_another_order_are_refused() -> None:
    """The same customers shuffled would silently pair scores with other people's labels."""
    evidence, turned = _evidence([1, 0]), _evidence([0, 1], ids=["h1", "h0"])
    assert evidence.hash == turned.hash
    with pytest.raises(BadInput, match="another evaluation set"):
        decide(_policy(turned, [0.5, 0.5]), evidence, TERMS)


def test_only_disagreements_decide() -> None:
    """They disagree on two customers: the challenger gains a churner and drops a stayer."""
    evidence = _evidence([1, 1, 0, 0])
    champion = _policy(evidence, [0.9, 0.1, 0.9, 0.1], "champion")
    challenger = _policy(evidence, [0.9, 0.9, 0.1, 0.1], "challenger")
    told = compare(champion, challenger, evidence, TERMS, HOW)
    assert told.difference.value == (27.5 + 8) / 4 * 1000
    assert (told.disagreeing, told.disagreeing_churners) == (2, 1)
    assert told.disagreement_share == 0.5


def test_values_without_their_cap_are_shown_beside_the_difference_and_decide_nothing() -> None:
    """A churner worth 200 as capped and 1,000 as he is: saved he brings 27.5, or 147.5."""
    evidence = _evidence([1, 0, 0, 0])
    nobody, one = _policy(evidence, [0.0] * 4), _policy(evidence, [0.9, 0.0, 0.0, 0.0])
    plain = compare(nobody, one, evidence, TERMS, HOW)
    uncapped = replace(evidence, uncapped=np.array([1000.0, 200.0, 200.0, 200.0]))
    told = compare(nobody, one, uncapped, TERMS, HOW)
    assert plain.uncapped is None
    assert told.uncapped is not None
    assert (told.difference.value, told.uncapped[0]) == (27.5 / 4 * 1000, 147.5 / 4 * 1000)
    assert told.difference == plain.difference
    assert uncapped.hash == evidence.hash


def test_a_policy_does_not_differ_from_itself() -> None:
    evidence = _evidence([1, 0, 1])
    same = _policy(evidence, [0.9, 0.2, 0.1])
    told = compare(same, same, evidence, TERMS, HOW)
    assert (told.difference.low, told.difference.high, told.disagreeing) == (0.0, 0.0, 0)


def test_a_policy_that_pays_only_where_saved_customers_keep_their_value_is_shown_as_such() -> None:
    evidence = _evidence([1.0, 0.0, 0.0, 0.0])
    everybody = references(evidence, 0.25, np.full(4, 200.0))[1]
    shares = by_saved_share([everybody], evidence, TERMS)["everybody"]
    assert shares["0.25"] < 0 < shares["1.0"]
