"""The bracket that every step stands in: one attempt, from its fencing token to its publication.

A step takes its token, opens the Delta handles it will commit through, reads published versions
only, and publishes everything in one ledger row at the end. One that dies anywhere in between
leaves nothing that a reader can see.

A re-run under other settings would be another run: the sections of churn.toml that a step reads
are hashed into its publication, and a difference is refused unless `repin`. Paths, destinations and
whatever a step does not read may change freely. The version of churn_ml is pinned too; another one
is said and not refused, or an upgrade would refuse every former date.

Worked example: scoring as of 2017-10-01 is killed after its lake commit. The ledger still names
the versions of the former publication, or none; the re-run takes token 2, replaces the partition
2017-10-01 and publishes. Should the first attempt wake up, Delta refuses its commit and the ledger
its token.

A re-run is pinned: it reads the versions, lots and model that the former publication of the same
step and as_of recorded. `repin=True` takes the newest instead.

    trial.py     what one attempt reads, writes and counts
    bracket.py   token, handles, then publication, or the failure on record
"""

from churn_ml.attempt.bracket import attempt, bracket
from churn_ml.attempt.trial import Attempt

__all__ = ["Attempt", "attempt", "bracket"]
