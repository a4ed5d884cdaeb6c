"""Salesforce through the hall: a scored shop, exported by churn.toml and a connection alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from churn_ml import flow
from churn_ml.errors import Unreachable
from churn_ml.house import House

from ..conftest import FIRST
from ..crm.fakes import faults
from ..crm.fakes.salesforce import Salesforce
from ..crm.fakes.salesforce_records import KEY


def test_r15_r11_a_shop_is_exported_resumed_reconciled_and_mended(
    exporting: Callable[..., House],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    house = exporting(kind="salesforce", connection="salesforce_crm")
    with Salesforce() as org:
        monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_CRM", org.connection)
        assert flow.export(house, FIRST, dry_run=True).details["destinations"]["crm"]["sent"] > 100
        assert org.asked == []
        org.script.add(faults.http(403, daily=True, method="GET", path=r"ingest/\w+$"))
        with pytest.raises(Unreachable, match="limit of the day"):
            flow.export(house, FIRST)
        done = flow.export(house, FIRST).details["destinations"]["crm"]
        assert (done["resumed"], done["rejected"]) == (done["sent"], 0)
        assert (len(org.jobs), len(org.records.held)) == (1, done["sent"])
        assert flow.reconcile(house)["crm"].whole
        assert flow.export(house, FIRST).details["destinations"]["crm"]["sent"] == 0
        mine, other = sorted(house.ledger.state("crm"))[:2]
        held = {one[KEY]: one for one in org.records.held.values()}
        held[mine]["churn_ml_segment__c"] = "MINE"
        held[other]["IsDeleted"] = True
        assert flow.reconcile(house, repair=True)["crm"].doubtful == (other, mine)
        mended = flow.export(house, FIRST).details["destinations"]["crm"]
        assert (mended["sent"], mended["rejected"]) == (1, 1)
        shown = caplog.text + str(house.history())
    assert mine not in caplog.text
    assert org.token not in shown
