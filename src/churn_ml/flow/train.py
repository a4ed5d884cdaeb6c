"""Train: the panel of cut-offs, every candidate, and the challenger among them.

What is trained is published in the ledger; MLflow is told by log.py, afterwards.

Worked example: training as of 2017-11-01 with a horizon of 30 and a settle time of 1 learns on the
cut-offs 2017-04-04 to 2017-08-02, chooses and tunes at 2017-09-01, and leaves 2017-10-01 to the
gate. Each cut-off sees only what was known then; each label what is known on 2017-11-01.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING

from churn_ml.attempt import Attempt, attempt
from churn_ml.errors import TooEarly
from churn_ml.flow import fitting, handing, leakage
from churn_ml.flow.definitions import can_score
from churn_ml.flow.panel import build_panel
from churn_ml.flow.preflight import look
from churn_ml.house import House

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.ledger import Publication
    from churn_ml.receipts import Receipt


def train(house: House, as_of: date, *, repin: bool = False) -> Receipt:
    """Build the panel, fit every candidate, save them, and name the challenger.

    Reads canonical tables; writes the panel, the model folders and the ledger's model rows. Where
    rows or churners are below [training] min_rows or min_churners only the inactivity rule is
    fitted, and the receipt says so under `too_few`. Raises TooEarly where even that cannot be
    learned or judged: history is too short, or a layer has no customer, no churner or no stayer;
    NotReady where the orders end long before `as_of`, or customers were contacted and nobody was
    held out; Leak where training would see its own test or what comes after.
    """
    from churn_ml import training

    with attempt(house, "train", as_of, ("panel",), repin=repin) as trial, _champion_stays(trial):
        ready = _prepared(trial)
        models = {name: training.fit_one(name, ready.material) for name in ready.material.names}
        fitting.conclude(trial, ready, models)
    return trial.receipt


def prepare(house: House, as_of: date, *, repin: bool = False) -> tuple[str, ...]:
    """The first part of `train`, where each candidate is fitted in a process of its own.

    Returns the names of the candidates, for `fit`. Nothing is published before `conclude`. Raises
    as `train` does.
    """
    with attempt(house, "train", as_of, ("panel",), repin=repin) as trial, _champion_stays(trial):
        found = _prepared(trial).material
        handing.hand_on(trial, {"names": list(found.names), "alone": dict(found.alone)})
    return found.names


def fit(house: House, as_of: date, name: str) -> None:
    """Fit one candidate of the prepared training and leave its files to `conclude`; twice is once.

    Raises NotReady where nothing is prepared, or a newer attempt has begun; Leak as `train` does.
    """
    from churn_ml import training
    from churn_ml.models import store

    with handing.taken_up(house, "train", as_of) as (trial, told):
        folder = handing.folder_of(trial) / name
        if not folder.exists():
            ready = fitting.prepare(_written(trial), trial, told["alone"])
            house.say(f"  {len(ready.material.past):,} rows: {name}")
            store.keep(training.fit_one(name, ready.material), folder)
        trial.hand_on()


def conclude(house: House, as_of: date) -> Receipt:
    """The last part of `train`: tune and compare what `fit` left, store it, name the challenger.

    What is published is what `train` publishes; twice is once. Raises NotReady where a candidate is
    not fitted, or a newer attempt has begun; Tampered where the files of one are others now.
    """
    from churn_ml.models import store

    if (done := handing.ended(house, "train", as_of)) is not None:
        return done
    with handing.taken_up(house, "train", as_of) as (trial, told), _champion_stays(trial):
        folder = handing.folder_of(trial)
        models = {name: store.kept(folder / name, name) for name in told["names"]}
        ready = fitting.prepare(_written(trial), trial, told["alone"])
        fitting.conclude(trial, ready, models)
    handing.clear(trial)
    return trial.receipt


def _prepared(trial: Attempt) -> fitting.Ready:
    """The panel built, looked at for leaks and written, and what candidates are fitted from."""
    trial.house.watermark(trial.as_of)
    trial.details |= {"preflight": look(trial)}
    panel = build_panel(trial)
    trial.details |= {"leakage": leakage.look(trial, panel)}
    trial.write("panel", panel)
    trial.count("panel", len(panel), len(panel))
    ready = fitting.prepare(panel, trial)
    trial.house.say(f"  {len(panel):,} rows: {', '.join(ready.material.names)}")
    return ready


def _written(trial: Attempt) -> pd.DataFrame:
    """The panel that this attempt wrote, which is not published yet."""
    (one,) = trial.written
    rows: pd.DataFrame = trial.house.warehouse.read_partition(
        one.table, one.partition, one.version
    ).to_pandas()
    return rows


@contextmanager
def _champion_stays(trial: Attempt) -> Iterator[None]:
    """A training that comes too early says what the shop works with until then."""
    try:
        yield
    except TooEarly as error:
        raise _until_then(error, trial.house.champion(trial.as_of)) from error


def _until_then(error: TooEarly, champion: str | None) -> TooEarly:
    """The same error, which says too what the shop works with until there is more to learn from."""
    stays = f"the champion {champion} stays" if champion else "without a champion nobody is scored"
    return TooEarly(
        error.what,
        where=error.where,
        got=error.got,
        expected=error.expected,
        next_step=f"{error.next_step}; until then {stays}",
    )


def due(house: House, as_of: date) -> bool:
    """Whether a training is due: [schedule] train_every_days after the last, or nothing can score.

    Nothing can where there is no champion, or its features are built otherwise now. Where the last
    one's verdict is still to come, that is no reason for another.

    >>> from churn_ml.config import Config, Shop
    >>> from churn_ml.ledger import Ledger
    >>> from churn_ml.warehouse import Warehouse
    >>> config = Config(shop=Shop(name="s", currency="EUR"))
    >>> due(House(config, Warehouse("lake"), Ledger.open("sqlite://")), date(2017, 10, 1))
    True
    """
    newest = house.newest("train", upto=as_of)
    if newest is None or as_of - newest.as_of >= timedelta(
        days=house.config.schedule.train_every_days
    ):
        return True
    return not _pending(house, newest) and not can_score(house, as_of)


def _pending(house: House, training: Publication) -> bool:
    """Whether the verdict on a training under the present contract is still to come."""
    trained_under = house.ledger.model(training.pins["challenger"]).contract
    judged = house.publication("judge", training.as_of)
    return judged is None and trained_under == house.config.contract.stamp
