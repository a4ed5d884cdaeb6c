"""Who may be asked what: customers x offers, and where an offer is barred, by what first.

Enters: the offers of a contract and what is known of each customer at one as_of, as arrays in one
order of customers. Leaves: a number per customer and offer, 0 where it is open, else the place in
`BARS` of the first thing that bars it. What bars everybody's every offer (suppression, a recent
contact) is decided beside it, and so is whether an offer pays.

The checks, in their order: meant for the customer's segment, stage and tier, and for returners
where it says so (no_offer); a sign of a cause that it answers (no_cause); no complaint open, but
for services (open_complaint); not in arrears where it asks to spend (arrears); consent for its
channel (no_consent); not said within its `cap_days` (recently_offered).

Worked example: as of 2017-10-01 h1 shows slow delivery, h2 nothing.

>>> from churn_ml.config import Offer
>>> about = About.bare(["LOST", "LOST"], causes={"LOGISTICS_SLOW": np.array([True, False])})
>>> offers = (Offer(code="LIVE_TRACKING"), Offer(code="MAIL", label="a mail"))
>>> [[BARS[bar] for bar in row] for row in bars(offers, about)]
[['', ''], ['no_cause', '']]
>>> eligible(offers, about).tolist()
[[True, True], [False, True]]
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from churn_ml.offers.catalogue import ANY

if TYPE_CHECKING:
    from churn_ml.config import Offer

Flags = NDArray[np.bool_]
Strings = NDArray[np.object_]

BARS = (
    "",
    "no_offer",
    "no_cause",
    "open_complaint",
    "arrears",
    "no_consent",
    "recently_offered",
)
"""What may bar an offer, in the order of the checks; the first stands for an open one."""
RETURNERS = ("lost", "returning")
IN_ARREARS = "ARREARS"
SHORT_OF_MONEY = "FINANCIAL_HARDSHIP"


@dataclass(frozen=True)
class About:
    """What is known of the customers of one as_of: one element per customer in every array.

    `segment`: the code of risk x value x stage. `tier`: the membership tier, None where there is
    none. `given`: whether contact is consented; `channels`: the same for a channel that was asked
    about by itself. `complaining`: who waits for a complaint to be closed. `named`: named segment
    -> who is in it. `causes`: cause -> who shows a sign of it. `recent`: code of an offer -> to
    whom it was made within its `cap_days`.
    """

    segment: Strings
    stage: Strings
    tier: Strings
    given: Flags
    complaining: Flags
    named: Mapping[str, Flags] = field(default_factory=dict)
    causes: Mapping[str, Flags] = field(default_factory=dict)
    channels: Mapping[str, Flags] = field(default_factory=dict)
    recent: Mapping[str, Flags] = field(default_factory=dict)

    @classmethod
    def bare(cls, segment: Sequence[str], **known: Mapping[str, Flags]) -> About:
        """Customers of whom little is known: they consent, and nothing speaks against a contact.

        >>> About.bare(["HIGH_RISK_LOW_VALUE_SILENT", "LOST"]).stage.tolist()
        ['silent', 'lost']
        """
        codes = np.array(segment, dtype=object)
        count = len(codes)
        everybody, nobody = np.ones(count, dtype=bool), np.zeros(count, dtype=bool)
        tier = np.full(count, None, dtype=object)
        return cls(codes, stages(codes), tier, everybody, nobody, **known)

    @property
    def in_arrears(self) -> Flags:
        """Who owes, or says or shows that money is short."""
        nobody = np.zeros(len(self.segment), dtype=bool)
        owing = self.named.get(IN_ARREARS, nobody) | self.causes.get(SHORT_OF_MONEY, nobody)
        return np.asarray(owing, dtype=bool)


def bars(offers: Sequence[Offer], about: About) -> NDArray[np.int8]:
    """Customers x offers: 0 where the offer is open, else the place in BARS of what bars it first.

    Customers keep the order they have in `about`.
    """
    table = np.zeros((len(about.segment), len(offers)), dtype=np.int8, order="F")
    arrears = about.in_arrears
    for at, offer in enumerate(offers):
        column = table[:, at]
        for number, held in enumerate(_checks(offer, about, arrears), start=1):
            column[(column == 0) & ~held] = number
    return table


def eligible(offers: Sequence[Offer], about: About) -> Flags:
    """Customers x offers: True where the offer may be made; see `bars`."""
    return np.asarray(bars(offers, about) == 0, dtype=bool)


def barred_by(table: NDArray[np.int8]) -> Strings:
    """Per customer what bars every offer: the check at which the last one fell.

    `table`: as `bars` gives it. "" where one is open; without any offer there is none to make.

    >>> barred_by(np.array([[1, 5], [1, 0], [1, 1]], dtype=np.int8)).tolist()
    ['no_consent', '', 'no_offer']
    >>> barred_by(np.empty((1, 0), dtype=np.int8)).tolist()
    ['no_offer']
    """
    if not table.shape[1]:
        return np.full(len(table), BARS[1], dtype=object)
    last = np.where((table == 0).any(axis=1), 0, table.max(axis=1))
    return np.array(BARS, dtype=object)[last]


def told(offers: Sequence[Offer], table: NDArray[np.int8]) -> Strings:
    """Per customer what bars each barred offer first, as JSON of code -> reason.

    >>> from churn_ml.config import Offer
    >>> offers = (Offer(code="A", label="a"), Offer(code="B", label="b"))
    >>> told(offers, np.array([[2, 0], [0, 0]], dtype=np.int8)).tolist()
    ['{"A": "no_cause"}', '{}']
    """
    patterns, which = _patterns(table)
    codes = [offer.code for offer in offers]
    found = [
        json.dumps({code: BARS[bar] for code, bar in zip(codes, row, strict=True) if bar})
        for row in patterns.tolist()
    ]
    return np.array([*found, "{}"], dtype=object)[which]


def _patterns(table: NDArray[np.int8]) -> tuple[NDArray[np.int8], NDArray[np.intp]]:
    """The rows that occur, and which of them each row is: a number per row, read in base BARS.

    NumPy sorts numbers fifty times as fast as rows.
    """
    number = np.zeros(len(table), dtype=np.int64)
    for column in table.T:
        if number.max(initial=0) > np.iinfo(np.int64).max // len(BARS) - 1:
            number = np.unique(number, return_inverse=True)[1].astype(np.int64)
        number = number * len(BARS) + column
    _, first, which = np.unique(number, return_index=True, return_inverse=True)
    return table[first], which


def stages(segment: Strings) -> Strings:
    """The stage that each code of risk x value x stage ends with.

    >>> stages(np.array(["HIGH_RISK_LOW_VALUE_ACTIVE", "NEW"], dtype=object)).tolist()
    ['active', 'new']
    """
    codes, place = np.unique(segment.astype(str), return_inverse=True)
    found = [code.rpartition("_")[2].lower() for code in codes]
    return np.array([*found, ""], dtype=object)[place]


def in_segments(wanted: Sequence[str], about: About) -> Flags:
    """Who is in one of the segments, by code, by name or as a family (`TIER_*`).

    >>> about = About.bare(["LOST"], named={"TIER_GOLD": np.array([True])})
    >>> in_segments(["TIER_*"], about).tolist(), in_segments(["NEW"], about).tolist()
    ([True], [False])
    """
    found = np.isin(about.segment, [name for name in wanted if name not in about.named])
    families = tuple(name.removesuffix(ANY) for name in wanted if name.endswith(ANY))
    for name, held in about.named.items():
        if name in wanted or (families and name.startswith(families)):
            found = found | held
    return np.asarray(found, dtype=bool)


def _checks(offer: Offer, about: About, arrears: Flags) -> tuple[Flags, ...]:
    """What must hold for an offer, in the order of BARS."""
    everybody = np.ones(len(about.segment), dtype=bool)
    calm = everybody if offer.kind == "service" else ~about.complaining
    said = about.recent.get(offer.code)
    return (
        _meant(offer, about, everybody),
        _answers(offer, about, everybody),
        calm,
        ~arrears if offer.pressure else everybody,
        about.channels.get(offer.channel, about.given) if offer.needs_consent else everybody,
        everybody if said is None else ~said,
    )


def _meant(offer: Offer, about: About, everybody: Flags) -> Flags:
    held = everybody
    if offer.segments:
        held = held & in_segments(offer.segments, about)
    if offer.stages:
        held = held & np.isin(about.stage, offer.stages)
    if offer.tiers:
        held = held & np.isin(about.tier, offer.tiers)
    if offer.returners_only:
        held = held & np.isin(about.stage, RETURNERS)
    return np.asarray(held, dtype=bool)


def _answers(offer: Offer, about: About, everybody: Flags) -> Flags:
    if not offer.causes:
        return everybody
    shown = np.zeros(len(everybody), dtype=bool)
    for cause, held in about.causes.items():
        if ANY in offer.causes or cause in offer.causes:
            shown = shown | held
    return shown
