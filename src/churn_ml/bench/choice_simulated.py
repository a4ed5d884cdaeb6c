"""The choice on a synthetic shop, where it is known what every offer would truly have saved.

Enters: how many customers. Leaves: what the chosen actions earn beside two habits of the trade, all
for the same money, and how near the best they come. Customers and effects are synthetic
(`simulated_round`), so the result is a simulation's and told as such.

* chosen: what the policy chooses, knowing the assumed save rates only;
* top_risk_coupon: the fifth with the highest scores gets TARGETED_COUPON, as far as it consents;
* random: a fifth drawn at random, each with an offer drawn at random;
* known_effects: as chosen, with the true save rates for estimates.

Net value is per 1,000 customers at risk, in expectation over who is saved, with the labels that
came to pass. Worked example: the coupons of the second would cost 9,000.00 in expectation; with so
much to spend the policy reaches other customers with other offers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from churn_ml.bench.simulated_round import AS_OF, CONFIG, Day, champion, day
from churn_ml.config import Policy
from churn_ml.economics import NO_CONTACT, Floats, Ints, Terms, costs, gains, realised
from churn_ml.errors import BadInput
from churn_ml.gate.bootstrap import Resampling, Rows, mean_per_row
from churn_ml.simulate.shop import Plan, Shop
from churn_ml.targeting import allocate, keyed_hash

if TYPE_CHECKING:
    from churn_ml.house import Progress
    from churn_ml.targeting import Allocation

FEWEST = 1_000
SEED = 17
KEY = b"synthetic"
COUPON = "TARGETED_COUPON"
TOP_SHARE = 0.2
TERMS = Terms.of(CONFIG)


def measure(customers: int, *, say: Progress) -> dict[str, Any]:
    """What the choice earns on a synthetic shop of `customers`, beside habits of the trade.

    Returns `simulated` (always true), `at_risk, churn_rate, planted_share, offers, budget`, per
    policy its contacts, expected cost and net value per 1,000 at risk as [value, low, high] (95 %),
    `beats` (chosen minus another, likewise), and `share_of_bound`: of what the linear relaxation
    could earn, what the choice among known effects does. Raises BadInput below 1,000 customers.

    >>> measure(999, say=lambda line: None)
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: too few to measure | got: 999 customers | expected: 1,000 or more
    """
    if customers < FEWEST:
        raise BadInput("too few to measure", got=f"{customers} customers", expected="1,000 or more")
    with Shop(Plan(customers)) as shop:
        say(f"a champion of a synthetic shop of {customers:,} customers")
        bundle = champion(shop)
        say(f"scores, causes and segments as of {AS_OF.isoformat()}")
        today = day(shop, bundle)
    say("the choice beside habits of the trade")
    return compared(today)


def compared(today: Day) -> dict[str, Any]:
    """The policies on one round, all for what the coupons of the fifth cost."""
    coupons = _coupons(today)
    cost = costs(today.p, today.value, TERMS)
    budget = float(cost[coupons != NO_CONTACT, coupons[coupons != NO_CONTACT]].sum())
    chosen, knowing = (_chosen(today, budget, rate) for rate in (None, today.save_rate))
    choices = {
        "chosen": chosen.index,
        "top_risk_coupon": coupons,
        "random": _random(today),
        "known_effects": knowing.index,
    }
    earned = {
        name: realised(choice, today.truth, TERMS, today.save_rate)
        for name, choice in choices.items()
    }
    return {
        "simulated": True,
        "at_risk": len(today.p),
        "churn_rate": round(float(today.truth.y.mean()), 4),
        "offers": len(TERMS.offers),
        "pairs": int(today.allowed.sum()),
        "budget": round(budget, 2),
        "policies": {
            name: {
                "contacts": int((choice != NO_CONTACT).sum()),
                "net_per_1000": _estimated(earned[name], today),
            }
            for name, choice in choices.items()
        },
        "beats": {
            name: _estimated(earned["chosen"] - earned[name], today)
            for name in ("top_risk_coupon", "random")
        },
        "share_of_bound": round(1.0 - knowing.gap, 9),
    }


def _chosen(today: Day, budget: float, save_rate: Floats | None) -> Allocation:
    """The policy's choice; `save_rate`: estimates, None where only the assumed ones are known."""
    told = (today.p, today.value, TERMS, save_rate)
    ties = keyed_hash(today.ids, KEY)
    return allocate(
        gains(*told), costs(*told), today.allowed, Policy(budget_amount=budget), 0.0, ties
    )


def _coupons(today: Day) -> Ints:
    """A coupon for the consenting among the fifth with the highest scores."""
    order = np.lexsort((keyed_hash(today.ids, KEY), -today.p))
    top = order[: round(TOP_SHARE * len(order))]
    choice = np.full(len(order), NO_CONTACT)
    choice[top[today.consenting[top]]] = [offer.code for offer in TERMS.offers].index(COUPON)
    return choice


def _random(today: Day) -> Ints:
    """Any offer for the consenting among a fifth of the customers."""
    rng = np.random.default_rng(SEED)
    drawn = rng.permutation(len(today.p))[: round(TOP_SHARE * len(today.p))]
    choice = np.full(len(today.p), NO_CONTACT)
    choice[drawn] = rng.integers(len(TERMS.offers), size=len(drawn))
    return np.where(today.consenting, choice, NO_CONTACT)


def _estimated(earned: Floats, today: Day) -> list[float]:
    """Per 1,000 customers at risk: the mean and its 95 % interval, shop currency."""
    rows, how = Rows.of(today.ids.to_numpy(object)), Resampling(0.025, 2000, SEED)
    found = mean_per_row(earned, rows, how).scaled(1000.0)
    return [round(number, 2) for number in (found.value, found.low, found.high)]


def table(told: dict[str, Any]) -> str:
    """The result as lines for a reader.

    >>> one = {"contacts": 2, "net_per_1000": [50.0, 40.0, 60.0]}
    >>> told = {"at_risk": 1000, "churn_rate": 0.2, "offers": 20, "budget": 9.0,
    ...         "policies": {"chosen": one, "random": one}, "beats": {"random": [0.0, -1.0, 1.0]},
    ...         "share_of_bound": 1.0}
    >>> print(table(told).splitlines()[2])
    random: 2 contacts earn 50 [40, 60] per 1,000; chosen earns 0 [-1, 1] more
    """
    who = f"{told['at_risk']:,} synthetic customers at risk, {told['churn_rate']:.0%} of whom left"
    lines = [f"SIMULATED: {who}; {told['offers']} offers, a budget of {told['budget']:,.0f}"]
    for name, each in told["policies"].items():
        line = f"{name}: {each['contacts']:,} contacts earn {_span(each['net_per_1000'])} per 1,000"
        more = told["beats"].get(name)
        lines.append(line + (f"; chosen earns {_span(more)} more" if more else ""))
    lines.append(f"known effects: {told['share_of_bound']:.2%} of the linear relaxation's bound")
    return "\n".join(lines)


def _span(told: list[float]) -> str:
    value, low, high = told
    return f"{value:,.0f} [{low:,.0f}, {high:,.0f}]"
