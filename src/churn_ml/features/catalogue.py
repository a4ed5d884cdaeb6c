"""The catalogue: every indicator that is computed, in one explicit tuple.

A new indicator is one record in the file of its subject and appears here through that file's tuple.
The order is the order of the feature columns. Windows are proposals of the house, written where
they are used and told in each record's `window`.

>>> len(CATALOGUE), CATALOGUE[0].name, CATALOGUE[0].source
(30, 'recency', 'C02')
"""

from __future__ import annotations

from churn_ml.features.activity import ACTIVITY
from churn_ml.features.basket import BASKET
from churn_ml.features.campaigns import CAMPAIGNS
from churn_ml.features.indicator import Indicator
from churn_ml.features.rhythm import RHYTHM
from churn_ml.features.spend import MONEY

CATALOGUE: tuple[Indicator, ...] = (*RHYTHM, *ACTIVITY, *MONEY, *BASKET, *CAMPAIGNS)
