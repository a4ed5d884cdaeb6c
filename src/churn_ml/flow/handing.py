"""Handing on: one attempt that several processes work at, each going on where the last one left it.

Enters: an `Attempt` that has done its part. Leaves: a folder named by its fencing token, with what
the next one needs; and from it the attempt again. Nothing of it is published before the last one
publishes all in one ledger row, and whoever takes a newer token takes the right to do so, and with
it the folder: the others find themselves stale.

Worked example: the training of 2017-11-01 takes token 3; `prepare` leaves
`models/.training/train-2017-11-01-3/` with handed_on.json, two `fit` tasks add `rule/` and
`xgboost/`, `conclude` reads them, publishes under token 3 and removes the folder. Killed and tried
again, a `fit` finds its work done, or does it again to the same bytes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from churn_ml.attempt import Attempt, bracket
from churn_ml.errors import BadConfig, NotReady
from churn_ml.receipts import TableCount
from churn_ml.warehouse import Written

if TYPE_CHECKING:
    from pathlib import Path

    from churn_ml.house import House
    from churn_ml.ledger import Token
    from churn_ml.receipts import Receipt

PLACE = ".training"
"""Below [paths] models, which every process that trains or scores has."""
FILE = "handed_on.json"
KEPT = ("inputs", "pins", "details")


def hand_on(trial: Attempt, further: dict[str, Any]) -> None:
    """Leave what the next process needs; folders of earlier attempts at the same are removed.

    `further`: JSON of the step's own.
    """
    folder = _folder(trial.house, trial.token)
    for old in folder.parent.glob(f"{_stem(trial.token)}-*"):
        shutil.rmtree(old, ignore_errors=True)
    folder.mkdir(parents=True)
    told = {
        "began_at": trial.house.clock().isoformat(),
        "before": trial.seconds,
        "pinned": trial.former is not None,
        "settings": trial.house.config.told(trial.step),
        "counts": [asdict(one) for one in trial.counts],
        "written": [asdict(one) | {"partition": str(one.partition)} for one in trial.written],
        "further": further,
    } | {name: getattr(trial, name) for name in KEPT}
    part = folder / f".{FILE}"
    part.write_text(json.dumps(told), encoding="utf-8")
    part.rename(folder / FILE)
    trial.hand_on()


@contextmanager
def taken_up(house: House, step: str, as_of: date) -> Iterator[tuple[Attempt, dict[str, Any]]]:
    """The attempt that another process handed on, and what it said further; ends as `attempt` does.

    Raises NotReady where none did, or a newer attempt has begun since; BadConfig where churn.toml
    is another now; what the block raises goes on record.
    """
    name = house.config.called(step)
    token = house.ledger.newest_token(name, as_of)
    if token is None or not (_folder(house, token) / FILE).exists():
        raise NotReady(
            f"nobody has prepared {step} as of {as_of.isoformat()}, or it ended, or began anew",
            where=name,
            got=f"token {token.number}" if token else "no token",
            next_step="clear the task prepare with all that follow it, or:"
            f" churn-ml {step} --as-of {as_of.isoformat()}",
        )
    told = json.loads((_folder(house, token) / FILE).read_text(encoding="utf-8"))
    _check_settings(house, name, told["settings"])
    former = house.publication(step, as_of) if told["pinned"] else None
    waited = house.clock() - datetime.fromisoformat(told["began_at"])
    trial = Attempt(
        house,
        name,
        as_of,
        former,
        token,
        handles={},
        **{kept: told[kept] for kept in KEPT},
        counts=[TableCount(**one) for one in told["counts"]],
        written=[
            Written(**one | {"partition": date.fromisoformat(one["partition"])})
            for one in told["written"]
        ],
        before=told["before"] + max(0.0, waited.total_seconds()),
    )
    with bracket(trial):
        yield trial, told["further"]


def ended(house: House, step: str, as_of: date) -> Receipt | None:
    """The receipt of the newest attempt where it is published already: its last task died then.

    None where it is still to come, or its folder says that somebody may be at it.
    """
    name, found = house.config.called(step), house.publication(step, as_of)
    token = house.ledger.newest_token(name, as_of)
    if found is None or token is None or found.token != token.number:
        return None
    if _folder(house, token).exists():
        return None
    return house.ledger.receipt(f"{name}/{as_of.isoformat()}/{token.number}").receipt


def folder_of(trial: Attempt) -> Path:
    """Where the processes of an attempt leave files for each other."""
    return _folder(trial.house, trial.token)


def clear(trial: Attempt) -> None:
    """Remove what the processes of an attempt left for each other: it is published."""
    shutil.rmtree(folder_of(trial), ignore_errors=True)


def _folder(house: House, token: Token) -> Path:
    place = house.config.path(house.config.paths.models) / PLACE
    return place / f"{_stem(token)}-{token.number}"


def _stem(token: Token) -> str:
    return f"{token.step}-{token.as_of.isoformat()}"


def _check_settings(house: House, step: str, settings: str) -> None:
    """Refuse to go on under other settings than those it was begun with."""
    if settings != house.config.told(step):
        raise BadConfig(
            "churn.toml changed since this training was prepared",
            where=step,
            got=house.config.told(step)[:12],
            expected=settings[:12],
            next_step="clear the task prepare with all that follow it",
        )
