"""Tests that can fail: each of the worse builds in mutants.py is caught by the test of its fault.

A test notices by what it asserts: a build that breaks in another way, as by a typo, shows nothing.
Two more, an ack before the send and no fencing, are caught by the whole harness: test_chaos.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from churn_ml.crm import MemoryJournal
from churn_ml.errors import ChurnError
from churn_ml.ledger import Ledger

from ..crm.fakes.hubspot import rigged as hubspot
from ..crm.fakes.rig import Rig
from ..crm.fakes.salesforce import Salesforce
from ..crm.salesforce.world import World
from .failpoints import owner_of
from .mutants import MUTANTS, Mutant

pytest.importorskip("hubspot", reason="HubSpot's client is not installed")


@pytest.fixture
def ledgers(tmp_path: Path) -> Iterator[list[Ledger]]:
    """One ledger, opened by two."""
    opened = [Ledger.open(f"sqlite:///{tmp_path}/ledger.db") for _ in range(2)]
    yield opened
    for one in opened:
        one.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/bi.db"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with hubspot(tmp_path) as found:
        yield found


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
def world() -> Iterator[World]:
    with Salesforce() as org:
        yield World(org)


def told(mutant: Mutant, request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the mutant's test is called with."""
    code = mutant.test.__code__
    wants = set(code.co_varnames[: code.co_argcount]) - mutant.told.keys()
    return {one: request.getfixturevalue(one) for one in wants} | dict(mutant.told)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)
def test_the_test_of_a_fault_fails_on_a_build_that_has_it(
    mutant: Mutant, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = told(mutant, request)
    owner, name = owner_of(mutant.where)
    monkeypatch.setattr(owner, name, mutant.worse(getattr(owner, name)))
    noticed = ChurnError if mutant.said else (AssertionError, pytest.fail.Exception)
    with pytest.raises(noticed, match=mutant.said or None):
        mutant.test(**given)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)
def test_and_passes_on_this_one(mutant: Mutant, request: pytest.FixtureRequest) -> None:
    mutant.test(**told(mutant, request))


def test_there_are_worse_builds_for_many_faults() -> None:
    assert len({mutant.fault.split(" ")[0] for mutant in MUTANTS}) >= 25
    assert len({mutant.fault for mutant in MUTANTS}) == len(MUTANTS)
