"""Quality on public data: the real rooms, later test cut-offs, rule and models side by side.

Enters: the name of a task. Leaves: a JSON-able result with every candidate on the same rows.

Task `c2-gone30`: the Complete Journey, households with at least 3 purchase days in the last 90;
churned is no purchase in the next 30. Worked example: the test cut-off day 275 is as_of
2017-10-03. Its models train on 2017-09-03 and every 30 days back to 2017-04-01 (day 90), whose
label windows end at or before 2017-10-03. The files are laid out, ingested and validated as a
shop's would be, and every cut-off is read from the lake as it was known then.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_ml import flow
from churn_ml.config import Config, Contract
from churn_ml.errors import BadInput
from churn_ml.house import House, Progress, open_house

if TYPE_CHECKING:
    import pandas as pd

Result = dict[str, Any]

YEAR_STARTS = date(2017, 1, 1)
FIRST_TRAINING_DAY = 90
EVERY_DAYS = 30
C2_GONE30_DAYS = (275, 305, 335)
GONE30 = Contract(
    name="gone30", lookback_days=90, horizon_days=30, min_orders=3, activity_unit="order_day"
)


def as_of_day(day: int) -> date:
    """The as_of of a cut-off day: 00:00 after it, day 1 being 2017-01-01.

    >>> as_of_day(275)
    datetime.date(2017, 10, 3)
    """
    return YEAR_STARTS + timedelta(days=day)


def training_days(test: date, contract: Contract) -> tuple[date, ...]:
    """The training cut-offs of one test cut-off, oldest first.

    >>> [d.isoformat() for d in training_days(date(2017, 10, 3), GONE30)][-2:]
    ['2017-08-04', '2017-09-03']
    """
    from churn_ml.timeline import check_split, cut_offs_back

    last = test - timedelta(days=contract.gap_days + contract.horizon_days)
    days = cut_offs_back(last, as_of_day(FIRST_TRAINING_DAY), EVERY_DAYS)
    check_split(days, test, contract)
    return days


def measure(task: str = "c2-gone30", *, say: Progress) -> Result:
    """Train and test every candidate of a task at its test cut-offs.

    Returns a JSON-able dict: task, rows, churn_rate, models (name; auc, pr_auc, brier, lift10 and
    profit_per_1000 as [value, low, high], customers resampled; ece; auc_per_cut_off and their mean
    auc_mean_per_cutoff), seconds, peak_rss_mb. Raises BadInput for an unknown task.
    """
    if task != TASK:
        raise BadInput("there is no such task", got=task, expected=TASK)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        house = _ingested(Path(folder), say)
        parts = [_tested(house, as_of_day(day), say) for day in TEST_DAYS]
    result = _pooled(parts, house.config)
    return result | {
        "seconds": round(time.perf_counter() - started, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _ingested(folder: Path, say: Progress) -> House:
    """A house with the whole year ingested, under the task's contract."""
    say("laying out and ingesting the Complete Journey")
    complete_journey.lay_out(folder, until=YEAR_ENDS)
    (folder / "churn.toml").write_text(complete_journey.churn_toml(), encoding="utf-8")
    config = load(folder / "churn.toml").model_copy(update={"contract": GONE30})
    house = open_house(config)
    flow.ingest(house, YEAR_ENDS)
    return house
