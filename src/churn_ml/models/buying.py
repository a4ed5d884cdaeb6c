"""BG/NBD and Pareto/NBD as churn models: the chance of silence over the contract's horizon.

The process (btyd.py) is fitted to the histories of the latest training cut-off, one per customer;
its chance of no purchase within horizon_days is the number, and the labels say how far to believe
it: a contract's customers are chosen (three orders lately), and a process fitted on them is off in
level though not in rank.

A history is read from three features: the time observed is tenure_days, the last purchase came
tenure_days - recency_days after the first, and repeat purchases are order_days_ever less the first.
Worked example, as of 2017-10-01: first order 100 days ago, last 10 days ago, four order days: three
repeat purchases, the last of them 90 days after the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from churn_ml.models.btyd import BgNbd, ParetoNbd, Process, fitted
from churn_ml.models.histories import Histories, histories
from churn_ml.models.one_number import OneNumber
from churn_ml.models.protocol import Labels, Matrix, Setting, Vector, significant

EDGE = 1e-9
"""Chances are kept so far from 0 and 1: their logit stays finite."""


class _Buying(OneNumber):
    """What both processes share."""

    process: ClassVar[Callable[..., Any]]
    features: ClassVar[tuple[str, ...]] = ("recency_days", "tenure_days", "order_days_ever")

    @classmethod
    def learn(
        cls,
        values: Matrix,
        label: Labels,  # noqa: ARG003
        setting: Setting,
    ) -> Mapping[str, Any]:
        """The parameters of the process, in days, and the horizon it is asked about."""
        latest = np.broadcast_to(setting.cut_off == setting.cut_off.max(), len(values))
        seen = histories(values[latest])
        times = setting.weights(len(values))[latest]
        found = vars(fitted(cls.process, Histories.of(seen.x, seen.t_x, seen.T, times)))
        told = significant(np.array([*found.values()]), digits=6)
        return dict(zip(found, told, strict=True)) | {"horizon_days": setting.horizon_days}

    @classmethod
    def number(cls, values: Matrix, learned: Mapping[str, Any]) -> Vector:
        """The logit of the chance of no purchase within the horizon."""
        told = dict(learned)
        horizon = float(told.pop("horizon_days"))
        process: Process = cls.process(**told)
        p = np.clip(process.silent(histories(values), horizon), EDGE, 1 - EDGE)
        logit: Vector = np.log(p / (1 - p))
        return logit


class BgNbdModel(_Buying):
    """BG/NBD (Fader, Hardie & Lee 2005)."""

    family: ClassVar[str] = "bgnbd"
    process: ClassVar[Callable[..., Any]] = BgNbd


class ParetoNbdModel(_Buying):
    """Pareto/NBD (Schmittlein, Morrison & Colombo 1987)."""

    family: ClassVar[str] = "pareto"
    process: ClassVar[Callable[..., Any]] = ParetoNbd
