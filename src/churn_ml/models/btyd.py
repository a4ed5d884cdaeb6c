"""Buy-till-you-die models: BG/NBD and Pareto/NBD, fitted to who bought how often and when last.

In: what was seen of each customer (histories.py), times in one unit. Out: the parameters by maximum
likelihood, and per customer the chance of no purchase in (T, T + t] and the purchases expected.

Both let purchases come at a rate lambda ~ Gamma(r, alpha) until the customer leaves unseen. In
BG/NBD one may leave after each purchase, with p ~ Beta(a, b); in Pareto/NBD at any time, at a rate
mu ~ Gamma(s, beta). P(alive) is not asked for as such: whoever bought once has P(alive) = 1 in
BG/NBD, and yet hardly buys (AUC .32 for buying in the next 39 weeks on CDNOW).

Sources: Fader, Hardie & Lee (2005), "Counting your customers the easy way", Marketing Science 24,
equations (6) and (10); Fader & Hardie (2005), "A note on deriving the Pareto/NBD model", equations
(17) to (20) and (41). Where they write the Gaussian hypergeometric function for the Pareto/NBD, its
integral is taken here: it is smooth, needs no case alpha < beta and does not overflow.

Worked example: with the published BG/NBD parameters of CDNOW, in weeks, who bought 2 times again,
the last time 30.43 weeks after the first, and was seen for 38.86, will buy 1.226 times in 39 weeks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from churn_ml.models.histories import Floats, Histories

NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)
_LEAST = 1e-300
_LARGEST = 12.0
"""Logarithms of parameters stay below this in size: beyond, the likelihood is flat."""


class Process(Protocol):
    """A fitted buy-till-you-die model."""

    def log_likelihood(self, seen: Histories) -> Floats:
        """The log-likelihood of each history, of one customer each."""
        ...

    def silent(self, seen: Histories, t: float) -> Floats:
        """The probability of no purchase in (T, T + t], per history."""
        ...

    def expected(self, seen: Histories, t: float) -> Floats:
        """The expected number of purchases in (T, T + t], per history."""
        ...


@dataclass(frozen=True)
class BgNbd:
    """BG/NBD: `r`, `alpha` of the buying rates, `a`, `b` of the chance to leave at a purchase."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, seen: Histories) -> Floats:
        """Equation (6) of Fader, Hardie & Lee (2005), per history.

        >>> nobody = Histories.of(np.zeros(1), np.zeros(1), np.zeros(1))
        >>> BgNbd(1.0, 1.0, 1.0, 1.0).log_likelihood(nobody).tolist()
        [0.0]
        """
        from scipy.special import betaln, gammaln

        shape = self.r + seen.x
        rate = gammaln(shape) - gammaln(self.r) + self.r * np.log(self.alpha)
        leaving = betaln(self.a, self.b + seen.x) - betaln(self.a, self.b)
        alive = -shape * np.log(self.alpha + seen.T)
        told: Floats = rate + leaving + alive + np.logaddexp(0.0, self._log_odds_gone(seen))
        return told

    def silent(self, seen: Histories, t: float) -> Floats:
        """1 - P(alive) (1 - E[exp(-lambda t)]), lambda ~ Gamma(r + x, alpha + T) while alive.

        >>> cdnow = BgNbd(0.243, 4.414, 0.793, 2.426)
        >>> once = Histories.of(np.zeros(1), np.zeros(1), np.array([38.86]))
        >>> cdnow.silent(once, 39).round(3).tolist()
        [0.855]
        """
        stays = ((self.alpha + seen.T) / (self.alpha + seen.T + t)) ** (self.r + seen.x)
        silent: Floats = 1 - (1 - stays) * _alive(self._log_odds_gone(seen))
        return silent

    def expected(self, seen: Histories, t: float) -> Floats:
        """Equation (10) of Fader, Hardie & Lee (2005), as the integral that it comes from.

        Given lambda and p a customer who is alive makes (1 - exp(-lambda p t)) / p purchases. The
        hypergeometric function they end with is not finite for extreme parameters, nor at a = 1.

        >>> cdnow = BgNbd(0.243, 4.414, 0.793, 2.426)
        >>> twice = Histories.of(np.array([2.0]), np.array([30.43]), np.array([38.86]))
        >>> cdnow.expected(twice, 39).round(3).tolist()
        [1.226]
        """
        from scipy.special import betaincinv

        kinds, of = np.unique(seen.x, return_inverse=True)
        leaving = betaincinv(self.a, (self.b + kinds)[:, None], (NODES + 1) / 2)
        leaving = np.maximum(leaving, _LEAST)[of]
        shape, until = (self.r + seen.x)[:, None], (self.alpha + seen.T)[:, None]
        purchases = -np.expm1(-shape * np.log1p(leaving * t / until)) / leaving
        expected: Floats = (purchases * WEIGHTS).sum(axis=1) / 2
        return expected * _alive(self._log_odds_gone(seen))

    def _log_odds_gone(self, seen: Histories) -> Floats:
        """Ln of P(left after the last purchase) / P(alive); who never came again is alive."""
        since = np.log((self.alpha + seen.T) / (self.alpha + seen.t_x))
        again = np.maximum(seen.x, 1.0)
        odds = np.log(self.a / (self.b + again - 1)) + (self.r + again) * since
        return np.where(seen.x > 0, odds, -np.inf)


@dataclass(frozen=True)
class ParetoNbd:
    """Pareto/NBD: `r`, `alpha` of the buying rates, `s`, `beta` of the leaving rates."""

    r: float
    alpha: float
    s: float
    beta: float

    def log_likelihood(self, seen: Histories) -> Floats:
        """Equations (17) to (19) of Fader & Hardie (2005), per history.

        >>> nobody = Histories.of(np.zeros(1), np.zeros(1), np.zeros(1))
        >>> ParetoNbd(1.0, 1.0, 1.0, 1.0).log_likelihood(nobody).round(9).tolist()
        [0.0]
        """
        from scipy.special import gammaln

        shape = self.r + seen.x
        rate = gammaln(shape) - gammaln(self.r) + self.r * np.log(self.alpha)
        alive = -shape * np.log(self.alpha + seen.T)
        stays = self.s * (np.log(self.beta) - np.log(self.beta + seen.T))
        told: Floats = rate + alive + stays + np.logaddexp(0.0, self._log_odds_gone(seen))
        return told

    def silent(self, seen: Histories, t: float) -> Floats:
        """1 - P(alive) P(a purchase within t | alive), the latter as an integral over its time.

        >>> cdnow = ParetoNbd(0.553, 10.578, 0.606, 11.669)
        >>> once = Histories.of(np.zeros(1), np.zeros(1), np.array([38.86]))
        >>> cdnow.silent(once, 39).round(3).tolist()
        [0.931]
        """
        shape, until = (self.r + seen.x)[:, None], (self.alpha + seen.T)[:, None]
        left = (self.beta + seen.T)[:, None]
        # in u = ln((alpha + T + tau) / (alpha + T)) the first purchase decays like exp(-shape u)
        ends = np.log1p(t / until)
        u = ends * (NODES + 1) / 2
        tau = until * np.expm1(u)
        density = shape * np.exp(-shape * u - self.s * np.log1p(tau / left))
        buys = (density * WEIGHTS).sum(axis=1) * ends[:, 0] / 2
        silent: Floats = 1 - buys * _alive(self._log_odds_gone(seen))
        return silent

    def expected(self, seen: Histories, t: float) -> Floats:
        """Equation (41) of Fader & Hardie (2005): E[purchases in (T, T + t]].

        >>> cdnow = ParetoNbd(0.553, 10.578, 0.606, 11.669)
        >>> twice = Histories.of(np.array([2.0]), np.array([30.43]), np.array([38.86]))
        >>> cdnow.expected(twice, 39).round(3).tolist()
        [1.455]
        """
        until = self.beta + seen.T
        stays = (until - (until / (until + t)) ** self.s * (until + t)) / (self.s - 1)
        rate = (self.r + seen.x) / (self.alpha + seen.T)
        expected: Floats = rate * stays * _alive(self._log_odds_gone(seen))
        return expected

    def _log_odds_gone(self, seen: Histories) -> Floats:
        """Ln of P(left before T) / P(alive), from the integral over when the customer left.

        With n = r + s + x and w = ((alpha + t_x) / (alpha + tau))^n the integral is that of
        ((alpha + tau) / (beta + tau))^(s + 1) over w, which is smooth and bounded.
        """
        from scipy.special import logsumexp

        n = self.r + self.s + seen.x
        first = self.alpha + seen.t_x
        ends = np.log((self.alpha + seen.T) / first)
        lowest = np.exp(-n * ends)
        w = lowest[:, None] + (1 - lowest)[:, None] * (NODES + 1) / 2
        later = first[:, None] * np.exp(-np.log(w) / n[:, None])
        ratio = -(self.s + 1) * np.log1p((self.beta - self.alpha) / later)
        # at t_x = T the width is 0: nobody has left
        width = np.log(np.maximum((1 - lowest) / 2, _LEAST))
        area = logsumexp(ratio, b=WEIGHTS, axis=1) + width
        size = n * ends + self.s * np.log((self.beta + seen.T) / (self.alpha + seen.T))
        odds: Floats = np.log(self.s / n) + area + size
        return odds


def _alive(log_odds_gone: Floats) -> Floats:
    """P(alive) from the logarithm of its odds."""
    from scipy.special import expit

    alive: Floats = expit(-log_odds_gone)
    return alive


def fitted(process: Callable[..., Process], seen: Histories) -> Process:
    """The `process` (BgNbd or ParetoNbd) of the highest likelihood, from two starts.

    Parameters are sought by their logarithms, times in units of the mean time observed.

    >>> rng = np.random.default_rng(1)
    >>> rates = rng.gamma(0.5, 1 / 10, 400)
    >>> x = rng.poisson(rates * 40).astype(float)
    >>> seen = Histories.of(x, np.where(x > 0, 38.0, 0.0), np.full(400, 40.0))
    >>> bool(fitted(BgNbd, seen).expected(seen, 40).mean() > 0.5)
    True
    """
    from scipy.optimize import minimize

    customers = seen.times.sum()
    unit = float(np.average(seen.T, weights=seen.times)) or 1.0
    scaled = Histories(seen.x, seen.t_x / unit, seen.T / unit, seen.times)

    def loss(logs: Floats) -> float:
        told = process(*np.exp(logs)).log_likelihood(scaled)
        return float(-(told * seen.times).sum() / customers)

    bounds = [(-_LARGEST, _LARGEST)] * 4
    starts = [np.log(start) for start in ((0.5, 0.3, 0.5, 0.3), (1.0, 1.0, 1.0, 2.0))]
    best = min(
        (minimize(loss, start, method="L-BFGS-B", bounds=bounds) for start in starts),
        key=lambda told: float(told.fun),
    )
    r, alpha, third, fourth = map(float, np.exp(best.x))
    return process(r, alpha * unit, third, fourth * unit if process is ParetoNbd else fourth)
