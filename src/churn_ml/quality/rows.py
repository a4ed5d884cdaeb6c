"""The rows of a task: features through the real rooms, as known at each cut-off, and its labels.

Enters: the house with everything ingested. Leaves: `Rows`, which gives the panel's rows of any day,
each built once. Worked example: gone30 at the cut-off day 275 is built at as_of 2017-10-03 from
what was known by then; its labels look at the 30 days from 2017-10-03 on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from churn_ml import labels
from churn_ml.errors import TooEarly
from churn_ml.flow.panel import rows_at
from churn_ml.timeline import is_mature

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from churn_ml.attempt import Attempt
    from churn_ml.quality.tasks import Drop, Task


@dataclass
class Rows:
    """The panel of a task, day by day; one row per customer_id and cut_off."""

    task: Task
    trial: Attempt
    now: dict[str, ibis.Table]
    _known: dict[date, pd.DataFrame] = field(default_factory=dict)

    def taught(self, days: Iterable[date]) -> pd.DataFrame:
        """The rows of training cut-offs, labelled by the horizon that teaches."""
        import pandas as pd

        return pd.concat([self._at(day) for day in days], ignore_index=True)

    def tested(self, day: date) -> pd.DataFrame:
        """The rows of a test cut-off, labelled by the task's own horizon.

        Raises TooEarly where the data end before its labels do.
        """
        if not is_mature(day, self.task.contract, self.trial.as_of):
            raise TooEarly(
                "the data end before the labels of a test cut-off do",
                where=f"{self.task.name}, day {(day - self.task.day_one).days}",
                got=f"orders until {(self.trial.as_of - timedelta(days=1)).isoformat()}",
                expected=f"{self.task.contract.horizon_days} days after the cut-off",
                next_step="give earlier days as --cutoffs",
            )
        rows = self._at(day)
        if self.task.taught_days is None:
            return rows
        truth = labels.labels(
            self.now, rows["customer_id"], day, self.task.contract, self.trial.as_of
        )
        told = truth.set_index("customer_id").loc[rows["customer_id"]].reset_index(drop=True)
        return rows.assign(label=told["label"], window_net_amount=told["window_net_amount"])

    def _at(self, day: date) -> pd.DataFrame:
        if day not in self._known:
            rows = rows_at(self.trial, self.now, day)
            if self.task.drop is not None:
                rows = dropped(rows, self.task.drop, self.task.contract.horizon_days)
            self._known[day] = rows
        return self._known[day]


def dropped(rows: pd.DataFrame, drop: Drop, horizon_days: int) -> pd.DataFrame:
    """The rows labelled by whether the spend a day fell below `drop.share` of what it was.

    >>> import pandas as pd
    >>> from churn_ml.quality.tasks import Drop
    >>> rows = pd.DataFrame({"spend_90d": [90.0, 90.0], "window_net_amount": [22.0, 23.0]})
    >>> dropped(rows, Drop(0.5, "spend_90d", 90), 45)["label"].tolist()
    [1, 0]
    """
    after = rows["window_net_amount"].astype(float) / horizon_days
    usual = rows[drop.before] / drop.before_days
    return rows.assign(label=(after < drop.share * usual).astype("Int64"))
