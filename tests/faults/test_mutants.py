"""Tests that can fail: each of these worse builds is caught by the test of its fault.

Two more, an ack before the send and no fencing, are caught by the whole harness: test_chaos.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from churn_ml.errors import ChurnError

from ..crm import test_file, test_outbox, test_radius
from . import test_locks_and_limits as here
from .failpoints import owner_of


@dataclass(frozen=True)
class Mutant:
    """A fault, the function made worse, what it is made of, and the test that must notice."""

    fault: str
    where: str
    worse: Callable[[Any], Any]
    test: Callable[..., None]


def _planning(**worse: Any) -> Callable[[Any], Any]:
    """A plan made on something else than it was told."""
    return lambda real: lambda *args, **told: real(*args, **told | worse)


def _never_removing(real: Any) -> Any:
    def planned(*args: Any, **told: Any) -> Any:
        found = real(*args, **told)
        return replace(found, rows=tuple(row for row in found.rows if row.op == "upsert"))

    return planned


def _id_of_the_try(real: Any) -> Any:
    return lambda *args: replace(real(*args), id=uuid.uuid4().hex)


def _forgetting_rejections(real: Any) -> Any:
    return lambda *args, **told: real(*args, **told | {"rejected": ()})


def _counting_nobody_twice(_: Any) -> Any:
    return lambda desired, *_: frozenset(row.customer_id for row in desired)


def _nothing(_: Any) -> Any:
    return lambda *_, **__: None


def _in_place(_: Any) -> Any:
    return lambda path, content: path.write_bytes(content)


MUTANTS = (
    Mutant(
        "O1",
        "churn_ml.crm.outbox:plan",
        _planning(held={}),
        test_outbox.test_o1_the_same_as_of_again_sends_nothing,
    ),
    Mutant(
        "O4",
        "churn_ml.crm.outbox:plan",
        _planning(last=None),
        test_outbox.test_o4_an_older_as_of_sends_nothing_and_takes_nothing_back,
    ),
    Mutant(
        "O3",
        "churn_ml.crm.file:_create",
        _in_place,
        test_file.test_o3_a_second_deployment_is_refused_and_told_how_to_take_over,
    ),
    Mutant(
        "R4",
        "churn_ml.crm.plan:Plan.batch",
        _id_of_the_try,
        test_outbox.test_r4_a_lost_ack_is_sent_again_with_the_same_id_and_leaves_no_trace,
    ),
    Mutant(
        "R3",
        "churn_ml.crm:Outbox.left_open",
        _nothing,
        test_outbox.test_r3_a_connection_lost_before_anything_was_done_is_resumed,
    ),
    Mutant(
        "R5",
        "churn_ml.crm:MemoryJournal.acknowledge",
        _forgetting_rejections,
        test_outbox.test_r5_rejected_rows_are_kept_with_code_field_and_message_and_tried_by_the_next_run,
    ),
    Mutant(
        "R7",
        "churn_ml.crm.plan:_checked",
        _counting_nobody_twice,
        test_outbox.test_r7_a_customer_twice_is_refused_before_anything_is_sent,
    ),
    Mutant(
        "R12",
        "churn_ml.crm.outbox:plan",
        _never_removing,
        test_outbox.test_a_removal_is_sent_once,
    ),
    Mutant(
        "R13",
        "churn_ml.crm.radius:Radius.__call__",
        _nothing,
        test_radius.test_r13_ten_times_the_rows_are_not_sent,
    ),
    Mutant(
        "S1",
        "churn_ml.crm.file_rows:safe",
        lambda _: str,
        test_file.test_s1_a_customer_called_a_formula_is_defused_in_the_file,
    ),
    Mutant(
        "C9",
        "churn_ml.crm:Outbox._check_newest",
        _nothing,
        here.test_c9_what_an_export_sent_behind_a_newer_one_of_the_same_day_is_sent_anew,
    ),
    Mutant(
        "C11",
        "churn_ml.crm.file:_replace",
        _in_place,
        test_file.test_a_full_disk_leaves_the_old_file_and_says_how_much_room_is_needed,
    ),
    Mutant(
        "C13",
        "churn_ml.crm.file:_sync_folder",
        _nothing,
        test_file.test_every_file_is_synced_before_it_gets_its_name,
    ),
)


NOTICED = (AssertionError, pytest.fail.Exception, ChurnError)
"""How a test notices: a worse build that breaks in another way, as by a typo, shows nothing."""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)
def test_the_test_of_a_fault_fails_on_a_build_that_has_it(
    mutant: Mutant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"tmp_path": tmp_path, "monkeypatch": monkeypatch}
    wants = mutant.test.__code__.co_varnames[: mutant.test.__code__.co_argcount]
    owner, name = owner_of(mutant.where)
    monkeypatch.setattr(owner, name, mutant.worse(getattr(owner, name)))
    with pytest.raises(NOTICED):
        mutant.test(**{one: given[one] for one in wants})


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)
def test_and_passes_on_this_one(
    mutant: Mutant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"tmp_path": tmp_path, "monkeypatch": monkeypatch}
    wants = mutant.test.__code__.co_varnames[: mutant.test.__code__.co_argcount]
    mutant.test(**{one: given[one] for one in wants})
