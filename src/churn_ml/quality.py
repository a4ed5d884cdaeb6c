"""Quality on public data: the real rooms, later test cut-offs, rule and models side by side.

Enters: the name of a task. Leaves: a JSON-able result with every candidate on the same rows.

Task `c2-gone30`: the Complete Journey, households with at least 3 purchase days in the last 90;
churned is no purchase in the next 30. Worked example: the test cut-off day 275 is as_of
2017-10-03. Its models train on 2017-09-03 and every 30 days back to 2017-04-06 (day 90 is
2017-04-01), whose label windows end at or before 2017-10-03. The files are laid out, ingested and
validated as a shop's would be, and every cut-off is read from the lake as it was known then.

The value that profit is counted with is cross-fitted by customer on the training cut-offs, and a
customer is contacted where the expected gain exceeds 0: no threshold is tuned here.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_ml import flow, models
from churn_ml.attempt import attempt
from churn_ml.config import Config, Contract, load
from churn_ml.errors import BadInput
from churn_ml.flow import telling, weighing
from churn_ml.flow.panel import rows_at as rows_of_day
from churn_ml.house import House, Progress, open_house
from churn_ml.sources import complete_journey
from churn_ml.timeline import check_split, cut_offs_back

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Result = dict[str, Any]

TASK = "c2-gone30"
YEAR_STARTS = date(2017, 1, 1)
YEAR_ENDS = date(2018, 1, 2)
FIRST_TRAINING_DAY = 90
EVERY_DAYS = 30
TEST_DAYS = (275, 305, 335)
GONE30 = Contract(
    name="gone30", lookback_days=90, horizon_days=30, min_orders=3, activity_unit="order_day"
)
FAMILIES = tuple(family.name for family in models.FAMILIES)


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
    last = test - timedelta(days=contract.gap_days + contract.horizon_days)
    days = cut_offs_back(last, as_of_day(FIRST_TRAINING_DAY), EVERY_DAYS)
    check_split(days, test, contract)
    return days


def measure(task: str = TASK, *, say: Progress) -> Result:
    """Train and test every candidate of a task at its test cut-offs.

    Returns a JSON-able dict: task, rows, churn_rate, models (name; auc, pr_auc, brier, lift10 and
    profit_per_1000 as [value, low, high], customers resampled; ece; auc_per_cutoff and their mean
    auc_mean_per_cutoff), seconds, peak_rss_mb. Raises BadInput for an unknown task.
    """
    if task != TASK:
        raise BadInput("there is no such task", got=task, expected=TASK)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        house = _ingested(Path(folder), say)
        tested = _tested(house, say)
    return _side_by_side(tested, house.config) | {
        "seconds": round(time.perf_counter() - started, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _ingested(folder: Path, say: Progress) -> House:
    """A house with the whole year ingested, under the task's contract."""
    say("laying out and ingesting the Complete Journey, 2017")
    complete_journey.lay_out(folder, until=YEAR_ENDS)
    (folder / "churn.toml").write_text(complete_journey.churn_toml(), encoding="utf-8")
    config = load(folder / "churn.toml").model_copy(update={"contract": GONE30})
    house = open_house(config)
    flow.ingest(house, YEAR_ENDS)
    return house


def _tested(house: House, say: Progress) -> pd.DataFrame:
    """The rows of every test cut-off with V^E (`value_e`), each family's score and value.

    One row per customer_id and cut_off; columns `p_FAMILY`, `value`, `value_e`, `label`.
    """
    import pandas as pd

    with attempt(house, "quality", YEAR_ENDS, ()) as trial:
        now = trial.canonical(YEAR_ENDS)

        @cache
        def rows_at(day: date) -> pd.DataFrame:
            return rows_of_day(trial, now, day)

        parts = []
        for day in TEST_DAYS:
            test = as_of_day(day)
            say(f"test cut-off day {day}: as of {test.isoformat()}")
            past = [rows_at(d) for d in training_days(test, GONE30)]
            parts.append(_scored(pd.concat(past, ignore_index=True), rows_at(test), house.config))
        trial.leave("done")
    return pd.concat(parts, ignore_index=True)


def _scored(past: pd.DataFrame, test: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Every family fitted on `past` and applied to `test`."""
    import numpy as np

    from churn_ml.models.families import family
    from churn_ml.models.protocol import Setting
    from churn_ml.models.value import ValueModel
    from churn_ml.models.value_quality import cross_fitted
    from churn_ml.panel import feature_columns

    recipe, names = weighing.recipe(config), list(feature_columns(past))
    label = past["label"].to_numpy(dtype=np.int64)
    cut_offs = past["cut_off"].to_numpy("datetime64[D]")
    setting = Setting(config.training.seed, config.contract.horizon_days, cut_offs)
    value = ValueModel.fit(past, recipe).predict(test)
    scores = {
        f"p_{name}": family(name).model.fit(past[names], label, setting).predict(test)
        for name in FAMILIES
    }
    return test.assign(value=value, value_e=cross_fitted(past, test, recipe), **scores)


def _side_by_side(tested: pd.DataFrame, config: Config) -> Result:
    """Figures of every family, pooled and per cut-off."""
    import numpy as np

    from churn_ml.economics import Terms
    from churn_ml.gate import evaluation
    from churn_ml.gate.evidence import Evidence
    from churn_ml.gate.policies import PolicyOnRows

    frozen = Evidence.of(tested, tested["value_e"].to_numpy(float), {})
    policies = [
        PolicyOnRows(
            name, tested[f"p_{name}"].to_numpy(), tested["value"].to_numpy(), 0.0, frozen.in_order
        )
        for name in FAMILIES
    ]
    earned = evaluation.evaluate(policies, frozen, Terms.of(config))
    models = [
        telling.figures(policy, frozen) | telling.earned_by(row) | _per_cut_off(tested, policy.p)
        for policy, row in zip(policies, earned, strict=False)
    ]
    churned = float(np.mean(frozen.truth.y))
    return {"task": TASK, "rows": len(tested), "churn_rate": round(churned, 6), "models": models}


def _per_cut_off(tested: pd.DataFrame, p: NDArray[np.float64]) -> Result:
    from churn_ml import metrics

    found = [
        round(float(metrics.auc(part["label"], p[part.index])), 6)
        for _, part in tested.groupby("cut_off")
    ]
    return {"auc_per_cutoff": found, "auc_mean_per_cutoff": round(sum(found) / len(found), 6)}


def table(result: Result) -> str:
    """The result as text, one line a model.

    >>> print(table({"task": "c2-gone30", "rows": 2, "churn_rate": 0.5, "models": [],
    ...              "seconds": 1.0, "peak_rss_mb": 9.0}))
    c2-gone30: 2 rows, churn rate 0.500, 1 s, 9 MB
    """
    from churn_ml.concluded import interval

    def line(model: Result) -> Iterable[str]:
        yield f"{model['name']:<10} AUC mean of cut-offs {model['auc_mean_per_cutoff']:.4f}"
        yield f"pooled {interval(model['auc'])}"
        yield f"PR {interval(model['pr_auc'])}"
        yield f"Brier {interval(model['brier'], 4)}"
        yield f"lift@10% {interval(model['lift10'], 2)}"
        yield f"profit per 1,000 {interval(model['profit_per_1000'], 0)}"

    head = (
        f"{result['task']}: {result['rows']:,} rows, churn rate {result['churn_rate']:.3f}, "
        f"{result['seconds']:.0f} s, {result['peak_rss_mb']:.0f} MB"
    )
    return "\n".join([head, *(", ".join(line(model)) for model in result["models"])])
