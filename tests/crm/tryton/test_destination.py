"""Rows in a Tryton server: nothing here is a double of ours."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from churn_ml.crm.protocol import Ack, Rejection, Row
from churn_ml.crm.reconcile import reconciled
from churn_ml.crm.refused import Refused
from churn_ml.crm.tryton import TrytonDestination
from churn_ml.crm.tryton.rpc import Tryton

from .place import NOVEMBER, OCTOBER, Place, batch, hashes


def test_r17_what_is_held_is_what_was_sent_letter_for_letter(place: Place) -> None:
    rows = [
        place.upsert(
            "王小明 😀", segment="高风险", evidence="昨天 said “no”\nand left 😀", cause="X"
        ),
        place.upsert("h2", offer="NONE", value_at_risk=0.05, reasons="gap_ratio, days"),
        place.upsert("h3", segment="OPTED_OUT", offer="NONE", score=None),
    ]
    assert place.send(*rows) == [Ack(row.customer_id) for row in rows]
    held = {str(cells["customer_id"]): cells for cells in place.crm.holds()}
    for row in rows:
        known = {name: value for name, value in row.payload.items() if value is not None}
        assert {name: held[row.customer_id][name] for name in known} == known
    assert place.held() == hashes(*rows)


def test_a_party_is_in_the_categories_that_campaigns_choose_by(place: Place) -> None:
    place.send(place.upsert("h1", cause="DELIVERY"), place.upsert("h2", segment="LOST"))
    for leaf, expected in (
        ("segment / SILENT", ["h1"]),
        ("segment / LOST", ["h2"]),
        ("offer / COUPON", ["h1", "h2"]),
        ("cause / DELIVERY", ["h1"]),
    ):
        domain = [["categories.rec_name", "=", f"{place.root} / {leaf}"]]
        found = place.ask("party.party.search_read", domain, fields=["code"])
        assert sorted(row["code"] for row in found) == [place.code(name) for name in expected]


def test_a_changed_row_replaces_and_twice_is_once(place: Place) -> None:
    place.send(place.upsert("h1"), place.upsert("h2"))
    changed = place.upsert("h1", NOVEMBER, segment="LOST", offer="NONE", score=0.9)
    for _ in range(2):
        assert place.send(changed, place.upsert("h3", NOVEMBER)) == [
            Ack(place.code("h1")),
            Ack(place.code("h3")),
        ]
        assert place.held() == hashes(changed, place.upsert("h2"), place.upsert("h3", NOVEMBER))
        assert len(place.notes()) == len(place.parties("h1", "h2", "h3")) == 3


def test_r12_a_removal_leaves_the_party_and_what_is_not_ours(place: Place) -> None:
    call = place.crm.crm.call
    (own,) = call("party.category.create", [{"name": f"own of {place.root}"}])
    values = {"code": place.code("h1"), "name": "王小明", "categories": [["add", [own]]]}
    (party,) = call("party.party.create", [values])
    place.send(place.upsert("h1"), place.upsert("h2"))
    gone = [place.remove("h1"), place.remove("h2"), place.remove("never there")]
    assert place.send(*gone) == [Ack(row.customer_id) for row in gone]
    assert (place.held(), place.notes()) == ({}, [])
    (left,) = call("party.party.read", [party], ["name", "categories"])
    assert (left["name"], left["categories"]) == ("王小明", [own])
    assert len(place.parties("h1", "h2", "never there")) == 2


def test_r5_r6_a_row_that_tryton_refuses_is_rejected_alone(place: Place) -> None:
    rows = [place.upsert(f"h{number}") for number in range(8)]
    rows[3] = place.upsert("h3", segment="no / slash is allowed in a category")
    answers = place.send(*rows)
    (refused,) = [answer for answer in answers if isinstance(answer, Rejection)]
    assert (refused.customer_id, refused.code) == (place.code("h3"), "UserError")
    assert "slash" not in refused.message
    assert place.held() == hashes(*rows[:3], *rows[4:])


def test_an_id_that_tryton_would_change_is_rejected_before_it_is_sent(place: Place) -> None:
    odd = [Row(code, "upsert", OCTOBER, {}, "9f") for code in ("", " h1", "h\x001", "h\ud8001")]
    answers = place.send(*odd, place.upsert("h1"))
    assert [one.code for one in answers if isinstance(one, Rejection)] == ["untakeable"] * 4
    assert place.held() == hashes(place.upsert("h1"))


def test_r7_a_code_twice_is_refused_by_tryton_whole(place: Place) -> None:
    values = [{"code": place.code(name)} for name in ("h1", "h2", "h1")]
    with pytest.raises(Refused) as refused:
        place.crm.crm.call("party.party.create", values)
    assert refused.value.code == "UserError"
    assert place.parties("h1", "h2") == []


def test_r11_a_deactivated_party_is_not_told_of_and_may_be_removed(place: Place) -> None:
    place.send(place.upsert("h1"), place.upsert("h2"))
    (party, _) = place.parties("h1", "h2")
    place.crm.crm.call("party.party.write", [party["id"]], {"active": False})
    answers = place.send(place.upsert("h1", NOVEMBER), place.upsert("h2", NOVEMBER))
    refused = Rejection(party["code"], "deactivated", "the party is deactivated or merged")
    assert answers == [refused, Ack(place.code("h2"))]
    assert place.send(place.remove("h1")) == [Ack(party["code"])]
    assert place.held() == hashes(place.upsert("h2", NOVEMBER))


def test_r11_a_party_that_was_deleted_is_made_anew_only_where_that_is_asked(place: Place) -> None:
    known = place.code("h1")
    for recreate, answer in (
        (False, Rejection(known, "deleted_there", "its party is gone; see recreate")),
        (True, Ack(known)),
    ):
        crm = place.server.destination(place.root, recreate=recreate, told=lambda _: {known})
        sent = crm.send(batch(place.upsert("h1"), place.upsert("h2")))
        assert sent == [answer, Ack(place.code("h2"))]


def test_reconcile_sees_what_a_person_has_changed(place: Place) -> None:
    rows = [place.upsert(name) for name in ("h1", "h2", "h3", "h4")]
    place.send(*rows)
    state = {row.customer_id: (row.content_hash, OCTOBER) for row in rows[:3]}
    moved, bare, _, _ = place.parties("h1", "h2", "h3", "h4")
    call, tree = place.crm.crm.call, place.crm._writer.trees.read()
    lost = tree.ids["segment", "SILENT"]
    call("party.party.write", [moved["id"]], {"categories": [["remove", [lost]]]})
    (note,) = [n for n in place.notes() if n["resource"] == f"party.party,{bare['id']}"]
    call("ir.attachment.delete", [note["id"]])
    found = reconciled(place.crm.holds(), state, delivers=False)
    assert (found.missing, found.different) == ((place.code("h1"),), (place.code("h2"),))
    assert (found.agreeing, found.extra) == (1, (place.code("h4"),))
    place.send(*rows)
    assert place.held() == hashes(*rows)


def test_the_attachments_of_a_part_are_made_while_the_next_is_placed(place: Place) -> None:
    placing = Event()

    class Watched(Tryton):
        def call(self, name: str, *parameters: object, read: Any = None) -> Any:
            if name == "party.party.create" and "h2" in str(parameters):
                placing.set()
            if name == "ir.attachment.create":
                assert placing.wait(30), "nobody placed the next part meanwhile"
            return super().call(name, *parameters, read=read)

    client = place.server.client(kind=Watched)
    crm = TrytonDestination("crm", client, "me", root=place.root, part_size=2)
    rows = [place.upsert(f"h{number}") for number in range(4)]
    assert crm.send(batch(*rows)) == [Ack(row.customer_id) for row in rows]
    assert place.held() == hashes(*rows)


def test_r6_of_a_batch_in_parts_only_the_refused_row_is_rejected(place: Place) -> None:
    crm = replace(place.crm, part_size=2)
    rows = [place.upsert(f"h{number}") for number in range(7)]
    rows[3] = place.upsert("h3", segment="no / slash is allowed in a category")
    answers = crm.send(batch(*rows))
    assert [one for one in answers if isinstance(one, Rejection)] == [
        Rejection(place.code("h3"), "UserError", "Tryton's own rules do not allow the row")
    ]
    assert sorted(one.customer_id for one in answers) == [row.customer_id for row in rows]
    assert place.held() == hashes(*rows[:3], *rows[4:])
