"""Fitting: what a training does with its panel, part by part, in one process or in several.

Enters: an attempt and the panel it wrote. Leaves: the material, fitted models, and in the end the
stored candidates and all that the publication says of them. Worked example: as of 2017-11-01 the
material names rule, logistic and xgboost; each is fitted by itself, and `conclude` tunes all three
on 2017-09-01 and names the challenger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from churn_ml.flow import leakage
from churn_ml.flow.definitions import indicators
from churn_ml.preflight import LAYERS, check_counts, count

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.attempt import Attempt
    from churn_ml.flow.weighing import Judged
    from churn_ml.material import Material
    from churn_ml.models.protocol import Model
    from churn_ml.training import Candidate, Money, Training


@dataclass(frozen=True, eq=False)
class Ready:
    """A panel that candidates can be fitted from: its judged rows, and what they were cut to."""

    judged: Judged
    material: Material


def prepare(panel: pd.DataFrame, trial: Attempt, alone: Mapping[str, float] | None = None) -> Ready:
    """Check the panel and cut it; choosing and tuning see the rows that the gate would see.

    `panel`: one row per customer_id and cut_off. After campaigns those rows are of the universal
    holdout. `alone`: see material.prepare. What could not be judged is not fitted: raises as
    `flow.train` does.
    """
    from churn_ml import features, material
    from churn_ml.flow import weighing

    judged = weighing.judged(panel, trial.house.held_out)
    signs = indicators(trial.house.config)
    check_counts({layer: count(weighing.rows_of(judged, layer)) for layer in LAYERS})
    cut = material.prepare(
        judged.rows,
        trial.house.config,
        trained_as_of=trial.as_of,
        spec_hash=lambda columns: features.spec_hash(features.defining(columns, signs)),
        alone=alone,
    )
    return Ready(judged, cut)


def conclude(trial: Attempt, ready: Ready, models: Mapping[str, Model]) -> None:
    """Tune and compare the fitted models, store them, and note all that the publication says.

    The receipt says too how good the value model is on the choosing cut-off.
    """
    from churn_ml import training
    from churn_ml.flow import saving, telling, weighing

    rates = saving.save_rates(trial)
    money = weighing.money(saving.rated(trial.house.config, rates), ready.judged)
    done = training.conclude(models, ready.material, money)
    later = weighing.usable(weighing.rows_of(ready.judged, "choose"))
    trial.details |= {"value": telling.value_told(done.candidates[0].bundle.value, later)}
    trial.details |= _too_few(trial, done)
    trial.pins["save_rates"] = trial.details["save_rates"] = rates
    trial.details["leakage"] |= leakage.told(done.alone)
    trial.pins["leakage"] = trial.details["leakage"]
    ids = {each.name: _keep(trial, each) for each in done.candidates}
    told = _told(done)
    trial.pins |= {"candidates": ids, "challenger": ids[done.best]}
    # with these, and the model folders, MLflow can be told without fitting anything again
    trial.pins |= {"figures": told, "layers": _layers(done)}
    trial.pins |= _reports(trial, ready, done, money)
    trial.pins["requesters"] = _requesters(trial)
    trial.details |= {"challenger": ids[done.best], "candidates": told}


def _reports(trial: Attempt, ready: Ready, done: Training, money: Money) -> dict[str, Any]:
    """Where the curves of each candidate and the profile of the training rows lie, by sha256."""
    from churn_ml import curves
    from churn_ml.models import documents

    models = trial.house.config.path(trial.house.config.paths.models)
    later, told = ready.material.later, {}
    for each in done.candidates:
        bundle = each.bundle
        score, value = bundle.model.predict(later), bundle.value.predict(later)
        found = curves.of(
            later["label"].to_numpy(float),
            score,
            value,
            money.contacted(later, score, value),
            bundle.tau,
        )
        found["drivers"] = curves.drivers(bundle.model, later)
        told[bundle.id] = documents.save(found, models)
    return {"reports": told, "profile": documents.save(curves.profile(ready.material.past), models)}


def _requesters(trial: Attempt) -> list[str]:
    """Who started this training by hand, now or the run that it repeats: record.py asks."""
    return sorted({*(trial.pinned("requesters") or ()), trial.house.requester} - {None})


def _too_few(trial: Attempt, done: Training) -> dict[str, Any]:
    """What the shop is told where it is too small for more than the rule; empty otherwise."""
    if not done.too_few:
        return {}
    limits, found = trial.house.config.training, done.train
    trial.house.say(
        f"  too few to train more than the inactivity rule: {found.rows:,} rows with "
        f"{found.churners:,} churners; {limits.min_rows:,} and {limits.min_churners:,} are needed"
    )
    needed = {"min_rows": limits.min_rows, "min_churners": limits.min_churners}
    return {"too_few": {"rows": found.rows, "churners": found.churners} | needed}


def _keep(trial: Attempt, candidate: Candidate) -> str:
    """Save a candidate's folder and note it in the ledger; returns its model id."""
    from churn_ml.ledger import ModelRecord
    from churn_ml.models import store

    bundle, paths = candidate.bundle, trial.house.config.paths
    model_id = store.save(bundle, trial.house.config.path(paths.models))
    trial.house.ledger.add_model(
        ModelRecord(
            id=model_id,
            family=candidate.name,
            sha256=bundle.sha256,
            folder=f"{paths.models}/{model_id}",
            trained_as_of=trial.as_of,
            contract=bundle.origin.contract,
        )
    )
    return model_id


def _told(done: Training) -> list[dict[str, Any]]:
    """Every candidate's figures on the choosing cut-off, ready for JSON; undefined ones None."""
    from churn_ml.flow.telling import interval_told, number_told

    return [
        {"name": each.name, "model": each.bundle.id, "tau": each.bundle.tau}
        | {"profit_per_1000": number_told(each.profit_per_1000)}
        | {name: interval_told(found) for name, found in each.metrics.items()}
        | _line_told(each.bundle.model)
        for each in done.candidates
    ]


def _line_told(model: Model) -> dict[str, float | None]:
    """The two numbers that the model was recalibrated by; None where it was not."""
    from churn_ml.models.recalibration import Recalibrated

    line = model if isinstance(model, Recalibrated) else None
    return {
        "recalibration_intercept": None if line is None else line.intercept,
        "recalibration_slope": None if line is None else line.slope,
    }


def _layers(done: Training) -> dict[str, Any]:
    """The counts and cut-offs of the layers that were learned and chosen on, ready for JSON."""
    origin = done.candidates[0].bundle.origin
    days = {"train": origin.train_cut_offs, "choose": (origin.choose_cut_off,)}
    counts = {"train": done.train, "choose": done.choose}
    return {
        layer: asdict(counts[layer]) | {"cut_offs": [day.isoformat() for day in cut_offs]}
        for layer, cut_offs in days.items()
    }
