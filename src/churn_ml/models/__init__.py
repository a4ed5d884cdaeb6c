"""Models: the families that a candidate can be, and the one format they are stored in.

Enters: feature rows and labels. Leaves: probabilities, reasons in logit units, and folders of
native files whose id is their content. Importing this package loads numpy only; scikit-learn and
XGBoost come when a model of theirs is fitted or asked.
"""

from churn_ml.models.bundle import Bundle, Origin, versions
from churn_ml.models.families import FAMILIES, family
from churn_ml.models.protocol import Family, Model
from churn_ml.models.store import load, save

__all__ = [
    "FAMILIES",
    "Bundle",
    "Family",
    "Model",
    "Origin",
    "family",
    "load",
    "save",
    "versions",
]
