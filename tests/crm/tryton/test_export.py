"""Whole exports to a Tryton server: killed, its database restarted, and a scored shop's."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from churn_ml import flow
from churn_ml.crm.protocol import Row
from churn_ml.crm.reconcile import reconciled
from churn_ml.crm.tryton.tree import Trees
from churn_ml.house import House
from churn_ml.ledger import Ledger

from ...conftest import FIRST
from .export import BATCH, CUSTOMERS, PASSWORD, desired, export
from .place import NOVEMBER, OCTOBER, Place, hashes


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
        program = Path(__file__).with_name("export.py")
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
    exporting: Callable[..., House],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = exporting(kind="tryton", connection="erp", object="a shop")
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
