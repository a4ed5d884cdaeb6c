"""Evaluated: the rows that the gate judges on, and whoever is scored on exactly them.

Enters: the panel of a training and the champion. Leaves: an `Evaluated`, whose evidence is frozen.
Worked example: the panel of 2017-11-01 with `[gate] evaluation_cut_offs = 4` evaluates at
2017-07-03, 2017-08-02, 2017-09-01 and 2017-10-01. A champion that was trained when one cut-off was
asked for learned from the first two: both are left out, and the verdict says "one season".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from churn_ml.flow import weighing
from churn_ml.timeline import label_window

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.config import Config, Contract
    from churn_ml.flow.weighing import Judged
    from churn_ml.gate.evidence import Evidence
    from churn_ml.gate.policies import PolicyOnRows
    from churn_ml.models.bundle import Bundle


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The evaluation rows, their evidence, and the panel that thresholds are tuned on."""

    config: Config
    panel: Judged
    rows: pd.DataFrame
    frozen: Evidence

    @classmethod
    def of(cls, config: Config, panel: Judged, champion: Bundle) -> Evaluated:
        """The evaluation rows that `champion` did not learn from; raises as `evidence` does."""
        origin = champion.origin
        learned = (*origin.train_cut_offs, origin.choose_cut_off)
        panel = unseen(panel, learned, config.contract)
        seen = set(weighing.earlier(panel, "evaluate")["customer_id"])
        frozen = weighing.evidence(config, panel, "evaluate", seen)
        return cls(config, panel, weighing.rows_of(panel, "evaluate"), frozen)

    def scored(self, name: str, bundle: Bundle, tau: float | None = None) -> PolicyOnRows:
        """A model as a policy on these rows, with the threshold it has unless `tau` is told."""
        return weighing.policy(name, bundle, self.rows, self.frozen, tau)

    def of_today(self, name: str, bundle: Bundle) -> PolicyOnRows:
        """The same with a threshold of today, tuned as the candidates' are."""
        return self.scored(name, bundle, weighing.retuned(bundle, self.config, self.panel))


def unseen(panel: Judged, learned_on: Iterable[date], contract: Contract) -> Judged:
    """The panel without the evaluation cut-offs that the label windows of `learned_on` reach.

    Where they reach all of them nothing is left out: the gate then refuses by name.

    >>> import pandas as pd
    >>> from churn_ml.config import Contract
    >>> days = [date(2017, 9, 1), date(2017, 10, 1)]
    >>> panel = weighing.Judged(pd.DataFrame({"cut_off": days, "layer": "evaluate"}), {})
    >>> contract = Contract(name="gone30", lookback_days=90, horizon_days=30)
    >>> unseen(panel, [date(2017, 8, 31)], contract).rows["cut_off"].tolist()
    [datetime.date(2017, 10, 1)]
    """
    end = max(label_window(day, contract).end for day in learned_on)
    judged = panel.rows["layer"] == "evaluate"
    reached = judged & (panel.rows["cut_off"] < end)
    return panel if reached.sum() == judged.sum() else replace(panel, rows=panel.rows[~reached])
