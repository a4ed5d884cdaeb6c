"""The models: which are trained and on what, and what it takes to replace the champion.

Enters: the sections [training] and [gate]. Leaves: `Training` and `Gate`. Worked example: thirteen
verdicts a year share an alpha of .05, so each of them may spend .0038.

>>> Training().candidates, round(Gate().alpha_per_look, 4)
(('logistic', 'xgboost'), 0.0038)
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from churn_ml.config.section import Amount, Section, Share


class Features(Section):
    """What the indicators look at. Windows are proposals of the house, not findings.

    `windows` gives an indicator of docs/indicators.md other days than its own, by its name:
    `windows = { frequency = [7, 28] }`; what the value model reads is computed beside them. Every
    complaint topic becomes a feature of its own, and complaints of any other topic, or of none, are
    counted together as `other`. No model learns from the indicators named under `not_for_training`,
    and one that has learned from them scores no more: `not_for_training = ["arrears"]`.
    """

    windows: dict[str, tuple[Annotated[int, Field(gt=0, le=3660)], ...]] = Field(
        default_factory=dict
    )
    complaint_topics: tuple[str, ...] = ("delivery", "quality", "price", "service", "payment")
    not_for_training: tuple[str, ...] = ()


class Training(Section):
    """How training cut-offs are laid, which candidates run, and with which seed.

    The default is logistic and xgboost alone: the ensemble and the other families are fitted where
    `candidates` names them. What each reaches and takes says docs/quality.md.
    """

    every_days: Annotated[int, Field(gt=0)] = 30
    candidates: tuple[str, ...] = ("logistic", "xgboost")
    """What is fitted beside the inactivity rule, which always is: logistic, xgboost, forest, bgnbd,
    pareto, ensemble, or another simple rule: threshold, cadence, rfm (docs/quality.md)."""
    seed: int = 17
    min_rows: Annotated[int, Field(ge=1)] = 200
    min_churners: Annotated[int, Field(ge=1)] = 30


class Gate(Section):
    """The promotion test: yearly alpha, planned looks, margin and guards.

    Every key of this section is one of the settings that a training is done under: after a change
    a training of before is not judged, until it is done again (`churn-ml train --repin`).
    """

    alpha_year: Share = 0.05
    looks_per_year: Annotated[int, Field(ge=1)] = 13
    margin_share_of_oracle: Share = 0.0025
    switching_cost_per_1000: Amount = 0.0
    min_disagreements: Annotated[int, Field(ge=0)] = 100
    min_disagreeing_churners: Annotated[int, Field(ge=0)] = 30
    resamples: Annotated[int, Field(ge=100)] = 6000
    prediction_lane_loss_share: Share | None = None
    """Where profit cannot be resolved, better predictions may promote if the loss surely stays
    below this share of the oracle's profit; absent: never."""

    refresh_after_days: Annotated[int, Field(gt=0)] = 180
    """A champion trained so long before the challenger may be renewed by its own recipe, if that
    surely earns no less than the margin below the last winner."""
    refreshes_per_year: Annotated[int, Field(ge=0)] = 2
    """How often a year, at most; 0: never."""
    evaluation_cut_offs: Annotated[int, Field(ge=1, le=24)] = 1
    """On how many cut-offs, a label window apart, champion and challenger are compared, where
    history leaves that many; from 4 on the verdict knows how much seasons differ. Each makes what a
    model learns from a window older."""

    @property
    def alpha_per_look(self) -> float:
        """The alpha one verdict spends: alpha_year / looks_per_year (.0038 by default)."""
        return self.alpha_year / self.looks_per_year

    def pays_for_a_look(self, spent: float) -> bool:
        """Whether the year's alpha, less what was spent, covers one more verdict.

        >>> Gate().pays_for_a_look(12 * Gate().alpha_per_look), Gate().pays_for_a_look(0.05)
        (True, False)
        """
        hair = 1e-9  # thirteen thirteenths must fit into one
        return spent + self.alpha_per_look <= self.alpha_year + hair
