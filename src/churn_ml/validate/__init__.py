"""Which rows of an ingest are accepted, and what happens to the others.

Enters: the raw rows of one table (`sources`), its mapping and the shop's currency. Leaves: a
`Validated`: the accepted rows typed as `tables` says, a quarantine table with references and
reasons (no values), and counts, so that rows in = accepted + quarantined + excluded.

    cast.py        raw values to typed ones, and when each row was known
    reading.py     one SQL expression per type: how a stored value is read
    suites.py      Great Expectations: which rules of expectations/TABLE.json a row breaks
    keys.py        conflicts, repeats and updates
    validated.py   the three judges in turn, the counts
    tolerance.py   how many bad rows are too many

* *quarantined*: a bad row. It counts against the tolerance of its rule, per lot.
* *excluded*: not bad, but not ours to keep: an order without customer, an exact repeat.

Worked example: the lot of 2017-09-30 brings order 31 twice with the same content (the second is
excluded as `orders.key.repeated`) and order 32 with 12.50 and with 21.50 (both are quarantined as
`orders.key.conflict`). On 2017-10-02 order 32 comes again with 12.50: known later, so it is an
update and stays.
"""

from churn_ml.validate.cast import Rejection, cast
from churn_ml.validate.keys import double_keys
from churn_ml.validate.suites import judge
from churn_ml.validate.tolerance import check_tolerance, known_rules
from churn_ml.validate.validated import Broken, Validated, validate

__all__ = [
    "Broken",
    "Rejection",
    "Validated",
    "cast",
    "check_tolerance",
    "double_keys",
    "judge",
    "known_rules",
    "validate",
]
