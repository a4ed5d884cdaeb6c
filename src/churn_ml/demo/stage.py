"""The demo as a whole: the platform started, the story driven through it, the result shown.

Enters: a folder and whether somebody stays to look around. Leaves: the report, also as
`report.json`; nothing running. Worked example: `EXIT=1 make demo` starts PostgreSQL, MLflow and
Airflow below `var/demo`, tells 2017 through them, stops them, tells the same story directly in
`var/demo/direct`, and fails unless both end in the same content hash.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from churn_ml import views
from churn_ml.config import load
from churn_ml.demo import direct, words
from churn_ml.demo.leaving import stay, stopped_in_the_end
from churn_ml.demo.memory import peak_pss, stack_pss_megabytes
from churn_ml.demo.place import held, published_key, set_up
from churn_ml.demo.through_airflow import addresses, drive
from churn_ml.errors import BrokenPromise
from churn_ml.house import Progress, open_house
from churn_ml.stack import checks, start

PLACES = {
    "files": "drops",
    "settings": "churn.toml",
    "lake": "lake",
    "databases": "postgres",
    "models": "models",
    "mlflow": "mlartifacts",
    "exports": "exports",
    "logs": "logs",
    "report": "report.json",
}
Show = Callable[[views.Report], None]


def perform(
    folder: Path,
    *,
    households: int | None,
    keep: bool,
    stays: bool,
    say: Progress,
    show: Show,
) -> views.Report:
    """Tell the story through a stack below `folder`; returns the report, with nothing running.

    Parameters: as of `direct.tell`; `stays`, stay up until Ctrl-C and print the logins, or stop at
    once and, unless `keep`, tell the story directly too; `show`, called with the report when the
    story is over.
    Raises what `drive` raises, and BrokenPromise where both ways differ, or a process is left.
    """
    began = time.perf_counter()
    with held(folder, keep=keep):
        with stopped_in_the_end(folder, say):
            report = _told(folder, households, stays=stays, say=say)
            _written(folder, report, began)
            if stays or keep:  # what was kept may hold days that no story tells: none compares
                show(report)
            if stays:
                say(words.look_around(folder))
                stay(folder, say)
        if stays or keep:
            return report
        say("== the same story directly, without Airflow")
        beside = direct.tell(folder / "direct", households=households, keep=False, say=say)
        show(_written(folder, report | compared(report, beside), began))
    check_same(report, beside)
    return report


def compared(report: views.Report, beside: views.Report) -> views.Report:
    """What Airflow costs: the seconds of the same story told both ways, one after the other.

    >>> compared({"story_seconds": 90.0}, {"story_seconds": 60.0, "content_hash": "ab"})
    {'direct_seconds': 60.0, 'overhead_seconds': 30.0, 'times_direct': 1.5, 'direct_hash': 'ab'}
    """
    seconds, directly = report["story_seconds"], beside["story_seconds"]
    return {
        "direct_seconds": directly,
        "overhead_seconds": round(seconds - directly, 1),
        "times_direct": round(seconds / max(directly, 0.1), 2),
        "direct_hash": beside["content_hash"],
    }


def check_same(report: views.Report, beside: views.Report) -> None:
    """Raise BrokenPromise where the same story told both ways ended in different content."""
    if report["content_hash"] != beside["content_hash"]:
        raise BrokenPromise(
            "the story through Airflow and the direct one ended in different content",
            got=report["content_hash"],
            expected=beside["content_hash"],
            next_step="compare both report.json, and report it: this is a defect of churn_ml",
        )


def _told(folder: Path, households: int | None, *, stays: bool, say: Progress) -> views.Report:
    """The platform started and the story driven through it, as a report."""
    root = checks.usable(folder.resolve())  # before the shop's files are laid out
    with peak_pss(lambda: stack_pss_megabytes(root)) as peak, published_key():
        config = set_up(folder, households=households, stack=True, say=say)
        began = time.perf_counter()
        stack = start(config, folder, say=say)
        stack_seconds = round(time.perf_counter() - began, 1)
        say(words.addresses(stack, logins=stays))
        house = open_house(load(config), addresses=addresses(stack))
        before = len(house.history())  # of earlier runs, where the folder was kept
        driven = drive(stack, load(config), say=say)
    receipts = house.history()
    return views.report(receipts) | {
        "content_hash": views.contents(house.ledger)["hash"],
        "stack_seconds": stack_seconds,
        "story_seconds": driven.seconds,
        "steps_seconds": round(sum(each.seconds for each in receipts[before:]), 1),
        "peak_pss_mb": round(peak.megabytes, 1),
        "addresses": words.urls(stack),
        "places": {name: str(folder / path) for name, path in PLACES.items()},
        "go_on": words.go_on(folder, config, runs=stays),
    }


def _written(folder: Path, report: views.Report, began: float) -> views.Report:
    """The report with the seconds until now, kept as report.json."""
    report["seconds_after_install"] = round(time.perf_counter() - began, 1)
    (folder / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    return report
