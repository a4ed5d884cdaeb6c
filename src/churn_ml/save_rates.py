"""Save rates: what the holdout says of them, with the prior carried over.

An offer's save rate begins as an assumption. Once a destination delivers, chance has left a part of
those whom the policy chose alone, and the two arms tell by intention to treat how many an offer
saves. Enters: outcomes of every round (tables.OUTCOMES) and the settings. Leaves: a `SaveRate` per
offer that has data, and the settings with these rates in place of the assumed ones.

Nothing jumps on the day the first outcomes come in: prior and data are weighed by how sure each is,
and without data the rate is the prior's mean, to the digit. The prior's weight a + b stays what the
gate's 10 % and 90 % points are asked with, which makes them wider than they would have to be.

Worked example: the coupon is assumed to save .3 (a + b = 20). Of 900 chosen customers 306 churned
within the window, of 100 who were chosen and held out 40: a ratio of .85, a rate of .15. The data
are about as sure as the assumption: from then on the coupon counts with .22.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_ml.actions import NONE
from churn_ml.economics import Floats
from churn_ml.experiments import HOLDOUT, OPEN
from churn_ml.save_priors import save_rate

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.config import Config

Z = 1.959963984540054
"""Normal quantile of a two-sided 95 % interval."""
DIGITS = 9


@dataclass(frozen=True)
class Arms:
    """Customers chosen for an offer, in the arm that may get it and in the holdout; churned ones.

    By intention to treat: `offered` counts whom no contact reached as well.
    """

    offered: int
    offered_churned: int
    held: int
    held_churned: int


@dataclass(frozen=True)
class SaveRate:
    """An offer's save rate with its 95 % interval, the prior's mean, and the arms behind it."""

    rate: float
    low: float
    high: float
    prior: float
    arms: Arms


def log_risk_ratio(
    offered_churned: Floats | float,
    offered: Floats | float,
    held_churned: Floats | float,
    held: Floats | float,
) -> tuple[Any, Any]:
    """log(p_T / p_C) and its variance, from counts; scalars, or one element per experiment.

    `1 / x_T - 1 / n_T + 1 / x_C - 1 / n_C` (Katz, Baptista, Azen & Pike 1978), with one half added
    to every count, so that an arm without a churner has a ratio (Pettigrew, Gart & Thomas 1986).

    >>> ratio, variance = log_risk_ratio(306, 900, 40, 100)
    >>> round(float(np.exp(ratio)), 3), round(float(variance), 4)
    (0.845, 0.0169)
    """
    x, n = np.add(offered_churned, 0.5), np.add(offered, 0.5)
    x_c, n_c = np.add(held_churned, 0.5), np.add(held, 0.5)
    return np.log(x / n) - np.log(x_c / n_c), 1 / x - 1 / n + 1 / x_c - 1 / n_c


def updated(prior: float, weight: float, arms: Arms) -> SaveRate:
    """The save rate `1 - p_T / p_C` of an offer, the prior carried over.

    On the scale theta = log(1 - rate) prior and data are taken as normal and weighed by their
    precisions (Spiegelhalter, Abrams & Myles 2004, section 3.7): the prior has the mean
    log(1 - `prior`) and the variance of log(1 - rate) under a Beta of that mean and `weight` a + b,
    trigamma(b) - trigamma(a + b); the data are `log_risk_ratio`. A rate below 0, an offer that
    drives away, counts as 0. A prior of exactly 0 or 1 is no assumption but a fact, and stays.

    >>> updated(0.3, 20.0, Arms(0, 0, 0, 0)).rate, updated(0.3, 20.0, Arms(9, 3, 0, 0)).rate
    (0.3, 0.3)
    >>> found = updated(0.3, 20.0, Arms(900, 306, 100, 40))
    >>> round(found.rate, 3), round(found.low, 3), round(found.high, 3)
    (0.22, 0.054, 0.357)
    """
    from scipy.special import polygamma

    if not 0 < prior < 1:
        return SaveRate(prior, prior, prior, prior, arms)
    before = float(polygamma(1, (1 - prior) * weight) - polygamma(1, weight))
    theta, precision = float(np.log1p(-prior)), 1.0 / before
    known = arms.offered > 0 and arms.held > 0
    if known:
        counts = (arms.offered_churned, arms.offered, arms.held_churned, arms.held)
        ratio, variance = log_risk_ratio(*counts)
        total = precision + 1.0 / float(variance)
        theta, precision = (theta * precision + float(ratio / variance)) / total, total
    rate, low, high = (
        max(0.0, round(float(-np.expm1(theta + z / np.sqrt(precision))), DIGITS))
        for z in (0.0, Z, -Z)
    )
    return SaveRate(rate if known else prior, low, high, prior, arms)


def arms(outcomes: pd.DataFrame) -> dict[str, Arms]:
    """Whom every offer was chosen for first, by arm; only of rounds that were delivered.

    `outcomes`: tables.OUTCOMES of any rounds. A round in which nobody who was chosen for an offer
    was reached says nothing of it, nor does one in which an experiment left further ones alone. A
    customer counts once, as chosen first: later rounds choose among those whom the first left, and
    these differ between the arms.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"customer_id": ["h1", "h2", "h3", "h1"], "arm": ["open", "holdout",
    ...     "open", "open"], "would_be_offer": ["COUPON", "COUPON", "NONE", "COUPON"],
    ...     "as_of": [1, 1, 1, 2], "treated": [True, False, False, True], "churned": [0, 1, 0, 1],
    ...     "experiment": None})
    >>> arms(rows)
    {'COUPON': Arms(offered=1, offered_churned=0, held=1, held_churned=1)}
    """
    chosen = outcomes[outcomes["would_be_offer"] != NONE]
    rounds = chosen.groupby(["as_of", "would_be_offer"])
    delivered = rounds["treated"].transform("any").astype(bool)
    drawn = rounds["experiment"].transform("count") > 0
    told = chosen[delivered & ~drawn].sort_values("as_of", kind="stable")
    first = told.drop_duplicates("customer_id")
    return {str(code): _counted(part) for code, part in first.groupby("would_be_offer")}


def _counted(rows: pd.DataFrame) -> Arms:
    may, held = (rows.loc[rows["arm"] == arm, "churned"] for arm in (OPEN, HOLDOUT))
    return Arms(len(may), int(may.sum()), len(held), int(held.sum()))


def measured(outcomes: pd.DataFrame, config: Config) -> dict[str, SaveRate]:
    """The save rate of every offer of the contract that outcomes say something of, by its code."""
    found, weight = arms(outcomes), config.economics.save_rate_a + config.economics.save_rate_b
    return {
        offer.code: updated(save_rate(offer, config.economics), weight, found[offer.code])
        for offer in config.own_offers
        if offer.code in found
    }


def applied(config: Config, rates: Mapping[str, float]) -> Config:
    """The settings with `rates` (offer code -> save rate) in place of the assumed ones.

    >>> from churn_ml.config import Config, Offer, Shop
    >>> config = Config(shop=Shop(name="s", currency="EUR"), offers=(Offer(code="A", label="a"),))
    >>> applied(config, {}) is config, applied(config, {"A": 0.1}).offers[0].save_rate
    (True, 0.1)
    """
    if not rates:
        return config
    offers = tuple(
        offer.model_copy(update={"save_rate": rates.get(offer.code, offer.save_rate)})
        for offer in config.offers
    )
    return config.model_copy(update={"offers": offers})
