"""Speed of the choice: who gets which offer under a budget, and how near the best that is.

Enters: how many customers and offers. Leaves: a JSON-able result. Risks, values and offers are
synthetic (fixed seed); gains, costs and choice are the real ones. A budget of a tenth of what all
contacts that pay would cost, and on top of it a capacity of a twentieth of the customers: two
rounds, one under the budget alone. Half of the pairs are barred, as consent and eligibility bar
them. Nothing may be learned from such customers.

Worked example: a million customers and 20 offers are 20 million pairs; the choice is made of them
in some seconds, and falls short of the linear relaxation by less than a contact.
"""

from __future__ import annotations

import resource
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_ml.config import Offer, Policy
from churn_ml.economics import NO_CONTACT, Terms, costs, gains
from churn_ml.errors import BadInput
from churn_ml.targeting import allocate, best_offer

if TYPE_CHECKING:
    from churn_ml.house import Progress
    from churn_ml.targeting import Allocation

FEWEST = 1_000
SEED = 17
ALLOWED_SHARE = 0.5
BUDGET_SHARE = 0.1
CAPACITY_SHARE = 0.05


def measure(rows: int, offers: int, *, say: Progress) -> dict[str, Any]:
    """Choose among `offers` offers for `rows` synthetic customers under a budget.

    Returns `rows, offers, pairs, seconds` and `cpu_s` (gains and costs included) of both rounds,
    the larger `gap` (share of the bound), `rounds` with budget, capacity, contacts, spent, expected
    gain, bound and gap of each, and `peak_rss_mb`. Raises BadInput below 1,000 rows or 1 offer.

    >>> measure(999, 20, say=lambda line: None)
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: too few to measure | got: 999 rows, 20 offers | expected: 1,000 ...
    """
    if rows < FEWEST or offers < 1:
        raise BadInput(
            "too few to measure",
            got=f"{rows} rows, {offers} offers",
            expected=f"{FEWEST:,} rows and an offer or more",
        )
    rng = np.random.default_rng(SEED)
    p, value = rng.beta(1.5, 5, rows), rng.lognormal(5, 0.8, rows)
    terms = Terms(tuple(_offer(number, rng) for number in range(offers)))
    allowed, ties = rng.random((rows, offers)) < ALLOWED_SHARE, rng.permutation(rows)
    say(f"gains of {rows:,} synthetic customers and {offers} offers")
    began, spent = time.monotonic(), time.process_time()
    gain, cost = gains(p, value, terms), costs(p, value, terms)
    index, expected = best_offer(gain, allowed)
    whole = float(cost[np.arange(rows), index][expected > 0].sum())
    rounds = []
    for capacity in (None, round(rows * CAPACITY_SHARE)):
        limits = Policy(budget_amount=round(whole * BUDGET_SHARE, 2), capacity_customers=capacity)
        say(f"a budget of {limits.budget_amount:,.0f}, capacity {capacity or 'without end'}")
        rounds.append(_told(allocate(gain, cost, allowed, limits, 0.0, ties), limits))
    return {
        "rows": rows,
        "offers": offers,
        "pairs": int(allowed.sum()),
        "seconds": round(time.monotonic() - began, 1),
        "cpu_s": round(time.process_time() - spent, 1),
        "gap": max(each["gap"] for each in rounds),
        "rounds": rounds,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _offer(number: int, rng: np.random.Generator) -> Offer:
    """A made-up offer: cheap ones that save little, and dear ones that save more."""
    dear = float(rng.random())
    return Offer(
        code=f"OFFER_{number}",
        label="synthetic",
        cost_amount=round(20 * dear, 2),
        contact_amount=round(0.05 + float(rng.exponential(1.0)), 2),
        save_rate=round(0.05 + 0.35 * dear**0.5, 3),
        redeem_share=round(float(rng.uniform(0.2, 1.0)), 2),
    )


def _told(choice: Allocation, limits: Policy) -> dict[str, Any]:
    """What one round came to."""
    who = choice.index != NO_CONTACT
    return {
        "budget": limits.budget_amount,
        "capacity": limits.capacity_customers,
        "contacts": int(who.sum()),
        "offers_used": len(np.unique(choice.index[who])),
        "spent": round(float(choice.cost.sum()), 2),
        "expected_gain": round(float(choice.expected[who].sum()), 2),
        "bound": round(choice.bound, 2),
        "gap": float(f"{max(choice.gap, 0.0):.2e}"),
    }


def table(told: dict[str, Any]) -> str:
    """The result as lines for a reader.

    >>> one = {"budget": 9.0, "capacity": None, "contacts": 2, "offers_used": 1, "spent": 8.0,
    ...        "expected_gain": 99.0, "bound": 100.0, "gap": 0.01}
    >>> print(table({"rows": 5, "offers": 3, "pairs": 8, "seconds": 1.0, "cpu_s": 0.9, "gap": 0.01,
    ...              "rounds": [one], "peak_rss_mb": 300}).splitlines()[1])
    budget 9, no capacity: 2 contacts with 1 offers for 8 earn 99 of at most 100; gap 1.0e-02
    """
    size = f"{told['rows']:,} customers, {told['offers']} offers, {told['pairs']:,} pairs allowed"
    lines = [f"{size}: {told['seconds']} s, {told['cpu_s']} cpu s"]
    for each in told["rounds"]:
        limit = f"capacity {each['capacity']:,}" if each["capacity"] else "no capacity"
        lines.append(
            f"budget {each['budget']:,.0f}, {limit}: {each['contacts']:,} contacts with"
            f" {each['offers_used']} offers for {each['spent']:,.0f} earn"
            f" {each['expected_gain']:,.0f} of at most {each['bound']:,.0f}; gap {each['gap']:.1e}"
        )
    return "\n".join([*lines, f"peak of memory: {told['peak_rss_mb']:,} MB"])
