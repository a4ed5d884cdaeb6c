"""The money: what a customer and a contact are worth, what is offered, and to how many.

Enters: the sections [economics], [catalogue], [[offers]], [policy], [holdout] and [segments].
Leaves: a class for each. Worked example: a coupon of 5.00 that costs 1.00 to send, of which a round
may send 300, and which a tenth of the customers never gets, so that what it earns can be measured.

>>> coupon = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
>>> coupon.redeem_share, Policy(capacity_customers=300).budget_amount, Holdout().share
(1.0, None, 0.1)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from churn_ml.config.section import Amount, Days, Section, Share
from churn_ml.offers import CATALOGUE, CHOSEN, Row, by_code


class Economics(Section):
    """The parameters of retention profit (see economics.py for the formulas)."""

    value_horizon_days: Annotated[int, Field(gt=0)] = 365
    margin_rate: Share = 0.3
    save_rate_a: Annotated[float, Field(gt=0)] = 6.0
    save_rate_b: Annotated[float, Field(gt=0)] = 14.0
    saved_value_share: Share = 0.5
    stayer_harm_share: Share = 0.01

    @property
    def save_rate_mean(self) -> float:
        """Mean of the Beta prior of the save rate, a / (a + b)."""
        return self.save_rate_a / (self.save_rate_a + self.save_rate_b)


class Offer(Section):
    """One thing that can be done for a customer, with what it costs (shop currency).

    Under a code of the catalogue (docs/offers.md), what is not said is what stands there.
    """

    code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
    label: str
    channel: str = "email"
    cost_amount: Amount = 0.0
    """d: cost when redeemed, the fixed part."""
    cost_revenue_share: Share = 0.0
    """d: plus this share of the customer's expected revenue over value_horizon_days."""
    contact_amount: Amount = 0.0
    """k: cost of the contact, always paid."""
    redeem_share: Share = 1.0
    """q: share of stayers who redeem."""
    save_rate: Share | None = None
    """gamma: share of churners saved; the prior's mean where absent."""
    needs_consent: bool = True
    segments: tuple[str, ...] = ()
    """Segments it is meant for, by code or name (docs/segments.md); empty means all."""
    stages: tuple[str, ...] = ()
    """Stages it is meant for; empty means all."""
    tiers: tuple[str, ...] = ()
    """Membership tiers it is meant for; empty means all."""
    causes: tuple[str, ...] = ()
    """Causes it answers, of which the customer shows one; empty means whatever the cause."""
    kind: Literal["offer", "message", "service", "product", "programme"] = "offer"
    """While a complaint is open nothing is made but services."""
    pressure: bool = False
    """Asks to spend: kept from customers in arrears."""
    returners_only: bool = False
    """For the lost and the returning alone."""
    cap_days: Days | None = None
    """Days in which the same is not said twice, beyond [policy] contact_window_days."""
    contracts: tuple[str, ...] = ()
    """Names of the churn contracts it is meant for; empty means all."""

    @model_validator(mode="before")
    @classmethod
    def _as_in_the_catalogue(cls, told: Any) -> Any:
        """What is said, and under a code of the catalogue the rest from there."""
        row = by_code(str(told.get("code"))) if isinstance(told, Mapping) else None
        return told if row is None else {**row.terms, **told}


class Catalogue(Section):
    """Which rows of the catalogue of offers (docs/offers.md) are switched on.

    `defaults` switches on those that are chosen there; `on` names further ones. A price for one
    customer alone is refused unless `personal_prices` says otherwise.
    """

    defaults: bool = False
    on: tuple[str, ...] = ()
    personal_prices: bool = False

    @model_validator(mode="after")
    def _rows_for_a_customer(self) -> Catalogue:
        open_to_all = [row.code for row in CATALOGUE if row.by != "O" and row.refused is None]
        for code in self.on:
            row = by_code(code)
            if row is None:
                raise ValueError(f"there is no {code!r}; expected {', '.join(open_to_all)}")
            why = None if self.personal_prices and code == PERSONAL_PRICE else _refused(row)
            if why is not None:
                raise ValueError(f"{code} cannot be switched on: {why}")
        return self

    @property
    def codes(self) -> tuple[str, ...]:
        """What is switched on, in the catalogue's order.

        >>> Catalogue(on=("SMS", "FLASH_SALE")).codes
        ('FLASH_SALE', 'SMS')
        """
        asked = {*self.on, *(CHOSEN if self.defaults else ())}
        return tuple(row.code for row in CATALOGUE if row.code in asked)


PERSONAL_PRICE = "PERSONAL_PRICE"


def _refused(row: Row) -> str | None:
    """Why a row may not be made to a customer."""
    if row.refused is not None:
        return row.refused
    return "it is for a market or the whole shop, not for a customer" if row.by == "O" else None


class Policy(Section):
    """Limits of one round of contacts."""

    capacity_customers: Annotated[int, Field(ge=0)] | None = None
    budget_amount: Amount | None = None
    contact_window_days: Days = 28


class Holdout(Section):
    """The universal holdout: its share, its salt and the variable that holds the key."""

    share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    salt: str = "1"
    key_env: str = "CHURN_ML_HOLDOUT_KEY"


class Experiment(Section):
    """A draw of its own: of those chosen for its offers a share is left alone, to measure these.

    The universal holdout stays what it is; only whom it leaves open is drawn. From `start_on` to
    `end_on`, the last exclusive.
    """

    offers: Annotated[tuple[str, ...], Field(min_length=1)]
    control_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    salt: str = "1"
    start_on: date | None = None
    end_on: date | None = None

    def runs(self, as_of: date) -> bool:
        """Whether customers are drawn at `as_of`.

        >>> one = Experiment(offers=("COUPON",), start_on=date(2017, 10, 1))
        >>> one.runs(date(2017, 10, 1)), one.runs(date(2017, 9, 30))
        (True, False)
        """
        began = self.start_on is None or self.start_on <= as_of
        return began and (self.end_on is None or as_of < self.end_on)


class Segments(Section):
    """Band edges: risk by score, value by rank among the scored customers, both from the top.

    "high" are the `high_value_share` most valuable, at least "medium" the `medium_value_share`.
    `high_risk_score = "profit"` is the score from which contacting a customer of median value pays.
    """

    high_risk_score: Share | Literal["profit"] = 0.5
    medium_risk_score: Share = 0.2
    high_value_share: Share = 0.2
    medium_value_share: Share = 0.5
    declining_ratio: Share = 0.7
    """Of high value and declining: order days below this share of those before."""
    renewal_days: Days = 30
    """A renewal is due where a subscription ends within so many days."""
    clusters: Annotated[int, Field(ge=0)] | Literal["auto"] = 4
    """Clusters of like risk: how many, 0 for none, or the best number from 2 to 8."""
