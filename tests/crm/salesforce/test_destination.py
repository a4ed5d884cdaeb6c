"""Salesforce through simple-salesforce against a stateful fake: the Salesforce table of faults."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from churn_ml.crm.payload import removal
from churn_ml.crm.protocol import Ack, Batch, Rejection
from churn_ml.crm.reconcile import reconciled
from churn_ml.crm.salesforce.fields import needed
from churn_ml.errors import BadConfig, StaleAttempt

from ..fakes.faults import http, missing_property, partial, refuse_whole
from ..fakes.salesforce_records import KEY, OWNER, made_for_us
from .world import NOVEMBER, OCTOBER, World, row

ODD = ("王小明 😀", 'a "quoted", name', "O'Brien\\", "=cmd|' /C calc'!A0")


def test_rows_are_upserted_and_read_back_as_they_were_sent(world: World) -> None:
    rows = [row(name, named_segments="") for name in ("h1", "H1", *ODD)]
    world.destination().preflight()
    assert world.send(*rows) == [Ack(one.customer_id) for one in rows]
    state = {one.customer_id: (one.content_hash, one.as_of) for one in rows}
    found = reconciled(world.destination().holds(), state, delivers=False)
    assert (found.agreeing, found.doubtful) == (6, ())
    assert world.record("h1")[OWNER] == world.owner
    assert world.record("h1")["churn_ml_named_segments__c"] is None
    # sent again it is the same, in the same records
    again = world.destination().send(Batch("b2", "p2", OCTOBER, tuple(rows)))
    assert again == [Ack(one.customer_id) for one in rows]
    assert len(world.org.records.held) == 6


def test_r17_chinese_names_quotes_and_commas_survive_the_way_there_and_back(world: World) -> None:
    # the results come as UTF-8 that does not say so: read as Latin-1 no row would have its answer
    rows = [row(name, evidence=f'{name}: 说「再见」, "bye"') for name in ODD]
    assert world.send(*rows) == [Ack(name) for name in ODD]
    for name in ODD:
        assert world.record(name)["churn_ml_evidence__c"] == f'{name}: 说「再见」, "bye"'


def test_r16_line_ends_in_a_value_become_spaces_and_in_a_key_reject_the_row(world: World) -> None:
    said = "one\r\ntwo\nthree\x00four\u2028five"
    rows = [row("h1", evidence=said), row("h\r\n2"), row(" h3"), row("#N/A")]
    answers = world.send(*rows)
    assert answers[0] == Ack("h1")
    assert world.record("h1")["churn_ml_evidence__c"] == "one two three four five"
    assert {(one.code, one.field) for one in answers[1:] if isinstance(one, Rejection)} == {
        ("key_not_sendable", "customer_id")
    }
    assert world.org.jobs["750000000000000000"].line_ending == "LF"
    assert "\r" not in (world.org.jobs["750000000000000000"].data or "")


def test_r16_the_fake_fails_a_job_with_a_cr_in_it_as_salesforce_does(world: World) -> None:
    destination = world.destination()
    client = destination.org.ingest("Contact")
    job = client.create_job("upsert", external_id_field=KEY)["id"]  # type: ignore[arg-type] # a word
    client.upload_job_data(job, f'{KEY},LastName\nh1,"a\r\nb"\n')
    client.close_job(job)
    assert client.get_job(job, False)["state"] == "Failed"


def test_d10_a_number_that_is_none_rejects_its_row_alone(world: World) -> None:
    answers = world.send(row("h1", score=float("nan")), row("h2"))
    assert answers == [Rejection("h1", "not_a_number", "is no finite number", "score"), Ack("h2")]


def test_r5_a_refused_row_keeps_code_and_field_and_not_its_value(world: World) -> None:
    answers = world.send(row("h1"), row("h2", segment="王小明" * 100), row("h3"))
    assert answers[::2] == [Ack("h1"), Ack("h3")]
    assert answers[1] == Rejection("h2", "STRING_TOO_LONG", "refused", "churn_ml_segment__c")
    world.org.script.add(partial(["h4"], path="batches"))
    assert world.destination().send(Batch("b2", "p2", OCTOBER, (row("h4"),))) == [
        Rejection("h4", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "refused", KEY)
    ]


def test_a_contact_is_not_made_without_its_name(world: World) -> None:
    world.org.records.needed = ("LastName",)
    world.org.records.add(**{KEY: "h1", "LastName": "Wang"})
    answers = world.send(row("h1"), row("h2"))
    assert answers[0] == Ack("h1")
    assert answers[1] == Rejection(
        "h2", "REQUIRED_FIELD_MISSING", "refused, for none of our fields", ""
    )


def test_r6_a_file_refused_whole_is_halved_until_the_bad_row_stands_alone(world: World) -> None:
    world.org.script.add(refuse_whole(["h5"], path="batches"))
    answers = world.send(*(row(f"h{n}") for n in range(16)))
    rejected = [one for one in answers if isinstance(one, Rejection)]
    assert [(one.customer_id, one.code) for one in rejected] == [("h5", "ClientInputError")]
    assert len(world.org.jobs) == 1 + 4 + 2  # log2(16) to find it, itself, the others
    assert "h5" not in world.told()


def test_r9_every_missing_or_mistyped_field_is_named_before_row_1(world: World) -> None:
    fields = {one["name"]: one for one in made_for_us()}
    fields["churn_ml_score__c"]["type"] = "string"
    fields["churn_ml_value_at_risk__c"]["scale"] = 2
    fields["churn_ml_cause__c"]["updateable"] = False
    fields[KEY]["caseSensitive"] = False
    world.org.records.fields = list(fields.values())
    world.org.script.add(missing_property("churn_ml_offer__c", path="describe"))
    with pytest.raises(BadConfig) as told:
        world.destination().preflight()
    wrong = sorted(one.split()[0] for one in str(told.value.got).split("; "))
    assert wrong == [
        "churn_ml_cause__c",
        "churn_ml_offer__c",
        "churn_ml_score__c",
        "churn_ml_value_at_risk__c",
        KEY,
    ]
    assert world.org.jobs == {}


def test_r9_an_object_that_is_not_there_and_a_right_that_is_missing_stop_it(world: World) -> None:
    with pytest.raises(BadConfig, match="NOT_FOUND"):
        replace(world.destination(), object="Kontakt").preflight()
    world.org.script.add(http(403, path="describe"))
    with pytest.raises(BadConfig, match="Salesforce refuses"):
        world.destination().preflight()


def test_r12_a_removal_clears_our_fields_and_leaves_the_record(world: World) -> None:
    world.org.records.add(**{KEY: "h1", "LastName": "Wang", "Email": "w@example.com"})
    world.send(row("h1"), row("O'Brien\\"))
    gone = [removal(one, NOVEMBER) for one in ("h1", "O'Brien\\", "never seen")]
    destination = world.destination()
    answers = destination.send(Batch("b2", "p2", NOVEMBER, tuple(gone)))
    assert answers == [Ack(one.customer_id) for one in gone]
    record = world.record("h1")
    kept = {"Id", KEY, "LastName", "Email", OWNER, "churn_ml_as_of__c"}
    assert {name for name, cell in record.items() if cell} == kept
    assert (record[OWNER], record["churn_ml_as_of__c"]) == (
        f"removed by {world.owner}",
        "2017-11-01",
    )
    assert len(world.org.records.held) == 2
    assert list(destination.holds()) == []
    # nothing of ours is left: a removal sent again has nothing to do
    jobs = len(world.org.jobs)
    world.destination().send(Batch("b3", "p3", NOVEMBER, tuple(gone)))
    assert len(world.org.jobs) == jobs


def test_many_removals_are_looked_up_in_urls_that_salesforce_takes(world: World) -> None:
    customers = [f"王小明 {number:04d}" for number in range(300)]
    world.send(*(row(one) for one in customers))
    world.org.page = 70
    world.send(*(removal(one, OCTOBER) for one in customers))
    assert list(world.destination().holds()) == []


def test_r11_a_deleted_record_is_made_anew_only_when_asked(world: World) -> None:
    world.send(row("h1"), row("h2"))
    world.record("h1")["IsDeleted"] = True
    batch = Batch("b2", "p2", OCTOBER, (row("h1"), row("h2")))
    answers = world.destination().send(batch)
    assert [getattr(one, "code", "") for one in answers] == ["deleted_there", ""]
    assert world.destination(recreate=True).send(replace(batch, id="b3")) == [Ack("h1"), Ack("h2")]
    # the shop made it again itself: what lies in the bin is no matter
    assert world.destination().send(replace(batch, id="b4")) == [Ack("h1"), Ack("h2")]


def test_r11_who_unsubscribed_there_is_told_no_offer(world: World) -> None:
    for customer in ("h1", "h2"):
        world.org.records.add(**{KEY: customer, "HasOptedOutOfEmail": True})
    answers = world.send(row("h1", offer="COUPON"), row("h2", offer="NONE"), row("h3", offer="TEA"))
    assert answers[0] == Rejection("h1", "opted_out", "unsubscribed there: no offer is told")
    assert answers[1:] == [Ack("h2"), Ack("h3")]
    assert world.record("h1").get("churn_ml_offer__c") is None


def test_r11_an_object_that_knows_no_opt_out_is_not_asked_for_one(world: World) -> None:
    world.org.records.forget("HasOptedOutOfEmail")
    assert world.send(row("h1", offer="COUPON")) == [Ack("h1")]


def test_o3_a_second_deployment_is_refused(world: World) -> None:
    world.send(row("h1"))
    world.destination().preflight()
    other = World(world.org, owner="Corner shop with ledger 77aa")
    with pytest.raises(BadConfig, match="fed by another deployment"):
        other.destination().preflight()


def test_o4_a_batch_older_than_what_is_there_is_stale(world: World) -> None:
    world.send(row("h1", NOVEMBER), as_of=NOVEMBER)
    with pytest.raises(StaleAttempt):
        world.send(row("h1"))
    assert world.record("h1")["churn_ml_as_of__c"] == "2017-11-01"


def test_o4_a_removal_leaves_its_date(world: World) -> None:
    world.send(row("h1"), row("h2"))
    world.send(removal("h2", NOVEMBER), as_of=NOVEMBER)
    with pytest.raises(StaleAttempt):
        world.destination().send(Batch("b3", "p1", OCTOBER, (row("h1"), row("h2"))))
    assert world.told() == {"h1": "LOST", "h2": None}


def test_o3_a_mark_of_a_removal_is_the_deployments_own(world: World) -> None:
    world.send(row("h1"))
    world.send(removal("h1", OCTOBER))
    world.destination().preflight()
    other = World(world.org, owner="Corner shop with ledger 77aa")
    with pytest.raises(BadConfig, match="owner removed by Corner shop with ledger 5f1c"):
        other.destination().preflight()
    world.record("h1")[OWNER] = None  # handed over, as the page says
    other.destination().preflight()


def test_o4_records_that_a_former_version_cleared_whole_are_no_hindrance(world: World) -> None:
    world.send(row("h1"), row("h2"))
    for name in [name for name in world.record("h2") if name.startswith("churn_ml_")]:
        world.record("h2")[name] = None
    world.destination().preflight()
    batch = Batch("b2", "p2", NOVEMBER, (row("h1", NOVEMBER), removal("h2", NOVEMBER)))
    assert world.destination().send(batch) == [Ack("h1"), Ack("h2")]
    assert [cells["customer_id"] for cells in world.destination().holds()] == ["h1"]
    again = Batch("b3", "p3", NOVEMBER, (row("h2", NOVEMBER),))
    assert world.destination().send(again) == [Ack("h2")]
    assert world.record("h2")[OWNER] == world.owner


def test_files_are_cut_below_the_limit_and_no_row_is_lost(world: World) -> None:
    rows = [row(f"h{number}") for number in range(40)]
    answers = world.destination(most_bytes=2000).send(Batch("b1", "p1", OCTOBER, tuple(rows)))
    assert answers == [Ack(one.customer_id) for one in rows]
    sizes = [len((job.data or "").encode()) for job in world.org.jobs.values()]
    assert len(sizes) > 2
    assert max(sizes) <= 2000


def test_columns_stand_in_one_order_in_every_file(world: World) -> None:
    world.send(row("h1"))
    header = (world.org.jobs["750000000000000000"].data or "").partition("\n")[0].split(",")
    assert header[:5] == [
        KEY,
        OWNER,
        "churn_ml_as_of__c",
        "churn_ml_contract__c",
        "churn_ml_model__c",
    ]
    assert len(header) == 19


def test_the_page_lists_the_fields_that_preflight_asks_for() -> None:
    page = (Path(__file__).parents[3] / "docs" / "destinations-salesforce.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `(\w+__c)` \| (.*?) \|", page, re.MULTILINE))
    assert told == {name: kind.said for name, kind in needed(KEY).items()}
    assert {one["name"] for one in made_for_us()} - set(told) == {
        *("LastName", "Email", "HasOptedOutOfEmail")
    }
