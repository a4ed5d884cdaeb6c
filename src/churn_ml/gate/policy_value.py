"""Policy value: what a policy would have earned, from customers whom chance left alone.

In: those whom the policy of the day chose, of whom a known share was held out at random. Out: what
contacting each of them was worth, as a doubly robust score, and from it the value of any policy
that chooses among them. It needs no assumed save rate: what was saved is seen.

The score of a customer is `m_1(x) - m_0(x) + A / e (R - m_1(x)) - (1 - A) / (1 - e) (R - m_0(x))`
with A = 1 in the arm that may be contacted, e its known probability, R what was earned and m_a a
forecast of R in arm a (Robins, Rotnitzky & Zhao 1994; Dudik, Langford & Li 2011, equation 1). Since
e is known, the mean of these scores is right whatever m says; a good m makes it surer. No customer
is in the rows that his own m was fitted on.

Worked example: at 2017-10-01 the policy chose 300 customers, chance held 30 of them out. The
challenger would have contacted 200 of the 300, at a gain of 4.10 USD each: 2,733 per 1,000 chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_ml.economics import Flags, Floats
from churn_ml.gate.bootstrap import Estimate, Resampling, Rows, mean_per_row
from churn_ml.targeting import keyed_hash

FOLDS = 5
FEWEST = 10
"""Rows per coefficient that a forecast needs; with fewer it is 0."""
KEY = b"churn_ml policy value"


@dataclass(frozen=True, eq=False)
class Randomised:
    """Customers chosen in rounds of which a share was held out at random; one row per round.

    `offered`: True in the arm that may be contacted; `held_share`: the share held out, in (0, 1);
    `earned`: what each brought less what he cost, shop currency; `signs`: rows x columns, known
    before the draw, which m is fitted on.
    """

    customer_id: NDArray[Any]
    offered: Flags
    held_share: float
    earned: Floats
    signs: Floats

    @cached_property
    def scores(self) -> Floats:
        """What contacting each customer was worth, shop currency, doubly robust.

        >>> rows = Randomised(np.array(["a", "b", "c", "d"]), np.array([True, True, False, False]),
        ...                   0.5, np.array([10.0, 4.0, 6.0, 2.0]), np.zeros((4, 0)))
        >>> rows.scores.tolist()
        [20.0, 8.0, -12.0, -4.0]
        """
        fold = keyed_hash(self.customer_id, KEY) % FOLDS
        x = np.column_stack([np.ones(len(self.signs)), self.signs])
        score = np.zeros(len(x))
        for arm, share, sign in (
            (self.offered, 1.0 - self.held_share, 1.0),
            (~self.offered, self.held_share, -1.0),
        ):
            forecast = self._forecast(x, arm, fold)
            score += sign * (forecast + arm / share * (self.earned - forecast))
        return score

    def _forecast(self, x: Floats, arm: Flags, fold: NDArray[Any]) -> Floats:
        """The m of one arm by least squares, each fold's from the others; 0 from too few rows."""
        found = np.zeros(len(x))
        for part in range(FOLDS):
            taught = arm & (fold != part)
            if taught.sum() >= FEWEST * x.shape[1]:
                fitted = np.linalg.lstsq(x[taught], self.earned[taught], rcond=None)[0]
                found[fold == part] = x[fold == part] @ fitted
        return found

    def value(self, contacts: Floats, how: Resampling) -> Estimate:
        """What a policy earns over contacting nobody, per row.

        `contacts`: 1 where it contacts the customer with the offer of the round, 0 where not; the
        difference of two such columns gives the difference of two policies.
        """
        return mean_per_row(contacts * self.scores, Rows.of(self.customer_id), how)
