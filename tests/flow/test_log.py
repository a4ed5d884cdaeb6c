"""Logging a training in MLflow: after it, from the ledger alone, and never in its way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from churn_ml import flow
from churn_ml.errors import BadConfig, BrokenPromise, NotReady, Tampered, Unreachable
from churn_ml.flow.log import owed
from churn_ml.house import House
from churn_ml.models import documents
from churn_ml.receipts import Receipt

from ..conftest import FIRST, SECOND
from .conftest import CALLER, NOBODY_THERE


@pytest.fixture
def house(trained: Path, copy_of: Callable[[Path], House]) -> House:
    """A copy of `trained` without its reports: pictures take a second a candidate."""
    house = copy_of(trained)
    reports(house).rename(kept(house))
    return house


def reports(house: House) -> Path:
    return house.config.path(house.config.paths.models) / "reports"


def kept(house: House) -> Path:
    return house.config.root / "reports that were kept"


def away(house: House, say: Callable[[str], None] = print) -> House:
    """The same house, from which MLflow cannot be reached."""
    return replace(house, addresses=NOBODY_THERE, say=say)


def pins(house: House) -> Any:
    found = house.ledger.publication("train", FIRST)
    assert found is not None
    return found.pins


def test_training_does_not_touch_mlflow_and_keeps_all_that_logging_needs(house: House) -> None:
    assert not list(house.config.root.glob("mlflow*"))
    told = pins(house)
    assert {row["name"]: row["model"] for row in told["figures"]} == told["candidates"]
    assert told["layers"]["choose"]["cut_offs"] == ["2017-08-01"]
    assert told["layers"]["train"]["rows"] > 200


def test_logging_shows_the_training_as_the_ledger_knows_it_and_twice_is_once(house: House) -> None:
    receipt = flow.log(house, FIRST)
    told = pins(house)
    assert set(receipt.details["mlflow"]) == set(told["candidates"].values())
    assert receipt.details["run_url"] is None
    assert house.registry.aliases() == {"challenger": told["challenger"]}
    place = receipt.details["mlflow"][told["challenger"]]
    known = house.ledger.model(told["challenger"])
    assert (known.mlflow_run, known.mlflow_version) == (place["run"], str(place["version"]))
    data = house.registry._client.get_run(place["run"]).data
    figures = next(row for row in told["figures"] if row["model"] == told["challenger"])
    assert [data.metrics[name] for name in ("auc", "auc_low", "auc_high")] == figures["auc"]
    assert data.tags["churn_ml.caller"] == CALLER
    assert data.tags["churn_ml.receipt"] == "train/2017-10-01/1"
    again = flow.log(house, FIRST)
    assert again.details["mlflow"] == receipt.details["mlflow"]


def test_a_run_shows_pictures_a_card_and_what_makes_it_again(house: House, tmp_path: Path) -> None:
    kept(house).rename(reports(house))
    flow.log(house, FIRST)
    client, told = house.registry._client, pins(house)
    place = house.ledger.model(told["challenger"]).mlflow_run
    shown = {Path(one.path).name for one in client.list_artifacts(place, "report")}
    assert shown >= {"model_card.md", "profit.png", "roc.png", "what_if.csv", "curves.json"}
    card = Path(client.download_artifacts(place, "report/model_card.md", str(tmp_path)))
    assert told["challenger"] in card.read_text()
    parent = client.get_run(place).data.tags["mlflow.parentRunId"]
    client.download_artifacts(parent, "report", str(tmp_path))
    record = json.loads((tmp_path / "report" / "record.json").read_text())
    assert (record["config_hash"], set(record["models"])) == (
        told["settings"],
        set(told["candidates"].values()),
    )
    profile = json.loads((tmp_path / "report" / "feature_profile.json").read_text())
    assert profile["recency_days"]["rows"] == told["layers"]["train"]["rows"]


def test_a_report_that_is_gone_is_left_out_and_one_that_was_changed_is_refused(
    house: House,
) -> None:
    told, models = pins(house), reports(house).parent
    assert documents.load(told["profile"], models) is None
    kept(house).rename(reports(house))
    curve = reports(house) / f"{told['reports'][told['challenger']][:24]}.json"
    curve.write_bytes(curve.read_bytes() + b" ")
    with pytest.raises(Tampered, match="bytes of a report"):
        flow.log(house, FIRST)


def test_where_mlflow_is_away_that_is_said_and_nothing_is_lost(house: House) -> None:
    before = house.ledger.contents(), house.ledger.publication("train", FIRST)
    said: list[str] = []
    with pytest.raises(Unreachable, match="safe in the ledger"):
        flow.log(away(house), FIRST)
    assert flow.log_if_reachable(away(house, said.append), FIRST) == []
    assert "churn-ml log --as-of 2017-10-01" in said[-1]
    filed = house.ledger.receipts("log")[0].receipt
    assert filed.status == "failed"
    assert "s3cret" not in f"{said} {filed}"
    assert (house.ledger.contents(), house.ledger.publication("train", FIRST)) == before
    assert owed(house, FIRST)
    (logged,) = flow.log_if_reachable(house, FIRST)
    assert logged.details["aliases"] == "unchanged"
    assert not owed(house, FIRST)


class Refusing:
    """A registry that answers every training with one error, and has no aliases to show."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def log_training(self, *_: Any) -> Any:
        raise self.error

    def aliases(self) -> Any:
        raise Unreachable("MLflow did not do what it was asked")

    def is_down(self) -> bool:
        raise self.error


def refused(house: House, error: Exception, say: Callable[[str], None] = print) -> House:
    """The same house, whose MLflow refuses with `error`."""
    found = replace(house, say=say)
    vars(found)["registry"] = Refusing(error)
    return found


@pytest.mark.parametrize(
    "error",
    [
        BadConfig("MLflow refuses the login", got="HTTP 401", next_step="correct the login"),
        BrokenPromise("MLflow takes what it was asked for wrong", next_step="report it"),
    ],
)
def test_an_mlflow_that_refuses_stops_no_other_step_but_fails_the_log(
    house: House, error: Any
) -> None:
    said: list[str] = []
    assert flow.log_if_reachable(refused(house, error, said.append), FIRST) == []
    assert said == [
        f"  not logged in MLflow: {error.what}" + (f": {error.got}" if error.got else ""),
        f"  nothing is lost; {error.next_step}",
    ]
    assert house.ledger.receipts("log")[0].receipt.status == "failed"
    assert owed(house, FIRST)
    with pytest.raises(type(error)):
        flow.log(refused(house, error), FIRST)


def test_models_that_are_not_those_of_the_ledger_still_stop_the_house(house: House) -> None:
    with pytest.raises(Tampered):
        flow.log_if_reachable(refused(house, Tampered("other bytes")), FIRST)


def test_the_whole_house_goes_on_where_mlflow_refuses_and_warns_where_it_was_told_to(
    house: House,
) -> None:
    said: list[str] = []
    warned: list[str] = []
    refusing = refused(house, BadConfig("MLflow refuses the login", next_step="mend"), said.append)
    done = flow.run(refusing, FIRST, warn=warned.append)
    assert {r.step: r.status for r in done} == {
        "ingest": "done",
        "promote": "promoted",
        "score": "done",
        "export": "done",
        "learn": "no_data",
    }
    assert warned[0] == "  not logged in MLflow: MLflow refuses the login"
    (scored,) = [r for r in done if r.step == "score"]  # M2: by the ledger's champion, and flagged
    assert scored.details["registry_unreachable"]
    assert scored.details["model"] == house.ledger.champion(FIRST)
    said = [line for line in said if "MLflow does not answer" not in line]
    assert not [line for line in said if "MLflow" in line]


def test_a_champion_that_mlflow_missed_gets_its_alias_when_it_is_logged(house: House) -> None:
    promoted = flow.promote(away(house), FIRST)
    assert promoted.details["aliases"].startswith("not moved")
    assert flow.log(house, FIRST).details["aliases"] == "moved champion"
    assert house.registry.aliases()["champion"] == house.ledger.champion(FIRST)


def test_a_training_run_again_is_owed_again(house: House) -> None:
    token = house.ledger.take_token("log", FIRST)
    publish(house, token, training=1)
    assert not owed(house, FIRST)
    publish(house, house.ledger.take_token("log", FIRST), training=0)
    assert owed(house, FIRST)
    assert not owed(house, SECOND)


def test_an_older_training_logged_later_does_not_take_the_challengers_alias(house: House) -> None:
    publish(house, house.ledger.take_token("train", SECOND), challenger="xgboost-1")
    flow.log(house, FIRST)
    assert house.registry.aliases() == {}


def test_what_was_never_trained_is_not_logged(house: House) -> None:
    with pytest.raises(NotReady, match=r"no training to log.*churn-ml train --as-of 2017-11-01"):
        flow.log(house, SECOND)
    publish(house, house.ledger.take_token("train", SECOND), challenger="xgboost-1")
    with pytest.raises(NotReady, match="kept no figures"):
        flow.log(house, SECOND)


def test_a_training_under_another_contract_is_not_logged_under_this_one(house: House) -> None:
    contract = house.config.contract.model_copy(update={"name": "gone90"})
    other = replace(house, config=house.config.model_copy(update={"contract": contract}))
    with pytest.raises(BadConfig, match="names another contract"):
        flow.log(other, FIRST)


def test_a_training_is_due_every_so_many_days(house: House) -> None:
    assert not flow.due(house, FIRST)  # the verdict on it is still to come
    challenger = pins(house)["challenger"]
    house.ledger.decide(
        FIRST, "first", champion_from=None, champion_to=challenger, who="test", at=house.clock()
    )
    assert not flow.due(house, FIRST)
    assert not flow.due(house, FIRST + timedelta(days=27))
    assert flow.due(house, FIRST + timedelta(days=28))
    schedule = house.config.schedule.model_copy(update={"train_every_days": 7})
    weekly = replace(house, config=house.config.model_copy(update={"schedule": schedule}))
    assert flow.due(weekly, FIRST + timedelta(days=7))


def publish(house: House, token: Any, **pinned: Any) -> None:
    receipt = Receipt(token.step, token.as_of, "done", attempt=token.number)
    house.ledger.publish(token, receipt=receipt, at=house.clock(), pins=pinned)
