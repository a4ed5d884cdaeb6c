"""Segments: who a customer is to the shop today, as one code and by name.

Enters: the cohort and the scores of one as_of, and what else the shop knows. Leaves: one code per
customer, risk band x value band x stage (`primary.py`), and beside it the named segments that a
customer is in: what they mean (`catalogue.py`), what is read for them (`material.py`), who is in
which (`named.py`, `clusters.py`). Age and gender are slices of reports and make no segment.

Worked example: as of 2017-10-01 h1 is HIGH_RISK_HIGH_VALUE_SILENT.
"""

from churn_ml.segments.catalogue import NAMED, Named, is_known
from churn_ml.segments.clusters import clusters
from churn_ml.segments.material import gathered, signs
from churn_ml.segments.named import named
from churn_ml.segments.primary import (
    OPTED_OUT,
    UNSCORED,
    code,
    edges,
    is_scored,
    risk_bands,
    segments,
    value_bands,
)

__all__ = [
    "NAMED",
    "OPTED_OUT",
    "UNSCORED",
    "Named",
    "clusters",
    "code",
    "edges",
    "gathered",
    "is_known",
    "is_scored",
    "named",
    "risk_bands",
    "segments",
    "signs",
    "value_bands",
]
