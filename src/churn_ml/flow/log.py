"""Log: a training that the ledger knows, shown in MLflow.

Training never waits for MLflow: it publishes, and this step tells MLflow afterwards, from the
ledger and the model folders alone. Where MLflow is away nothing is lost and nothing is fitted
again: logging later finds what is missing. Worked example: MLflow restarts while 2017-11-01 is
trained; `churn-ml log --as-of 2017-11-01` an hour later makes the runs, the versions and the
aliases that it would have made then.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from churn_ml.attempt import attempt
from churn_ml.errors import BadConfig, BrokenPromise, ChurnError, NotReady, Transient
from churn_ml.flow.following import project
from churn_ml.house import House, Progress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from churn_ml.ledger import Publication
    from churn_ml.receipts import Receipt
    from churn_ml.registry import Logged, Trained

NOT_FIGURES = ("name", "model", "tau")


def log(house: House, as_of: date) -> Receipt:
    """Log what MLflow misses of the training of `as_of`, and let its aliases follow the ledger.

    Reads the ledger and the model folders; writes runs, versions and aliases in MLflow, and in the
    ledger where each model stands there. Twice is once. The receipt holds `mlflow` (model id -> run
    and version), `run_url` (the page of the training's run; None where MLflow is a database) and
    `aliases`. Raises Unreachable where MLflow is away, BadConfig where it refuses the login or
    churn.toml names another contract, BrokenPromise where it takes what it is told for wrong,
    NotReady where nothing was trained for `as_of`.
    """
    with attempt(house, "log", as_of, (), repin=True) as trial:
        published = _published(house, as_of)
        logged = house.registry.log_training(
            _trained(house, published), house.config.path(house.config.paths.models)
        )
        _note(house, logged.models)
        grade(house, as_of)
        trial.pins |= {"training": published.token}
        trial.details |= {
            "mlflow": {
                model_id: {"run": each.run_id, "version": each.version}
                for model_id, each in logged.models.items()
            },
            "run_url": logged.url,
            "aliases": _follow(house, published),
        }
    return trial.receipt


def log_if_reachable(house: House, as_of: date, *, warn: Progress | None = None) -> list[Receipt]:
    """Log the training of `as_of` as `log` does; where MLflow does not take it, say so and go on.

    MLflow only shows what the ledger knows: it may be away, refuse the login or what it is told,
    and no other step waits for it. `warn`: where that is said (default: the house's progress).
    Returns the receipt, or nothing where MLflow did not take it. Raises what else `log` raises:
    NotReady, StaleAttempt and Tampered.
    """
    try:
        return [log(house, as_of)]
    except (Transient, BadConfig, BrokenPromise) as error:
        say = warn or house.say
        say(f"  not logged in MLflow: {error.what}" + (f": {error.got}" if error.got else ""))
        if isinstance(error, Transient):
            say(f"  nothing is lost; when it is back: churn-ml log --as-of {as_of.isoformat()}")
        else:
            say(f"  nothing is lost; {error.next_step}")
        return []


def grade(house: House, as_of: date) -> str:
    """Let the cards in MLflow say what the gate found of the training of `as_of`; says how it went.

    Where MLflow is away or never saw the training, a later `log` writes the cards so.
    """
    published = house.publication("train", as_of)
    if published is None or "figures" not in published.pins or not _verdict(house, published):
        return "nothing to grade"
    try:
        changed = house.registry.grade(_trained(house, published))
    except ChurnError as error:
        return f"not written: {error.what}"
    return f"written anew for {', '.join(changed)}" if changed else "unchanged"


def owed(house: House, as_of: date) -> bool:
    """Whether the training published for `as_of` still has to be logged; False without one."""
    trained, logged = (house.publication(step, as_of) for step in ("train", "log"))
    return trained is not None and (
        logged is None or bool(logged.pins.get("training") != trained.token)
    )


def _published(house: House, as_of: date) -> Publication:
    """The training of `as_of`, done under the present contract's name."""
    found = house.publication("train", as_of)
    if found is None or "figures" not in found.pins:
        kept_none = None if found is None else "a training of a version that kept no figures"
        raise house.before("train", "no training to log", as_of, got=kept_none)
    stamp = house.ledger.model(found.pins["challenger"]).contract
    if stamp.rpartition("-")[0] != house.config.contract.name:
        raise BadConfig(
            "churn.toml names another contract than the training that is to be logged",
            where="[contract] name",
            got=house.config.contract.name,
            expected=stamp.rpartition("-")[0],
            next_step="log it with the churn.toml that it was trained with",
        )
    return found


def _trained(house: House, published: Publication) -> Trained:
    """What the ledger knows of a training, as the registry takes it."""
    from churn_ml.registry import Fitted, Panel, Trained

    folder, verdict = house.config.path(house.config.paths.models), _verdict(house, published)
    grades = _grades(verdict)
    pins, key, panel = published.pins, published.as_of.isoformat(), house.config.called("panel")
    filed = house.ledger.receipt(f"{published.step}/{key}/{published.token}")
    models = {row["model"]: house.ledger.model(row["model"]) for row in pins["figures"]}
    return Trained(
        as_of=published.as_of,
        contract=models[pins["challenger"]].contract,
        currency=house.config.shop.currency,
        fitted=tuple(
            Fitted(
                row["name"],
                row["model"],
                models[row["model"]].sha256,
                _figures(row),
                _document(pins.get("reports", {}).get(row["model"]), folder),
                grades.get(row["name"]),
            )
            for row in pins["figures"]
        ),
        challenger=pins["challenger"],
        layers=pins["layers"],
        panel=Panel(
            path=f"{house.config.paths.lake}/{panel}",
            version=published.written[panel][key],
            content_hash=published.hashes[panel],
            rows=filed.receipt.rows_out,
        ),
        read=published.inputs,
        receipt=filed.receipt.reference,
        started_at=filed.at - timedelta(seconds=filed.receipt.seconds),
        ended_at=filed.at,
        caller=filed.caller or house.caller,
        leakage=pins.get("leakage", {}),
        config_hash=str(pins.get("settings", "")),
        profile=_document(pins.get("profile"), folder),
        judged_on=tuple(verdict.get("evaluated_on", ())),
    )


def _document(sha256: str | None, models: Path) -> Mapping[str, Any]:
    """A report that the training left; empty where it left none, or it is gone."""
    from churn_ml.models import documents

    return (documents.load(sha256, models) if sha256 else None) or {}


def _verdict(house: House, published: Publication) -> Mapping[str, Any]:
    """The verdict on a training; empty before it."""
    judged = house.publication("judge", published.as_of)
    return judged.pins["verdict"] if judged else {}


def _grades(verdict: Mapping[str, Any]) -> dict[str, str]:
    """The grade of each candidate by its name."""
    told = verdict.get("models", ())
    return {row["name"]: row["grade"] for row in told if row.get("grade")}


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: figure for name, figure in row.items() if name not in NOT_FIGURES}


def _note(house: House, models: Mapping[str, Logged]) -> None:
    """Write into the ledger where each model stands in MLflow."""
    for model_id, place in models.items():
        known = house.ledger.model(model_id)
        house.ledger.add_model(
            replace(known, mlflow_run=place.run_id, mlflow_version=str(place.version))
        )


def _follow(house: House, published: Publication) -> str:
    """Let the aliases follow the ledger; the challenger is that of the newest training."""
    newest = house.newest("train")
    if newest is not None and newest.as_of == published.as_of:
        house.registry.set_alias("challenger", published.pins["challenger"])
    try:
        return project(house)
    except NotReady as error:
        # the champion is of a training that MLflow has not been told of yet
        return f"not moved: {error.what}"
