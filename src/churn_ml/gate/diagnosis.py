"""Diagnosis: the field's own figures of champion and challenger, shown beside a verdict.

Enters: a `Trial`. Leaves: a JSON-able mapping; nothing in it decides. Three kinds (economics.md
(a)): how well each ranks (AUC with DeLong's interval, and the paired difference), what is found
where only so many can be contacted (lift, coverage and value-weighted lift at capacity), and the
maximum profit measures of the literature (MPC and EMPC of Verbraken, Verbeke & Baesens 2013, by the
package empulse) with the share of customers they would contact.

MPC and EMPC pick their threshold on the labels that they are judged by, and know one value for
everybody: that is why they are a diagnosis and not the gate. They are asked with the offer that
saves most at the mean V^E, whose saved share is their lifetime value.

Worked example: at 2017-10-01 a round holds 300 of 2,000 customers. The challenger's first 300 hold
120 of 400 churners: a coverage of .30, a lift of 2.0; by value they hold .36 of what is at stake,
2.4 times their share.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_ml.config import Offer
from churn_ml.economics import Floats, Terms, for_part, gains, redeemed_cost
from churn_ml.gate import delong
from churn_ml.gate.bootstrap import Estimate
from churn_ml.gate.evidence import Evidence
from churn_ml.gate.policies import PolicyOnRows
from churn_ml.gate.trial import Trial
from churn_ml.save_priors import save_rate

Told = dict[str, Any]

TOP_SHARE = 0.1
"""Looked at where [policy] sets no capacity: the field's habit."""
SHARPEST = 100.0
"""The largest a + b of a prior that empulse is asked about: from some 150 on its density overflows
and it answers NaN. A sharper prior is asked about as if it had this weight: EMPC is all but MPC."""
DIGITS = 6


def diagnosis(trial: Trial) -> Told:
    """The figures of both policies on the evidence, ready for JSON; None where undefined.

    Returns `champion` and `challenger`, each with `auc` ([value, low, high], 95 %),
    `auc_mean_per_cut_off`, `lift`, `coverage` and `value_weighted_lift` at `at_share`, `mpc` and
    `empc` (per customer, shop currency) with `mpc_share` and `empc_share` of customers to contact;
    and for the pair `auc_gain` (challenger's minus champion's) with its two-sided `auc_p`,
    `at_share`, and `asked`, the terms of MPC and EMPC (None without an offer).

    >>> from dataclasses import replace
    >>> from churn_ml.config import Gate
    >>> from churn_ml.simulate import contest
    >>> trial = contest(2, train=3000, evaluate=1500, features=(1, 5), gate=Gate())
    >>> told = diagnosis(replace(trial, terms=Terms(())))
    >>> told["at_share"], told["auc_p"] < 0.01, told["asked"], told["champion"]["mpc"]
    (0.1, True, None, None)
    >>> told["champion"]["lift"] < told["challenger"]["lift"]
    True
    """
    evidence, terms = trial.evidence, trial.terms
    share = capacity_share(evidence, terms)
    asked = _asked(evidence, terms)
    pair = (trial.champion.p, trial.challenger.p)
    ranks = delong.gain(evidence.truth.y, pair, evidence.rows)
    return {
        "champion": _of(trial.champion, evidence, share, asked),
        "challenger": _of(trial.challenger, evidence, share, asked),
        "auc_gain": _interval(ranks),
        "auc_p": delong.p_value(ranks),
        "at_share": share,
        "asked": asked,
    }


def capacity_share(evidence: Evidence, terms: Terms) -> float:
    """The share of those at risk that one round has room for; .1 where [policy] sets no capacity.

    >>> from churn_ml.config import Policy
    >>> from churn_ml.economics import Truth
    >>> e = Evidence(np.array(["h1", "h2"]), np.array(["2017-10-01"] * 2, "datetime64[D]"),
    ...              Truth(np.array([1.0, 0.0]), np.array([90.0, 60.0])))
    >>> capacity_share(e, Terms((), policy=Policy(capacity_customers=1)))
    0.5
    """
    capacity = for_part(terms, evidence.part).policy.capacity_customers
    if not capacity:
        return TOP_SHARE
    rounds = np.bincount(evidence.rows.cut_off)
    return round(float(np.minimum(rounds, capacity).sum() / rounds.sum()), DIGITS)


def top(p: Floats, share: float) -> Floats:
    """The part of every row that lies among the top `share` by score; tied rows share the last.

    >>> top(np.array([0.9, 0.5, 0.5, 0.1]), 0.5).tolist()
    [1.0, 0.5, 0.5, 0.0]
    """
    _, place, rows = np.unique(-p, return_inverse=True, return_counts=True)
    before = np.cumsum(rows) - rows
    part = np.clip((share * len(p) - before) / rows, 0.0, 1.0)
    return np.asarray(part[place], dtype=float)


def _of(policy: PolicyOnRows, evidence: Evidence, share: float, asked: Told | None) -> Told:
    """One policy's figures."""
    truth = evidence.truth
    taken = top(policy.p, share)
    at_stake = truth.y * truth.value
    coverage = _ratio((taken * truth.y).sum(), truth.y.sum())
    by_value = _ratio((taken * at_stake).sum(), share * at_stake.sum())
    return {
        "auc": _interval(delong.area(truth.y, policy.p, evidence.rows)),
        "auc_mean_per_cut_off": _within(policy.p, evidence),
        "coverage": coverage,
        "lift": None if coverage is None else round(coverage / share, DIGITS),
        "value_weighted_lift": by_value,
    } | _max_profit(truth.y, policy.p, asked)


def _within(p: Floats, evidence: Evidence) -> float | None:
    """The mean AUC of the cut-offs: over all of them at once, knowing the season would pay."""
    places = evidence.rows.cut_off
    found = [
        delong.area(evidence.truth.y[at], p[at], evidence.rows.where(at)).value
        for at in (places == day for day in range(int(places.max()) + 1))
        if not _one(evidence.truth.y[at])
    ]
    return round(float(np.mean(found)), DIGITS) if found else None


def _asked(evidence: Evidence, terms: Terms) -> Told | None:
    """What MPC and EMPC are told: one value, cost and save rate for everybody."""
    if not terms.offers:
        return None
    mean = np.array([float(evidence.truth.value.mean())])
    offer = terms.offers[int(gains(np.ones(1), mean, terms)[0].argmax())]
    weight = min(terms.economics.save_rate_a + terms.economics.save_rate_b, SHARPEST)
    rate = save_rate(offer, terms.economics)
    return {
        "offer": offer.code,
        "clv": round(float(mean[0]) * terms.economics.saved_value_share, DIGITS),
        "incentive_cost": _cost(offer, mean, terms),
        "contact_cost": offer.contact_amount,
        "accept_rate": round(rate, DIGITS),
        "alpha": round(rate * weight, DIGITS),
        "beta": round((1 - rate) * weight, DIGITS),
    }


def _cost(offer: Offer, value: Floats, terms: Terms) -> float:
    return round(float(redeemed_cost(value, offer, terms.economics)[0]), DIGITS)


def _max_profit(y: Floats, p: Floats, asked: Told | None) -> Told:
    """MPC and EMPC per customer, and the share each would contact; None where nothing is saved.

    Both need an offer, a value above 0, both classes, and a save rate strictly between 0 and 1.
    """
    names = ("mpc", "mpc_share", "empc", "empc_share")
    if asked is None or min(asked["clv"], asked["alpha"], asked["beta"]) <= 0 or _one(y):
        return dict.fromkeys(names)
    # imported here: it takes six seconds, and only who judges a challenger needs it
    from empulse.metrics import empc_score, mpc_score

    told = {name: asked[name] for name in ("clv", "incentive_cost", "contact_cost")}
    fixed = told | {"accept_rate": asked["accept_rate"]}
    drawn = told | {"alpha": asked["alpha"], "beta": asked["beta"]}
    churned = y.astype(int)
    found = (
        mpc_score(churned, p, **fixed),
        mpc_score.optimal_rate(churned, p, **fixed),
        empc_score(churned, p, **drawn),
        empc_score.optimal_rate(churned, p, **drawn),
    )
    return {name: round(float(each), DIGITS) for name, each in zip(names, found, strict=True)}


def _one(y: NDArray[Any]) -> bool:
    return len(np.unique(y)) == 1


def _interval(found: Estimate) -> list[float]:
    return [found.value, found.low, found.high]


def _ratio(above: float, below: float) -> float | None:
    return round(float(above / below), DIGITS) if below > 0 else None
