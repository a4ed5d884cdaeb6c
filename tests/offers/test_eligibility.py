"""Who may be asked what, with customers made by hand; and laws over drawn ones."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.actions import actions
from churn_ml.config import Config, Offer, Policy, Shop
from churn_ml.config.money import Catalogue
from churn_ml.offers import CATALOGUE, CHOSEN
from churn_ml.offers.eligibility import BARS, barred_by, bars, eligible, told
from churn_ml.offers.known import Known

OPEN = Offer(code="OPEN", label="for everybody", needs_consent=False)


def one(offered: Offer, **known: Any) -> str:
    """What bars an offer for one customer; "" where it is open."""
    segment = known.pop("segment", "HIGH_RISK_HIGH_VALUE_SILENT")
    given = known.pop("given", True)
    refused = known.pop("refused", ())
    about = Known(**known).about(pd.Series(["h1"]), [segment], np.array([given]), refused)
    return BARS[int(bars((offered,), about)[0, 0])]


def rows(column: str, *words: str) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": ["h1"] * len(words), column: list(words)})


def offer(**terms: Any) -> Offer:
    return OPEN.model_copy(update=terms)


CAUSE = rows("cause", "PRICE_HIGH")
OWING = rows("segment", "ARREARS")
TEXTS = pd.DataFrame({"customer_id": ["h1"], "channel": ["sms"], "given": [True]})
NO_TEXTS = TEXTS.assign(given=False)
CASES: list[tuple[Offer, dict[str, Any], str]] = [
    (offer(), {}, ""),
    (offer(segments=("LOST",)), {}, "no_offer"),
    (offer(segments=("LOST",)), {"segment": "LOST"}, ""),
    (offer(segments=("TIER_*", "LOST")), {"named": rows("segment", "TIER_GOLD")}, ""),
    (offer(segments=("HIGH_VALUE",)), {"named": rows("segment", "HIGH_RISK")}, "no_offer"),
    (offer(stages=("silent",)), {}, ""),
    (offer(stages=("lost",)), {}, "no_offer"),
    (offer(tiers=("gold",)), {"tiers": pd.Series({"h1": "gold"})}, ""),
    (offer(tiers=("gold",)), {"tiers": pd.Series({"h2": "gold"})}, "no_offer"),
    (offer(tiers=("gold",)), {}, "no_offer"),
    (offer(returners_only=True), {}, "no_offer"),
    (offer(returners_only=True), {"segment": "LOW_RISK_LOW_VALUE_RETURNING"}, ""),
    (offer(returners_only=True), {"segment": "HIGH_RISK_LOW_VALUE_LOST"}, ""),
    (offer(causes=("PRICE_HIGH",)), {}, "no_cause"),
    (offer(causes=("PRICE_HIGH",)), {"causes": CAUSE}, ""),
    (offer(causes=("UX",)), {"causes": CAUSE}, "no_cause"),
    (offer(causes=("*",)), {"causes": CAUSE}, ""),
    (offer(causes=("*",)), {}, "no_cause"),
    (offer(), {"complaining": {"h1"}}, "open_complaint"),
    (offer(kind="service"), {"complaining": {"h1"}}, ""),
    (offer(), {"named": OWING}, ""),
    (offer(pressure=True), {"named": OWING}, "arrears"),
    (offer(pressure=True), {"causes": rows("cause", "FINANCIAL_HARDSHIP")}, "arrears"),
    (offer(pressure=True), {}, ""),
    (offer(needs_consent=True), {"given": False}, "no_consent"),
    (offer(needs_consent=True, channel="sms"), {"channels": NO_TEXTS}, "no_consent"),
    (offer(needs_consent=True, channel="email"), {"channels": NO_TEXTS}, ""),
    (offer(needs_consent=True, channel="sms"), {"channels": TEXTS, "given": False}, ""),
    (
        offer(needs_consent=True, channel="sms"),
        {"channels": TEXTS, "given": False, "refused": ["h1"]},
        "no_consent",
    ),
    (offer(), {"recent": {"OPEN": {"h1"}}}, "recently_offered"),
    (offer(), {"recent": {"OTHER": {"h1"}, "OPEN": {"h2"}}}, ""),
]


@pytest.mark.parametrize(("made", "known", "why"), CASES)
def test_an_offer_is_barred_by_the_first_check_that_fails(
    made: Offer, known: dict[str, Any], why: str
) -> None:
    assert one(made, **known) == why


def test_of_several_offers_the_customer_is_told_how_far_the_last_one_came() -> None:
    offers = (offer(segments=("LOST",)), offer(code="B", needs_consent=True))
    about = Known().about(pd.Series(["h1"]), ["NEW"], np.array([False]), ())
    assert barred_by(bars(offers, about)).tolist() == ["no_consent"]


def test_many_offers_are_told_as_barred_one_by_one() -> None:
    table = np.random.default_rng(7).integers(0, len(BARS), (200, 40)).astype(np.int8)
    offers = [offer(code=f"O{at}") for at in range(40)]
    for row, text in zip(table, told(offers, table), strict=True):
        assert json.loads(text) == {f"O{at}": BARS[bar] for at, bar in enumerate(row) if bar}


CUSTOMERS = ("h1", "h2", "h3")
some = st.frozensets(st.sampled_from(CUSTOMERS))
OFFERS = tuple(Offer.model_validate({"code": code}) for code in CHOSEN)


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Known, list[str], list[bool]]:
    def members(column: str, words: list[str]) -> pd.DataFrame:
        pairs = st.tuples(st.sampled_from(CUSTOMERS), st.sampled_from(words))
        return pd.DataFrame(sorted(draw(st.frozensets(pairs))), columns=["customer_id", column])

    said = draw(st.dictionaries(st.sampled_from(CUSTOMERS), st.booleans()))
    known = Known(
        causes=members("cause", ["PRICE_HIGH", "LOGISTICS_SLOW", "FINANCIAL_HARDSHIP"]),
        named=members("segment", ["ARREARS", "HIGH_VALUE", "HIGH_RISK", "TIER_GOLD"]),
        channels=pd.DataFrame(
            {"customer_id": list(said), "channel": "email", "given": list(said.values())}
        ),
        complaining=draw(some),
        recent={code: draw(some) for code in ("TARGETED_COUPON", "LIVE_TRACKING")},
    )
    codes = [draw(st.sampled_from(["LOST", "HIGH_RISK_LOW_VALUE_SILENT"])) for _ in CUSTOMERS]
    return known, codes, [draw(st.booleans()) for _ in CUSTOMERS]


@settings(max_examples=15, deadline=None)
@given(drawn(), st.permutations(range(3)))
def test_the_order_of_customers_changes_nothing(
    case: tuple[Known, list[str], list[bool]], order: list[int]
) -> None:
    known, codes, given_ = case

    def table(at: list[int]) -> Any:
        ids = pd.Series([CUSTOMERS[i] for i in at])
        given = np.array([given_[i] for i in at])
        refused = [c for c, yes in zip(CUSTOMERS, given_, strict=True) if not yes]
        return bars(OFFERS, known.about(ids, [codes[i] for i in at], given, refused))

    assert (table([0, 1, 2])[order] == table(order)).all()


@settings(max_examples=15, deadline=None)
@given(drawn())
def test_nothing_is_open_without_consent_nor_pressed_on_who_owes_nor_during_a_complaint(
    case: tuple[Known, list[str], list[bool]],
) -> None:
    known, codes, given_ = case
    about = known.about(pd.Series(CUSTOMERS), codes, np.array(given_), ())
    open_ = eligible(OFFERS, about)
    for at, made in enumerate(OFFERS):
        may = about.channels.get(made.channel, about.given)
        assert not (open_[:, at] & ~may).any() or not made.needs_consent
        assert not (open_[:, at] & about.in_arrears).any() or not made.pressure
        assert not (open_[:, at] & about.complaining).any() or made.kind == "service"


@settings(max_examples=8, deadline=None)
@given(drawn(), st.permutations(range(3)), st.sampled_from([None, 0, 1]))
def test_no_action_is_one_that_eligibility_forbids_or_the_holdout_withholds(
    case: tuple[Known, list[str], list[bool]], order: list[int], capacity: int | None
) -> None:
    known, codes, given_ = case
    config = Config(
        shop=Shop(name="s", currency="EUR"),
        catalogue=Catalogue(defaults=True),
        policy=Policy(capacity_customers=capacity),
    )
    said = pd.Series(given_, index=list(CUSTOMERS))
    rows = pd.DataFrame({"customer_id": CUSTOMERS, "segment": codes, "as_of": "2017-10-01"})
    rows = rows.assign(score=0.6, value=300.0, arm=["open", "open", "holdout"])
    one_way, other = (
        actions(part, rows, said, (), config, 0.0, key=b"k", known=known).set_index("customer_id")
        for part in (rows, rows.iloc[order])
    )
    pd.testing.assert_frame_equal(one_way, other)
    refused = [name for name, yes in said.items() if not yes]
    about = known.about(pd.Series(CUSTOMERS), codes, said.to_numpy(), refused)
    open_ = pd.DataFrame(
        eligible(config.offers, about), CUSTOMERS, [made.code for made in config.offers]
    )
    for customer, made in one_way["would_be_offer"].items():
        assert made == "NONE" or open_.loc[customer, made]
    assert one_way.loc["h3", "offer"] == "NONE"
    assert capacity is None or (one_way["would_be_offer"] != "NONE").sum() <= capacity


def test_a_million_customers_and_twenty_offers_take_seconds() -> None:
    # a fiftieth of the size, a fiftieth of the five seconds that are allowed
    count = 20_000
    random = np.random.default_rng(7)
    ids = pd.Series([f"c{i:07}" for i in range(count)])
    words = np.array([cause for row in CATALOGUE for cause in row.causes if cause != "*"])
    known = Known(
        causes=pd.DataFrame({"customer_id": ids, "cause": random.choice(words, count)}),
        named=pd.DataFrame({"customer_id": ids, "segment": "HIGH_VALUE"}),
    )
    began = time.process_time()
    about = known.about(ids, ["HIGH_RISK_HIGH_VALUE_SILENT"] * count, np.ones(count, bool), ())
    open_ = eligible(OFFERS[:20], about)
    assert time.process_time() - began < 5 / 50 + 0.2
    assert 0 < open_.mean() < 1
