"""The vendors' clients still have what we call, with the fields that we fill (R14).

`make clients` runs this and every test that speaks through the clients against the newest ones, in
place of those that are locked: what a vendor has renamed is named here, before any export.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

CRM = Path(__file__).parents[2] / "src/churn_ml/crm"
HUBSPOT = {
    "hubspot.crm.contacts:BatchApi.upsert": {"batch_input_simple_public_object_batch_input_upsert"},
    "hubspot.crm.contacts:BatchApi.read": {"batch_read_input_simple_public_object_id"},
    "hubspot.crm.contacts:BasicApi.get_page": set(),
    "hubspot.crm.properties:CoreApi.get_all": {"object_type"},
    "hubspot.crm.properties:CoreApi.get_by_name": {"object_type", "property_name"},
    "hubspot.crm.properties:CoreApi.create": {"object_type", "property_create"},
    "hubspot.crm.properties:CoreApi.update": {"object_type", "property_name", "property_update"},
    "hubspot.crm.properties:GroupsApi.create": {"object_type", "property_group_create"},
    "hubspot.oauth:TokensApi.create": set(),
}
"""What is called, with the parameters that are given by place; the rest goes by keyword."""
FILLED = {
    "SimplePublicObjectBatchInputUpsert": {
        *("id", "id_property", "properties", "object_write_trace_id"),
    },
    "BatchReadInputSimplePublicObjectId": {
        *("id_property", "inputs", "properties", "properties_with_history"),
    },
}
SALESFORCE = {
    "simple_salesforce.bulk2:_Bulk2Client.create_job": {
        *("operation", "line_ending", "external_id_field"),
    },
    "simple_salesforce.bulk2:_Bulk2Client.upload_job_data": {"job_id", "data"},
    "simple_salesforce.bulk2:_Bulk2Client.close_job": {"job_id"},
    "simple_salesforce.bulk2:_Bulk2Client.abort_job": {"job_id", "is_query"},
    "simple_salesforce.bulk2:_Bulk2Client.get_job": {"job_id", "is_query"},
    "simple_salesforce.bulk2:_Bulk2Client.get_ingest_results": {"job_id", "results_type"},
    "simple_salesforce.util:call_salesforce": {"url", "method", "session", "headers"},
    "simple_salesforce.api:Salesforce": {
        *("username", "password", "security_token", "session", "domain", "version"),
    },
}


def found(where: str) -> Any:
    """The function or class at `where`; fails where the vendor has it no more."""
    module, _, path = where.partition(":")
    return reduce(getattr, path.split("."), importlib.import_module(module))


@pytest.mark.parametrize(("where", "given"), HUBSPOT.items(), ids=list(HUBSPOT))
def test_r14_hubspots_client_has_what_we_call(where: str, given: set[str]) -> None:
    pytest.importorskip("hubspot", reason="HubSpot's client is not installed")
    taken = inspect.signature(found(where)).parameters
    assert set(list(taken)[1 : 1 + len(given)]) == given
    assert any(one.kind is one.VAR_KEYWORD for one in taken.values()), "timeout and limits"


@pytest.mark.parametrize(("name", "fields"), FILLED.items(), ids=list(FILLED))
def test_r14_hubspots_client_takes_the_fields_we_fill(name: str, fields: set[str]) -> None:
    contacts = pytest.importorskip("hubspot.crm.contacts")
    assert getattr(contacts, name).openapi_types.keys() >= fields


def test_r14_hubspots_client_is_made_as_we_make_it() -> None:
    hubspot = pytest.importorskip("hubspot")
    from urllib3 import Retry

    made = hubspot.HubSpot(access_token="t", host="http://127.0.0.1:1", retry=Retry(0))
    places = ("crm.contacts.batch_api", "crm.contacts.basic_api", "crm.properties.core_api")
    for place in (*places, "crm.properties.groups_api", "oauth.tokens_api"):
        api = reduce(getattr, place.split("."), made)
        settings = api.api_client.configuration
        assert (settings.host, settings.retries.total) == ("http://127.0.0.1:1", 0), place
    for part in ("hubspot.crm.contacts", "hubspot.crm.properties", "hubspot.oauth"):
        error = importlib.import_module(part).ApiException(status=429)
        assert (error.status, error.body, error.headers) == (429, None, None)


@pytest.mark.parametrize(("where", "given"), SALESFORCE.items(), ids=list(SALESFORCE))
def test_r14_salesforces_client_has_what_we_call(where: str, given: set[str]) -> None:
    pytest.importorskip("simple_salesforce", reason="Salesforce's client is not installed")
    assert inspect.signature(found(where)).parameters.keys() >= given


def test_r14_salesforces_words_for_the_states_of_a_job_are_those_we_wait_for() -> None:
    bulk2 = pytest.importorskip("simple_salesforce.bulk2")
    states = {one.value for one in bulk2.JobState}
    assert states >= {"Open", "UploadComplete", "JobComplete", "Failed", "Aborted"}
    assert (bulk2.LineEnding.LF.value, bulk2.Operation.upsert.value) == ("LF", "upsert")
    assert {bulk2.ResultsType.successful, bulk2.ResultsType.failed}


def test_r14_nothing_is_imported_of_a_client_that_it_does_not_have() -> None:
    pytest.importorskip("hubspot", reason="HubSpot's client is not installed")
    pytest.importorskip("simple_salesforce", reason="Salesforce's client is not installed")
    names = sorted(set(_imported()))
    assert len(names) > 10
    for module, name in names:
        assert hasattr(importlib.import_module(module), name), f"{module} has no {name}"


def _imported() -> Iterator[tuple[str, str]]:
    """Every name that the destinations import from the vendors' packages."""
    for path in CRM.rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for told in (node for node in nodes if isinstance(node, ast.ImportFrom)):
            if str(told.module).split(".")[0] in {"hubspot", "simple_salesforce"}:
                yield from ((str(told.module), each.name) for each in told.names)
