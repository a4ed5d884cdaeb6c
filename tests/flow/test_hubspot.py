"""HubSpot through the hall: a scored shop, exported by churn.toml and a connection alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from churn_ml import flow
from churn_ml.house import House
from churn_ml.ledger.schema import BUCKETS

from ..conftest import FIRST
from ..crm.fakes import faults
from ..crm.fakes.hubspot import HubSpot


def test_r1_every_request_is_counted_in_the_ledger(
    exporting: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = exporting(kind="hubspot", connection="hubspot_crm")
    with HubSpot() as account:
        monkeypatch.setenv("AIRFLOW_CONN_HUBSPOT_CRM", account.connection)
        flow.export(house, FIRST)
        assert flow.reconcile(house)["crm"].whole
        with house.ledger.reading() as connection:
            spent = connection.execute(select(BUCKETS.c.destination, BUCKETS.c.spent)).all()
        assert spent == [("crm", len(account.asked))]


def test_s8_s9_r4_a_shop_is_exported_reconciled_and_mended(
    exporting: Callable[..., House],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = exporting(kind="hubspot", connection="hubspot_crm")
    with HubSpot() as account:
        monkeypatch.setenv("AIRFLOW_CONN_HUBSPOT_CRM", account.connection)
        assert flow.export(house, FIRST, dry_run=True).details["destinations"]["crm"]["sent"] > 100
        assert account.asked == []
        account.script.add(faults.drop_after(path="batch/upsert"))
        done = flow.export(house, FIRST).details["destinations"]["crm"]
        assert (len(account.contacts), done["rejected"]) == (done["sent"], 0)
        assert flow.reconcile(house)["crm"].whole
        writes = len(account.writes)
        assert flow.export(house, FIRST).details["destinations"]["crm"]["sent"] == 0
        assert len(account.writes) == writes
        mine, other = sorted(house.ledger.state("crm"))[:2]
        account.edit(mine, churn_ml_segment="MINE")
        account.delete(other)
        assert flow.reconcile(house, repair=True)["crm"].doubtful == (other, mine)
        mended = flow.export(house, FIRST).details["destinations"]["crm"]
        assert (mended["sent"], mended["rejected"]) == (1, 1)  # r11: who was deleted stays so
        shown = caplog.text + str(house.history())
    assert mine not in caplog.text
    assert "fake-token" not in shown
