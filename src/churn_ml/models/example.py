"""A bundle by hand, for examples, notebooks and tests: an inactivity rule, and one value for all.

Enters: nothing, or the few numbers an example is about. Leaves: a `Bundle` that predicts and is
stored like any other. Worked example: trained as of 2017-10-01, it scores a household that has been
silent for 21 days at .45, and takes it to be worth 100.00.

>>> import pandas as pd
>>> silent = pd.DataFrame({"recency_days": [21.0]})
>>> round(float(by_hand().model.predict(silent)[0]), 2), by_hand().value.predict(silent).tolist()
(0.45, [100.0])
"""

from __future__ import annotations

from datetime import date

import numpy as np

from churn_ml.models.bundle import Bundle, Origin
from churn_ml.models.protocol import Setting
from churn_ml.models.rule import Rule
from churn_ml.models.value import ValueModel

ORIGIN = Origin(
    spec_hash="5bec",
    contract="gone30-0f1e2d3c",
    trained_as_of=date(2017, 10, 1),
    train_cut_offs=(date(2017, 7, 3), date(2017, 8, 2)),
    choose_cut_off=date(2017, 9, 1),
    config_hash="c0ff",
    seed=17,
    versions={},
)
"""Where the bundles of examples come from."""
SETTING = Setting(seed=17, horizon_days=30, cut_off=np.array(["2017-08-02"], "datetime64[D]"))
"""What the fits of examples are told, with one cut-off for all rows."""


def by_hand(slope: float = 0.9, *, tau: float = 0.0, origin: Origin = ORIGIN) -> Bundle:
    """An inactivity rule with that `slope` of the logit over log recency; everybody is worth 100.

    >>> by_hand(slope=0.5).id == by_hand().id
    False
    """
    return Bundle(Rule(-3.0, slope, (4.0,)), worth(100.0), tau, origin)


def worth(amount: float) -> ValueModel:
    """The value model for which every customer is worth `amount`, in the shop's currency.

    >>> import pandas as pd
    >>> worth(200.0).predict(pd.DataFrame({"recency_days": [1.0, 90.0]})).tolist()
    [200.0, 200.0]
    """
    return ValueModel(
        kind="past_rate",
        features=("recency_days",),
        centre=(0.0,),
        spread=(1.0,),
        coefficients=(0.0,),
        intercept=amount,
        window_cap=1e6,
        extension=1.0,
        observed_days=30,
        margin_rate=1.0,
        value_horizon_days=365,
    )
