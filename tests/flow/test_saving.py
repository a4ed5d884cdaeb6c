"""Save rates of a real campaign of 300 households: from deliveries to what the next day counts."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from churn_ml import flow
from churn_ml.attempt import attempt
from churn_ml.config import load
from churn_ml.demo import DEMO_KEY
from churn_ml.flow import randomised, weighing
from churn_ml.flow.evaluated import Evaluated
from churn_ml.flow.panel import rows_at
from churn_ml.flow.saving import rated, save_rates
from churn_ml.house import House, open_house
from churn_ml.receipts import Receipt

from ..conftest import FIRST, SECOND


@pytest.fixture(scope="module")
def learned(scored: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A shop whose offers of 2017-10-01 were delivered, and learned from; tests only read it."""
    folder = Path(shutil.copytree(scored, tmp_path_factory.mktemp("saving") / "shop"))
    file = folder / "churn.toml"
    file.write_text(file.read_text().replace('kind = "file"', 'kind = "file"\ndelivers = true'))
    house = open_house(load(file))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_ML_HOLDOUT_KEY", DEMO_KEY)
        flow.export(house, FIRST)
        flow.ingest(house, SECOND)
        # the rates of the month are another test's: learning makes them only where they are missing
        token, told = house.ledger.take_token("rates", SECOND), Receipt("rates", SECOND, "done")
        house.ledger.publish(token, receipt=told, at=house.clock())
        flow.learn(house, SECOND)
    return house


def test_rates_are_the_priors_until_a_delivered_round_is_learned_and_then_the_holdout_counts(
    learned: House,
) -> None:
    house = learned
    with attempt(house, "try", SECOND, ()) as trial:
        assert save_rates(trial) == {}, "they are learned on that day, before or after"
        assert rated(house.config, {}) is house.config
        trial.leave("done")
    with attempt(house, "try", SECOND + timedelta(days=1), ()) as trial:
        found = save_rates(trial)
        outcomes = trial.frame("outcomes", FIRST)
        trial.leave("done")
    chosen = outcomes[outcomes["would_be_offer"] != "NONE"]
    held = chosen["arm"] == "holdout"
    assert chosen["treated"].any()
    assert not chosen.loc[held, "treated"].any()
    expected = chosen[held]["would_be_offer"].value_counts().to_dict()
    assert {code: told["arms"]["held"] for code, told in found.items()} == {
        code: expected.get(code, 0) for code in chosen["would_be_offer"].unique()
    }
    offers = {offer.code: offer for offer in rated(house.config, found).offers}
    for code, told in found.items():
        assert offers[code].save_rate == told["rate"]
        assert (told["rate"] == told["prior"]) == (told["arms"]["held"] == 0)
        assert told["prior"] == pytest.approx(told["rate"], abs=0.1), "some dozen say little"


def test_two_policies_are_valued_by_what_became_of_the_chosen_in_both_arms(
    learned: House,
) -> None:
    """The one that takes what was chosen, and one that contacts nobody."""
    rule = learned.bundle(str(learned.champion(FIRST)))
    with attempt(learned, "try", SECOND, ()) as trial:
        now = trial.canonical(SECOND)
        days = {"train": date(2017, 7, 3), "evaluate": FIRST}
        parts = [rows_at(trial, now, day).assign(layer=layer) for layer, day in days.items()]
        panel = pd.concat(parts, ignore_index=True)
        judged = weighing.judged(panel, learned.held_out)
        on = Evaluated.of(learned.config, judged, rule)
        sides = {"champion": (rule, rule.tau), "challenger": (rule, float("inf"))}
        told = randomised.measured(trial, on, panel, sides)
        actions = trial.frame("actions", FIRST)
        trial.leave("done")
    assert told is not None
    chosen = actions[actions["would_be_offer"] != "NONE"]["customer_id"]
    assert told["chosen"] == len(set(chosen) & set(parts[1]["customer_id"]))
    assert 0 < told["held"] < told["chosen"]
    assert told["challenger"] == [0.0, 0.0, 0.0]
    value, low, high = told["champion"]
    assert low < value < high
    assert told["difference"] == pytest.approx([-value, -high, -low], rel=0.1)
    assert told["elsewhere"] == {"champion": pytest.approx(0.0, abs=0.05), "challenger": 0.0}


def test_a_round_that_nobody_was_reached_in_is_not_read(
    copy_of: Callable[[Path], House], scored: Path
) -> None:
    house = copy_of(scored)
    with attempt(house, "try", SECOND, ()) as trial:
        assert save_rates(trial) == {}
        trial.leave("done")
