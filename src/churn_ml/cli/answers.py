"""Answers: the house opened for a command, and what the command says of it.

Enters: a churn.toml, receipts and reports. Leaves: one answer on stdout, in words or as JSON;
progress and warnings on stderr. `--json` silences the progress, never a warning. Worked example:
trained with `--json` while MLflow is away, stdout is the receipt and stderr says what to do later.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_ml.cli.typed import here

if TYPE_CHECKING:
    from datetime import date

    from churn_ml.house import House, Progress
    from churn_ml.receipts import Receipt

COUNTED, DONE = ("sent", "removed", "unchanged"), ("sent", "removed", "left")


def answer(
    step: Callable[[House, date], Receipt],
    config: Path,
    as_of: str,
    *,
    as_json: bool,
    contract: str = "",
) -> None:
    """Call `step` in the house of `config` for the day `as_of`, and print its receipt.

    `contract`: the name of a further contract to work under; empty is the main one.
    """
    from churn_ml.timeline import parse_as_of

    day = parse_as_of(as_of)
    receipt = step(opened(config, quiet=as_json).under(contract), day)
    print(receipt.to_json() if as_json else here("\n".join(in_words(receipt))))


def opened(config: Path, *, quiet: bool) -> House:
    """The house of `config`; it tells its progress unless `quiet`."""
    from churn_ml.config import load
    from churn_ml.house import open_house

    return open_house(load(config), say=progress(quiet=quiet))


def in_words(receipt: Receipt) -> list[str]:
    """The receipt's line; below it why a verdict fell, and what was, or would be, sent where."""
    told = receipt.details
    chosen = [told["chosen"]] if told.get("chosen") else []
    reasons = [f"  {reason}" for reason in (*chosen, *(told.get("reasons") or ()))]
    words = ("would send", "remove", "leave") if receipt.status == "dry_run" else DONE
    sent = [
        f"  {name}: "
        + ", ".join(f"{word} {counts[key]:,}" for word, key in zip(words, COUNTED, strict=True))
        + (f"; {counts['older']:,} older than what it holds" if counts.get("older") else "")
        for name, counts in told.get("destinations", {}).items()
    ]
    return [receipt.in_words(), *_why_nothing(receipt), *reasons, *sent, *_held_back(receipt)]


def _held_back(receipt: Receipt) -> list[str]:
    """What of an export waits for a person's yes, or got a no, and how it is answered."""
    from churn_ml.crm.radius import Asked

    told = []
    for name, counts in receipt.details.get("destinations", {}).items():
        if asks := counts.get("asks"):
            said = "kept back after a no" if asks["refused"] else "a person has to say yes"
            told.append(f"  {name}: {Asked(**asks).in_words()}: {said}")
        if asks and not asks["refused"] and receipt.status != "dry_run":
            line = receipt.step.partition("@")[2]
            under = f" --contract {line}" if line else ""
            plan = f"{name} --plan {asks['plan_id']}"
            told += [
                f"    its rows: churn-ml export --as-of {receipt.as_of}{under} --dry-run",
                f"    a yes: churn-ml export approve {plan}",
                f"    a no: churn-ml export refuse {plan}",
            ]
    return told


def _why_nothing(receipt: Receipt) -> list[str]:
    """Why a step had nothing to do, and what comes first."""
    day = receipt.as_of.isoformat()
    told = {
        ("ingest", "no_data"): "no file is new: all that the globs of [sources] match was taken"
        " before, or lies in a drop= folder of a later day",
        ("score", "no_champion"): "there is no champion as of this day; next step:"
        f" churn-ml train --as-of {day}, then: churn-ml promote --as-of {day}",
        ("learn", "no_data"): "no scores have matured that were not learned from",
    }
    line = told.get((receipt.step, receipt.status))
    return [f"  {line}"] if line else []


def progress(*, quiet: bool) -> Progress:
    """Where progress goes: to stderr, so that stdout stays the answer, or nowhere."""

    def say(text: str) -> None:
        if not quiet:
            warn(text)

    return say


def warn(text: str) -> None:
    """Say on stderr what a caller must learn even where it asked for JSON and nothing else."""
    print(text, file=sys.stderr, flush=True)


def show(told: dict[str, Any], *, as_json: bool) -> None:
    """A report as the screen, or as JSON."""
    from churn_ml import screen

    print(json.dumps(told, indent=1)) if as_json else screen.show(told)
