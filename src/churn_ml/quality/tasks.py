"""The tasks: which data, who is eligible, what counts as churned, and the days it is tested on.

Leaves: `TASKS`, one record each. Purchases of public data are known by day, so a task counts in
days: its cut-off day c is the last day known, and the as_of is 00:00 of day c + 1. Worked example:
day 1 of the Complete Journey is 2017-01-01, so the cut-off day 275 is the as_of 2017-10-03; the
models for it learn on 2017-09-03 and every 15 days back to 2017-04-06, day 90 being 2017-04-01.

Two tasks ask for what a churn contract cannot say. `drop` calls churned who spends far less, by
columns of the panel (labels.py stays the one room that looks past as_of). `taught_days` learns with
a shorter horizon than it is tested with, where no label window of the longer one has ended yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from churn_ml.config import Contract
from churn_ml.errors import BadInput
from churn_ml.timeline import check_split, cut_offs_back

EVER_DAYS = 36_500
"""A lookback in which everybody is found who ever ordered."""


@dataclass(frozen=True)
class Drop:
    """Churned is who spends less than `share` of what was usual, both a day.

    `before`: the feature that holds the spend of the last `before_days` days.
    """

    share: float
    before: str
    before_days: int


@dataclass(frozen=True)
class Task:
    """One prediction task on public data; days are counted from `day_one`, which is day 1."""

    name: str
    meaning: str
    shop: str
    """Which of shops.py brings the data."""
    day_one: date
    contract: Contract
    test_days: tuple[int, ...]
    first_training_day: int
    every_days: int
    told_of: Literal["churning", "buying"] = "churning"
    """The class that PR-AUC and lift are about."""
    drop: Drop | None = None
    taught_days: int | None = None
    """Horizon of the training labels, where it is not the contract's."""

    def as_of(self, day: int) -> date:
        """The as_of of a cut-off day: 00:00 after it.

        >>> task("c2-gone30").as_of(275)
        datetime.date(2017, 10, 3)
        """
        return self.day_one + timedelta(days=day)

    @property
    def taught(self) -> Contract:
        """The contract whose labels teach."""
        if self.taught_days is None:
            return self.contract
        return self.contract.model_copy(update={"horizon_days": self.taught_days})

    def training(self, test: date) -> tuple[date, ...]:
        """The training cut-offs of one test cut-off, oldest first.

        Raises BadInput where no label window ends by then, Leak where one ends later.

        >>> [day.isoformat() for day in task("c2-gone30").training(date(2017, 10, 3))][-2:]
        ['2017-08-19', '2017-09-03']
        """
        window = self.taught.gap_days + self.taught.horizon_days
        last = test - timedelta(days=window)
        days = cut_offs_back(last, self.as_of(self.first_training_day), self.every_days)
        if not days:
            raise BadInput(
                f"{self.name} has nothing to learn from before this test cut-off",
                got=f"day {(test - self.day_one).days}",
                expected=f"day {self.first_training_day + window} or later",
                next_step="give later days as --cutoffs",
            )
        check_split(days, test, self.taught)
        return days

    def choosing(self, test: date) -> tuple[tuple[date, ...], date] | None:
        """The cut-offs on which candidates are fitted to be chosen among, and the choosing one.

        All their label windows end by `test`, and those of the former by the latter; None where
        history is too short. Where none of the task's own training cut-offs is that early, the
        candidates are fitted on the latest possible.

        >>> past, choose = task("c1-13").choosing(date(1997, 10, 1))
        >>> choose.isoformat(), [day.isoformat() for day in past]
        ('1997-07-02', ['1997-04-02'])
        """
        choose = self.training(test)[-1]
        last = choose - timedelta(days=self.taught.gap_days + self.taught.horizon_days)
        past = cut_offs_back(last, self.as_of(self.first_training_day), self.every_days) or (last,)
        return (past, choose) if past[0] > self.day_one else None


_GONE30 = Contract(
    name="gone30", lookback_days=90, horizon_days=30, min_orders=3, activity_unit="order_day"
)
_CDNOW = Contract(name="silent91", lookback_days=EVER_DAYS, horizon_days=91)

TASKS: tuple[Task, ...] = (
    Task(
        name="c1-13",
        meaning="CDNOW: everybody, no purchase in 13 weeks",
        shop="cdnow",
        day_one=date(1997, 1, 1),
        contract=_CDNOW,
        test_days=(273,),
        first_training_day=98,
        every_days=21,
        told_of="buying",
    ),
    Task(
        name="c1-39",
        meaning="CDNOW: everybody, no purchase in 39 weeks, learned from 13",
        shop="cdnow",
        day_one=date(1997, 1, 1),
        contract=_CDNOW.model_copy(update={"name": "silent273", "horizon_days": 273}),
        test_days=(273,),
        first_training_day=98,
        every_days=21,
        told_of="buying",
        taught_days=91,
    ),
    Task(
        name="c2-gone30",
        meaning="Complete Journey: 3 purchase days in 90, no purchase in 30 days",
        shop="complete_journey",
        day_one=date(2017, 1, 1),
        contract=_GONE30,
        test_days=(275, 305, 335),
        first_training_day=90,
        every_days=15,  # docs/quality.md: better than 30 on earlier cut-offs
    ),
    Task(
        name="c2-drop45",
        meaning="Complete Journey: 3 purchase days in 90, spend a day halved in 45 days",
        shop="complete_journey",
        day_one=date(2017, 1, 1),
        contract=_GONE30.model_copy(update={"name": "drop45", "horizon_days": 45}),
        test_days=(275, 320),
        first_training_day=90,
        every_days=30,
        drop=Drop(share=0.5, before="spend_90d", before_days=90),
    ),
    Task(
        name="c3",
        meaning="Online Retail II: an order in 180 days, none in 90 days",
        shop="online_retail",
        day_one=date(2009, 12, 1),
        contract=Contract(name="gone90", lookback_days=180, horizon_days=90),
        test_days=(406, 466),
        first_training_day=180,
        every_days=30,
    ),
)


def task(name: str, days: Sequence[int] = ()) -> Task:
    """The task called `name`, tested on `days` where any are given; raises BadInput otherwise.

    >>> task("c3").test_days, task("c3", [466]).test_days
    ((406, 466), (466,))
    >>> task("c9")
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: there is no task 'c9' | got: c9 | expected: c1-13, c1-39, c2-gone30...
    """
    from dataclasses import replace

    for each in TASKS:
        if each.name == name:
            return replace(each, test_days=tuple(sorted(set(days)))) if days else each
    raise BadInput(
        f"there is no task {name!r}", got=name, expected=", ".join(each.name for each in TASKS)
    )
