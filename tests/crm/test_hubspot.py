"""HubSpot through its official client, against an account of our own: what is HubSpot's alone."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from churn_ml.connections import Endpoint
from churn_ml.crm import Ack, Batch, HubSpotDestination, Means, Rejection, Row
from churn_ml.crm.hubspot.client import Session, client, trouble
from churn_ml.crm.hubspot.properties import OWNER, PROPERTIES
from churn_ml.crm.hubspot.rows import answers
from churn_ml.crm.means import MemoryBuckets
from churn_ml.crm.payload import removal
from churn_ml.crm.remote import Caller, Refused
from churn_ml.errors import BadConfig, BadInput, Unreachable
from churn_ml.limits import Limit

from .fakes import faults
from .fakes.hubspot import TOKEN, HubSpot
from .fakes.rig import Clock, row

OCTOBER, NOVEMBER = date(2017, 10, 1), date(2017, 11, 1)
DAY = 86_400


@pytest.fixture
def account() -> Iterator[HubSpot]:
    with HubSpot() as fake:
        yield fake


@pytest.fixture
def crm(account: HubSpot) -> HubSpotDestination:
    found = opened(account)
    found.preflight()
    return found


def opened(
    account: HubSpot, owner: str = "me", connection: str = "", told: tuple[str, ...] = ()
) -> HubSpotDestination:
    clock = Clock()
    where = {"hubspot_crm": connection or account.connection}
    return HubSpotDestination(
        "crm",
        "hubspot_crm",
        Means(owner, where, told=lambda name: told),
        Limit(1000),
        test_host=True,
        clock=clock,
        sleep=clock.sleep,
    )


def batch(*rows: Row) -> Batch:
    return Batch("b1", "p1", rows[0].as_of, rows)


def test_r10_group_properties_and_key_are_made_once(account: HubSpot) -> None:
    opened(account).preflight()
    assert account.properties.keys() > {*PROPERTIES.values(), "customer_ref", OWNER}
    assert account.properties["customer_ref"]["hasUniqueValue"]
    assert account.properties["churn_ml_score"]["type"] == "number"
    assert account.properties["churn_ml_as_of"]["type"] == "date"
    ours = [told for name, told in account.properties.items() if name.startswith("churn_ml_")]
    assert {told["groupName"] for told in ours} == {"churn_ml"}
    made = len(account.writes)
    opened(account).preflight()
    assert len(account.writes) == made


def test_r10_what_another_process_made_meanwhile_is_fine(account: HubSpot) -> None:
    account.script.add(faults.drop_after(method="POST"), faults.drop_after(method="POST"))
    opened(account).preflight()  # the group and a property are there when they are made again
    assert account.properties.keys() > set(PROPERTIES.values())


def test_r9_a_property_of_another_type_is_named_before_the_first_row(account: HubSpot) -> None:
    told = {"name": "churn_ml_score", "type": "string", "groupName": "churn_ml"}
    account.accept({"property": told})
    with pytest.raises(BadConfig, match=r"churn_ml_score.*there: string, ours: number"):
        opened(account).preflight()


def test_r9_a_key_that_may_repeat_is_refused(account: HubSpot) -> None:
    account.accept({"property": {"name": "customer_ref", "type": "string"}})
    with pytest.raises(BadConfig, match="customer_ref may repeat"):
        opened(account).preflight()


def test_r9_a_missing_scope_is_named_before_the_first_row(account: HubSpot) -> None:
    account.scoped = False
    with pytest.raises(BadConfig, match=r"crm\.schemas\.contacts\.read and \.write"):
        opened(account).preflight()


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
    assert account.count("upsert") == (1 if multi_status else 9)  # 1 + 2 log2(16)


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


def test_r1_the_limit_of_the_day_stops_at_once_and_keeps_the_plan(
    account: HubSpot, crm: HubSpotDestination
) -> None:
    account.script.add(faults.http(429, daily=True, path="upsert"))
    with pytest.raises(Unreachable, match="limit of the day"):
        crm.send(batch(row("h1", OCTOBER)))
    assert account.count("upsert") == 1


def test_r1_a_429_that_names_no_pause_waits_for_the_rolling_limit(
    account: HubSpot, crm: HubSpotDestination
) -> None:
    account.script.add(faults.http(429, path="upsert"))
    crm.send(batch(row("h1", OCTOBER)))
    assert isinstance(crm.clock, Clock)
    assert crm.clock.slept == [10.0]


def test_r2_a_slow_answer_runs_into_the_timeout_and_is_asked_again(account: HubSpot) -> None:
    account.script.add(faults.slow(0.4))
    caller = Caller("crm", Limit(100), MemoryBuckets(), trouble, timeout=(0.2, 0.1))
    caller.sleep = lambda _: None
    endpoint = Endpoint.of(account.connection, "here")
    session = Session(endpoint, "here", caller, test_host=True)
    assert session.ask(session.properties.get_all, "contacts").results
    assert len(account.asked) == 2


def test_r8_an_expired_token_is_named_once(account: HubSpot, crm: HubSpotDestination) -> None:
    account.script.add(faults.expired(path="upsert"))
    canary = batch(row("CANARY-7f3a", OCTOBER))
    with pytest.raises(BadConfig, match="does not take the token") as caught:
        crm.send(canary)
    assert account.count("upsert") == 1
    shown = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in shown
    assert "CANARY" not in shown


def test_r8_an_oauth_app_gets_a_new_token_and_goes_on(account: HubSpot) -> None:
    url = f"hubspot://id:secret@127.0.0.1:{account.port}?refresh_token=fresh"
    crm = opened(account, connection=url)
    crm.preflight()
    account.script.add(faults.expired(path="upsert"))
    assert crm.send(batch(row("h1", OCTOBER))) == [Ack("h1")]
    assert account.count("oauth") == 2


def test_r8_a_refresh_token_that_is_not_taken_is_named(account: HubSpot) -> None:
    url = f"hubspot://id:secret@127.0.0.1:{account.port}?refresh_token=stale"
    with pytest.raises(BadConfig, match="does not take the refresh token"):
        opened(account, connection=url).preflight()


def test_o3_a_lapsed_claim_is_taken_over_and_a_live_one_is_renewed(account: HubSpot) -> None:
    mine, other = opened(account), opened(account, "another shop")
    mine.preflight()
    assert "Fed by me until 2026-12-22" in account.properties[OWNER]["description"]
    assert isinstance(mine.clock, Clock)
    mine.clock.now += 10 * DAY
    mine.preflight()
    assert "until 2027-01-01" in account.properties[OWNER]["description"]
    assert isinstance(other.clock, Clock)
    other.clock.now += 40 * DAY
    with pytest.raises(BadConfig, match="owner me until 2027-01-01"):
        other.preflight()
    other.clock.now += DAY
    other.preflight()
    with pytest.raises(BadConfig, match="another deployment"):
        mine.preflight()


def test_o3_of_two_who_claim_at_once_the_second_finds_the_first(account: HubSpot) -> None:
    opened(account).preflight()
    # the second saw no claim when it began, and makes it after the first
    with pytest.raises(BadConfig, match="owner me"):
        opened(account, "another shop").preflight()


@pytest.mark.parametrize(
    "url", ["hubspot://:token@evil.example", "hubspot://:token@10.0.0.1", "hubspot://:token@[::1]"]
)
def test_s12_a_connection_to_another_host_is_refused(url: str) -> None:
    with pytest.raises(BadConfig, match="may not be sent to this host") as caught:
        client(Endpoint.of(url, "here"), "here")
    assert "token" not in str(caught.value.got)


def test_s12_a_redirect_is_not_followed(account: HubSpot, crm: HubSpotDestination) -> None:
    account.script.add(faults.http(307, path="upsert"))
    asked = len(account.asked)
    with pytest.raises(BadConfig, match="307"):
        crm.send(batch(row("h1", OCTOBER)))
    assert len(account.asked) == asked + 2  # the read, and the one answer that was no answer


@pytest.mark.parametrize("key", ["Customer Ref", "", "churn_ml_score", "a-b", "x" * 101])
def test_a_key_that_is_no_propertys_name_is_refused(account: HubSpot, key: str) -> None:
    with pytest.raises(BadConfig, match="the key is no name"):
        replace(opened(account), key=key)


def test_a_connection_without_a_token_says_where_it_belongs() -> None:
    with pytest.raises(BadConfig, match="has no token"):
        client(Endpoint.of("hubspot://api.hubapi.com", "here"), "here")


def test_the_fake_keeps_its_state_and_takes_faults_from_a_file(tmp_path: Path) -> None:
    with HubSpot(tmp_path) as fake:
        crm = opened(fake)
        crm.preflight()
        crm.send(batch(row("h1", OCTOBER)))
        with (tmp_path / "faults.jsonl").open("a") as script:
            script.write(faults.http(429, retry_after=3, path="upsert").line())
        crm.send(batch(row("h2", OCTOBER)))
        assert isinstance(crm.clock, Clock)
        assert crm.clock.slept == [3.0]
    with HubSpot(tmp_path) as again:
        held = [cells["customer_id"] for cells in opened(again).holds()]
    assert held == ["h1", "h2"]
