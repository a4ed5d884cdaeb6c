"""THE HALL: the steps of the house in data order; each reads, calls pure rooms, writes, publishes.

Rooms never call each other. A step reads published versions through its `Attempt`, hands frames to
the rooms, writes what they return and publishes it in one ledger row. One file a step, one step a
DAG. Worked example, the demo's story:

    ingest 2017-10-01 -> train, log 2017-10-01
    -> promote 2017-10-01 (the inactivity rule is champion) -> score, export 2017-10-01
    ingest 2017-11-01 -> score, export 2017-11-01 -> learn 2017-11-01 (outcomes of 2017-10-01)
    -> train, log 2017-11-01 -> promote 2017-11-01 (the challenger against the champion)

Every step takes the house and an `as_of`, returns its `Receipt`, and can be run twice, killed
anywhere and run for a past date. `repin=True` lets a re-run take new lots, versions and models.
"""

from churn_ml.flow.approving import approve, asked_about, send, waiting
from churn_ml.flow.by_hand import override, rollback
from churn_ml.flow.check import check
from churn_ml.flow.doctor import doctor
from churn_ml.flow.explain import explain
from churn_ml.flow.export import export
from churn_ml.flow.foreseeing import foresee
from churn_ml.flow.holdout import holdout
from churn_ml.flow.ingest import ingest
from churn_ml.flow.judge import judge
from churn_ml.flow.learn import learn, rates
from churn_ml.flow.log import log, log_if_reachable, owed
from churn_ml.flow.preflight import horizon, preflight
from churn_ml.flow.promote import promote
from churn_ml.flow.reconciling import apart, reconcile
from churn_ml.flow.record import record
from churn_ml.flow.run import run
from churn_ml.flow.score import score
from churn_ml.flow.staleness import staleness
from churn_ml.flow.stopping import allow, stop, undo
from churn_ml.flow.train import conclude, due, fit, prepare, train

__all__ = [
    "allow",
    "apart",
    "approve",
    "asked_about",
    "check",
    "conclude",
    "doctor",
    "due",
    "explain",
    "export",
    "fit",
    "foresee",
    "holdout",
    "horizon",
    "ingest",
    "judge",
    "learn",
    "log",
    "log_if_reachable",
    "override",
    "owed",
    "preflight",
    "prepare",
    "promote",
    "rates",
    "reconcile",
    "record",
    "rollback",
    "run",
    "score",
    "send",
    "staleness",
    "stop",
    "train",
    "undo",
    "waiting",
]
