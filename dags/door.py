"""What the six DAGs share: settings, assets, the key read, the house opened, receipts handed on.

Enters: `CHURN_ML_CONFIG`, the path of churn.toml, and the Airflow connections that addresses.py
resolves. Leaves: the
arguments every DAG is made with, and in XCom a receipt's reference and counts, never a row.
Importing it costs as little as reading churn.toml: what is heavy is imported inside tasks.

Worked example: the task `score` of the run with partition key 2017-10-01 calls `as_of()` and gets
date(2017, 10, 1), calls `house()` and gets the lake, ledger and MLflow opened for itself, and hands
on {"receipt": "score/2017-10-01/3", "status": "done", "rows_in": 2446, "rows_out": 2036}.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import (
    Asset,
    CronPartitionTimetable,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryRule,
    get_current_context,
)
from airflow.sdk.exceptions import AirflowSkipException

import addresses
from churn_ml.config import Schedule, named
from churn_ml.errors import BadInput, Permanent, TooEarly, Transient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from churn_ml.house import House
    from churn_ml.receipts import Receipt

SKIPS = frozenset({"no_champion", "no_data", "too_early"})
"""Statuses of a step that had nothing to work on: its task is skipped, and nothing follows."""

Dag = Any
Told = Any
"""What a task hands on: a dict, which Airflow would split into one XCom a key if it were named."""


def _asset(name: str, what: str) -> Asset:
    """An asset of the house; its events carry the as_of as key and the receipt as extra."""
    return Asset(name, uri=f"churn-ml://{name}", group="churn_ml", extra={"what": what})


CANONICAL = _asset("canonical", "the shop's tables, validated and published as of a day")
ACTIONS = _asset("actions", "scores, reasons, segments and actions of a day")
CHALLENGER = _asset("challenger", "a trained model that wants to be champion")
CHAMPION = _asset("champion", "the first champion: from its day on there is something to score by")


def _utc(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def rules(schedule: Schedule) -> dict[str, Any]:
    """The arguments of every DAG: the clock is fixed, one run at a time, retries by error class.

    Where the world was busy the waits grow, so that rule names none. What nobody foresaw is most
    likely a defect: it is tried as often, without being long in coming to light.
    """
    wait = timedelta(seconds=schedule.retry_seconds)
    by_class = [
        RetryRule(Permanent, RetryAction.FAIL, reason="somebody has to act first"),
        RetryRule(Transient, RetryAction.RETRY, reason="the world was busy"),
        RetryRule(Exception, RetryAction.RETRY, retry_delay=wait, reason="nobody foresaw this"),
    ]
    return {
        "start_date": _utc(schedule.start_on),
        "end_date": _utc(schedule.end_on) if schedule.end_on else None,
        "catchup": False,
        "max_active_runs": 1,
        "default_args": {
            "owner": "churn_ml",
            "pool": schedule.pool,
            "retries": schedule.retries,
            "retry_delay": wait,
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": timedelta(minutes=schedule.retry_at_most_minutes),
            "retry_policy": ExceptionRetryPolicy(by_class),
            "execution_timeout": timedelta(minutes=schedule.step_minutes),
        },
    }


CONFIG = named("Airflow's DAG processor and workers")
RULES = rules(CONFIG.schedule)
DAILY = CronPartitionTimetable(CONFIG.schedule.cron, timezone="UTC", key_format="%Y-%m-%d")
SHARED = (
    "* **Further contracts**: each of `[contracts]` has its own train, promote, score, export and\n"
    "  learn, as in `churn_score.renewal`, after the same ingest; their models never mix.\n"
    "* **Tasks stay scheduled, none starts**: the pool of `[schedule] pool` is missing. Make it,\n"
    "  as in `airflow pools set {pool} 2 steps`"
)
ANSWER_WITHIN = timedelta(hours=CONFIG.schedule.approval_hours)
REPIN = Param(
    False,
    type="boolean",
    title="Take what is newest",
    description="A date that was run before reads again what it read then: the same lots, versions "
    "and model, under the same settings. Tick this to take the newest of all instead.",
)


def policy(doc: str, *tags: str) -> dict[str, Any]:
    """The arguments of a DAG: its policy `doc`, whose first line describes it, tags and rules.

    What holds for every DAG is said once, here, with the name of the pool that there is to be.
    """
    told = doc.partition("\n")[0].strip("# ")
    whole = f"{doc.rstrip()}\n{SHARED.format(pool=CONFIG.schedule.pool)}\n"
    return {"doc_md": whole, "description": told, "tags": ["churn_ml", *tags]} | RULES


def each_contract(make: Callable[[str], Dag]) -> Callable[[str], Dag]:
    """Call `make` for the main contract ("") and for each of [contracts]: a DAG for every one."""
    for line in ("", *CONFIG.contracts):
        make(line)
    return make


def dag_id(name: str, line: str) -> str:
    """What the DAG `name` is called under a contract: `churn_score.renewal`."""
    return f"{name}.{line}" if line else name


def of(asset: Asset, line: str) -> Asset:
    """`asset` under a contract: one of its own, so that only its own DAGs follow it."""
    what = f"{asset.extra['what']}, under the contract {line}"
    return _asset(f"{asset.name}.{line}", what) if line else asset


def as_of() -> date:
    """The end of the known world of this run: its partition key.

    Raises BadInput where there is none, where it is no day, or where that day is still to come.
    """
    run = get_current_context()["dag_run"]
    key = run.partition_key or ""
    try:
        day = date.fromisoformat(key)
    except ValueError:
        day = None
    if day is None or day.isoformat() != key or day > run.run_after.date():
        raise BadInput(
            "the partition key of this run is not an as_of",
            where=f"{run.dag_id}, run {run.run_id}",
            got=repr(run.partition_key),
            expected="a day that has begun, as in 2017-10-01",
            next_step="trigger the DAG again and fill in the partition key",
        )
    return day


def by_event() -> bool:
    """True where an asset's event started this run, False where a person or a backfill did."""
    return get_current_context()["dag_run"].run_type == "asset_triggered"


def in_order() -> None:
    """Let no backfill take its days in no order, each before what the day before it has left.

    Raises BadInput in a backfill's run beside which another run of the DAG is running.
    """
    context = get_current_context()
    run = context["dag_run"]
    if run.run_type != "backfill":
        return
    running = context["ti"].get_dr_count(run.dag_id, states=["running"])
    if running > 1:
        raise BadInput(
            "a backfill takes one day after the other, and another run is running",
            where=f"{run.dag_id}, run {run.run_id}",
            got=f"{running} running runs",
            expected="this one alone",
            next_step="start the backfill again with max active runs 1",
        )


def param(name: str) -> Any:
    """What the trigger form says under `name`; its default in runs that nobody triggered."""
    return get_current_context()["params"][name]


def house(line: str = "") -> House:
    """The house of this task: progress goes to its log, and receipts name its page in the UI.

    `line`: the further contract, if any. Nothing is opened without an as_of: raises as it does.
    """
    as_of()
    from churn_ml.house import open_house

    return open_house(
        CONFIG,
        say=logging.getLogger("churn_ml").info,
        addresses=addresses.known(CONFIG),
        caller=get_current_context()["ti"].log_url,
        requester=get_current_context()["dag_run"].triggering_user_name,
    ).under(line)


def hand_on(receipt: Receipt, asset: Asset | None = None, **more: Any) -> dict[str, Any]:
    """What goes into XCom: the receipt's reference and counts, and `more`; plain JSON only.

    `asset`: its event gets the reference too. A receipt of a step that had nothing to work on
    skips the task and everything after it, and stands in XCom all the same.
    """
    told = {
        "receipt": receipt.reference,
        "status": receipt.status,
        "rows_in": receipt.rows_in,
        "rows_out": receipt.rows_out,
        **more,
    }
    if receipt.status in SKIPS:
        skip(receipt.details.get("error") or receipt.in_words(), told)
    if asset is not None:
        name_receipt(asset, receipt.reference)
    return told


@contextmanager
def later(at: House, step: str) -> Iterator[None]:
    """Skip a task that an event started where its step came too early; a person's fails.

    The step's receipt stands in XCom, if the ledger took it. Where the ledger was away, the newest
    receipt is that of another try, or there is none.
    """
    try:
        yield
    except TooEarly as error:
        if not by_event():
            raise
        for filed in at.ledger.receipts(at.config.called(step), as_of(), limit=1):
            if filed.receipt.status == "too_early":
                hand_on(filed.receipt)
        skip(str(error), {"status": "too_early"})


def name_receipt(asset: Asset, reference: str) -> None:
    """Let the event of `asset` name the receipt behind it."""
    get_current_context()["outlet_events"][asset].extra = {"receipt": reference}


def skip(why: str, told: dict[str, Any]) -> NoReturn:
    """Skip this task and what follows it; `told` stays in XCom, and no asset event goes out."""
    get_current_context()["ti"].xcom_push(key="return_value", value=told)
    raise AirflowSkipException(why)
