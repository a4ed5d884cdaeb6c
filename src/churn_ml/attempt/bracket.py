"""The bracket itself: token and handles before the work, the publication or the failure after it.

Enters: a step and its as_of. Leaves: one publication, one receipt, or one failure on record. Worked
example: scoring as of 2017-10-01 under another churn.toml than last time is refused with BadConfig
before it takes a token.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date

from churn_ml import __version__
from churn_ml.attempt.trial import Attempt
from churn_ml.config import READS
from churn_ml.errors import BadConfig, ChurnError, TooEarly, Transient
from churn_ml.house import House
from churn_ml.ledger import Publication

VERSION = "churn_ml"
"""The pin that names the version of the code."""


@contextmanager
def attempt(
    house: House, step: str, as_of: date, writes: Iterable[str], *, repin: bool = False
) -> Iterator[Attempt]:
    """The bracket of a step: token, handles, then publication, or the failure on record.

    Under a further contract step and derived tables are called by it: `score@renewal`.

    `writes`: the tables it will replace a partition of. `repin`: read the newest, not what the
    former publication of the same step and as_of read. Raises BadConfig where the configuration
    changed since that publication, unless `repin`, or the shop's currency or zone is another;
    StaleAttempt where a newer attempt took over.
    """
    house.check_shop()
    former = None if repin else house.publication(step, as_of)
    step = house.config.called(step)
    _same_settings(house, step, former)
    _same_code(house, step, former)
    token = house.ledger.take_token(step, as_of)
    handles = {
        name: house.warehouse.handle(house.config.called(name), token=token.number)
        for name in writes
    }
    trial = Attempt(house, step, as_of, former, token, handles)
    with bracket(trial):
        yield trial


@contextmanager
def bracket(trial: Attempt) -> Iterator[None]:
    """Around the work of an attempt that has its token: the publication, or the failure on record.

    Raises as `attempt` does.
    """
    house = trial.house
    try:
        yield
        trial.ended = time.perf_counter()
        _close(trial)
    except Exception as error:
        # a foreign error may quote values of rows: only its kind goes on record
        told = str(error) if isinstance(error, ChurnError) else type(error).__name__
        status = "too_early" if isinstance(error, TooEarly) else "failed"
        with suppress(Transient, BadConfig):  # of a ledger that cannot be reached or written now
            house.ledger.record_failure(trial.token, told, house.clock(), house.caller, status)
        raise


def _close(trial: Attempt) -> None:
    """Publish what was written, or file the receipt of an attempt that left."""
    house, ledger = trial.house, trial.house.ledger
    if trial.handed_on:
        return
    if not trial.publishes:
        ledger.file_receipt(trial.token, trial.receipt, house.clock(), house.caller)
        return
    ledger.publish(
        trial.token,
        receipt=trial.receipt,
        at=house.clock(),
        caller=house.caller,
        written=trial.written,
        inputs=trial.inputs,
        pins=trial.pins | {"settings": house.config.told(trial.step), VERSION: __version__},
        lots=trial.lots,
        shop=trial.shop,
    )


def _again(step: str, as_of: date) -> str:
    """What to type to run `step`, under a further contract or not, once more."""
    name, _, line = step.partition("@")
    under = f" --contract {line}" if line else ""
    return f"churn-ml {name} --as-of {as_of.isoformat()}{under}"


def _same_settings(house: House, step: str, former: Publication | None) -> None:
    """Refuse a re-run under other settings: it would not be the same run."""
    if former is None or former.pins.get("settings") == house.config.told(step):
        return
    raise BadConfig(
        f"churn.toml changed since {step} as of {former.as_of.isoformat()} was published",
        where=", ".join(f"[{section}]" for section in READS.get(step.partition("@")[0], ())),
        got=house.config.told(step)[:12],
        expected=str(former.pins.get("settings"))[:12],
        next_step=f"restore churn.toml, or take the new one: {_again(step, former.as_of)} --repin",
    )


def _same_code(house: House, step: str, former: Publication | None) -> None:
    """Say where a re-run is by another version of churn_ml; an upgrade refuses no former date."""
    before = former.pins.get(VERSION, __version__) if former else __version__
    if before != __version__:
        house.say(f"  {step} was published by churn_ml {before}, this is {__version__}")
