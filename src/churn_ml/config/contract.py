"""The churn contract: the definition of churn that every label, model and score carries.

Enters: the sections [contract] and [contracts.NAME]. Leaves: `Contract`, with the stamp that tells
two definitions apart. A shop may work under several at once; their models never mix.
Worked example: under `gone90` a customer who ordered on 2017-09-26 is eligible as of 2017-10-01,
and has churned if no order follows before 2017-12-30.

>>> one, other = Contract(name="gone90"), Contract(name="gone90", horizon_days=60)
>>> one.horizon_days, one.stamp == other.stamp
(90, False)
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from churn_ml.config.section import Days, Section, Share, content_hash

_LATER = ("loyal_share", "population", "lost_within_days")
"""Keys that contracts of before did not have."""


class Contract(Section):
    """The churn contract: who is eligible, which event retains, and over which days.

    Eligible at as_of: at least `min_orders` events (or days with one) in the last `lookback_days`.
    Churned: no event in [as_of + gap_days, as_of + gap_days + horizon_days). The label is final
    `settle_days` later. `new_days`, `silent_gap_ratio` and `loyal_share` cut the lifecycle stages.

    `event` is what retains: an order; an order or a login (`web_events`); or a renewal, where
    eligible is whose subscription is due in the window and neither cancelled nor renewed yet. `of`
    restricts the contract to the customers whose attribute valid at as_of is one of the words:
    `of = { tier = ["gold"] }`.

    `population` is whom it is about: the `active` (as above), of these the `one_time` buyers or the
    `repeat` ones; or the `lost`, with `min_orders` ever and no event in the last `lookback_days`
    (the last one at most `lost_within_days` ago, where that is set). A model of the lost scores who
    stays away: 1 - score is the chance that a customer returns by itself.
    """

    name: str = "gone90"
    event: Literal["order", "order_or_login", "renewal"] = "order"
    of: dict[Literal["country", "language", "market", "channel", "tier"], tuple[str, ...]] = Field(
        default_factory=dict
    )
    population: Literal["active", "repeat", "one_time", "lost"] = "active"
    lost_within_days: Annotated[int, Field(gt=0)] | None = None
    lookback_days: Annotated[int, Field(gt=0)] = 180
    gap_days: Days = 0
    horizon_days: Annotated[int, Field(gt=0)] = 90
    settle_days: Days = 0
    min_orders: Annotated[int, Field(ge=1)] = 1
    activity_unit: Literal["order", "order_day"] = "order"
    new_days: Days = 30
    silent_gap_ratio: Annotated[float, Field(gt=0)] = 1.5
    loyal_share: Share = 0.2

    @model_validator(mode="after")
    def _consistent(self) -> Contract:
        if self.event == "renewal" and self.population != "active":
            raise ValueError('event = "renewal" has no population: it is about who is due')
        if self.lost_within_days is not None and (
            self.population != "lost" or self.lost_within_days <= self.lookback_days
        ):
            raise ValueError(
                'lost_within_days is for population = "lost", and longer than lookback_days'
            )
        return self

    @property
    def stamp(self) -> str:
        """Name and content hash: what labels, models, scores and exports carry.

        A key that came later is no part of it while left at its default: an unchanged churn.toml
        keeps its champion and the models that were trained under it.

        >>> Contract(name="gone90").stamp
        'gone90-...'
        """
        fields = type(self).model_fields
        unsaid = {key for key in _LATER if getattr(self, key) == fields[key].default}
        return f"{self.name}-{content_hash(self.model_dump(exclude=unsaid))[:8]}"
