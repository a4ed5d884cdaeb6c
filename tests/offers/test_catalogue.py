"""The catalogue of offers: whole, priced, and taken over by a churn.toml as it says."""

from __future__ import annotations

import pytest

from churn_ml.actions import check_offers
from churn_ml.causes import CAUSES
from churn_ml.config import Config, Offer, from_text
from churn_ml.errors import BadConfig
from churn_ml.offers import CATALOGUE, CHOSEN, by_code

FOR_CUSTOMERS = [row for row in CATALOGUE if row.by != "O" and row.refused is None]
SHOP = 'shop = { name = "Corner shop", currency = "EUR" }\n'


def told(text: str) -> Config:
    return from_text(SHOP + text)


def test_every_entry_of_the_domains_list_is_there_once_but_for_telephone_and_chat() -> None:
    sources = [row.source for row in CATALOGUE]
    assert sorted(set(sources)) == [f"G{n:02}" for n in range(1, 87)]
    assert [row.code for row in CATALOGUE if sources.count(row.source) > 1] == ["PHONE", "CHAT"]


def test_about_twenty_are_chosen_and_what_is_chosen_can_be_made_to_a_customer() -> None:
    assert 18 <= len(CHOSEN) <= 24
    assert set(CHOSEN) <= {row.code for row in FOR_CUSTOMERS}


def test_whatever_can_be_made_to_a_customer_states_its_cost_and_its_save_rate() -> None:
    for row in FOR_CUSTOMERS:
        assert row.save_rate is not None, row.code
        assert row.contact_amount > 0, row.code
        assert row.cap_days is not None, row.code


def test_what_is_said_to_everybody_is_proposed_to_save_less_than_what_answers_a_cause() -> None:
    rates = {row.code: row.save_rate or 0.0 for row in FOR_CUSTOMERS}
    general = {row.code for row in FOR_CUSTOMERS if not row.causes}
    assert max(rates[code] for code in general) < min(rates[c] for c in rates.keys() - general)


def test_every_action_that_a_cause_names_answers_that_cause() -> None:
    for cause in CAUSES:
        for code in cause.actions:
            row = by_code(code)
            assert row is not None, (cause.code, code)
            assert cause.code in row.causes, (cause.code, code)


def test_every_row_for_a_customer_is_an_offer_that_can_be_meant() -> None:
    check_offers(tuple(Offer.model_validate({"code": row.code}) for row in FOR_CUSTOMERS))


def test_nothing_is_switched_on_by_itself() -> None:
    assert told("").offers == ()


def test_the_defaults_and_further_rows_stand_behind_the_shops_own_offers() -> None:
    config = told(
        'catalogue = { defaults = true, on = ["SMS"] }\n'
        '[[offers]]\ncode = "MINE"\nlabel = "mine"\n[[offers]]\ncode = "POINTS"\ncost_amount = 9'
    )
    codes = [offer.code for offer in config.offers]
    assert codes[:2] == ["MINE", "POINTS"]
    assert sorted(codes) == sorted({"MINE", "SMS", *CHOSEN})


def test_a_code_of_the_catalogue_takes_its_row_and_what_is_said_wins() -> None:
    (points,) = told('[[offers]]\ncode = "POINTS"\ncost_amount = 9\nsegments = []').offers
    row = by_code("POINTS")
    assert row is not None
    assert (points.label, points.causes, points.save_rate) == (row.label, row.causes, row.save_rate)
    assert (points.cost_amount, points.segments) == (9.0, ())


@pytest.mark.parametrize(
    ("on", "told_why"),
    [
        ("A_PONY", "there is no 'A_PONY'; expected EXPRESS_SHIPPING, LIVE_TRACKING"),
        ("QC", "QC cannot be switched on: it is for a market or the whole shop"),
        ("PERSONAL_PRICE", "treats customers unequally"),
        ("NONE", "it is the code of doing nothing"),
    ],
)
def test_what_is_unknown_or_for_no_customer_is_refused_with_the_reason(
    on: str, told_why: str
) -> None:
    with pytest.raises(BadConfig) as refused:
        told(f'catalogue = {{ on = ["{on}"] }}')
    assert told_why in str(refused.value)


def test_a_price_of_ones_own_needs_a_second_word() -> None:
    config = told('catalogue = { on = ["PERSONAL_PRICE"], personal_prices = true }')
    assert [offer.code for offer in config.offers] == ["PERSONAL_PRICE"]


def test_a_further_row_is_told_to_training_and_scoring_but_not_to_the_ingest() -> None:
    plain, more = told(""), told('catalogue = { on = ["SMS"] }')
    changed = [step for step in ("ingest", "train", "score") if plain.told(step) != more.told(step)]
    assert changed == ["train", "score"]
