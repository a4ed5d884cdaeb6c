"""Which rows of an ingest are accepted, and what happens to the others.

Enters: the raw rows of one table (`sources`), batch by batch, with their mapping, the shop's
currency and zone, and the exchange rates. Leaves: a `Validated`: the accepted rows typed as
tables.py says, a quarantine with references and reasons (no values), both staged in files and read
as sorted streams, and counts, so that rows in = accepted + quarantined + excluded.

    cast.py        raw values to typed ones, and when each row was known
    reading.py     one SQL expression per type: how a stored value is read (clock, figures)
    money.py       amounts to the shop's currency, at the rate of the event
    suites.py      Great Expectations: which rules of expectations/TABLE.json a row breaks
    generate.py    the part of those suites that follows from tables.py
    staging.py     files of judged rows, sorted out of core
    keys.py        conflicts, repeats and updates
    tally.py       how often each rule was broken in each lot
    validated.py   the three judges in turn
    tolerance.py   how many bad rows are too many

* *quarantined*: a bad row. It counts against the tolerance of its rule, per lot.
* *warned*: the row stays, and the rule it broke (a soft one) is counted.
* *excluded*: not bad, but not ours to keep: an order without customer, an exact repeat.

Worked example: the lot of 2017-09-30 brings order 31 twice with the same content (the second is
excluded as `orders.key.repeated`) and order 32 with 12.50 and with 21.50 (both are quarantined as
`orders.key.conflict`). On 2017-10-02 order 32 comes again with 12.50: known later, so it is an
update and stays.
"""

from churn_ml.validate.cast import Rejection, cast
from churn_ml.validate.keys import double_keys
from churn_ml.validate.money import Rates
from churn_ml.validate.staging import Stage, Staged, together
from churn_ml.validate.suites import judge
from churn_ml.validate.tally import Broken
from churn_ml.validate.tolerance import check_tolerance, known_rules, outcomes
from churn_ml.validate.validated import Validated, validate

__all__ = [
    "Broken",
    "Rates",
    "Rejection",
    "Stage",
    "Staged",
    "Validated",
    "cast",
    "check_tolerance",
    "double_keys",
    "judge",
    "known_rules",
    "outcomes",
    "together",
    "validate",
]
