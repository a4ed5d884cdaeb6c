"""Preflight: what a training would have to learn from, counted before anything is computed.

Enters: the canonical tables as of a day. Leaves: customers, churners and stayers at the cut-offs of
the training, against the minimum; the length of the history; and which indicators the shop's tables
leave out. Only labels are made, no feature, so it answers in seconds what a training says at its
end. Worked example, as of 2017-11-01 with a horizon of 30: 9,120 rows with 812 churners to learn
from, 2,030 with 173 to be judged on; 200 and 30 are needed, so the training may begin.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from churn_ml import timeline
from churn_ml.attempt import Attempt, attempt
from churn_ml.errors import NotReady, TooEarly
from churn_ml.features import catalogue
from churn_ml.flow.learn import known_segments
from churn_ml.flow.treatment import treated
from churn_ml.merges import merged, survivors
from churn_ml.tables import SOURCE_TABLES

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from churn_ml.house import House
    from churn_ml.preflight import Counts
    from churn_ml.receipts import Receipt

IN_WORDS = {
    "ready": "enough to train on",
    "rule_only": "too few to train more than the inactivity rule: the shop keeps it",
    "degenerate_label": "a layer has churners only, or stayers only: nothing can be learned",
    "no_data": "a layer has no customer to learn from or to judge on",
    "too_early": "history is too short",
}


def preflight(house: House, as_of: date) -> Receipt:
    """Count what a training as of `as_of` would see, and say what it would come to.

    Reads canonical tables; writes nothing but its receipt, whose status is `ready`, `rule_only`,
    `degenerate_label`, `no_data` or `too_early`. Raises NotReady where data do not reach `as_of`
    or the lake does not hold what was published.
    """
    with attempt(house, "preflight", as_of, (), repin=True) as trial:
        house.watermark(as_of)
        world = trial.canonical(as_of)
        try:
            history_starts(world)
        except NotReady as error:
            trial.details |= {"verdict": "no_data", "words": [error.what]}
        else:
            trial.details |= _foretold(trial)
        trial.leave(str(trial.details["verdict"]))
    return trial.receipt


def _foretold(trial: Attempt) -> dict[str, Any]:
    """What `look` says; a history that is too short is an answer too."""
    try:
        return look(trial)
    except TooEarly as error:
        return {
            "verdict": "too_early",
            "needs": str(error.expected),
            "history": str(error.got),
            "words": [IN_WORDS["too_early"]],
        }


def horizon(house: House, as_of: date) -> dict[str, Any]:
    """What the shop's repeat orders say of lookback and horizon, ready for JSON; see horizon.py.

    Reads canonical tables, and segments where there are; writes nothing. Raises NotReady where data
    do not reach `as_of`, or are too few.
    """
    from churn_ml import horizon as room

    house.watermark(as_of)
    versions, config = house.ledger.versions(SOURCE_TABLES), house.config
    read = house.warehouse.read
    world = {name: read(name, found, as_of=as_of) for name, found in versions.items() if found}
    scored, place = house.published("segments"), config.called("segments")

    def segments(day: date) -> pd.DataFrame:
        rows: pd.DataFrame
        rows = house.warehouse.read_partition(place, day, scored[day.isoformat()]).to_pandas()
        return rows

    known = known_segments(scored, segments, survivors(world))
    return room.horizon(
        merged(world), as_of, config.contract, zone=config.shop.time_zone, segments=known
    )


def look(trial: Attempt) -> dict[str, Any]:
    """What a training of this attempt's as_of would see, ready for JSON, and said aloud.

    Returns `verdict`, `history` (first day, days, days needed), `layers` (cut-offs, rows, churners,
    stayers, treated and immature), `minimum`, `absent` (a line for each indicator that is not
    available), `untimed` (a line for each column without its time) and `words`. Raises TooEarly
    where history is too short, NotReady without an order.
    """
    from churn_ml.preflight import absent, count, verdict
    from churn_ml.sources import untimed

    config = trial.house.config
    contract, limits = config.contract, config.training
    now = trial.canonical(trial.as_of)
    first = history_starts(now)
    split = timeline.layers(
        trial.as_of, first, contract, limits.every_days, config.gate.evaluation_cut_offs
    )
    days = {"train": split.train, "choose": (split.choose,), "evaluate": split.evaluate}
    counts = {layer: count(_labels(trial, now, cut_offs)) for layer, cut_offs in days.items()}
    found = verdict(counts, limits)
    told: dict[str, Any] = {
        "verdict": found,
        "history": {"from": first.isoformat(), "days": (trial.as_of - first).days}
        | {"days_needed": timeline.days_needed(contract)},
        "layers": {
            layer: asdict(counts[layer])
            | {"stayers": counts[layer].rows - counts[layer].churners}
            | {"cut_offs": [day.isoformat() for day in cut_offs]}
            for layer, cut_offs in days.items()
        },
        "minimum": {"rows": limits.min_rows, "churners": limits.min_churners},
        "absent": absent(now, catalogue(config.features)),
        "untimed": [line for name, told in config.sources.items() for line in untimed(name, told)],
    }
    told["words"] = _in_words(told, counts)
    for line in told["words"]:
        trial.house.say(f"  {line}")
    return told


def history_starts(world: dict[str, ibis.Table]) -> date:
    """The day of the first order; raises NotReady where there is none."""
    first = world["orders"].day.min().to_pyarrow().as_py() if "orders" in world else None
    if first is None:
        raise NotReady("there is no order to learn from", next_step="ingest orders first")
    found: date = first
    return found


def _labels(trial: Attempt, now: dict[str, ibis.Table], cut_offs: tuple[date, ...]) -> pd.DataFrame:
    """Label and treated mark of everybody eligible at the cut-offs, each as it was known then."""
    import pandas as pd

    from churn_ml import cohort, labels

    config = trial.house.config
    contract, zone = config.contract, config.shop.time_zone
    parts = []
    for day in cut_offs:
        who = cohort.eligible(trial.canonical(day), day, contract, zone=zone)
        parts.append(
            labels.labels(
                now,
                who.to_pyarrow().to_pandas(),
                day,
                contract,
                trial.as_of,
                treated(trial, day),
                zone=zone,
            )
        )
    return pd.concat(parts, ignore_index=True)


def _in_words(told: dict[str, Any], counts: dict[str, Counts]) -> list[str]:
    """The verdict, the counts against the minimum, and what has no time or is missing, by line."""
    minimum = told["minimum"]
    lines = [
        f"{layer}: {found.rows:,} customers at {len(told['layers'][layer]['cut_offs'])} cut-offs, "
        f"{found.churners:,} churners, {found.rows - found.churners:,} stayers"
        for layer, found in counts.items()
    ]
    needed = f"{minimum['rows']:,} rows and {minimum['churners']:,} churners are needed to train"
    history = told["history"]
    days = f"history: {history['days']:,} days of {history['days_needed']:,} needed"
    first = f"{IN_WORDS[told['verdict']]} ({needed})"
    return [first, days, *lines, *told["untimed"], *told["absent"]]
