"""What an export makes sure of in HubSpot before row 1: properties, the key, whose they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from churn_ml.crm.hubspot.properties import OWNER, PROPERTIES
from churn_ml.errors import BadConfig

from ..fakes import faults
from ..fakes.hubspot import HubSpot
from ..fakes.rig import Clock
from .world import opened

DAY = 86_400


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


@pytest.mark.parametrize("key", ["Customer Ref", "", "churn_ml_score", "a-b", "x" * 101])
def test_a_key_that_is_no_propertys_name_is_refused(account: HubSpot, key: str) -> None:
    with pytest.raises(BadConfig, match="the key is no name"):
        replace(opened(account), key=key)
