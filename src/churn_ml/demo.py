"""The demo: a real shop's 2017, told from the first file to the verdict on a challenger.

Enters: the Complete Journey data (2,469 households, one year) from its package, and the demo's
churn.toml. Leaves: everything below one folder, and the report as `report.json`.

The story: history to 2017-10-01 is one ingest; the inactivity rule becomes the first champion,
scores and exports. October arrives as one ingest keyed 2017-11-01; the next export sends only the
difference; those scored on 2017-10-01 have matured; a challenger is trained and judged.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from churn_ml import flow, views
from churn_ml.config import load
from churn_ml.errors import BadInput
from churn_ml.house import House, Progress, open_house
from churn_ml.receipts import Receipt
from churn_ml.sources import complete_journey

FIRST = date(2017, 10, 1)
SECOND = date(2017, 11, 1)
APPROVER = "demo-approver"
MARK = ".churn_ml_demo"
# The demo's customers are public data: a published key keeps its holdout the same everywhere.
DEMO_KEY = "complete-journey-demo-key"
KEY_VARIABLE = "CHURN_ML_HOLDOUT_KEY"


def tell(folder: Path, *, households: int | None, keep: bool, say: Progress) -> views.Report:
    """Walk the story below `folder` and return the report that `report.json` holds.

    Parameters: `folder`, emptied first unless `keep`; `households`, how many (None: all);
    `say`, where progress goes. Raises BadInput where `folder` holds something else.
    """
    started = time.perf_counter()
    _clean(folder, keep=keep)
    with peak_pss() as peak, published_key():
        config = _set_up(folder, households, say)
        house = open_house(load(config), say=say)
        for title, step in _story():
            say(f"== {title}")
            say(f"   {step(house).in_words()}")
        report = views.report(house.history())
    report |= {
        "seconds_after_install": round(time.perf_counter() - started, 1),
        "peak_pss_mb": round(peak.megabytes, 1),
        "places": _places(folder),
        "go_on": _go_on(config),
    }
    (folder / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    return report


def _story() -> Iterator[tuple[str, Callable[[House], Receipt]]]:
    """The chapters, in business time."""
    yield "the first load: history to 2017-10-01", lambda h: flow.ingest(h, FIRST)
    yield "train on it", lambda h: flow.train(h, FIRST)
    yield "the inactivity rule becomes champion", lambda h: flow.promote(h, FIRST)
    yield "score as of 2017-10-01", lambda h: flow.score(h, FIRST)
    yield "export as of 2017-10-01", lambda h: flow.export(h, FIRST)
    yield "October arrives", lambda h: flow.ingest(h, SECOND)
    yield "score as of 2017-11-01", lambda h: flow.score(h, SECOND)
    yield "export as of 2017-11-01: the difference", lambda h: flow.export(h, SECOND)
    yield "outcomes of those scored on 2017-10-01", lambda h: flow.learn(h, SECOND)
    yield "train a challenger", lambda h: flow.train(h, SECOND)
    yield "the verdict", lambda h: flow.promote(h, SECOND, approver=APPROVER)


def _clean(folder: Path, *, keep: bool) -> None:
    """Empty the demo's folder; never one that the demo did not make."""
    if folder.exists() and not keep:
        if any(folder.iterdir()) and not (folder / MARK).exists():
            raise BadInput(
                f"{folder} is not a demo folder: it is not emptied",
                expected=f"an empty folder, or one with {MARK}",
                next_step="pass --folder to another place",
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()


def _set_up(folder: Path, households: int | None, say: Progress) -> Path:
    """Lay out the shop's files and its churn.toml, unless they are there."""
    config = folder / "churn.toml"
    if not config.exists():
        say("== laying out a shop's files: Complete Journey, 2017")
        complete_journey.lay_out(folder, households=households, until=SECOND)
        config.write_text(complete_journey.churn_toml(), encoding="utf-8")
    return config


@contextmanager
def published_key() -> Iterator[None]:
    """Draw the holdout with the demo's published key while the block runs, whatever is set.

    >>> before = os.environ.get(KEY_VARIABLE)
    >>> with published_key():
    ...     os.environ[KEY_VARIABLE]
    'complete-journey-demo-key'
    >>> os.environ.get(KEY_VARIABLE) == before
    True
    """
    before = os.environ.get(KEY_VARIABLE)
    os.environ[KEY_VARIABLE] = DEMO_KEY
    try:
        yield
    finally:
        if before is None:
            del os.environ[KEY_VARIABLE]
        else:
            os.environ[KEY_VARIABLE] = before


def _go_on(config: Path) -> str:
    """What to type to work on with the demo's shop: the key that drew its holdout comes first."""
    return f"export {KEY_VARIABLE}={DEMO_KEY}; churn-ml report --config {config}"


def _places(folder: Path) -> dict[str, str]:
    names = {
        "files": "drops",
        "settings": "churn.toml",
        "lake": "lake",
        "ledger": "ledger.db",
        "models": "models",
        "mlflow": "mlflow.db",
        "exports": "exports",
        "report": "report.json",
    }
    return {name: str(folder / path) for name, path in names.items()}


class Peak:
    """The highest sum of proportional set sizes seen so far, in megabytes."""

    megabytes = 0.0


@contextmanager
def peak_pss(every_seconds: float = 0.5) -> Iterator[Peak]:
    """Measure the peak memory of this process group while the block runs.

    Proportional set size (PSS) splits shared pages among their users, so the sum over the group is
    what the machine really gives. Where the kernel does not tell, the peak stays 0.
    """
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(every_seconds):
            peak.megabytes = max(peak.megabytes, group_pss_megabytes(os.getpgrp()))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
        peak.megabytes = max(peak.megabytes, group_pss_megabytes(os.getpgrp()))


def group_pss_megabytes(group: int) -> float:
    """The sum of the PSS of all processes in a process group, in megabytes.

    >>> group_pss_megabytes(os.getpgrp()) >= 0
    True
    """
    return (
        sum(_pss_kilobytes(p) for p in Path("/proc").glob("[0-9]*") if _in_group(p, group)) / 1024
    )


def _in_group(process: Path, group: int) -> bool:
    try:
        return os.getpgid(int(process.name)) == group
    except OSError:  # it ended meanwhile
        return False


def _pss_kilobytes(process: Path) -> int:
    try:
        text = (process / "smaps_rollup").read_text(encoding="ascii")
    except OSError:  # it ended meanwhile, or the kernel keeps it to itself
        return 0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
