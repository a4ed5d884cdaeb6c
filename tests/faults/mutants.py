"""Worse builds of the product, one function made worse in each, with the test that must notice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from churn_ml.errors import Unreachable

from .. import test_connections
from ..crm import (
    test_contract,
    test_contract_servers,
    test_file,
    test_file_races,
    test_guard,
    test_outbox,
    test_radius,
    test_remote,
    test_sql,
)
from ..crm.salesforce import test_destination as salesforce
from ..models import test_store
from . import test_clients, test_disks, test_locks_and_limits, test_races, worse


@dataclass(frozen=True)
class Mutant:
    """A fault, the function made worse, what it is made of, and the test that must notice.

    `told`: what the test is called with beside its fixtures. `said`: what the product itself says
    of the fault, where the test cannot get as far as what it asserts.
    """

    fault: str
    where: str
    worse: Callable[[Any], Any]
    test: Callable[..., None]
    told: Mapping[str, Any] = field(default_factory=dict)
    said: str = ""


MUTANTS = (
    Mutant(
        "C9",
        "churn_ml.crm:Outbox._check_newest",
        worse.nothing,
        test_locks_and_limits.test_c9_what_an_export_sent_behind_a_newer_one_of_the_same_day_is_sent_anew,
    ),
    Mutant(
        "C11",
        "churn_ml.crm.file_writing:put",
        worse.in_place,
        test_file.test_c11_a_full_disk_leaves_what_stood_and_says_how_much_room_is_needed,
    ),
    Mutant(
        "C11 of the ledger",
        "churn_ml.ledger.database:_unusable",
        lambda _: lambda *_: Unreachable("the ledger's database does not answer"),
        test_disks.test_c11_a_full_disk_below_the_ledger_is_said_and_nothing_of_the_plan_is_kept,
    ),
    Mutant(
        "C13",
        "churn_ml.durable:sync",
        worse.nothing,
        test_file.test_c13_every_file_is_on_disk_before_it_gets_its_name_and_every_name_before_the_ack,
    ),
    Mutant(
        "C13 of a file's content",
        "churn_ml.durable:_written",
        worse.syncing_the_folder_instead,
        test_file.test_c13_every_file_is_on_disk_before_it_gets_its_name_and_every_name_before_the_ack,
    ),
    Mutant(
        "C13 of a new folder",
        "churn_ml.crm.file:made",
        lambda _: lambda folder: folder.mkdir(parents=True, exist_ok=True),
        test_file.test_c13_every_file_is_on_disk_before_it_gets_its_name_and_every_name_before_the_ack,
    ),
    Mutant(
        "C13 of a model",
        "churn_ml.models.store:sync",
        worse.nothing,
        test_store.test_c13_every_file_of_a_model_and_every_name_on_the_way_to_it_is_on_disk_at_the_end,
    ),
    Mutant(
        "C13 of a model's content",
        "churn_ml.models.store:_write",
        worse.syncing_the_folders_instead,
        test_store.test_c13_every_file_of_a_model_and_every_name_on_the_way_to_it_is_on_disk_at_the_end,
    ),
    Mutant(
        "C14",
        "churn_ml.warehouse.room:_left",
        lambda _: lambda _: "4,190,208 bytes free",
        test_disks.test_c14_a_disk_without_files_left_is_said_as_that,
    ),
    Mutant(
        "O1",
        "churn_ml.crm.outbox:plan",
        worse.forgetting_what_is_there,
        test_outbox.test_o1_the_same_as_of_again_sends_nothing,
    ),
    Mutant(
        "O2",
        "churn_ml.ledger.deliveries:_put_on_top",
        worse.on_top_of_whatever_stands,
        test_races.test_o2_of_two_that_plan_at_once_one_saves_and_the_other_plans_anew,
    ),
    Mutant(
        "O2 in a folder",
        "churn_ml.crm.file:alone",
        lambda _: lambda *_: nullcontext(),
        test_file_races.test_o2_a_part_that_another_named_meanwhile_stays_named,
    ),
    Mutant(
        "P3 in a folder",
        "churn_ml.crm.file_writing:taken_out",
        lambda _: lambda *_: set(),
        test_file_races.test_o2_who_was_taken_out_meanwhile_does_not_come_back_with_a_late_run_of_the_plan,
    ),
    Mutant(
        "O4 in a folder",
        "churn_ml.crm.file_writing:manifests",
        lambda _: lambda *_: [],
        test_file_races.test_o4_a_batch_behind_a_later_as_of_is_not_taken_and_nothing_is_written,
    ),
    Mutant(
        "O3",
        "churn_ml.crm.file:create",
        worse.in_place,
        test_file.test_o3_a_second_deployment_is_refused_and_told_how_to_take_over,
    ),
    Mutant(
        "O4",
        "churn_ml.crm.outbox:plan",
        worse.heedless_of_older,
        test_outbox.test_o4_an_older_as_of_sends_nothing_and_takes_nothing_back,
    ),
    Mutant(
        "O4 behind an ack",
        "churn_ml.ledger.deliveries:told_of",
        worse.covering_the_doubt,
        test_races.test_o4_an_old_batch_behind_a_newer_one_whose_ack_comes_last_is_put_right,
    ),
    Mutant(
        "O4 behind a removal",
        "churn_ml.crm.salesforce.destination:gone",
        lambda _: lambda _: "#N/A",
        salesforce.test_o4_a_removal_leaves_its_date,
    ),
    Mutant(
        "P3 behind a removal",
        "churn_ml.ledger.deliveries:doubt_contradicted",
        worse.nothing,
        test_races.test_p3_a_batch_behind_the_removal_that_replaced_it_is_taken_back,
    ),
    Mutant(
        "R1",
        "churn_ml.crm.remote:_seconds",
        worse.nothing,
        test_remote.test_r1_a_retry_after_is_honoured,
    ),
    Mutant(
        "R1 of the day",
        "churn_ml.crm.means:taken",
        worse.without_a_quota,
        test_remote.test_r1_a_spent_daily_budget_asks_nothing_more_and_says_when_to_go_on,
    ),
    Mutant(
        "R1 of all workers",
        "churn_ml.crm.hubspot.destination:Caller",
        worse.with_a_pace_of_its_own,
        test_contract_servers.test_r1_two_workers_share_one_pace,
    ),
    Mutant(
        "R2",
        "churn_ml.crm.remote:Caller._check_breaker",
        worse.nothing,
        test_remote.test_r2_too_many_failures_in_a_row_open_the_breaker_until_it_has_rested,
    ),
    Mutant(
        "R3",
        "churn_ml.crm:Outbox.left_open",
        worse.taking_silence_for_an_ack,
        test_outbox.test_r3_a_connection_lost_before_anything_was_done_is_resumed,
    ),
    Mutant(
        "R4",
        "churn_ml.crm.plan:Plan.batch",
        worse.id_of_the_try,
        test_outbox.test_r4_a_lost_ack_is_sent_again_with_the_same_id_and_leaves_no_trace,
    ),
    Mutant(
        "R5",
        "churn_ml.crm:MemoryJournal.acknowledge",
        worse.forgetting_rejections,
        test_outbox.test_r5_rejected_rows_are_kept_with_code_field_and_message_and_tried_by_the_next_run,
    ),
    Mutant(
        "R4 before a refusal",
        "churn_ml.ledger.deliveries:_be_unsure",
        worse.nothing,
        test_races.test_r4_what_was_taken_in_silence_and_then_refused_is_put_right,
    ),
    Mutant(
        "C9 and killed",
        "churn_ml.crm.marks:Marks._behind_the_dead",
        worse.finding_nobody,
        test_races.test_c9_what_a_sender_wrote_late_before_it_died_is_sent_anew,
    ),
    Mutant(
        "R6",
        "churn_ml.crm.sql:bisected",
        worse.rejecting_the_first,
        test_sql.test_r6_one_bad_row_is_found_and_the_others_are_taken,
    ),
    Mutant(
        "R7",
        "churn_ml.crm.plan:_checked",
        worse.counting_nobody_twice,
        test_outbox.test_r7_a_customer_twice_is_refused_before_anything_is_sent,
    ),
    Mutant(
        "R8",
        "churn_ml.crm.remote:Caller._renew",
        worse.renewing_for_ever,
        test_remote.test_r8_a_refused_token_is_renewed_once_a_call_and_never_in_a_loop,
    ),
    Mutant(
        "R9",
        "churn_ml.crm.sql:check_columns",
        worse.nothing,
        test_sql.test_r9_a_missing_and_a_mistyped_column_are_named_before_row_one,
    ),
    Mutant(
        "R9 of a field that is never told",
        "churn_ml.crm.hubspot.rows:written",
        lambda real: lambda name, cell: "" if name == "model" else real(name, cell),
        test_contract.test_every_field_arrives_in_its_own_place,
    ),
    Mutant(
        "R12",
        "churn_ml.crm.outbox:plan",
        worse.never_removing,
        test_outbox.test_a_removal_is_sent_once,
    ),
    Mutant(
        "R13",
        "churn_ml.crm.radius:Radius.__call__",
        worse.nothing,
        test_radius.test_r13_ten_times_the_rows_are_not_sent,
    ),
    Mutant(
        "R14",
        "hubspot.crm.contacts:BatchApi.upsert",
        lambda _: lambda api, contacts, **_: None,
        test_clients.test_r14_hubspots_client_has_what_we_call,
        dict(zip(("where", "given"), next(iter(test_clients.HUBSPOT.items())), strict=True)),
    ),
    Mutant(
        "R16",
        "churn_ml.crm.salesforce.file:_clean",
        lambda _: str,
        salesforce.test_r16_line_ends_in_a_value_become_spaces_and_in_a_key_reject_the_row,
    ),
    Mutant(
        "R17",
        "churn_ml.crm.salesforce.session:Session._once",
        worse.reading_latin,
        salesforce.test_r17_chinese_names_quotes_and_commas_survive_the_way_there_and_back,
        said="1 rows have no answer of Salesforce",
    ),
    Mutant(
        "S1",
        "churn_ml.crm.file_rows:safe",
        lambda _: str,
        test_file.test_s1_a_customer_called_a_formula_is_defused_in_the_file,
    ),
    Mutant(
        "S8",
        "churn_ml.connections:Endpoint.__repr__",
        lambda _: lambda endpoint: f"Endpoint({vars(endpoint)})",
        test_connections.test_s8_no_repr_holds_a_secret,
    ),
    Mutant(
        "S9",
        "churn_ml.crm.guard:_read",
        worse.quoting_the_source,
        test_guard.test_p4_s9_a_source_that_cannot_be_read_stops_the_export_and_is_not_quoted,
    ),
    Mutant(
        "S12",
        "churn_ml.crm.address:_is_there",
        lambda _: lambda *_: True,
        test_remote.test_s12_only_https_to_a_public_address_is_allowed,
        {"url": "https://crm.internal/", "addresses": ["10.1.2.3"]},
    ),
    Mutant(
        "S12 of a redirect",
        "urllib3:Retry",
        lambda real: lambda *_, **__: real(3),
        test_contract_servers.test_s12_no_redirect_is_followed,
    ),
)
