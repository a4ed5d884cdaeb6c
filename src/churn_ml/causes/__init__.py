"""The causes: why customers leave, as far as what they did or said shows it.

Enters: the features of one as_of, and what customers stated in surveys. Leaves: the scored causes
of every customer with their evidence, and their roll-ups to the three types and the five groups.
The causes are a file, `causes.toml`; a cause without evidence is a code that a survey may give.

Worked example: as of 2017-10-01 half of h1's parcels of the last 180 days came late, and the usual
one took 10 days. That is full evidence of slow delivery from the one and half of it from the other:
`LOGISTICS_SLOW` has the score .7 + .3 x .35 = .805.
"""

from churn_ml.causes.catalogue import CAUSES, LISTS, Cause, by_code
from churn_ml.causes.scoring import causes, main_causes

__all__ = ["CAUSES", "LISTS", "Cause", "by_code", "causes", "main_causes"]
