"""The shop: what it is called, its currency, where its days begin, and whether silence is consent.

Enters: the sections [shop] and [consent]. Leaves: `Shop` and `Consent`. Worked example: a shop that
has asked its customers before, and keeps no record of it, says `default = "assumed"`; one that
says nothing contacts only who gave consent.

>>> Shop(name="Corner shop", currency="EUR").time_zone, Consent().default
('UTC', 'none')
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from churn_ml.config.section import Section, Zone


class Shop(Section):
    """The shop: its name, the currency of every amount (ISO 4217) and the zone of its days (IANA).

    Another currency is converted when it comes in; `as_of` stands for 00:00 in `time_zone`.
    """

    name: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    time_zone: Zone = "UTC"


class Consent(Section):
    """What holds for a customer without a row in `consents`: assumed or none."""

    default: Literal["assumed", "none"] = "none"
