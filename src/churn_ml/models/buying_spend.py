"""Spend from buying: how often a retained customer will order, times what an order day brings.

The buying process BG/NBD (btyd.py) tells how many order days to expect in the label window, and how
likely at least one is; their ratio is the number of order days given that the customer stays, which
is what value asks for: the expectation alone holds the chance of leaving already, and a score
beside it would count that twice. What an order day brings is gamma-gamma: amounts of a customer
vary around a mean of their own, and the means vary between customers, so that a mean of few days is
drawn towards everybody's.

Source: Fader, Hardie & Lee (2005), "RFM and CLV: Using Iso-Value Curves for Customer Base
Analysis", Journal of Marketing Research 42, equations (5) to (7): an amount ~ Gamma(p, nu), nu ~
Gamma(q, gamma).

Worked example: with p 6.25, q 3.74 and gamma 15.44, as they published for CDNOW, a customer of no
repeat order is worth 6.25 * 15.44 / 2.74 = 35.2 an order, and one of 2 orders of 20 each

    (6.25 * 2 * 20 + 6.25 * 15.44) / (6.25 * 2 + 2.74) = 22.7
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from churn_ml.models.btyd import BgNbd, fitted
from churn_ml.models.histories import Histories, histories
from churn_ml.models.protocol import significant

Floats: TypeAlias = NDArray[np.float64]

LEAST = 1e-9
"""The smallest chance of an order that is divided by."""


@dataclass(frozen=True)
class GammaGamma:
    """What an order brings: `p` and `q` shape a customer's amounts and means, `gamma` scales."""

    p: float
    q: float
    gamma: float

    def mean(self, orders: Floats, average: Floats) -> Floats:
        """The expected amount of an order, given so many and their average; equation (5).

        >>> cdnow = GammaGamma(6.25, 3.74, 15.44)
        >>> cdnow.mean(np.array([0.0, 2.0]), np.array([0.0, 20.0])).round(1).tolist()
        [35.2, 22.7]
        """
        seen = self.p * orders
        mean: Floats = (seen * average + self.p * self.gamma) / (seen + self.q - 1.0)
        return mean

    def log_likelihood(self, orders: Floats, average: Floats) -> Floats:
        """Of each average over so many orders, both above 0; from equation (1a).

        >>> worse = GammaGamma(6.25, 3.74, 1544.0)
        >>> seen = np.array([2.0]), np.array([20.0])
        >>> bool((GammaGamma(6.25, 3.74, 15.44).log_likelihood(*seen) >
        ...       worse.log_likelihood(*seen)).all())
        True
        """
        from scipy.special import gammaln

        seen = self.p * orders
        told: Floats = (
            gammaln(seen + self.q)
            - gammaln(seen)
            - gammaln(self.q)
            + self.q * np.log(self.gamma)
            + (seen - 1.0) * np.log(average)
            + seen * np.log(orders)
            - (seen + self.q) * np.log(self.gamma + average * orders)
        )
        return told

    @classmethod
    def fit(cls, orders: Floats, average: Floats) -> GammaGamma:
        """The parameters of the highest likelihood; q stays above 1, where a mean exists."""
        from scipy.optimize import minimize

        unit = float(average.mean())

        def loss(logs: Floats) -> float:
            p, over, gamma = np.exp(logs)
            return -float(cls(p, 1.0 + over, gamma).log_likelihood(orders, average / unit).mean())

        found = minimize(loss, np.zeros(3), method="L-BFGS-B", bounds=[(-7.0, 7.0)] * 3)
        p, over, gamma = map(float, np.exp(found.x))
        return cls(p, 1.0 + over, gamma * unit)


@dataclass(frozen=True)
class BuyingSpend:
    """Both together: the spend of a retained customer over `horizon_days`."""

    process: BgNbd
    amounts: GammaGamma
    horizon_days: int

    @classmethod
    def fit(cls, now: Floats, every: Floats, horizon_days: int) -> BuyingSpend:
        """Fitted to rows of recency, tenure, order days ever, order days and spend of a window.

        `now`: of one cut-off, one row per customer, for the process; `every`: of all cut-offs, for
        the amounts. Missing counts as 0. A shop that tells no amounts is worth nothing an order.

        >>> rng = np.random.default_rng(1)
        >>> n = rng.poisson(3.0, 400) + 1.0
        >>> spend = n * rng.gamma(9.0, 2.0, 400)
        >>> rows = np.column_stack([np.full(400, 9.0), np.full(400, 90.0), n, n, spend])
        >>> bool(BuyingSpend.fit(rows, rows, 30).window(rows).mean() > 18)
        True
        """
        seen = histories(now[:, :3])
        process = fitted(BgNbd, Histories.of(seen.x, seen.t_x, seen.T))
        told = _digits(vars(process))
        orders, average = _baskets(every)
        paid = (orders > 0) & (average > 0)
        amounts = GammaGamma(1.0, 2.0, 0.0)
        if paid.any():
            found = GammaGamma.fit(orders[paid], average[paid])
            amounts = GammaGamma(**_digits(asdict(found)))
        return cls(BgNbd(**told), amounts, horizon_days)

    def window(self, values: Floats) -> Floats:
        """Expected spend in the window if there is an order in it, per row of `values`."""
        seen, t = histories(values[:, :3]), self.horizon_days
        any_order = np.maximum(1.0 - self.process.silent(seen, t), LEAST)
        days = np.maximum(self.process.expected(seen, t) / any_order, 1.0)
        spend: Floats = days * self.amounts.mean(*_baskets(values))
        return spend

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any]) -> BuyingSpend:
        """The inverse of `dataclasses.asdict`."""
        parts = BgNbd(**tree["process"]), GammaGamma(**tree["amounts"])
        return cls(*parts, int(tree["horizon_days"]))


def _baskets(values: Floats) -> tuple[Floats, Floats]:
    """Order days of the window, and what one of them brought; 0 where there is none."""
    days, spend = np.maximum(np.nan_to_num(values[:, 3:5]), 0.0).T
    return days, np.where(days > 0, spend / np.maximum(days, 1.0), 0.0)


def _digits(parameters: Mapping[str, float]) -> dict[str, float]:
    rounded = significant(np.array([*parameters.values()]), digits=6)
    return dict(zip(parameters, rounded, strict=True))
