"""The story without Airflow: each step called in order, in this very process.

Enters: a folder. Leaves: everything below it, and the report as `report.json`. It needs no server:
ledger and MLflow are SQLite files. Worked example: `tell(Path("var/demo"), households=None,
keep=False, say=print)` ends in the same content hash as the story through Airflow.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from churn_ml import views
from churn_ml.config import load
from churn_ml.demo.memory import own_pss_megabytes, peak_pss
from churn_ml.demo.place import DEMO_KEY, KEY_VARIABLE, held, published_key, set_up
from churn_ml.demo.story import chapters
from churn_ml.house import House, Progress, open_house
from churn_ml.program import called

PLACES = {
    "files": "drops",
    "settings": "churn.toml",
    "lake": "lake",
    "ledger": "ledger.db",
    "models": "models",
    "mlflow": "mlflow.db",
    "exports": "exports",
    "report": "report.json",
}


def tell(folder: Path, *, households: int | None, keep: bool, say: Progress) -> views.Report:
    """Walk the story below `folder` and return the report that `report.json` holds.

    Parameters: `folder`, emptied first unless `keep`; `households`, how many (None: all);
    `say`, where progress goes. Raises BadInput where `folder` holds something else.
    """
    started = time.perf_counter()
    with held(folder, keep=keep), peak_pss(own_pss_megabytes) as peak, published_key():
        config = set_up(folder, households=households, stack=False, say=say)
        house = open_house(load(config), say=say)
        story_seconds = walk(house)
        report = views.report(house.history())
    report |= {
        "content_hash": views.contents(house.ledger)["hash"],
        "story_seconds": story_seconds,
        "seconds_after_install": round(time.perf_counter() - started, 1),
        "peak_pss_mb": round(peak.megabytes, 1),
        "places": {name: str(folder / path) for name, path in PLACES.items()},
        "go_on": go_on(config),
    }
    (folder / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    return report


def walk(house: House) -> float:
    """Every chapter in order; returns the seconds it took."""
    started = time.perf_counter()
    for title, steps in chapters():
        house.say(f"== {title}")
        for receipt in steps(house):
            house.say(f"   {receipt.in_words()}")
    return round(time.perf_counter() - started, 1)


def go_on(config: Path) -> str:
    """What to type to work on with the demo's shop: the key that drew its holdout comes first.

    >>> go_on(Path("var/demo/churn.toml"))
    'export CHURN_ML_HOLDOUT_KEY=complete-...; ... report --config var/demo/churn.toml'
    """
    return f"export {KEY_VARIABLE}={DEMO_KEY}; {called()} report --config {config}"
