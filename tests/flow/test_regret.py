"""Who takes a word back after an export was planned is not told about, as the house is wired (P3).

The plan of 2017-10-01 is saved with an offer for a customer; before its first row is sent the shop
learns that he may not be contacted, must not be, or may not be profiled. A guard that was asked for
the plan alone would send him.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from churn_ml import flow
from churn_ml.attempt import attempt
from churn_ml.house import House
from churn_ml.in_memory import arrow
from churn_ml.ledger import Ledger

from ..conftest import FIRST


def says(**purposes: bool) -> Callable[[House, str], None]:
    """What lays a customer's words into the lake, as an ingest of the day before would have."""

    def say(house: House, customer: str) -> None:
        said = {"customer_id": customer, "occurred_at": "2017-09-20 12:00"}
        rows = [said | {"purpose": name, "given": given} for name, given in purposes.items()]
        with attempt(house, "ingest", FIRST - timedelta(days=1), ("consents",), repin=True) as it:
            it.write("consents", arrow("consents", rows).drop(["ingest_key"]))

    return say


def suppressed(house: House, customer: str) -> None:
    """Put the customer on the suppression list."""
    house.ledger.suppress(house.suppression_key(customer), house.clock())


@pytest.mark.parametrize(
    ("regrets", "why"),
    [
        (says(contact=False), "consent"),
        (says(profiling=False), "profiling"),
        (suppressed, "suppress"),
    ],
)
def test_p3_who_regrets_between_a_plan_and_its_sending_is_not_sent(
    copy_of: Callable[[Path], House],
    scored: Path,
    monkeypatch: pytest.MonkeyPatch,
    regrets: Callable[[House, str], None],
    why: str,
) -> None:
    house = copy_of(scored)
    only = {"crm_file": house.config.destinations["crm_file"]}
    house = replace(house, config=house.config.model_copy(update={"destinations": only}))
    says(contact=True)(house, "nobody")  # the words of before
    offered, other = _offered(house)[:2]
    save = Ledger.save_plan

    def saved(ledger: Ledger, *told: object, **more: object) -> None:
        save(ledger, *told, **more)  # type: ignore[arg-type] # handed on as they come
        regrets(house, offered)

    monkeypatch.setattr(Ledger, "save_plan", saved)
    done = flow.export(house, FIRST).details["destinations"]["crm_file"]
    assert (done["removed"], done["withheld"]) == (1, 1)
    (part,) = (house.config.root / "exports").rglob("part-*.csv")
    with part.open(encoding="utf-8", newline="") as file:
        ops = {row["customer_id"]: (row["op"], row["offer"]) for row in csv.DictReader(file)}
    assert ops[offered] == ("remove", "")
    assert ops[other][0] == "upsert"
    assert ops[other][1] not in ("", "NONE")
    (told,) = house.ledger.story(offered)
    assert told.outcome == "withdrawn"
    assert why in (told.message or "")


def _offered(house: House) -> list[str]:
    """The customers who were decided an offer."""
    with attempt(house, "probe", FIRST, (), repin=True) as trial:
        actions = trial.frame("actions", FIRST)
    return sorted(actions.loc[actions["offer"] != "NONE", "customer_id"])
