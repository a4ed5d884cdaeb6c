"""The Tryton destination against a Tryton server: nothing here is a double of ours.

The tests that every kind of destination has to pass come from test_contract.py; they run here, so
that one worker starts one server.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from churn_ml import flow
from churn_ml.config import Destination as Settings
from churn_ml.config import from_text
from churn_ml.crm import Means, open_destination
from churn_ml.crm.payload import NAMES, hashed, removal
from churn_ml.crm.protocol import Ack, Batch, Cell, Destination, Rejection, Row
from churn_ml.crm.reconcile import reconciled
from churn_ml.crm.remote import Refused
from churn_ml.crm.tryton import TrytonDestination
from churn_ml.crm.tryton.rpc import Tryton
from churn_ml.crm.tryton.tree import Trees
from churn_ml.errors import BadConfig, NotReady, StaleAttempt, Unreachable
from churn_ml.house import House
from churn_ml.ledger import Ledger

from ..conftest import FIRST
from .fakes.rig import Rig
from .test_contract import (  # noqa: F401 - run here, on this file's rig
    journal,
    test_a_customer_who_left_can_come_back,
    test_a_dry_run_asks_and_writes_nothing,
    test_answers_are_of_the_protocol,
    test_c8_r4_a_batch_sent_twice_is_a_batch_sent_once,
    test_o1_the_same_export_again_sends_nothing,
    test_o3_a_second_deployment_is_refused_and_changes_nothing,
    test_o4_an_older_as_of_takes_nothing_back,
    test_r7_a_customer_twice_is_refused_before_anything_is_sent,
    test_r12_an_upsert_a_change_and_a_removal_arrive,
    test_reconcile_finds_each_planted_difference,
    test_s1_cells_arrive_as_they_are_in_every_script,
)
from .tryton_export import BATCH, CUSTOMERS, PASSWORD, desired, export
from .tryton_server import Server, tryton  # noqa: F401 - a fixture

NUMBERS = count()
SHOP = """
shop = {{name = "Corner shop", currency = "EUR"}}
destinations.crm = {{kind = "tryton", connection = "erp", object = "{root}", test_host = true}}
"""
OCTOBER, NOVEMBER = date(2017, 10, 1), date(2017, 11, 1)


class Place:
    """A root category of one test's own, with customers whose codes are no other test's."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.root = server, name
        self.crm = server.destination(name)
        self.crm.preflight()

    def code(self, customer: str) -> str:
        return f"{self.root}:{customer}"

    def upsert(self, customer: str, as_of: date = OCTOBER, **cells: Cell) -> Row:
        code = self.code(customer)
        told: dict[str, Cell] = {**dict.fromkeys(NAMES), "segment": "SILENT", "score": 0.6}
        told |= {"offer": "COUPON", "customer_id": code, "as_of": as_of.isoformat(), **cells}
        return Row(code, "upsert", as_of, told, hashed(told, delivers=False))

    def remove(self, customer: str, as_of: date = NOVEMBER) -> Row:
        return removal(self.code(customer), as_of)

    def send(self, *rows: Row) -> list[Ack | Rejection]:
        return self.crm.send(batch(*rows))

    def held(self) -> dict[str, str]:
        """The content hash of every customer held, as reconcile sees it."""
        cells = [dict(row) for row in self.crm.holds()]
        hashes = {str(row["customer_id"]): hashed(row, delivers=False) for row in cells}
        assert len(hashes) == len(cells)
        return hashes

    def parties(self, *customers: str) -> list[dict[str, Any]]:
        codes = [self.code(customer) for customer in customers]
        return self.ask("party.party.search_read", [["code", "in", codes]], fields=["name", "code"])

    def notes(self) -> list[dict[str, Any]]:
        """Every attachment that an export has made below this root."""
        domain = [["name", "=", self.root]]
        return self.ask("ir.attachment.search_read", domain, fields=["resource", "description"])

    def ask(self, method: str, domain: Any, fields: list[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.crm.crm.call(method, domain, 0, None, None, fields)
        return found


@pytest.fixture
def place(tryton: Server, request: pytest.FixtureRequest) -> Place:  # noqa: F811 - the fixture
    return Place(tryton, f"{request.node.name[5:40]} {next(NUMBERS)}")


@pytest.fixture
def rig(tryton: Server) -> Rig:  # noqa: F811 - the fixture
    """A root category of one test's own, opened as churn.toml names it."""
    config = from_text(SHOP.format(root=f"rig {next(NUMBERS)}"))

    def opened(owner: str) -> Destination:
        return open_destination("crm", config, means=Means(owner, {"erp": tryton.url}))

    return Rig(cache(opened))


def batch(*rows: Row) -> Batch:
    return Batch("b", "p", rows[0].as_of, rows)


def hashes(*rows: Row) -> dict[str, str]:
    return {row.customer_id: row.content_hash for row in rows}


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


def test_o3_a_second_deployment_is_refused(place: Place) -> None:
    second = place.server.destination(place.root, owner="you / with a slash")
    with pytest.raises(BadConfig, match="owner me"):
        second.preflight()
    with pytest.raises(StaleAttempt):
        second.send(batch(place.upsert("h1")))
    assert place.held() == {}
    own = place.server.destination(f"{place.root}2", owner="you / with a slash")
    own.preflight()
    own.preflight()


def test_o4_a_batch_of_an_older_as_of_is_a_stale_attempt(place: Place) -> None:
    place.send(place.upsert("h1", NOVEMBER))
    with pytest.raises(StaleAttempt, match="later as_of"):
        place.send(place.upsert("h1"), place.upsert("h2"))
    assert place.held() == hashes(place.upsert("h1", NOVEMBER))


@pytest.mark.parametrize(
    "method",
    [
        "party.party.search_read",
        "party.party.create",
        "party.party.write",
        "ir.attachment.search_read",
        "ir.attachment.write",
        "ir.attachment.create",
    ],
)
def test_o4_who_sleeps_between_two_calls_finds_nothing_of_his_done(
    place: Place, method: str
) -> None:
    newest = place.upsert("h2", NOVEMBER, segment="LOST", score=0.9)
    newer = [newest, place.remove("h1"), place.remove("h3")]
    place.send(place.upsert("h2"))

    def meanwhile() -> None:
        assert place.send(*newer) == [Ack(row.customer_id) for row in newer]

    late = sleeping(place, method, meanwhile)
    with pytest.raises(StaleAttempt):
        late.send(batch(place.upsert("h1"), place.upsert("h2", segment="NEW"), place.upsert("h3")))
    assert place.held() == hashes(newest)
    assert len(place.notes()) == 1


def sleeping(place: Place, method: str, meanwhile: Callable[[], None]) -> TrytonDestination:
    """A second process of the same deployment, to which `meanwhile` happens before a call."""

    class Sleeper(Tryton):
        asleep = False

        def call(self, name: str, *parameters: object, read: Any = None) -> Any:
            if name == method and not self.asleep:
                self.asleep = True
                meanwhile()
            return super().call(name, *parameters, read=read)

    client = place.server.client(kind=Sleeper)
    return TrytonDestination("crm", client, "me", root=place.root)


def test_o2_two_that_send_the_same_at_once_make_no_party_and_no_attachment_twice(
    place: Place,
) -> None:
    rows = [place.upsert(f"h{number}") for number in range(30)]
    answers: list[list[Ack | Rejection]] = []

    def send() -> None:
        answers.append(place.server.destination(place.root).send(batch(*rows)))

    both = [Thread(target=send) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert answers == [[Ack(row.customer_id) for row in rows]] * 2
    assert place.held() == hashes(*rows)
    assert len(place.notes()) == 30


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


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "method", ["party.party.create", "party.party.write", "ir.attachment.create"]
)
def test_r3_r4_a_call_that_is_lost_is_made_again_without_harm(
    place: Place, method: str, after: bool
) -> None:
    place.send(place.upsert("h1", segment="LOST"))
    rows = [place.upsert("h1"), place.upsert("h2"), place.upsert("h3")]
    with place.server.losing(method, after=after) as proxy:
        assert proxy.destination(place.root).send(batch(*rows)) == [
            Ack(row.customer_id) for row in rows
        ]
    assert proxy.lost == 1
    assert place.held() == hashes(*rows)
    assert (len(place.notes()), len(place.parties("h1", "h2", "h3"))) == (3, 3)


def test_r8_a_session_that_is_closed_is_opened_once_again(place: Place) -> None:
    place.send(place.upsert("h1"))
    first = place.crm.crm.session
    place.crm.crm.session = first[:-8] + "AAAAAAA="
    assert place.send(place.upsert("h2")) == [Ack(place.code("h2"))]
    assert place.crm.crm.session != first


def test_r8_s8_a_wrong_password_is_bad_config_at_once_and_is_not_shown(place: Place) -> None:
    client = place.server.client(password="wrong-one")
    with pytest.raises(BadConfig, match="does not let the export in") as refused:
        TrytonDestination("crm", client, "me", root=place.root).preflight()
    assert "wrong-one" not in str(refused.value) + repr(client) + repr(refused.value.__cause__)


def test_r9_a_user_without_the_rights_is_refused_before_row_1(place: Place) -> None:
    call = place.crm.crm.call
    call("res.user.create", [{"name": "w", "login": place.root, "password": "w-of-the-tests"}])
    client = place.server.client(user=place.root, password="w-of-the-tests")
    with pytest.raises(BadConfig, match=r"may not .*party\.category"):
        TrytonDestination("crm", client, "me", root=f"{place.root}9").preflight()


def test_a_category_of_that_name_that_is_not_ours_is_left_alone(place: Place) -> None:
    theirs = f"{place.root}_theirs"
    place.crm.crm.call("party.category.create", [{"name": theirs}])
    with pytest.raises(BadConfig, match="was not made by an export"):
        place.server.destination(theirs).preflight()
    with pytest.raises(NotReady, match="there is no category"):
        list(place.server.destination(f"{place.root}_none").holds())


def test_r2_a_server_that_is_away_is_unreachable(place: Place) -> None:
    client = place.server.client(port=1, failures_in_a_row=2, sleep=lambda _: None)
    with pytest.raises(Unreachable, match="the plan is kept"):
        TrytonDestination("crm", client, "me", root=place.root).send(batch(place.upsert("h1")))


@pytest.mark.parametrize(
    ("dies", "batches"),
    [
        ("sent", {"SILENT": 1, "LOST": 1}),
        ("party.party.create", {"SILENT": 1}),
        ("ir.attachment.create", {"SILENT": 1}),
        ("party.party.write", {"LOST": 1}),
        ("ir.attachment.write", {"LOST": 1}),
    ],
)
def test_c8_killed_between_send_and_ack_tells_every_customer_once(
    place: Place, tmp_path: Path, dies: str, batches: Mapping[str, int]
) -> None:
    ledger = f"sqlite:///{tmp_path}/ledger.db"
    for as_of, segment in ((OCTOBER, "SILENT"), (NOVEMBER, "LOST")):
        rows = desired(place.root, as_of, segment)
        told = [place.server.port, ledger, place.root, as_of, segment, dies]
        program = Path(__file__).with_name("tryton_export.py")
        ended = subprocess.run([sys.executable, str(program), *map(str, told)], check=False)
        killed = segment in batches
        assert ended.returncode == (-signal.SIGKILL if killed else 0)
        # what was taken and not acknowledged goes again, and what is behind it
        done = export(place.crm.crm, ledger, place.root, rows, lambda: None)
        left = CUSTOMERS - BATCH if killed else 0
        assert (done.resumed, done.sent) == (left, left)
        assert_exact(place, ledger, rows)


def test_c15_an_immediate_restart_of_its_database_in_mid_export_loses_and_doubles_nothing(
    place: Place, tmp_path: Path
) -> None:
    ledger, batches = f"sqlite:///{tmp_path}/ledger.db", count(1)
    rows = desired(place.root, OCTOBER, "SILENT")
    restarting = Thread(target=place.server.restart_database)

    def restart() -> None:
        if next(batches) == 2:
            restarting.start()

    client = place.server.client()
    done = export(client, ledger, place.root, rows, restart)
    restarting.join()
    assert (done.sent, done.rejected) == (CUSTOMERS, 0)
    assert_exact(place, ledger, rows)


def assert_exact(place: Place, ledger: str, rows: list[Row]) -> None:
    """Tryton holds every row, once, and the ledger says the same."""
    assert place.held() == hashes(*rows)
    assert len(place.notes()) == len(rows)
    codes = place.ask("party.party.search_read", [["code", "like", f"{place.root}:%"]], ["code"])
    assert len(codes) == len(rows)
    state = Ledger.open(ledger).state("crm")
    assert reconciled(place.crm.holds(), state, delivers=False).whole


def test_a_scored_shop_is_exported_reconciled_and_mended(
    place: Place,
    copy_of: Callable[[Path], House],
    scored: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = {"kind": "tryton", "connection": "erp", "object": "a shop", "test_host": True}
    crm = Settings.model_validate(told | {"first_load": "send", "requests_per_10_seconds": 9999})
    found = copy_of(scored)
    shop = replace(found, config=found.config.model_copy(update={"destinations": {"crm": crm}}))
    monkeypatch.setenv("AIRFLOW_CONN_ERP", place.server.url)

    def exported() -> Mapping[str, Any]:
        done: Mapping[str, Any] = flow.export(shop, FIRST).details["destinations"]["crm"]
        return done

    first = exported()
    assert (first["sent"] > 100, first["rejected"]) == (True, 0)
    assert flow.reconcile(shop)["crm"].whole
    assert exported()["sent"] == 0
    moved, deleted = sorted(shop.ledger.state("crm"))[:2]
    parties = place.ask("party.party.search_read", [["code", "in", [moved, deleted]]], ["code"])
    numbers = {party["code"]: party["id"] for party in parties}
    call, tree = place.crm.crm.call, Trees(place.crm.crm, "a shop", "me", "").read()
    call("party.party.write", [numbers[moved]], {"categories": [["remove", sorted(tree.all)]]})
    call("party.party.delete", [numbers[deleted]])
    assert flow.reconcile(shop, repair=True)["crm"].missing == (moved, deleted)
    mended = exported()
    assert (mended["sent"], mended["rejected"]) == (1, 1)  # r11: who was deleted stays so
    assert moved not in caplog.text
    assert PASSWORD not in caplog.text + str(shop.history())
