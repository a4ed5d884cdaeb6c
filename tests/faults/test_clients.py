"""The vendors' clients still have what we call, with the fields that we fill (R14).

Run against the newest client before its version is locked: what a vendor has renamed is named here,
before any export.
"""

from __future__ import annotations

import inspect

import pytest


def test_r14_hubspots_client_takes_what_we_send() -> None:
    contacts = pytest.importorskip("hubspot.crm.contacts")
    row = contacts.SimplePublicObjectBatchInputUpsert
    sent = {"id", "id_property", "properties", "object_write_trace_id"}
    assert row.openapi_types.keys() >= sent
    read = contacts.BatchReadInputSimplePublicObjectId.openapi_types
    assert read.keys() >= {"id_property", "inputs", "properties", "properties_with_history"}
    for call in ("upsert", "read"):
        assert callable(getattr(contacts.BatchApi, call))
    page = inspect.signature(contacts.BasicApi.get_page)
    assert any(one.kind is one.VAR_KEYWORD for one in page.parameters.values())


def test_r14_salesforces_client_takes_what_we_send() -> None:
    bulk2 = pytest.importorskip("simple_salesforce.bulk2")
    wanted = {
        "create_job": {"operation"},
        "upload_job_data": {"job_id", "data"},
        "close_job": {"job_id"},
        "get_job": {"job_id", "is_query"},
        "get_ingest_results": {"job_id", "results_type"},
    }
    for name, parameters in wanted.items():
        called = inspect.signature(getattr(bulk2._Bulk2Client, name))
        assert called.parameters.keys() >= parameters, name
    assert {bulk2.JobState.open, bulk2.JobState.job_complete, bulk2.JobState.failed}
