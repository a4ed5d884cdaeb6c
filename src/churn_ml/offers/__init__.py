"""Offers: the catalogue of what can be done for a customer, and who may be asked what.

Enters: `offers.toml`, and of one as_of what is known of each customer. Leaves: the rows of the
catalogue, from which `[catalogue]` and `[[offers]]` of churn.toml take their terms, and a matrix of
customers x offers that says what is open to whom and, where it is not, what barred it first
(`offers.eligibility`, which needs numpy; the catalogue needs nothing). Whether it pays is decided
elsewhere.

Worked example: as of 2017-10-01 h1 shows signs of slow delivery and is of high value, so
EXPRESS_SHIPPING is open to them; h2 shows none, and `no_cause` bars it.
"""

from churn_ml.offers.catalogue import CATALOGUE, CHOSEN, Row, by_code

__all__ = ["CATALOGUE", "CHOSEN", "Row", "by_code"]
