"""The shop: what it is called, what its amounts are in, and whether silence is consent.

Enters: the sections [shop] and [consent]. Leaves: `Shop` and `Consent`. Worked example: a shop that
has asked its customers before, and keeps no record of it, says `default = "assumed"`; one that
says nothing contacts only who gave consent.

>>> Shop(name="Corner shop", currency="EUR").currency, Consent().default
('EUR', 'none')
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from churn_ml.config.section import Section


class Shop(Section):
    """The shop: its name and the currency of every amount (ISO 4217)."""

    name: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Consent(Section):
    """What holds for a customer without a row in `consents`: assumed or none."""

    default: Literal["assumed", "none"] = "none"
