"""Rows in HubSpot, against an account of our own: what is HubSpot's alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from churn_ml.crm import Ack, HubSpotDestination, Rejection
from churn_ml.crm.hubspot.rows import answers
from churn_ml.crm.payload import removal
from churn_ml.crm.refused import Refused
from churn_ml.errors import BadConfig, BadInput

from ..fakes import faults
from ..fakes.hubspot import HubSpot
from ..fakes.rig import row
from .world import NOVEMBER, OCTOBER, batch, opened


def test_r9_a_property_that_is_archived_during_the_export_is_named(
    account: HubSpot, crm: HubSpotDestination
) -> None:
    account.script.add(faults.missing_property("churn_ml_cause", path="upsert"))
    with pytest.raises(BadConfig, match="churn_ml_cause"):
        crm.send(batch(*[row(f"h{n}", OCTOBER) for n in range(8)]))
    assert account.count("upsert") == 1  # no halving: no row is to blame
    opened(account).preflight()
    assert all(isinstance(a, Ack) for a in crm.send(batch(row("h1", OCTOBER))))


def test_values_are_text_and_a_removal_clears_ours_alone(
    account: HubSpot, crm: HubSpotDestination
) -> None:
    crm.send(batch(row("h1", OCTOBER, score=0.05, value_at_risk=100.0, threshold=None)))
    account.edit("h1", email="ada@example.com", churn_ml_cause="mine")
    there = account.contact("h1")
    assert there
    assert (there["churn_ml_score"], there["churn_ml_value_at_risk"]) == ("0.05", "100")
    assert there["churn_ml_threshold"] == ""
    assert crm.send(batch(removal("h1", NOVEMBER))) == [Ack("h1")]
    kept = {name: value for name, value in there.items() if value}
    assert kept == {
        "customer_ref": "h1",
        "email": "ada@example.com",
        "churn_ml_as_of": "2017-11-01",
    }


def test_r11_a_removal_makes_no_contact(account: HubSpot, crm: HubSpotDestination) -> None:
    assert crm.send(batch(removal("h1", OCTOBER))) == [Ack("h1")]
    assert account.contacts == {}


def test_r11_a_contact_deleted_there_is_not_made_anew_unless_asked(account: HubSpot) -> None:
    crm = opened(account, told=("h1",))
    crm.preflight()
    crm.send(batch(row("h2", OCTOBER)))
    new, gone = row("h3", NOVEMBER), row("h1", NOVEMBER)
    first, second = sorted(crm.send(batch(gone, new)), key=lambda answer: answer.customer_id)
    assert isinstance(first, Rejection)
    assert (first.code, second) == ("deleted_there", Ack("h3"))
    assert replace(crm, recreate=True).send(batch(gone)) == [Ack("h1")]


def test_r11_no_offer_is_told_of_who_unsubscribed_there(
    account: HubSpot, crm: HubSpotDestination
) -> None:
    crm.send(batch(row("h1", OCTOBER), row("h2", OCTOBER)))
    account.edit("h1", hs_email_optout="true")
    (refused,) = crm.send(batch(row("h1", NOVEMBER, offer="COUPON")))
    assert isinstance(refused, Rejection)
    assert refused.code == "opted_out"
    assert crm.send(batch(row("h1", NOVEMBER, segment="NEW"))) == [Ack("h1")]  # without an offer
    assert crm.send(batch(row("h2", NOVEMBER, offer="COUPON"))) == [Ack("h2")]


def test_r11_reconcile_reads_what_a_person_did_there(
    account: HubSpot, crm: HubSpotDestination
) -> None:
    crm.send(batch(*[row(f"h{n}", OCTOBER) for n in range(3)]))
    account.edit("h0", churn_ml_segment="MINE")
    account.delete("h1")
    assert {c["customer_id"]: c["segment"] for c in crm.holds()} == {"h0": "MINE", "h2": "LOST"}


def test_holds_reads_every_page(account: HubSpot, crm: HubSpotDestination) -> None:
    for start in (0, 100, 200):
        crm.send(batch(*[row(f"h{n:03}", OCTOBER) for n in range(start, min(start + 100, 230))]))
    found = [cells["customer_id"] for cells in crm.holds()]
    assert found == [f"h{n:03}" for n in range(230)]


@pytest.mark.parametrize("multi_status", [True, False])
def test_r5_r6_both_ways_to_refuse_a_row_reject_it_with_code_and_property(
    account: HubSpot, crm: HubSpotDestination, *, multi_status: bool
) -> None:
    account.multi_status = multi_status
    rows = [row(f"h{n}", OCTOBER) for n in range(16)]
    rows[11] = row("h11", OCTOBER, segment="x" * 70_000)
    answers = crm.send(batch(*rows))
    (refused,) = [answer for answer in answers if isinstance(answer, Rejection)]
    assert (refused.customer_id, refused.code) == ("h11", "VALIDATION_ERROR")
    assert refused.message == "HubSpot refused the row: property churn_ml_segment"
    assert len(answers) == 16
    assert account.count("upsert") == (1 if multi_status else 7)  # 1 + log2(16), itself, the others


def test_r5_a_customer_whose_id_is_a_number_is_not_taken_for_a_place_in_the_batch(
    account: HubSpot, crm: HubSpotDestination
) -> None:
    account.script.add(faults.partial(["0"], path="upsert"))
    answers = crm.send(batch(row("1", OCTOBER), row("2", OCTOBER), row("0", OCTOBER)))
    assert [type(answer) for answer in answers] == [Ack, Ack, Rejection]


def test_r5_a_row_that_no_answer_names_is_found_by_halving() -> None:
    from hubspot.crm.contacts import BatchResponseSimplePublicUpsertObjectWithErrors as Some
    from hubspot.crm.contacts import StandardError

    wrong = StandardError(category="CONFLICT", message="ada@example.com churn_ml_cause", context={})
    told = Some(results=[], errors=[wrong], status="COMPLETE")
    with pytest.raises(Refused) as caught:
        answers([row("h1", OCTOBER)], told, "customer_ref")
    assert (caught.value.code, caught.value.message) == (
        "CONFLICT",
        "HubSpot refused the row: property churn_ml_cause",
    )


def test_r4_a_lost_answer_leaves_one_contact(account: HubSpot, crm: HubSpotDestination) -> None:
    account.script.add(faults.drop_after(path="upsert"))
    crm.send(batch(row("h1", OCTOBER)))
    assert (account.applied("h1"), len(account.contacts)) == (2, 1)


def test_r7_a_batch_with_a_customer_twice_sends_nothing(
    account: HubSpot, crm: HubSpotDestination
) -> None:
    with pytest.raises(BadInput, match="a customer twice"):
        crm.send(batch(row("h1", OCTOBER), row("h1", OCTOBER)))
    assert account.count("batch") == 0


def test_r9_a_key_that_is_archived_during_the_export_is_named(
    account: HubSpot, crm: HubSpotDestination
) -> None:
    del account.properties["customer_ref"]
    with pytest.raises(BadConfig, match=r"refused to read the contacts.*400 VALIDATION_ERROR"):
        crm.send(batch(row("h1", OCTOBER)))
