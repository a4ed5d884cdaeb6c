"""Saving: the save rates that the outcomes known on a day give, as a step reads and pins them.

Enters: an attempt. Leaves: the rates of the offers that were delivered, ready for JSON, and the
settings with them. Worked example: the coupon of 2017-10-01 went out by e-mail; on 2017-11-01 its
outcomes are learned, and from 2017-11-02 on trainings and scorings count with what the holdout
shows: those of 2017-11-01 may run beside the learning, and must not depend on which comes first.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from churn_ml.attempt import Attempt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from churn_ml.config import Config


def save_rates(trial: Attempt) -> dict[str, Any]:
    """Offer code -> rate, low, high (95 %), prior and arms, of every offer that outcomes tell of.

    Empty where nothing was delivered, or its outcomes are still to come.
    """
    import pandas as pd

    from churn_ml import save_rates as room

    rounds = [trial.frame("outcomes", day) for day in _rounds(trial)]
    if not rounds:
        return {}
    found = room.measured(pd.concat(rounds, ignore_index=True), trial.house.config)
    for code, each in found.items():
        trial.house.say(
            f"  {code} saves {each.rate:.1%} of churners (assumed {each.prior:.1%}), by "
            f"{each.arms.offered:,} offered and {each.arms.held:,} held out"
        )
    return {code: asdict(each) for code, each in found.items()}


def rated(config: Config, told: Mapping[str, Any]) -> Config:
    """The settings with the rates that `save_rates` told."""
    from churn_ml.save_rates import applied

    return applied(config, {code: each["rate"] for code, each in told.items()})


def _rounds(trial: Attempt) -> list[date]:
    """The delivered rounds whose outcomes this attempt may read, under the present contract."""
    days = sorted(date.fromisoformat(day) for day in trial.versions("outcomes"))
    return days if trial.former else [day for day in days if _counts(trial, day)]


def _counts(trial: Attempt, day: date) -> bool:
    """Whether its outcomes were learned on a day before, of this contract, and it was delivered."""
    house = trial.house
    learned, scored = house.publication("learn", day), house.publication("score", day)
    if learned is None or scored is None or scored.pins["contract"] != house.config.contract.stamp:
        return False
    known, reached = learned.pins["watermark"], learned.pins.get("reached", 0)
    return bool(known < trial.as_of.isoformat() and reached > 0)
