"""Salesforce when things go wrong: lost answers, limits, expired sessions, jobs left behind."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from churn_ml.crm.payload import removal
from churn_ml.crm.protocol import Ack, Batch, Rejection
from churn_ml.errors import BadConfig, Transient, Unreachable
from churn_ml.ledger import Ledger

from ..fakes.faults import Fault, drop_after, drop_before, expired, http, slow
from ..fakes.rig import IMPATIENT
from ..fakes.salesforce import Salesforce
from ..fakes.server import Asked, Reply
from .world import OCTOBER, World, row, six

ROWS = six()
ACKS = [Ack(one.customer_id) for one in ROWS]


def job(world: World, number: int = 0) -> str:
    return list(world.org.jobs)[number]


CREATE, UPLOAD = {"method": "POST", "path": "ingest$"}, {"path": "batches"}
CLOSE, POLL = {"method": "PATCH"}, {"method": "GET", "path": r"ingest/\w+$"}
RESULTS = {"path": "successfulResults"}


def test_r3_a_request_that_never_arrived_is_made_again(world: World) -> None:
    world.org.script.add(*(drop_before(**where) for where in (CREATE, UPLOAD, CLOSE, POLL)))
    assert world.send(*ROWS) == ACKS
    assert len(world.slept) == 4
    assert len(world.org.jobs) == 1


@pytest.mark.parametrize("where", [CREATE, UPLOAD, CLOSE, POLL, RESULTS])
def test_r4_a_lost_answer_leaves_every_record_once(world: World, where: dict[str, str]) -> None:
    world.org.script.add(drop_after(**where))
    assert world.send(*ROWS) == ACKS
    assert len(world.org.records.held) == 6
    assert [write["cells"]["customer_ref__c"] for write in world.org.writes] == [
        one.customer_id for one in ROWS
    ]


def test_r1_a_pause_that_is_asked_for_is_kept(world: World) -> None:
    world.org.script.add(http(429, retry_after=7, **CREATE), http(503, retry_after=11, **POLL))
    assert world.send(*ROWS) == ACKS
    assert [seconds for seconds in world.slept if seconds > 1] == [7, 11]


def test_r1_the_limit_of_the_day_stops_the_run_and_says_so(world: World) -> None:
    world.org.script.add(http(403, daily=True, **CREATE))
    with pytest.raises(Unreachable, match="REQUEST_LIMIT_EXCEEDED: the vendor's limit of the day"):
        world.send(*ROWS)
    assert world.send(*ROWS) == ACKS


def test_r2_a_burst_of_5xx_and_a_slow_answer_are_waited_for(world: World) -> None:
    world.org.script.add(*[http(status, **POLL) for status in (500, 503, 502)], slow(1.2, **POLL))
    target = world.destination(timeout=IMPATIENT)
    assert target.send(Batch("b1", "p1", OCTOBER, ROWS)) == ACKS
    looks = [verb for verb, path in world.org.asked if path.endswith(job(world))]
    assert (looks.count("GET"), len(world.org.jobs)) == (5, 1)


def test_r8_an_expired_session_is_renewed_once(world: World) -> None:
    world.org.script.add(expired(**CREATE))
    assert world.send(*ROWS) == ACKS
    world.org.script.add(expired(**CREATE), expired(**CREATE))
    with pytest.raises(BadConfig, match="does not take the token"):
        world.destination().send(Batch("b2", "p2", OCTOBER, ROWS))
    assert len(world.org.jobs) == 1


def test_r15_a_503_while_polling_leaves_a_job_that_the_next_run_reads(world: World) -> None:
    world.org.script.add(*[http(503, **POLL) for _ in range(8)])
    with pytest.raises(Unreachable):
        world.send(*ROWS)
    assert world.jobs.job("crm", "b1/upsert/0") == job(world)
    assert world.send(*ROWS) == ACKS
    assert (len(world.org.jobs), world.org.count("batches")) == (1, 1)


def test_r15_a_job_left_open_is_aborted_and_made_anew(world: World) -> None:
    world.org.script.add(*[http(503, **UPLOAD) for _ in range(8)])
    with pytest.raises(Unreachable):
        world.send(*ROWS)
    assert world.send(*ROWS) == ACKS
    assert [one.state for one in world.org.jobs.values()] == ["Aborted", "JobComplete"]


def test_r15_a_job_that_salesforce_has_forgotten_is_made_anew(world: World) -> None:
    world.send(*ROWS)
    world.org.jobs.clear()
    assert world.send(*ROWS) == ACKS
    assert len(world.org.records.held) == 6


def test_r15_a_job_that_does_not_end_is_left_to_the_next_run(world: World) -> None:
    world.org.polls = 12
    with pytest.raises(Transient, match="is not over after"):
        world.destination(wait_seconds=30.0).send(Batch("b1", "p1", OCTOBER, ROWS))
    assert world.send(*ROWS) == ACKS
    assert len(world.org.jobs) == 1


def test_r5_rows_left_unprocessed_are_sent_again_by_the_next_run(world: World) -> None:
    world.org.stops_after = 2
    with pytest.raises(Transient, match="4 rows have no answer"):
        world.send(*ROWS)
    assert world.send(*ROWS) == ACKS
    assert len(world.org.records.held) == 6


def test_r9_a_field_deleted_after_preflight_is_named(world: World) -> None:
    destination = world.destination()
    destination.preflight()
    world.org.records.forget("churn_ml_cause__c")
    with pytest.raises(BadConfig, match="got: churn_ml_cause__c"):
        destination.send(Batch("b1", "p1", OCTOBER, ROWS))


def test_r9_a_key_that_is_gone_is_a_refusal_of_the_lookup(world: World) -> None:
    world.org.records.forget("customer_ref__c")
    with pytest.raises(BadConfig, match="MALFORMED_QUERY"):
        world.destination().send(Batch("b1", "p1", OCTOBER, (removal("h1", OCTOBER),)))


def test_s8_s9_no_error_and_no_repr_shows_a_token_or_a_customer(world: World) -> None:
    canary = row("CANARY-7f3a", segment="CANARY-7f3a" * 30)
    world.org.words = "cannot take the row of CANARY-7f3a"
    (rejection,) = world.send(canary)
    assert isinstance(rejection, Rejection)
    shown = [rejection.message, rejection.code, rejection.field, repr(world.destination())]
    for fault in (http(400, **CREATE), http(403, **CREATE), http(418, **CREATE)):
        world.org.script.add(fault)
        with pytest.raises(BadConfig) as told:
            world.destination().send(Batch("b2", "p2", OCTOBER, (canary,)))
        shown += traceback.format_exception(told.value)
    assert "CANARY" not in "".join(shown)
    assert world.org.token not in "".join(shown)


def test_s9_no_log_of_urls_names_a_customer(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")  # HubSpot's client makes it quieter for all
    canary = row("CANARY-7f3a", offer="COUPON")
    assert world.send(canary) == [Ack("CANARY-7f3a")]
    world.record("CANARY-7f3a")["IsDeleted"] = True
    batch = Batch("b2", "p2", OCTOBER, (canary, removal("CANARY-7f3b", OCTOBER)))
    assert len(world.destination().send(batch)) == 2
    assert world.org.count("composite") == 4
    assert world.org.count("/query") > 0
    assert "CANARY" not in caplog.text
    assert "POST" in caplog.text


def test_s12_a_session_is_never_sent_to_another_host(world: World) -> None:
    for url in ("http://example.com", "https://169.254.169.254", world.org.url):
        connection = f"salesforce:///?instance_url={url}&session_id=t"
        with pytest.raises(BadConfig) as told:
            world.destination(connection=connection, test_host=False).preflight()
        assert told.value.where == "[destinations.crm]"
    login = "salesforce://a:b@/?security_token=t&domain=evil.example/x%23"
    with pytest.raises(BadConfig, match="domain is none"):
        world.destination(connection=login).preflight()
    assert world.org.asked == []


class Deadly(Salesforce):
    """An org that kills its client when a file is handed over, before it has answered."""

    victim: subprocess.Popen[bytes] | None = None

    def answer(self, asked: Asked, fault: Fault) -> Reply:
        reply = super().answer(asked, fault)
        if self.victim and asked.method == "PATCH":
            self.victim.kill()
            self.victim.wait()
        return reply


def test_c8_r15_a_process_killed_between_upload_and_result_resumes_the_same_job(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Ledger.open(url)
    with Deadly() as org:
        command = [sys.executable, "-m", "tests.crm.salesforce.world", org.connection, url]
        org.victim = subprocess.Popen(command, cwd=Path(__file__).parents[3])
        assert org.victim.wait(timeout=120) == -signal.SIGKILL
        org.victim = None
        assert [one.state for one in org.jobs.values()] == ["UploadComplete"]
        world = World(org, jobs=Ledger.open(url))
        assert world.send(*six()) == ACKS
        assert (len(org.jobs), org.count("batches"), len(org.records.held)) == (1, 1, 6)


def test_p3_r15_a_job_left_running_does_not_end_after_the_removal_that_followed(
    world: World,
) -> None:
    world.org.polls = 3
    world.org.script.add(*[http(503, **POLL) for _ in range(8)])
    with pytest.raises(Unreachable):
        world.send(*ROWS)
    # consent was withdrawn meanwhile, so that the batch is another one
    batch = Batch("b2", "p1", OCTOBER, tuple(removal(one.customer_id, OCTOBER) for one in ROWS))
    assert world.destination().send(batch) == ACKS
    world.org.finish()
    assert list(world.destination().holds()) == []


def test_r15_a_batch_with_other_rows_is_another_job(world: World) -> None:
    world.send(*ROWS)
    batch = Batch("b2", "p1", OCTOBER, ROWS[:3])
    assert world.destination().send(batch) == ACKS[:3]
    assert len(world.org.jobs) == 2
