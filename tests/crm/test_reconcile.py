"""Reconciling a real file and a real table with what they acknowledged (fault R11)."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from churn_ml import crm
from churn_ml.crm.file import FileDestination
from churn_ml.errors import BadInput
from churn_ml.ledger import Ledger

DAY, LATER = date(2017, 10, 1), date(2017, 11, 1)
ANYONE = crm.Guard(lambda _: (), lambda _: {}, True, frozenset({"NONE"}))


def desired(*customers: str, as_of: date = DAY, offer: str = "COUPON") -> list[crm.Row]:
    ids = pd.DataFrame({"customer_id": customers})
    scores = ids.assign(
        score=0.62, value_at_risk=129.7, reasons="[]", model="rule-1", contract="gone30-1"
    )
    bands = {"stage": "active", "risk_band": "high", "value_band": "low", "segment": "S"}
    placed, acted = ids.assign(**bands, arm="open"), ids.assign(offer=offer)
    return crm.rows(scores, placed, acted, as_of=as_of, tau=0.0, score_step=0.05, delivers=True)


def outbox(target: crm.Destination, ledger: Ledger) -> crm.Outbox:
    return crm.Outbox(target, ledger, ANYONE, clock=lambda: datetime(2026, 11, 21, tzinfo=UTC))


def told(target: crm.Destination, ledger: Ledger) -> crm.Reconciled:
    return crm.reconciled(target.holds(), ledger.state(target.name), delivers=target.delivers)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger.open("sqlite://")


def test_each_planted_difference_in_a_table_is_found_and_repaired(
    tmp_path: Path, ledger: Ledger
) -> None:
    place = tmp_path / "bi.db"
    target = crm.SqlDestination("bi", f"sqlite:///{place}", "segments", "us", delivers=True)
    outbox(target, ledger).export(desired("h1", "h2", "h3"), DAY)
    assert told(target, ledger) == crm.Reconciled(3, (), (), ())
    with closing(sqlite3.connect(place)) as base, base as table:
        table.execute("delete from segments where customer_id = 'h1'")
        table.execute("update segments set segment = 'MINE' where customer_id = 'h2'")
        stranger = ("x9", "2017-10-01", "NONE")
        table.execute("insert into segments (customer_id, as_of, offer) values (?, ?, ?)", stranger)
    found = told(target, ledger)
    assert found == crm.Reconciled(1, ("h1",), ("x9",), ("h2",))
    ledger.doubt("bi", found.doubtful, datetime(2017, 10, 2, tzinfo=UTC))
    again = told(target, ledger)
    assert (again.missing, again.in_doubt) == ((), ("h1", "h2", "x9")), "the next export sees to it"
    assert not again.whole
    done = outbox(target, ledger).export(desired("h1", "h2", "h3"), DAY)
    assert (done.sent, done.removed, done.unchanged) == (2, 1, 1)
    assert told(target, ledger) == crm.Reconciled(3, (), (), ())


def test_a_folder_is_read_as_its_reader_would(tmp_path: Path, ledger: Ledger) -> None:
    target = FileDestination("csv", tmp_path / "csv", "us", delivers=True)
    outbox(target, ledger).export(desired("h1", "=h2", "h3"), DAY)
    outbox(target, ledger).export(desired("h1", "=h2", as_of=LATER, offer="NONE"), LATER)
    assert told(target, ledger) == crm.Reconciled(2, (), (), ())
    part = next((tmp_path / "csv").glob("as_of=2017-11-01/part-*.csv"))
    lines = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join(line for line in lines if not line.startswith(b"h1,")))
    with pytest.raises(BadInput, match="not the one that its manifest names"):
        told(target, ledger)
    manifest = part.with_name("manifest.json")
    named = json.loads(manifest.read_text())
    named["parts"][0]["sha256"] = hashlib.sha256(part.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(named))
    assert told(target, ledger) == crm.Reconciled(1, (), (), ("h1",))


def test_a_table_that_is_gone_holds_nobody_and_comes_back(tmp_path: Path, ledger: Ledger) -> None:
    place = tmp_path / "bi.db"
    target = crm.SqlDestination("bi", f"sqlite:///{place}", "segments", "us", delivers=True)
    assert told(target, ledger).whole, "nothing was told yet, and no table is made"
    outbox(target, ledger).export(desired("h1", "h2"), DAY)
    with closing(sqlite3.connect(place)) as base, base as table:
        table.execute("drop table segments")
    found = told(target, ledger)
    assert found == crm.Reconciled(0, ("h1", "h2"), (), ())
    ledger.doubt("bi", found.doubtful, datetime(2017, 10, 2, tzinfo=UTC))
    assert outbox(target, ledger).export(desired("h1", "h2"), DAY).sent == 2
    assert told(target, ledger) == crm.Reconciled(2, (), (), ())


def test_a_difference_is_told_field_by_field(tmp_path: Path, ledger: Ledger) -> None:
    place = tmp_path / "bi.db"
    target = crm.SqlDestination("bi", f"sqlite:///{place}", "segments", "us", delivers=True)
    outbox(target, ledger).export(desired("h1", "h2"), DAY)
    with closing(sqlite3.connect(place)) as base, base as table:
        table.execute("update segments set segment = 'MINE', cause = 'FX' where customer_id = 'h2'")
    found = told(target, ledger)
    apart = crm.apart(found, ledger.told("bi", list(found.there)))
    assert apart == {"h2": {"segment": ("S", "MINE"), "cause": (None, "FX")}}
    ledger.doubt("bi", ["h1"], datetime(2017, 10, 2, tzinfo=UTC))
    found = told(target, ledger)
    assert (found.different, found.in_doubt) == (("h2",), ("h1",))
    last = ledger.told("bi", ["h1"])
    table_of = crm.reconciled(target.holds(), ledger.state("bi"), delivers=True, last=last)
    assert (table_of.different, table_of.in_doubt) == (("h2",), ("h1",))
    ledger.doubt("bi", ["h2"], datetime(2017, 10, 2, tzinfo=UTC))
    last = ledger.told("bi", ["h1", "h2"])
    found = crm.reconciled(target.holds(), ledger.state("bi"), delivers=True, last=last)
    assert (found.different, found.in_doubt) == (("h2",), ("h1",)), "h2 is known to differ"


def test_a_refused_row_does_not_make_a_target_look_edited_and_an_edit_is_still_found(
    tmp_path: Path, ledger: Ledger
) -> None:
    place = tmp_path / "bi.db"
    target = crm.SqlDestination("bi", f"sqlite:///{place}", "segments", "us", delivers=True)
    outbox(target, ledger).export(desired("h1", "h2", "h3", "h4"), DAY)
    last = ledger.last_plan("bi")
    assert last is not None
    new = [(c, "another", '{"offer":"X"}', False) for c in ("h1", "h2", "h3")]
    ledger.save_plan("bi", "p2", LATER, new, base=last[0])
    refused = [(c, "bad", "") for c in ("h1", "h2", "h3")]
    ledger.acknowledge("p2", [], rejected=refused, at=datetime(2017, 11, 1, tzinfo=UTC))

    def found() -> crm.Reconciled:
        state = ledger.state("bi")
        last = ledger.told("bi", crm.doubted(state))
        return crm.reconciled(target.holds(), state, delivers=True, last=last)

    assert found() == crm.Reconciled(4, (), (), ())
    assert told(target, ledger).in_doubt == ("h1", "h2", "h3"), "without their rows nobody knows"
    with closing(sqlite3.connect(place)) as base, base as table:
        table.execute("update segments set segment = 'MINE' where customer_id = 'h1'")
        table.execute("delete from segments where customer_id = 'h2'")
    assert found() == crm.Reconciled(2, ("h2",), (), ("h1",))


@pytest.mark.parametrize("delivers", [True, False])
@pytest.mark.parametrize("edited", ["2018-01-14", "2017-09-01", "gestern", ""])
def test_an_edited_as_of_is_told_and_a_row_that_was_not_sent_again_keeps_its_own(
    tmp_path: Path, ledger: Ledger, edited: str, delivers: bool
) -> None:
    place = tmp_path / "bi.db"
    target = crm.SqlDestination("bi", f"sqlite:///{place}", "segments", "us", delivers=delivers)
    outbox(target, ledger).export(desired("h1", "h2", offer="NONE"), DAY)
    done = outbox(target, ledger).export(desired("h1", "h2", as_of=LATER, offer="NONE"), LATER)
    assert done.unchanged == 2
    assert told(target, ledger) == crm.Reconciled(2, (), (), ())
    with closing(sqlite3.connect(place)) as base, base as table:
        table.execute("update segments set as_of = ? where customer_id = 'h2'", [edited])
    found = told(target, ledger)
    assert found == crm.Reconciled(1, (), (), ("h2",))
    apart = crm.apart(found, ledger.told("bi", list(found.there)))
    assert apart == {"h2": {"as_of": ("2017-10-01", edited or None)}}


def test_a_place_that_its_own_plan_emptied_before_the_ack_is_not_missed(
    tmp_path: Path, ledger: Ledger
) -> None:
    place = tmp_path / "bi.db"
    target = crm.SqlDestination("bi", f"sqlite:///{place}", "segments", "us", delivers=True)
    outbox(target, ledger).export(desired("h1"), DAY)
    last = ledger.last_plan("bi")
    assert last is not None
    ledger.save_plan("bi", "p2", DAY, [("h1", "", "{}", False)], base=last[0])
    with closing(sqlite3.connect(place)) as base, base as table:
        table.execute("delete from segments")
    assert outbox(target, ledger).export(desired("h2"), DAY).resumed == 1
    with closing(sqlite3.connect(place)) as base, base as table:
        table.execute("delete from segments")
    with pytest.raises(BadInput, match="bi holds nothing any more"):
        outbox(target, ledger).export(desired("h2"), DAY)
