"""The registry: every training and every model in MLflow, for people to look at.

The only importer of MLflow. The ledger is the truth about which model is champion; MLflow's runs,
versions, tags and aliases are its projection. So a failure here never loses a model: whatever
MLflow raises becomes `Unreachable` (or `BadConfig`, where it refuses the login), and logging the
same training later finds what is missing.

Enters: a `Trained`, told from the ledger, and the folder its models are stored in. Leaves: a run
per training with a nested run per candidate (params, metrics with their bounds, the panel it read,
the model folder as artifacts, a description in plain words), a version per model of
`churn_ml.<contract>`, and the aliases champion, challenger and former_champion.

Worked example: as of 2017-10-01 three candidates are logged as versions 1 to 3 of
`churn_ml.gone30`, and `set_alias("champion", "rule-0f1e2d3c4b5a")` points at version 1.
"""

from churn_ml.registry.projection import Registry
from churn_ml.registry.trained import Fitted, Logged, LoggedTraining, Panel, Trained

__all__ = ["Fitted", "Logged", "LoggedTraining", "Panel", "Registry", "Trained"]
