"""Read models: what the page, the CLI and `report.json` show, made from receipts alone.

Enters: the receipts of the ledger. Leaves: one JSON-able report with the newest state of the
house: steps, quarantine, models side by side, verdicts, segments, realised churn, exports.
Nothing here opens the lake, so a report costs nothing and shows no customer.

An attempt that failed, found nothing or was a dry run stands among the steps and nowhere else: it
changed no state. "Newest" is the newest business date, not what was run last: scoring a past date
does not take the page back. Run twice, a step counts by its last receipt of that as_of.

Worked example: after the story of 2017 the report's `exports` hold two rows a destination, the
first load as of 2017-10-01 and the difference as of 2017-11-01.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from churn_ml.config import content_hash
from churn_ml.ledger import ASKED, NOBODY
from churn_ml.receipts import Receipt
from churn_ml.segments import is_scored

if TYPE_CHECKING:
    from churn_ml.ledger import Ledger

Report = dict[str, Any]

WITHOUT_STATE = frozenset({"failed", "too_early", "no_champion", "no_data", "dry_run"})
"""Statuses of attempts that left everything as it was."""
SUMMED = ("customers", "value_at_risk", "offered", "holdout")
"""What is added up over segments."""
WAITING = "waiting for an answer"


def report(receipts: Sequence[Receipt]) -> Report:
    """The state of the house from its receipts.

    Parameters: `receipts`, everything ever filed, oldest first. Returns: a JSON-able dict with
    `steps` (all of them, failed ones with their `error`), `quarantine` (one block an ingest key),
    `models` (name, each metric as [value, low, high], grade; None for what the others are graded
    against), `references` (name, profit, contacted share), `champion`, `verdicts`, `scored_as_of`,
    `scored` and `outside` (sums over the customers under the contract, and over the others),
    `segments`, `consent`, `realised`, `rates` (the last months, and groups of the newest one known)
    with `rates_as_of`, `exports`: all of the main contract. `contracts` holds the same from
    `models` on for each further one, with its name under `contract`.

    >>> from datetime import date
    >>> day = date(2017, 10, 1)
    >>> told = report([Receipt("promote", day, "promoted", details={"champion": "rule-1"}),
    ...                Receipt("promote", day, "failed", details={"error": "disk full"})])
    >>> told["champion"], told["steps"][1]["error"]
    ('rule-1', 'disk full')
    """
    state = [r for r in receipts if r.status not in WITHOUT_STATE]
    lines = sorted({r.step.partition("@")[2] for r in receipts})
    return {
        "steps": [_step(r) for r in receipts],
        "quarantine": [q for r in _by_day(state, "ingest").values() for q in _quarantine(r)],
        **_under(state, ""),
        "contracts": [{"contract": line} | _under(state, line) for line in lines if line],
    }


def _under(receipts: Sequence[Receipt], line: str) -> Report:
    """What was concluded under one contract, empty for the main one."""
    told = [(r, *r.step.partition("@")[::2]) for r in receipts]
    state = [replace(r, step=step) for r, step, of in told if of == line]
    models, references = _side_by_side(_newest(_with(state, "models"), "judge", "promote"))
    scored, learned = _newest(state, "score"), _newest(state, "learn")
    rates = _newest(state, "rates")
    return {
        "models": models,
        "references": references,
        "champion": _details(_newest(state, "promote")).get("champion"),
        "verdicts": _verdicts(state),
        "scored_as_of": scored.as_of.isoformat() if scored else None,
        **_under_contract(_details(scored).get("segments", [])),
        "segments": _details(scored).get("segments", []),
        "consent": _details(scored).get("consent"),
        "realised": _details(learned).get("realised", []),
        "rates_as_of": rates.as_of.isoformat() if rates else None,
        "rates": _details(rates).get("rates", []),
        "exports": [e for r in _in_business_time(state, "export") for e in _exports(r)],
    }


def contents(ledger: Ledger) -> Report:
    """What two houses that were told the same have in common, and one hash over all of it.

    Returns: `tables` (table -> partition -> content hash), `models` (their ids, which are made of
    their bytes), `decisions` (as_of, kind, from, to, evidence, who), `exports` (destination -> hash
    of all that it acknowledged), `hash`. Versions, attempts, times and addresses are left out: they
    differ between a shell and a scheduler.

    >>> from churn_ml.ledger import Ledger
    >>> contents(Ledger.open("sqlite://"))["models"]
    []
    """
    about = ("kind", "champion_from", "champion_to", "evidence_hash", "who")
    told: Report = {
        "tables": ledger.contents(),
        "models": [model.id for model in ledger.models()],
        "decisions": [
            {"as_of": decision.as_of.isoformat()}
            | {name: getattr(decision, name) for name in about}
            for decision in ledger.decisions()
        ],
    }
    told["exports"] = ledger.acknowledged()
    return told | {"hash": content_hash(told)}


def _in_business_time(receipts: Sequence[Receipt], *steps: str) -> list[Receipt]:
    """The receipts of `steps` by as_of; those of one as_of stay in the order of filing."""
    return sorted((r for r in receipts if r.step in steps), key=lambda r: r.as_of)


def _by_day(receipts: Sequence[Receipt], step: str) -> dict[date, Receipt]:
    """The last receipt of every as_of, in business time."""
    return {r.as_of: r for r in _in_business_time(receipts, step)}


def _newest(receipts: Sequence[Receipt], *steps: str) -> Receipt | None:
    found = _in_business_time(receipts, *steps)
    return found[-1] if found else None


def _with(receipts: Sequence[Receipt], detail: str) -> list[Receipt]:
    return [r for r in receipts if r.details.get(detail)]


def _details(receipt: Receipt | None) -> dict[str, Any]:
    return dict(receipt.details) if receipt else {}


def _step(receipt: Receipt) -> dict[str, Any]:
    """One row a step; None where it counts no rows."""
    counted = receipt.counted if receipt.tables else None
    kinds = ("rows_in", "rows_out", "quarantined", "excluded")
    return {
        "name": receipt.step,
        "as_of": receipt.as_of.isoformat(),
        "status": receipt.status,
        **{kind: getattr(counted, kind, None) for kind in kinds},
        "seconds": receipt.seconds,
        "error": receipt.details.get("error"),
    }


def _quarantine(receipt: Receipt) -> list[dict[str, Any]]:
    as_of = receipt.as_of.isoformat()
    return [{"as_of": as_of, **row} for row in receipt.details.get("quarantine", [])]


def _side_by_side(judged: Receipt | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Models, which have metrics, and references, which only have a policy.

    `reference` names the one that the others are graded against: it has no grade itself.
    """
    told = _details(judged)
    rows = told.get("models", [])
    models = [dict(row) for row in rows if "auc" in row]
    for row in models:
        row["grade"] = None if row["name"] == told.get("reference") else row.get("grade")
    kept = ("name", "profit_per_1000", "contacted_share")
    return models, [{k: row.get(k) for k in kept} for row in rows if "auc" not in row]


def _verdicts(state: Sequence[Receipt]) -> list[dict[str, Any]]:
    """Every verdict once, in business time: those recorded, and the one that waits for a name.

    A verdict that asks a person waits until it is answered, or its as_of is judged anew; the
    verdict of a later as_of takes its place: it has lapsed.
    """
    answered: dict[Any, Receipt] = {}
    waiting: dict[date, Receipt] = {}
    for receipt in state:
        if receipt.step == "promote":
            answered[_pair(receipt)] = receipt
            waiting.pop(receipt.as_of, None)
        elif receipt.step == "judge" and receipt.status in ASKED:
            waiting[receipt.as_of] = receipt
        elif receipt.step == "judge":
            waiting.pop(receipt.as_of, None)
    open_ones = [r for r in waiting.values() if _pair(r) not in answered]
    rows = [_verdict(r, _in_words(r)) for r in answered.values()]
    newest = max((r.as_of for r in state if r.step == "judge"), default=None)
    rows += [
        _verdict(r, f"{r.status}, {WAITING if r.as_of == newest else NOBODY}") for r in open_ones
    ]
    return sorted(rows, key=lambda row: row["as_of"])


def _pair(receipt: Receipt) -> tuple[Any, ...]:
    """What a verdict is about: the same pair on the same evidence is the same verdict."""
    told = receipt.details
    about = ("champion_from", "challenger", "evidence_hash")
    return (receipt.as_of, *(told.get(name) for name in about))


def _in_words(receipt: Receipt) -> str | None:
    """The decision, and who said no to it, or went past it."""
    told = receipt.details
    if receipt.status == "overridden":
        return f"{told.get('decision')}, overridden by {told.get('approver')}"
    if told.get("decision") in ASKED and told.get("kind") == "refuse":
        who = told.get("approver")
        said = who if who == NOBODY else f"refused by {who}"
        return f"{told['decision']}, {said}"
    return told.get("decision")


def _verdict(receipt: Receipt, decision: str | None) -> dict[str, Any]:
    told = receipt.details
    kept = (
        *("challenger", "reasons", "chosen", "interval", "grade", "approver"),
        *("lane", "signs", "diagnosis", "override_only"),
    )
    return {
        "as_of": receipt.as_of.isoformat(),
        "decision": decision,
        "champion": told.get("champion", told.get("champion_from")),
    } | {name: told.get(name) for name in kept}


def _under_contract(segments: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Sums over the segments that were scored, and over those outside the contract.

    The holdout is drawn among all of the cohort: only of the scored can an offer be withheld.
    """
    sums = {}
    for name, wanted in (("scored", True), ("outside", False)):
        rows = [row for row in segments if is_scored(row["segment"]) == wanted]
        sums[name] = {key: round(sum(row.get(key, 0) for row in rows), 2) for key in SUMMED}
    return sums


def _exports(receipt: Receipt) -> list[dict[str, Any]]:
    as_of = receipt.as_of.isoformat()
    return [
        {"as_of": as_of, "destination": name, **counts}
        for name, counts in receipt.details.get("destinations", {}).items()
    ]
